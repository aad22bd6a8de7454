"""Somebody's own labelled texts: read line by line, judged before a run starts, and put into parts.

A run over bad data costs hours and teaches nothing. So everything that is wrong with a file is found first: rows
that can't be used, labels that mean nothing here, the same text twice, and texts that measure and yet are learned.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.errors import ModelError, UnusableDataError
from models.tables import Fault
from models.tasks import HEADS, LONGEST_TOPIC, MOST_TOPICS, called_alike, check_topics, slug
from models.text import normalise
from models.training.data import DataSpec
from models.training.own_rows import OwnRow, OwnTask, RowReader, few, meanings_of, topics_called
from models.training.split import PARTS, Part, skeleton, split_of

_MOST_UNKNOWN = 0.2
"""The share of rows with labels of no meaning here beyond which a file is taken to use names of its own."""
_LEAST_CLASSES = 2
_SHOWN = 8
"""Labels that are named in an error."""


@dataclass(frozen=True, slots=True)
class OwnData:
    """What a file holds, and what is wrong with it.

    Attributes:
        path: the file.
        task: what its labels answer.
        rows: what can be used, in the order of the file, each once.
        faults: rows that can't be used, in the order of the file.
        duplicates: rows that only repeat another.
        contradictions: lines of rows with the same text but other labels; all are left out.
        leaks: lines of rows for training whose text also stands in another part; they are left out.
        split: whether the file says which part its rows belong to.
        entities: whether its rows name entities.
        topics: where the labels are topics of its own, all of them.
    """

    path: Path
    task: OwnTask
    rows: tuple[OwnRow, ...]
    faults: tuple[Fault, ...]
    duplicates: int
    contradictions: tuple[int, ...]
    leaks: tuple[int, ...]
    split: bool
    entities: bool
    topics: tuple[str, ...] = ()

    def counts(self) -> dict[str, dict[Part, int]]:
        """How many rows each label has in each part, the labels in the task's order."""
        found = Counter((row.label, row.part) for row in self.rows)
        return {
            label: {part: found[label, part] for part in PARTS}
            for label in self.topics or HEADS[self.task]
            if any(found[label, part] for part in PARTS)
        }

    @property
    def sound(self) -> bool:
        """Whether nothing had to be left out; rows that only repeat others do no harm."""
        return not (self.faults or self.contradictions or self.leaks)


def read_own(
    path: Path, task: OwnTask, labels: Mapping[str, str] | None = None, *, own_topics: bool = False
) -> OwnData:
    """Reads the CSV `path` with `text`, `label` and, where it has them, `entity`, `start`, `end`, `split`.

    Args:
        path: the file.
        task: what its labels answer.
        labels: by label of the file that of the task; "" leaves its rows out. Labels of the task need no entry.
        own_topics: the labels of the file are the topics, whatever they are; `labels` may call some otherwise.

    Raises:
        UnusableDataError: if the file can't be read, lacks a column, or has too little to learn from. The text
            says what to do.
    """
    meaning = topics_called(labels or {}) if own_topics else meanings_of(task, labels or {})
    reader = RowReader(path, task, meaning, own_topics=own_topics)
    rows = list(reader.rows())
    if missing := [label for label in labels or () if label.lower() not in reader.labels]:
        raise UnusableDataError(
            f"--labels {missing[0]}={(labels or {})[missing[0]]}: no row of {path} has that label:"
            f" it has {few(sorted(reader.labels)) or 'none'}"
        )
    _check_labels(path, task, reader, own_topics=own_topics)
    rows, duplicates, contradictions = _without_copies(rows)
    rows = _in_parts(rows) if reader.has("split") else _split(rows)
    rows, leaks = _without_leaks(rows)
    own = OwnData(
        path,
        task,
        tuple(rows),
        tuple(reader.faults),
        duplicates,
        tuple(contradictions),
        tuple(leaks),
        split=reader.has("split"),
        entities=reader.has_entities,
        topics=_topics_of(path, rows) if own_topics else (),
    )
    _check_enough(own)
    return own


def _check_labels(path: Path, task: OwnTask, reader: RowReader, *, own_topics: bool) -> None:
    unknown = reader.unknown
    if sum(unknown.values()) <= _MOST_UNKNOWN * reader.seen:
        return
    shown = ", ".join(f"{label[:80]!r} ({count} rows)" for label, count in unknown.most_common(_SHOWN))
    named = f"{path}: {shown}{', …' if len(unknown) > _SHOWN else ''}"
    tellable = [
        label for label, _ in unknown.most_common() if label.isprintable() and not set(label) & set(",=")
    ]
    common = [label[:80] for label in tellable[:2]] or ["YOURS"]
    example = ",".join(f"{label}=…" for label in common)
    leave = f"or leave it out with --labels {common[0]}="
    if own_topics:
        raise UnusableDataError(
            f"{named} can't name topics: say what to call each, with letters from a to z or figures, in up to"
            f" {LONGEST_TOPIC} characters, --labels {example}, {leave}"
        )
    own = "; or, if they are topics of your own, add --own-topics" if task == "topic" else ""
    raise UnusableDataError(
        f"{named} mean nothing for the task {task}: say which of {few(HEADS[task])} each stands for,"
        f" --labels {example}, {leave}{own}"
    )


def _check_apart(path: Path, topics: Sequence[str]) -> None:
    """Make sure that each topic has a name of its own in what series are called."""
    if clash := called_alike(topics):
        one, other = clash
        raise UnusableDataError(
            f"{path}: the topics {one!r} and {other!r} would both be called {slug(other)!r}, as only letters"
            f" from a to z and figures count there: call one otherwise{_renamed(other)}, or, if they are one, both"
            f" alike{_renamed(other, one)}"
        )


