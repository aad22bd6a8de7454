"""Somebody's own labelled texts: read line by line, judged before a run starts, and put into parts.

A run over bad data costs hours and teaches nothing. So everything that is wrong with a file is found first: rows
that can't be used, labels that mean nothing here, the same text twice, and texts that measure and yet are learned.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from models.errors import ModelError
from models.spans import find_mention
from models.tasks import HEADS, slug
from models.text import normalise
from models.training.data import DataSpec
from models.training.split import PARTS, Part, skeleton, split_of

OwnTask = Literal["sentiment", "topic", "entity"]
"""What a CSV of one's own may label."""

SPLITS: dict[str, Part] = {
    "train": "train", "training": "train",
    "tune": "tune", "val": "tune", "valid": "tune", "validation": "tune", "dev": "tune",
    "test": "dev", "heldout": "dev", "eval": "dev",
}  # fmt: skip
"""What the column `split` may say. The part `tune` decides when to stop; `dev` is only measured."""

_MOST_UNKNOWN = 0.2
"""The share of rows with labels of no meaning here beyond which a file is taken to use names of its own."""
_LEAST_CLASSES = 2


class UnusableDataError(ModelError):
    """Labelled data that nothing can be learned from; the text says why, and what to do."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one row: its line in the file, the column, and the reason."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class OwnRow:
    """One usable row; `label` is that of the task, `place` the characters of the entity in `text`."""

    line: int
    text: str
    label: str
    place: tuple[int, int] | None
    part: Part

    @property
    def named(self) -> str:
        """The entity as the text names it; empty where there is none."""
        return self.text[slice(*self.place)] if self.place else ""


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

    def counts(self) -> dict[str, dict[Part, int]]:
        """How many rows each label has in each part, the labels in the task's order."""
        found = Counter((row.label, row.part) for row in self.rows)
        return {
            label: {part: found[label, part] for part in PARTS}
            for label in HEADS[self.task]
            if any(found[label, part] for part in PARTS)
        }

    @property
    def sound(self) -> bool:
        """Whether nothing had to be left out; rows that only repeat others do no harm."""
        return not (self.faults or self.contradictions or self.leaks)


def parse_labels(told: Sequence[str]) -> dict[str, str]:
    """What `--labels good=positive,bad=negative` says: by label of the file that of the task, "" to leave it out.

    Raises:
        UnusableDataError: if a part is no pair.
    """
    found = {}
    for pair in (each for text in told for each in text.split(",") if each.strip()):
        theirs, equals, ours = pair.partition("=")
        if not equals or not theirs.strip():
            raise UnusableDataError(
                f"--labels {pair.strip()}: write YOURS=OURS, as in good=positive, or YOURS= to leave it out"
            )
        found[theirs.strip()] = ours.strip()
    return found


def read_own(path: Path, task: OwnTask, labels: Mapping[str, str] | None = None) -> OwnData:
    """Reads the CSV `path` with the columns `text`, `label` and, where it has them, `entity`, `start`, `end`, `split`.

    Args:
        path: the file.
        task: what its labels answer.
        labels: by label of the file that of the task; "" leaves its rows out. Labels of the task need no entry.

    Raises:
        UnusableDataError: if the file can't be read, lacks a column, or has too little to learn from. The text
            says what to do.
    """
    meaning = _meanings(task, labels or {})
    reader = _Reader(path, task, meaning)
    rows = list(reader.rows())
    _check_labels(path, task, reader)
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
    )
    _check_enough(own)
    return own


def _meanings(task: OwnTask, labels: Mapping[str, str]) -> dict[str, str]:
    """By label in lower case what it stands for; the task's own labels and their slugs stand for themselves."""
    found = {name: label for label in HEADS[task] for name in (label.lower(), slug(label))}
    for theirs, ours in labels.items():
        known = next((label for label in HEADS[task] if ours.lower() in {label.lower(), slug(label)}), None)
        if ours and known is None:
            raise UnusableDataError(
                f"--labels {theirs}={ours}: {ours!r} is none of the task {task}: {', '.join(HEADS[task])}"
            )
        found[theirs.lower()] = known or ""
    return found


