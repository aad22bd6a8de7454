"""The rows of somebody's own CSV of labelled texts: what can be used, and what is wrong with the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.errors import UnusableDataError
from models.spans import find_mention
from models.tables import Fault, read_table
from models.tasks import HEADS, LONGEST_TOPIC, as_written, names_series, slug
from models.text import normalise
from models.training.split import Part

OwnTask = Literal["sentiment", "topic", "entity"]
"""What a CSV of one's own may label."""

SPLITS: dict[str, Part] = {
    "train": "train", "training": "train",
    "tune": "tune", "val": "tune", "valid": "tune", "validation": "tune", "dev": "tune",
    "test": "dev", "heldout": "dev", "eval": "dev",
}  # fmt: skip
"""What the column `split` may say. The part `tune` decides when to stop; `dev` is only measured."""


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


def parse_labels(told: Sequence[str]) -> dict[str, str]:
    """What `--labels good=positive,bad=negative` says: by label of the file that of the task, "" to leave it out.

    Raises:
        UnusableDataError: if a part is no pair.
    """
    found: dict[str, str] = {}
    for pair in (each for text in told for each in text.split(",") if each.strip()):
        theirs, equals, ours = pair.partition("=")
        if not equals or not theirs.strip():
            raise UnusableDataError(
                f"--labels {pair.strip()}: write YOURS=OURS, as in good=positive, or YOURS= to leave it out"
            )
        key, meant = theirs.strip(), ours.strip()
        if found.setdefault(key, meant) != meant:
            raise UnusableDataError(
                f"--labels {key}={found[key]} and {key}={meant}: a label can mean one thing, so leave one out"
            )
    return found


def meanings_of(task: OwnTask, labels: Mapping[str, str]) -> dict[str, str]:
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


def topics_called(labels: Mapping[str, str]) -> dict[str, str]:
    """By label in lower case the topic of one's own that it stands for; "" leaves its rows out.

    Raises:
        UnusableDataError: if a topic can't name a series.
    """
    called: dict[str, str] = {}
    for theirs, ours in labels.items():
        if ours and not names_series(ours):
            raise UnusableDataError(
                f"--labels {theirs}={ours}: {ours[:80]!r} can't name a topic: give up to {LONGEST_TOPIC}"
                " characters, with a letter from a to z or a figure among them"
            )
        called.setdefault(as_written(ours), ours)
    return {theirs.lower(): called[as_written(ours)] for theirs, ours in labels.items()}


class RowReader:
    """Reads the rows of a file, and collects what is wrong with those that can't be used.

    With `own_topics` a label without a meaning stands for itself; labels that differ but in case and blanks are
    one, called as the first of them.
    """

    def __init__(
        self, path: Path, task: OwnTask, meaning: Mapping[str, str], *, own_topics: bool = False
    ) -> None:
        self.path = path
        self.task = task
        self.faults: list[Fault] = []
        self.unknown: Counter[str] = Counter()
        self.labels: set[str] = set()
        self.seen = 0
        self._meaning = dict(meaning)
        self._own_topics = own_topics
        self._called = {as_written(ours): ours for ours in meaning.values()} if own_topics else {}
        self._table = read_table(path)
        self._columns = self._table.columns
        spans = task == "entity" and self._spans
        self._table.need(("text", "label", "entity") if task == "entity" and not spans else ("text", "label"))

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
        for line, row in self._table:
            read = row if isinstance(row, Fault) else self._row(line, row)
            self.seen += 1
            if isinstance(read, Fault):
                self.faults.append(read)
            elif read is not None:
                yield read

    def _row(self, line: int, row: Mapping[str, str]) -> OwnRow | Fault | None:
        """One row; None for one that `--labels` leaves out."""
        cells = {name: value.strip() for name, value in row.items()}
        for column, empty in (("text", not normalise(row["text"])), ("label", not cells["label"])):
            if empty:
                return Fault(line, column, "it is empty")
        return self._read(line, row["text"], cells)

    def _read(self, line: int, text: str, cells: Mapping[str, str]) -> OwnRow | Fault | None:
        told = cells["label"]
        self.labels.add(told.lower())
        label = self._meaning.get(told.lower())
        if label is None and self._own_topics:
            label = self._topic(told)
        if label is None:
            self.unknown[told] += 1
            return Fault(line, "label", self._unfit(told))
        part = SPLITS.get(cells.get("split", "train").lower())
        if part is None:
            return Fault(line, "split", f"{cells['split']!r} is none of {', '.join(SPLITS)}")
        place = self._place(line, text, cells)
        if isinstance(place, Fault):
            return place
        return OwnRow(line, text, label, place, part) if label else None

    def _topic(self, told: str) -> str | None:
        """The topic of one's own that a label without a meaning stands for; None if it can't name one."""
        if not names_series(told):
            return None
        return self._meaning.setdefault(told.lower(), self._called.setdefault(as_written(told), told))

    def _unfit(self, told: str) -> str:
        if not self._own_topics:
            return f"{told!r} is none of {few(HEADS[self.task])}"
        return (
            f"{told[:80]!r} can't name a topic: say what to call it, with letters from a to z or figures, in up to"
            f" {LONGEST_TOPIC} characters: --labels {told[:20]}=…"
        )

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


def few(labels: Sequence[str]) -> str:
    """The first of `labels`, and how many there are besides."""
    shown = labels[:6]
    return ", ".join(shown) + (f" and {len(labels) - len(shown)} more" if len(labels) > len(shown) else "")
