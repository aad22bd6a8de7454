"""What a release says of itself: its files, heads, lineage, licences and figures."""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)
from typing_extensions import TypeAliasType

from models.errors import ManifestError
from models.tasks import HeadName, Labels

PLAIN = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$"

PlainName = Annotated[str, StringConstraints(pattern=PLAIN)]
"""A name that is also safe as one part of a path: no separator, no leading dot."""

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Metrics = TypeAliasType("Metrics", "dict[str, float | Metrics]")
"""Figures, nested by whatever they belong to: `{"dev": {"sentiment": {"macro_f1": 0.84}}}`."""


class _Part(BaseModel):
    """What all parts share: unknown fields are ignored, and nothing changes once made."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class FileEntry(_Part):
    """One file of the release."""

    sha256: Sha256
    bytes: Annotated[int, Field(ge=0)]


class Head(_Part):
    """One task: its labels in the order of the outputs, and the temperature that calibrates the logits."""

    labels: Annotated[tuple[Text, ...], Field(min_length=2)]
    temperature: Annotated[float, Field(gt=0.0)] = 1.0

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("a label stands twice: give each once")
        return self


class DataSet(_Part):
    """A data set that the weights were trained on. `rows` counts those that were used."""

    name: Text
    rows: Annotated[int, Field(gt=0)]
    licence: Text
    origin: Text
    attribution: str = ""


class Lineage(_Part):
    """What a release was made from. `parent` is the `name@version` it was fine-tuned from, if any."""

    base: Text
    base_licence: Text
    parent: str | None = None
    seeds: tuple[int, ...] = ()
    recipe: dict[str, JsonValue] = Field(default_factory=dict)
    datasets: Annotated[tuple[DataSet, ...], Field(min_length=1)]


Precision = Literal["int8", "int8_weights", "fp32"]


class Requirements(_Part):
    """What it takes to run the graph.

    `precision` is that of the products with weights: `int8` for weights and activations, `int8_weights` for the
    weights alone. `graph_optimised` says that the graph was optimised when it was exported: a session leaves it as
    it is.
    """

    opset: Annotated[int, Field(ge=1)]
    precision: Precision
    graph_optimised: bool = False


class Manifest(_Part):
    """All that a release says of itself. `files` is empty in a draft; `write_release` fills it.

    `format` is the version of the manifest's own form: a reader refuses one that it does not know. `languages` are
    those that the release was made to read, as subtags of BCP 47.
    """

    format: Literal[1] = 1
    name: PlainName
    version: PlainName
    created_at: Annotated[AwareDatetime, AfterValidator(lambda value: value.astimezone(UTC))]
    licence: Text
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("en",)
    heads: Annotated[dict[HeadName, Head], Field(min_length=1)]
    max_length: Annotated[int, Field(ge=3, le=8192)]
    requires: Requirements
    lineage: Lineage
    metrics: Metrics = Field(default_factory=dict)
    files: dict[PlainName, FileEntry] = Field(default_factory=dict)

    @property
    def label(self) -> str:
        """How the release is called everywhere else: `name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def labels(self) -> Labels:
        """What each head may answer."""
        return {head: each.labels for head, each in self.heads.items()}

    def to_json(self) -> bytes:
        """The manifest as it stands in its file; the same manifest always gives the same bytes."""
        return self.model_dump_json(indent=2).encode() + b"\n"


def read_manifest(data: bytes, where: str) -> Manifest:
    """The manifest in `data`, which was read at `where`.

    Raises:
        ManifestError: if it is none; the text names each field that is wrong, and its value.
    """
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'the whole'}: {fault['msg']}"
            f" (found {str(fault['input'])[:60]!r})"
            for fault in error.errors(include_url=False)[:5]
        )
        raise ManifestError(f"{where}: {faults}. Write the release anew") from error


def sha256_of(data: bytes) -> str:
    """The SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