class _Reader:
    """Reads the rows of a file, and collects what is wrong with those that can't be used."""

    def __init__(self, path: Path, task: OwnTask, meaning: Mapping[str, str]) -> None:
        self.path = path
        self.task = task
        self.faults: list[Fault] = []
        self.unknown: Counter[str] = Counter()
        self.seen = 0
        self._meaning = meaning
        self._lines = csv.DictReader(_text_of(path).splitlines(keepends=True), strict=True)
        try:
            self._columns = tuple(self._lines.fieldnames or ())
        except csv.Error as error:
            raise UnusableDataError(f"{path}, line 1: this is no CSV ({error}): mend it") from error
        wanted = ("text", "label", "entity") if task == "entity" and not self._spans else ("text", "label")
        for column in wanted:
            if not self.has(column):
                raise UnusableDataError(
                    f"{path}, line 1: there is no column {column!r}, but {', '.join(self._columns) or 'nothing'}:"
                    " name it in the first line"
                )

    def has(self, column: str) -> bool:
        """Whether the file has that column."""
        return column in self._columns

    @property
    def has_entities(self) -> bool:
        """Whether rows say whom they are about; a topic is always that of the whole text."""
        return self.task != "topic" and (self.has("entity") or self._spans)

    @property
    def _spans(self) -> bool:
        return self.has("start") and self.has("end")

    def rows(self) -> Iterator[OwnRow]:
        """The rows that can be used; what is wrong with the others goes to `faults`."""
        while True:
            try:
                row = next(self._lines)
            except StopIteration:
                return
            except csv.Error as error:
                # The reader counts a line once it is read whole, which this one was not.
                read: OwnRow | Fault | None = Fault(self._lines.line_num + 1, "", f"this is no CSV ({error})")
            else:
                read = self._row(self._lines.line_num, row)
            self.seen += 1
            if isinstance(read, Fault):
                self.faults.append(read)
            elif read is not None:
                yield read

    def _row(self, line: int, row: Mapping[str | Any, str | Any]) -> OwnRow | Fault | None:
        """One row; None for one that `--labels` leaves out."""
        if None in row:
            return Fault(line, "", "more columns than the first line: put texts with commas in double quotes")
        missing = next((column for column in self._columns if row[column] is None), None)
        if missing is not None:
            return Fault(line, missing, "the line ends before this column")
        cells = {name: value.strip() for name, value in row.items() if name != "text"}
        text, told = row["text"], cells["label"]
        if not normalise(text):
            return Fault(line, "text", "it is empty")
        if not told:
            return Fault(line, "label", "it is empty")
        label = self._meaning.get(told.lower())
        if label is None:
            self.unknown[told] += 1
            return Fault(line, "label", f"{told!r} is none of {_few(HEADS[self.task])}")
        if not label:
            return None
        part = SPLITS.get(cells.get("split", "train").lower())
        if part is None:
            return Fault(line, "split", f"{cells['split']!r} is none of {', '.join(SPLITS)}")
        place = self._place(line, text, cells)
        return place if isinstance(place, Fault) else OwnRow(line, text, label, place, part)

    def _place(self, line: int, text: str, cells: Mapping[str, str]) -> tuple[int, int] | Fault | None:
        """Where the row's entity stands in `text`; None for a row about the whole text."""
        if not self.has_entities:
            return None
        entity, told = cells.get("entity", ""), (cells.get("start", ""), cells.get("end", ""))
        if self._spans and any(told):
            if not all(each.isascii() and each.isdigit() for each in told):
                return Fault(line, "start", f"{told[0]!r} to {told[1]!r} are no numbers of characters")
            start, end = int(told[0]), int(told[1])
            if not start < end <= len(text):
                return Fault(line, "end", f"{start} to {end} lies not within {len(text)} characters")
            return start, end
        if not entity:
            return Fault(line, "entity", "it is empty") if self.task == "entity" else None
        return find_mention(text, entity) or Fault(
            line, "entity", f"{entity[:60]!r} does not stand in the text"
        )


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnusableDataError(
            f"{path} can't be read ({error.strerror}): give the path of a CSV file"
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnusableDataError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is no UTF-8: save the file as UTF-8"
        ) from error


def _check_labels(path: Path, task: OwnTask, reader: _Reader) -> None:
    unknown = reader.unknown
    if sum(unknown.values()) > _MOST_UNKNOWN * reader.seen:
        named = ", ".join(f"{label!r} ({count} rows)" for label, count in unknown.most_common(8))
        example = ",".join(f"{label}=…" for label, _ in unknown.most_common(2))
        raise UnusableDataError(
            f"{path}: {named}{', …' if len(unknown) > 8 else ''} mean nothing for the task {task}:"  # noqa: PLR2004 - as many as are named
            f" say which of {_few(HEADS[task])} each stands for, --labels {example}, or leave it out with"
            f" --labels {next(iter(unknown))}="
        )


def _few(labels: Sequence[str]) -> str:
    shown = labels[:6]
    return ", ".join(shown) + (f" and {len(labels) - len(shown)} more" if len(labels) > len(shown) else "")


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
        raise UnusableDataError(
            f"{own.path}: {len(own.rows)} usable rows, of which those for training have"
            f" {'only the label ' + next(iter(learned)) if learned else 'no label'}:"
            f" give texts of at least two labels{first}"
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
