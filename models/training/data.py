"""Labelled texts: reading the sets, and splitting them so that no text is on two sides.

Each set labels one task; what the other task's label would be is unknown and is masked in the loss.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from models.errors import ModelError
from models.tasks import TASKS, TaskName, index_of
from models.text import normalise
from models.training.split import Part, split_of


class DataSpec(BaseModel):
    """Where one labelled set lies and what its columns mean.

    `group_column` names the column that holds the same value for all rows of one text, where a set labels each
    company in a text by itself: such a text is used only if all its rows agree. `reference` marks the set whose
    habits of labelling the task's answers are to follow; the other sets of the task are corrected towards its
    share of each class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    path: Path
    task: TaskName
    licence: str
    origin: str = ""
    attribution: str = ""
    text_column: str = "text"
    label_column: str = "label"
    group_column: str | None = None
    reference: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text. `text` is normalised; `label` is the index of its class in the task's labels."""

    text: str
    task: TaskName
    label: int
    source: str


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
            reference=True,
        ),
        DataSpec(
            name="sentfin",
            path=folder / "sentfin" / "train.csv",
            task="sentiment",
            licence="MIT",
            origin="SEntFiN 1.0",
            attribution="SEntFiN 1.0: Sinha, Kedas, Kumar and Malo, 2022",
            group_column="doc_id",
        ),
        DataSpec(
            name="twitter_fin_topic",
            path=folder / "twitter_fin_topic" / "train.csv",
            task="topic",
            licence="MIT",
            origin="https://huggingface.co/datasets/zeroshot/twitter-financial-news-topic",
            attribution="Twitter Financial News Topic, by zeroshot",
            reference=True,
        ),
    )


def read_set(spec: DataSpec) -> list[Example]:
    """The examples of one set, in the order of the file; each text once.

    A text that stands there twice with different labels is left out: it would teach nothing.

    Raises:
        ModelError: if the file can't be read, lacks a column, is no UTF-8, or holds a label unknown to the task.
            The text names the file, the line and the fix.
    """
    groups: dict[str, tuple[str, set[int]]] = {}
    for line, row in _rows_of(spec):
        try:
            label = index_of(spec.task, row[spec.label_column])
        except ModelError as error:
            raise ModelError(f"{spec.path}, line {line}: {error}") from error
        text = normalise(row[spec.text_column])
        if not text:
            continue
        group = row[spec.group_column] if spec.group_column else text
        groups.setdefault(group, (text, set()))[1].add(label)
    unique: dict[str, set[int]] = {}
    for text, agreed in groups.values():
        unique.setdefault(text, set()).update(agreed)
    return [
        Example(text, spec.task, next(iter(agreed)), spec.name)
        for text, agreed in unique.items()
        if len(agreed) == 1
    ]


def _rows_of(spec: DataSpec) -> Iterable[tuple[int, dict[str, str]]]:
    needed = [spec.text_column, spec.label_column, *([spec.group_column] if spec.group_column else [])]
    try:
        with spec.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            for column in needed:
                if column not in (reader.fieldnames or ()):
                    raise ModelError(
                        f"{spec.path}, line 1: there is no column {column!r} among {reader.fieldnames}; "
                        "name the columns in the set's specification"
                    )
            for row in reader:
                if any(row[column] is None for column in needed):
                    raise ModelError(
                        f"{spec.path}, line {reader.line_num}: fewer columns than the first line has"
                    )
                yield reader.line_num, row
    except OSError as error:
        raise ModelError(
            f"{spec.path} can't be read ({error.strerror}): give the path of a CSV file"
        ) from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{spec.path} is no UTF-8 (byte {error.start}): save it as UTF-8") from error


@dataclass(frozen=True, slots=True)
class Corpus:
    """All examples by the part they belong to.

    `train` is learned from; `tune` decides when to stop and fits the temperatures; `dev` is only ever measured.
    """

    train: tuple[Example, ...]
    tune: tuple[Example, ...]
    dev: tuple[Example, ...]


def read_corpus(specs: Sequence[DataSpec], besides: Sequence[Example] = ()) -> Corpus:
    """Reads the sets and splits them: 84 % train, 4 % tune, 12 % dev, copies always together.

    Args:
        specs: the sets.
        besides: further examples, which go to the training part whole.

    Raises:
        ModelError: if a set can't be read, or no example is left to train on.
    """
    examples = [example for spec in specs for example in read_set(spec)]
    parts: dict[Part, list[Example]] = {"train": [], "tune": [], "dev": []}
    for example, part in zip(examples, split_of([example.text for example in examples]), strict=True):
        parts[part].append(example)
    if not parts["train"]:
        raise ModelError("there is nothing to train on: the sets are empty; add a set with labelled texts")
    parts["train"] += besides
    return Corpus(*(tuple(parts[part]) for part in ("train", "tune", "dev")))


def shares(examples: Iterable[Example], task: TaskName) -> list[float]:
    """The share of each class of `task` among `examples`, each class counted once more than it occurs."""
    counts = Counter(example.label for example in examples if example.task == task)
    classes = len(TASKS[task])
    total = sum(counts.values()) + classes
    return [(counts[label] + 1) / total for label in range(classes)]
