"""How well a release tells the sentiment towards each entity of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from export.chances import Chances, FullScorer, Row
from export.measures import Answered, score_all
from export.report import EvalReport
from models.errors import ModelError, UnusableDataError
from models.spans import find_mention
from models.tables import read_table
from models.tasks import index_in


class Part(BaseModel):
    """Some of the entities: how many, and the share that was answered right (0 where there are none)."""

    model_config = ConfigDict(frozen=True)

    n: int
    accuracy: float


class EntityReport(EvalReport):
    """What a release reached on entities.

    `one` counts those that are alone in their text, `several` those of texts that name more. `not_found` entities
    do not stand in their text, `unread` ones lie beyond what the model reads: both were answered with the
    sentiment of the whole text, and count as all others.
    """

    one: Part
    several: Part
    not_found: int
    unread: int


class EntityRow(NamedTuple):
    """An entity of a text with the sentiment towards it; `place` is None where it was not found."""

    line: int
    text: str
    place: tuple[int, int] | None
    label: str


@dataclass(frozen=True, eq=False)
class EntityAnswers:
    """The answers to the rows of a file, in their order."""

    answered: Answered
    rows: tuple[EntityRow, ...]
    unread: int

    def report(self) -> EntityReport:
        """The figures, also apart for texts with one entity and with several."""
        together: dict[str, set[object]] = {}
        for row in self.rows:
            together.setdefault(row.text, set()).add(row.place or row.line)
        several = np.array([len(together[row.text]) > 1 for row in self.rows], dtype=np.bool_)
        right = self.answered.answers == self.answered.truth
        one, more = (
            Part(n=int(chosen.sum()), accuracy=float(right[chosen].mean()) if chosen.any() else 0.0)
            for chosen in (~several, several)
        )
        return EntityReport(
            **self.answered.report().model_dump(),
            one=one,
            several=more,
            not_found=sum(row.place is None for row in self.rows),
            unread=self.unread,
        )


def read_entities(path: Path) -> list[EntityRow]:
    """The rows of a CSV with `text`, `label`, and `entity` or `start` and `end`.

    An entity is looked for in the text by its string, unless its characters [start, end) are given.

    Raises:
        UnusableDataError: as `export.report.read_labelled`; or if there is neither, the characters are no numbers
            within the text, or they are not those of the entity that the row names.
    """
    found = []
    table = read_table(path, ("text", "label"))
    if "entity" not in table.columns and not {"start", "end"} <= set(table.columns):
        raise UnusableDataError(
            f"{path}, line 1: there is no column 'entity', nor 'start' and 'end': say whom the labels are about"
        )
    for line, row in table.rows():
        place = _place_of(row, f"{path}, line {line}")
        found.append(EntityRow(line, row["text"], place, row["label"].strip()))
    return found


def _place_of(row: dict[str, str], where: str) -> tuple[int, int] | None:
    told = row.get("start", "").strip(), row.get("end", "").strip()
    entity = row.get("entity", "").strip()
    if not any(told):
        if not entity:
            raise UnusableDataError(f"{where}: entity is empty: say whom the label is about")
        return find_mention(row["text"], entity)
    try:
        start, end = (int(each) for each in told)
    except ValueError as error:
        raise UnusableDataError(
            f"{where}: start and end are {told[0]!r} and {told[1]!r}: give numbers"
        ) from error
    if not 0 <= start < end <= len(row["text"]):
        raise UnusableDataError(
            f"{where}: characters {start} to {end} are none of a text of {len(row['text'])} characters:"
            " count from 0, the end not included"
        )
    named = row["text"][start:end]
    if entity and entity.casefold() not in (named.casefold(), named.strip().casefold()):
        raise UnusableDataError(
            f"{where}: characters {start} to {end} are {named!r}, but entity is {entity!r}:"
            " leave one of them empty"
        )
    return start, end


def answer_entities(scorer: FullScorer, path: Path) -> EntityAnswers:
    """The answers to all rows of the CSV `path`, for which each text is read once.

    Raises:
        ModelError: if the release has no head for entities, or a row is wrong. The text names the line.
    """
    labels = scorer.labels("entity")
    rows = read_entities(path)
    truth = []
    for row in rows:
        try:
            truth.append(index_in(labels, row.label, "entity"))
        except ModelError as error:
            raise UnusableDataError(f"{path}, line {row.line}: {error}") from error
    asked: dict[str, dict[tuple[int, int], int]] = {}
    for row in rows:
        places = asked.setdefault(row.text, {})
        if row.place is not None:
            places.setdefault(row.place, len(places))
    told = score_all(scorer, list(asked), [list(places) for places in asked.values()])
    by_text = dict(zip(asked, told, strict=True))
    chances, unread = _chances(rows, asked, by_text)
    return EntityAnswers(Answered.of(scorer, "entity", truth, chances), tuple(rows), unread)


def _chances(
    rows: Sequence[EntityRow], asked: dict[str, dict[tuple[int, int], int]], by_text: dict[str, Chances]
) -> tuple[list[Row], int]:
    """The probabilities for each row, and how many entities lie beyond what the model reads."""
    found: list[Row] = []
    unread = 0
    for row in rows:
        answer = by_text[row.text]
        own = answer.entities[asked[row.text][row.place]] if row.place is not None else None
        unread += own is None and row.place is not None
        found.append(answer.sentiment if own is None else own)
    return found, unread
