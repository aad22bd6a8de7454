"""A row of a CSV table becomes a news item."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from stream.errors import NewstideError, UsageError
from stream.events import NewsItem

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "headline": ("headline", "title", "text"),
    "published_at": ("published_at", "published", "time", "date", "datetime", "timestamp"),
    "tickers": ("tickers", "ticker", "symbols", "symbol"),
    "source": ("source", "publisher"),
    "url": ("url", "link"),
    "id": ("id", "news_id", "guid"),
    "body": ("body", "summary", "description", "text"),
    "language": ("language", "lang"),
    "revises": ("revises",),
    "status": ("status",),
}
"""The fields of a news item, and the names of columns that hold them, best first. `text` is the headline, or the
body where another column is the headline already."""

_NEEDED = ("headline", "published_at")
_BETWEEN_TICKERS = re.compile(r"[\s,;|]+")
_SECONDS_DIGITS, _MILLISECONDS_DIGITS = 10, 13


class CellError(NewstideError):
    """A cell can't be read. `column` is its name in the table's header, empty where the whole row is meant."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


class Columns:
    """Which column of a table holds which field.

    Args:
        header: the names of the columns, as they stand in the file.
        source: the publisher of rows that name none.
        timezone: the zone of times that name none; None refuses them.

    Raises:
        UsageError: if there is no column for the headline or for the time.
    """

    def __init__(self, header: Sequence[str], *, source: str, timezone: tzinfo | None = None) -> None:
        self._source = source
        self._timezone = timezone
        self.header = tuple(header)
        names = [re.sub(r"[\s-]+", "_", name.strip().lower()) for name in header]
        self._at: dict[str, int] = {}
        for field, known in COLUMNS.items():
            free = [name for name in known if name in names and names.index(name) not in self._at.values()]
            if free:
                self._at[field] = names.index(free[0])
        for field in _NEEDED:
            if field not in self._at:
                raise UsageError(
                    f"no column holds {field}: found {', '.join(map(repr, self.header))}; "
                    f"name one of them {_either(COLUMNS[field])}"
                )

    def item(self, cells: Sequence[str]) -> NewsItem:
        """The news item in one row. Where it has no id, that is a hash of source, time and headline.

        Raises:
            CellError: if a cell, or their number, is wrong.
        """
        if len(cells) != len(self.header):
            raise CellError("", f"the row has {len(cells)} cells, the header {len(self.header)}")
        found = {field: cells[at].strip() for field, at in self._at.items() if cells[at].strip()}
        for field in _NEEDED:
            if field not in found:
                raise CellError(self._name(field), "it is empty")
        published_at = self._time(found.pop("published_at"))
        source = found.setdefault("source", self._source)
        own = "\n".join((source, published_at.isoformat(), found["headline"]))
        found.setdefault("id", hashlib.sha256(own.encode("utf-8", "replace")).hexdigest()[:32])
        tickers = tuple(name for name in _BETWEEN_TICKERS.split(found.pop("tickers", "")) if name)
        try:
            return NewsItem.model_validate({**found, "published_at": published_at, "tickers": tickers})
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            field = str(first["loc"][0]) if first["loc"] else "status"
            raise CellError(self._name(field), str(first["msg"]).removeprefix("Value error, ")) from error

    def _name(self, field: str) -> str:
        return self.header[self._at[field]] if field in self._at else field

    def _time(self, text: str) -> datetime:
        time = _parsed(text)
        if time is None:
            raise CellError(
                self._name("published_at"),
                f"{text[:80]!r} is no time: write it like 2026-03-02T14:30:00Z, or as seconds since 1970",
            )
        if time.tzinfo is None:
            if self._timezone is None:
                raise CellError(
                    self._name("published_at"),
                    f"{text[:80]!r} has no zone: write an offset, such as +00:00, or give --timezone",
                )
            time = time.replace(tzinfo=self._timezone)
        try:
            return time.astimezone(UTC)
        except OverflowError as error:
            raise CellError(
                self._name("published_at"), f"{text[:80]!r} is outside the years 1 to 9999"
            ) from error


def parse_timezone(name: str) -> tzinfo:
    """The zone called `name`, such as `America/New_York` or `UTC`.

    Raises:
        UsageError: if there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"--timezone is {name!r}: give a name such as UTC or America/New_York") from error


def _parsed(text: str) -> datetime | None:
    """ISO 8601, the date format of mail, or seconds or milliseconds since 1970."""
    if text.isascii() and text.isdigit() and len(text) in {_SECONDS_DIGITS, _MILLISECONDS_DIGITS}:
        return datetime.fromtimestamp(int(text) / (1 if len(text) == _SECONDS_DIGITS else 1000), UTC)
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return parse(text)
        except (ValueError, IndexError, TypeError, OverflowError):
            continue
    return None


def _either(names: Sequence[str]) -> str:
    return " or ".join((", ".join(names[:-1]), names[-1]))
