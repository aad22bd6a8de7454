"""News with the return that followed it, in order of time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.errors import ModelError, UnusableDataError
from models.tables import Fault, read_table
from models.text import normalise
from models.training.split import skeleton

COLUMNS = ("text", "DATE", "CHANGE")
LEARNED = 0.7
"""The share of the news, the earliest, that is learned from."""
APART = timedelta(days=7)
"""No news of these days after the last learned one is measured on: its return may be partly the same."""
_LEAST = 50
_SHOWN = 20
"""How many wrong lines are told one by one."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A text, when it was published by the clock there, and the return that followed."""

    text: str
    at: datetime
    change: float

    @property
    def moment(self) -> datetime:
        """When that was in UTC; a time without a zone is UTC."""
        return self.at if self.at.tzinfo else self.at.replace(tzinfo=UTC)


def read_moves(path: Path) -> list[Moved]:
    """The rows of a CSV with `text`, `DATE` and `CHANGE`, the earliest first; each text once.

    Raises:
        UnusableDataError: if the file can't be read, lacks a column, or a cell is wrong. The text names the lines.
    """
    found: dict[str, Moved] = {}
    faults: list[str] = []
    for line, row in read_table(path, COLUMNS):
        moved = row if isinstance(row, Fault) else _moved(line, row)
        if isinstance(moved, Fault):
            faults.append(moved.told(path))
        else:
            found.setdefault(skeleton(moved.text), moved)
    if faults:
        more = f"\n… and {len(faults) - _SHOWN} more lines" if len(faults) > _SHOWN else ""
        raise UnusableDataError("\n".join(faults[:_SHOWN]) + more)
    return sorted(found.values(), key=lambda moved: moved.moment)


def _moved(line: int, row: Mapping[str, str]) -> Moved | Fault:
    """The news of one row, or what is wrong with it."""
    text, told, change = (row[column] for column in COLUMNS)
    try:
        at = datetime.fromisoformat(told.strip())
        at.astimezone(UTC)
    except (ValueError, OverflowError):
        return Fault(line, "DATE", f"{told!r} is no time: give one such as 2019-07-01 02:24:00")
    try:
        moved = float(change)
    except ValueError:
        moved = math.nan
    if not math.isfinite(moved):
        return Fault(line, "CHANGE", f"{change!r} is no return: give a number such as -0.018")
    if not normalise(text):
        return Fault(line, "text", "it is empty: fill it in, or take the row out")
    return Moved(normalise(text), at, moved)


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
