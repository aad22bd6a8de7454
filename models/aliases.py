"""Names that move: which release an alias such as `live` stands for, and which it stood for before."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from models.errors import ManifestError, WrongSettingError
from models.manifest import PlainName

KEPT = 16
"""How many releases an alias remembers, the one in force among them."""

_PLAIN: TypeAdapter[str] = TypeAdapter(PlainName)


class ReleaseRef(BaseModel):
    """Which release is meant."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: PlainName
    version: PlainName

    @classmethod
    def of(cls, name: str, version: str) -> Self:
        """The reference to `name@version`.

        Raises:
            WrongSettingError: if either may not be part of a path.
        """
        return cls(name=plain_name(name, "name"), version=plain_name(version, "version"))

    @classmethod
    def parse(cls, label: str) -> Self:
        """The reference that is written `name@version`.

        Raises:
            WrongSettingError: if `label` is not written so.
        """
        name, at, version = label.partition("@")
        if not at:
            raise WrongSettingError(f"release is {label!r}: give name@version")
        return cls.of(name, version)

    @property
    def label(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


class Alias(BaseModel):
    """What an alias stands for: the first of `history`, which goes on with what it stood for before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    history: Annotated[tuple[ReleaseRef, ...], Field(min_length=1)]

    @property
    def current(self) -> ReleaseRef:
        """The release it stands for."""
        return self.history[0]

    def moved_to(self, ref: ReleaseRef) -> Alias:
        """The alias standing for `ref`; the same one if it does already."""
        return self if ref == self.current else Alias(history=(ref, *self.history)[:KEPT])

    def rolled_back(self) -> Alias | None:
        """The alias standing for the release before, the current one forgotten; None if there is none."""
        return Alias(history=self.history[1:]) if len(self.history) > 1 else None

    def to_json(self) -> bytes:
        """The alias as it stands in its file."""
        return self.model_dump_json(indent=2).encode() + b"\n"


def read_alias(data: bytes, where: str) -> Alias:
    """The alias in `data`, which was read at `where`.

    Raises:
        ManifestError: if it holds none.
    """
    try:
        return Alias.model_validate_json(data)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise ManifestError(
            f"{where}: {fault['msg']}. Set the alias again, after removing the file"
        ) from error


def plain_name(value: str, field: str) -> str:
    """`value` if it may be a part of a path.

    Raises:
        WrongSettingError: if not; the text names `field`.
    """
    try:
        return _PLAIN.validate_python(value)
    except ValidationError as error:
        raise WrongSettingError(
            f"{field} is {value!r}: use up to 64 letters, digits and . _ + - , a letter or digit first"
        ) from error
