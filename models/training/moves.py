"""News with the return that followed it, in order of time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from models.errors import ModelError, UnusableDataError
from models.tables import read_table
from models.text import normalise
from models.training.split import skeleton

COLUMNS = ("text", "DATE", "CHANGE")
LEARNED = 0.7
"""The share of the news, the earliest, that is learned from."""
APART = timedelta(days=7)
"""No news of these days after the last learned one is measured on: its return may be partly the same."""
_LEAST = 50


@dataclass(frozen=True, slots=True)
class Moved:
    """A text, when it was published, and the return that followed."""

    text: str
    at: datetime
    change: float


def read_moves(path: Path) -> list[Moved]:
    """The rows of a CSV with `text`, `DATE` and `CHANGE`, the earliest first; each text once.

    Raises:
        UnusableDataError: if the file can't be read, lacks a column, or a cell is wrong. The text names the line.
    """
    found: dict[str, Moved] = {}
    for line, row in read_table(path, COLUMNS).rows():
        moved = _moved(row, f"{path}, line {line}")
        found.setdefault(skeleton(moved.text), moved)
    return sorted(found.values(), key=lambda moved: moved.at)


def _moved(row: Mapping[str, str], where: str) -> Moved:
    text, told, change = (row[column] for column in COLUMNS)
    try:
        moved = Moved(normalise(text), datetime.fromisoformat(told.strip()), float(change))
    except ValueError as error:
        raise UnusableDataError(
            f"{where}: DATE is {told!r} and CHANGE {change!r}:"
            " give 2019-07-01 02:24:00 and a number such as -0.018"
        ) from error
    if not math.isfinite(moved.change):
        raise UnusableDataError(f"{where}: CHANGE is {change!r}: give a number such as -0.018")
    return moved


def split_by_date(news: Sequence[Moved], path: Path) -> tuple[list[Moved], list[Moved]]:
    """The earlier news, and the later with `APART` between.

    Raises:
        ModelError: if either is too little.
    """
    if len(news) >= _LEAST:
        last = news[int(LEARNED * len(news)) - 1].at.date()
        early = [each for each in news if each.at.date() <= last]
        late = [each for each in news if each.at.date() > last + APART]
        if len(late) >= _LEAST // 5:
            return early, late
    raise ModelError(f"{path}: {len(news)} news are too few to learn from until a day and measure after it")
