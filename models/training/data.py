"""Labelled texts: reading the sets, and splitting them so that no text is on two sides.

Each set labels one or two tasks; what the others' labels would be is unknown and is masked in the loss.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from models.errors import ModelError
from models.spans import Normalised, find_mention, spans_of_tags
from models.tables import read_table
from models.tagged import read_tagged
from models.tasks import HEADS, MENTIONS, HeadName, Labels, index_in
from models.text import normalise
from models.training.companies import kind_of_company
from models.training.split import Part, skeleton, split_of


class DataSpec(BaseModel):
    """Where one labelled set lies and what its columns mean.

    `group_column` names the column that holds the same value for all rows of one text, where a set labels each
    company in a text by itself: such a text has a sentiment of its own only if all its rows agree.
    `entity_column` names the company of each row, which is looked for in the text unless `start_column` and
    `end_column` give its characters; the row's label is then the sentiment towards it. Of a set for the task
    `entity` nothing else is learned. `mentions` takes the companies as examples of organisations too. A set for
    the task `ner` is a file of JSON lines with `tokens` and `tags`. `part` puts all its texts into one part, and
    copies of those that measure along with them; else each text falls to a part by itself.

    `reference` names the tasks whose answers are to follow this set's habits of labelling, and which are measured
    on its held-out parts (true: the set's own task); other sets of the task are corrected towards its share of
    each class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    path: Path
    task: HeadName
    licence: str
    origin: str = ""
    attribution: str = ""
    text_column: str = "text"
    label_column: str = "label"
    group_column: str | None = None
    entity_column: str | None = None
    start_column: str | None = None
    end_column: str | None = None
    mentions: bool = False
    part: Part | None = None
    reference: tuple[HeadName, ...] = ()

    @field_validator("reference", mode="before")
    @classmethod
    def _own_task(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, bool):
            return (info.data["task"],) if value and "task" in info.data else ()
        return value

    @property
    def tasks(self) -> tuple[HeadName, ...]:
        """What it has labels for."""
        found: list[HeadName] = [self.task]
        if self.entity_column and self.task != "entity":
            found.append("entity")
        if self.mentions:
            found.append("ner")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Span:
    """The characters [start, end) of a text, with a label: the index of a sentiment, or of a kind of mention."""

    start: int
    end: int
    label: int


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text, normalised.

    `label` is the index of the text's class in the labels of `task`, and -1 where only spans are labelled, which
    is so for the tasks `entity` and `ner`. `spans` are the entities with the sentiment towards each. `mentions`
    are the names in it with their kinds, None where that is unknown; `exhaustive` says that it has no others.
    """

    text: str
    task: HeadName
    label: int
    source: str
    spans: tuple[Span, ...] = ()
    mentions: tuple[Span, ...] | None = None
    exhaustive: bool = False


def standard_sets(folder: Path) -> tuple[DataSpec, ...]:
    """The sets that the shipped release is trained on, where `folder` holds NAME/train.csv for each."""
    return (
        DataSpec(
            name="twitter_fin_sentiment",
            path=folder / "twitter_fin_sentiment" / "train.csv",
            task="sentiment",
            licence="MIT",
            origin="https://huggingface.co/datasets/zeroshot/twitter-financial-news-sentiment",
            attribution="Twitter Financial News Sentiment, by zeroshot",
            reference=("sentiment",),
        ),
        DataSpec(
            name="sentfin",
            path=folder / "sentfin" / "train.csv",
            task="sentiment",
            licence="MIT",
            origin="SEntFiN 1.0",
            attribution="SEntFiN 1.0: Sinha, Kedas, Kumar and Malo, 2022",
            group_column="doc_id",
            entity_column="entity",
            mentions=True,
            reference=("entity",),
        ),
        DataSpec(
            name="finentity",
            path=folder / "finentity" / "train.csv",
            task="entity",
            licence="ODC-By",
            origin="FinEntity",
            attribution="FinEntity: Tang, Yang, Huang et al., 2023",
            group_column="doc_id",
            entity_column="entity",
            start_column="start",
            end_column="end",
            mentions=True,
        ),
        DataSpec(
            name="twitter_fin_topic",
            path=folder / "twitter_fin_topic" / "train.csv",
            task="topic",
            licence="MIT",
            origin="https://huggingface.co/datasets/zeroshot/twitter-financial-news-topic",
            attribution="Twitter Financial News Topic, by zeroshot",
            reference=("topic",),
        ),
    )


def read_set(spec: DataSpec, labels: Labels = HEADS) -> list[Example]:
    """The examples of one set, in the order of the file; each text once. `labels` are those of each head.

    The label of a text that stands there twice with different ones is left out: it would teach nothing.

    Raises:
        ModelError: if the file can't be read, lacks a column, is no UTF-8, or holds a label unknown to the task.
            The text names the file, the line and the fix.
    """
    if spec.task == "ner":
        return tagged_examples(spec)
    texts: dict[str, _Rows] = {}
    groups: dict[str, str] = {}
    for line, row in _rows_of(spec):
        try:
            label = index_in(labels[spec.task], row[spec.label_column], spec.task)
        except ModelError as error:
            raise ModelError(f"{spec.path}, line {line}: {error}") from error
        raw = row[spec.text_column]
        # Where each character came from is only worth finding where characters are counted.
        text = Normalised.of(raw) if spec.start_column else Normalised(normalise(raw), None)
        if not text.text:
            continue
        # All rows of one text count as one, whatever blanks their copies of it differ in.
        group = row[spec.group_column] if spec.group_column else text.text
        rows = texts.setdefault(groups.setdefault(group, text.text), _Rows())
        rows.labels.add(label)
        if spec.entity_column:
            rows.add_span(_span_of(spec, line, row, text), label)
    return [
        _example_of(spec, text, rows) for text, rows in texts.items() if spec.task == "entity" or rows.told
    ]


class _Rows:
    """What the rows of one text say."""

    def __init__(self) -> None:
        self.labels: set[int] = set()
        self.spans: dict[tuple[int, int], set[int]] = {}

    @property
    def told(self) -> bool:
        return len(self.labels) == 1 or bool(self.spans)

    def add_span(self, place: tuple[int, int] | None, label: int) -> None:
        if place and place[0] < place[1]:
            self.spans.setdefault(place, set()).add(label)


def _example_of(spec: DataSpec, text: str, rows: _Rows) -> Example:
    spans = tuple(Span(*place, next(iter(told))) for place, told in rows.spans.items() if len(told) == 1)
    agreed = spec.task != "entity" and len(rows.labels) == 1
    named = tuple(
        Span(start, end, MENTIONS.index(kind))
        for start, end in rows.spans
        if (kind := kind_of_company(text, start, end))
    )
    return Example(
        text,
        spec.task if agreed else "entity",
        next(iter(rows.labels)) if agreed else -1,
        spec.name,
        spans,
        named if spec.mentions else None,
    )


def _span_of(spec: DataSpec, line: int, row: dict[str, str], text: Normalised) -> tuple[int, int] | None:
    """Where the row's company stands in the normalised text; None where it is not found."""
    if spec.start_column and spec.end_column:
        try:
            return text.place_of(int(row[spec.start_column]), int(row[spec.end_column]))
        except ValueError as error:
            raise ModelError(
                f"{spec.path}, line {line}: {spec.start_column} and {spec.end_column} are"
                f" {row[spec.start_column]!r} and {row[spec.end_column]!r}: give numbers of characters"
            ) from error
    return find_mention(text.text, normalise(row[spec.entity_column or ""]))


def tagged_examples(spec: DataSpec) -> list[Example]:
    """The examples of a file as `models.tagged` reads it; each text once.

    Raises:
        UnusableDataError: as `models.tagged.read_tagged`.
    """
    found: dict[str, Example] = {}
    for each in read_tagged(spec.path, MENTIONS):
        mentions = tuple(
            Span(start, end, MENTIONS.index(kind))
            for kind, start, end in spans_of_tags(each.tags, each.words)
        )
        example = Example(each.text, "ner", -1, spec.name, mentions=mentions, exhaustive=True)
        found.setdefault(example.text, example)
    return list(found.values())


def _rows_of(spec: DataSpec) -> Iterable[tuple[int, dict[str, str]]]:
    optional = (spec.group_column, spec.entity_column, spec.start_column, spec.end_column)
    needed = [spec.text_column, spec.label_column, *(column for column in optional if column)]
    return read_table(spec.path, needed).rows()


@dataclass(frozen=True, slots=True)
class Corpus:
    """All examples by the part they belong to.

    `train` is learned from; `tune` decides when to stop and fits the temperatures; `dev` is only ever measured.
    """

    train: tuple[Example, ...]
    tune: tuple[Example, ...]
    dev: tuple[Example, ...]


def read_corpus(specs: Sequence[DataSpec], besides: Sequence[Example] = (), labels: Labels = HEADS) -> Corpus:
    """Reads the sets and splits them: 84 % train, 4 % tune, 12 % dev, copies always together.

    A set that is for one part goes there whole.

    Args:
        specs: the sets.
        besides: further examples, which go to the training part whole.
        labels: of each head.

    Raises:
        ModelError: if a set can't be read, or no example is left to train on.
    """
    examples = [example for spec in specs for example in read_set(spec, labels)]
    parts: dict[Part, list[Example]] = {"train": [], "tune": [], "dev": []}
    for example, part in zip(examples, _parts_of(specs, examples), strict=True):
        parts[part].append(example)
    if not parts["train"]:
        raise ModelError("there is nothing to train on: the sets are empty; add a set with labelled texts")
    parts["train"] += besides
    return Corpus(*(tuple(parts[part]) for part in ("train", "tune", "dev")))


def _parts_of(specs: Sequence[DataSpec], examples: Sequence[Example]) -> list[Part]:
    given = {spec.name: spec.part for spec in specs if spec.part is not None}
    measured: dict[str, Part] = {
        skeleton(example.text): part
        for example in examples
        if (part := given.get(example.source)) is not None and part != "train"
    }
    drawn = split_of([example.text for example in examples])
    return [
        given.get(example.source) or (measured.get(skeleton(example.text), part) if measured else part)
        for example, part in zip(examples, drawn, strict=True)
    ]


def digest_of(examples: Iterable[Example]) -> str:
    """Names texts with all their labels, in their order: others have another name."""
    told = hashlib.sha256()
    for example in examples:
        told.update(repr(example).encode("utf-8", "surrogatepass"))
    return told.hexdigest()


def shares(examples: Iterable[Example], task: HeadName, classes: int) -> list[float]:
    """The share of each of the `classes` of `task` among `examples`, each counted once more than it occurs."""
    counts = Counter(label for example in examples for label in labels_of(example, task))
    total = sum(counts.values()) + classes
    return [(counts[label] + 1) / total for label in range(classes)]


def labels_of(example: Example, task: HeadName) -> list[int]:
    """The labels that `example` has for `task`: one for a text, one for each entity; none for tokens' tags."""
    if task == "entity":
        return [span.label for span in example.spans if span.label >= 0]
    return [example.label] if example.task == task and example.label >= 0 else []