def _renamed(label: str, to: str = "…") -> str:
    """How `--labels` gives a label another name; nothing where one of both has the signs that it goes by."""
    return "" if any(sign in label + to for sign in ",=") else f", --labels {shlex.quote(f'{label}={to}')}"


def _topics_of(path: Path, rows: Sequence[OwnRow]) -> tuple[str, ...]:
    """The topics that `rows` name, by name."""
    topics = tuple(sorted({row.label for row in rows}, key=str.casefold))
    if len(topics) > MOST_TOPICS:
        raise UnusableDataError(
            f"{path}: its labels are {len(topics)} topics ({few(topics)}), and {MOST_TOPICS} can be told apart:"
            f" put some together, --labels {topics[0]}=Other,{topics[1]}=Other, or leave some out, --labels"
            f" {topics[0]}="
        )
    if len(topics) > 1:
        _check_apart(path, topics)
        check_topics(topics)
    return topics


def _key(row: OwnRow) -> tuple[str, str]:
    """Text and entity, as far as they count: two rows alike in both ask the same."""
    return normalise(row.text), f"{row.named}@{row.place[0]}" if row.place else ""


def _without_copies(rows: Sequence[OwnRow]) -> tuple[list[OwnRow], int, list[int]]:
    """Each question once; none where rows answer it differently. A copy in another part is no mere copy."""
    labels: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        labels.setdefault(_key(row), set()).add(row.label)
    contradictions = [row.line for row in rows if len(labels[_key(row)]) > 1]
    kept: dict[tuple[tuple[str, str], Part], OwnRow] = {}
    agreed = [row for row in rows if len(labels[_key(row)]) == 1]
    for row in agreed:
        kept.setdefault((_key(row), row.part), row)
    return list(kept.values()), len(agreed) - len(kept), contradictions


def _split(rows: Sequence[OwnRow]) -> list[OwnRow]:
    parts = split_of([row.text for row in rows])
    return [replace(row, part=part) for row, part in zip(rows, parts, strict=True)]


def _in_parts(rows: Sequence[OwnRow]) -> list[OwnRow]:
    """The rows in the parts that the file names; where it has none to tune on, a few of those for training."""
    if any(row.part == "tune" for row in rows):
        return list(rows)
    drawn = split_of([row.text for row in rows])
    return [
        replace(row, part="tune") if row.part == "train" and part == "tune" else row
        for row, part in zip(rows, drawn, strict=True)
    ]


def _without_leaks(rows: Sequence[OwnRow]) -> tuple[list[OwnRow], list[int]]:
    """The rows but those that an earlier part has and a later one measures, and the lines of the others.

    A text stays in `dev` before `tune`, and in `tune` before `train`.
    """
    latest: dict[str, int] = {}
    for row in rows:
        bones = skeleton(row.text)
        latest[bones] = max(latest.get(bones, 0), PARTS.index(row.part))
    kept, leaks = [], []
    for row in rows:
        if PARTS.index(row.part) < latest[skeleton(row.text)]:
            leaks.append(row.line)
        else:
            kept.append(row)
    return kept, leaks


def _check_enough(own: OwnData) -> None:
    learned = {row.label for row in own.rows if row.part == "train"}
    if len(learned) < _LEAST_CLASSES:
        first = f"; the first fault: line {own.faults[0].line}, {own.faults[0].reason}" if own.faults else ""
        leaked = (
            f"; {len(own.leaks)} rows for training are left out, as their texts, but for case, signs and figures,"
            " also stand among those that are measured on"
            if own.leaks
            else ""
        )
        raise UnusableDataError(
            f"{own.path}: {len(own.rows)} usable rows, of which those for training have"
            f" {'only the label ' + next(iter(learned)) if learned else 'no label'}:"
            f" give texts of at least two labels{first}{leaked}"
        )


def write_parts(own: OwnData, folder: Path, *, licence: str) -> tuple[DataSpec, ...]:
    """Writes what can be used of `own` as one CSV for each part, and returns how a run reads them.

    The files' names hold a digest of what is in them, so that a run is not gone on with on other data.

    Raises:
        ModelError: if `folder` can't be written to.
    """
    digest = hashlib.blake2b(repr(own.rows).encode(), digest_size=6).hexdigest()
    specs = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            rows = [row for row in own.rows if row.part == part]
            if not rows:
                continue
            path = folder / f"{part}-{digest}.csv"
            partial = path.with_suffix(f".{os.getpid()}.partial")  # several processes may train together
            with partial.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("text", "label", "entity", "start", "end"))
                writer.writerows((row.text, row.label, row.named, *(row.place or (0, 0))) for row in rows)
            partial.replace(path)
            specs.append(_spec(own, path, part, licence))
    except OSError as error:
        raise ModelError(f"{folder} can't be written ({error.strerror}): give another --out") from error
    return tuple(specs)


def _spec(own: OwnData, path: Path, part: Part, licence: str) -> DataSpec:
    places = {"entity_column": "entity", "start_column": "start", "end_column": "end"} if own.entities else {}
    both = own.entities and own.task == "sentiment"
    return DataSpec(
        name=own.path.stem if part == "train" else f"{own.path.stem}-{part}",
        path=path,
        task=own.task,
        licence=licence,
        part=part,
        reference=(own.task, "entity") if both else (own.task,),
        **places,
    )
