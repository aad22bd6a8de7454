"""Reads news from a JSONL or CSV file, or from a pipe."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, BinaryIO, Literal

from stream.errors import UsageError
from stream.sources.columns import COLUMNS, CellError, Columns
from stream.sources.lines import BOM, TOO_LONG, TextLines, lines_of

Format = Literal["jsonl", "csv"]

_FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
}
_DELIMITERS = (",", "\t", ";")


@dataclass(frozen=True, slots=True)
class NewsRow:
    """One record to send: `value` goes on the wire as it is, under `key`.

    Of a JSONL line that is no news item `key` or `published_at`, or both, are None; it can be sent all the same,
    for SCORE decides what it is.
    """

    line: int
    value: bytes
    key: bytes | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not read, and why. `column` is empty where it concerns the whole row."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}" if self.column else f"line {self.line}"
        return f"{where}: {self.reason}"


def format_of(path: Path) -> Format:
    """The format that the name of `path` tells.

    Raises:
        UsageError: if it tells none.
    """
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder: give a file of news in it")
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise UsageError(
            f"{str(path)!r}: the name doesn't tell the format: give --format jsonl or --format csv"
        ) from None


def read_news(
    origin: Path | BinaryIO,
    format: Format | None = None,  # noqa: A002  (what the flag is called)
    *,
    source: str | None = None,
    timezone: tzinfo | None = None,
) -> Iterator[NewsRow | BadRow]:
    """The records in `origin`, one by one, in the order of the file; rows that can't be read as `BadRow`.

    JSONL lines are taken as they are, byte for byte, broken ones too. CSV columns are found by their names
    (see `columns.COLUMNS`), and each row becomes a news item. Memory holds one row at a time.

    Args:
        origin: a path, or an open binary stream.
        format: None goes by the name of the path.
        source: the publisher of CSV rows that name none; by default the name of the file without its ending.
        timezone: the zone of CSV times that name none; None makes such rows bad.

    Raises:
        UsageError: if the file can't be opened, has no columns for headline and time, is no UTF-8 text, or all
            of its rows are bad.
    """
    if not isinstance(origin, Path):
        yield from _rows_of(origin, format or "jsonl", source or "stdin", timezone, "standard input")
        return
    chosen = format or format_of(origin)
    try:
        stream = origin.open("rb")
    except OSError as error:
        raise UsageError(f"{str(origin)!r} can't be opened: {error.strerror}: give a file to read") from error
    with stream:
        yield from _rows_of(stream, chosen, source or origin.stem, timezone, repr(str(origin)))


def _rows_of(
    stream: BinaryIO, chosen: Format, source: str, timezone: tzinfo | None, shown: str
) -> Iterator[NewsRow | BadRow]:
    good, bad = 0, 0
    first_bad: BadRow | None = None
    try:
        rows = _jsonl(stream) if chosen == "jsonl" else _csv(stream, source, timezone)
        for row in rows:
            if isinstance(row, BadRow):
                bad, first_bad = bad + 1, first_bad or row
            else:
                good += 1
            yield row
    except UsageError as error:
        raise UsageError(f"{shown}: {error}") from error
    if first_bad is not None and not good:
        raise UsageError(f"{shown}: none of its {bad} rows can be read; the first: {first_bad}")


def _jsonl(stream: BinaryIO) -> Iterator[NewsRow | BadRow]:
    for number, line in lines_of(stream):
        if line is None:
            yield BadRow(number, "", TOO_LONG)
        elif line.strip():
            value = line.removesuffix(b"\n").removesuffix(b"\r")
            yield NewsRow(number, value, *_key_and_time(value))


def _key_and_time(value: bytes) -> tuple[bytes | None, datetime | None]:
    """The id and the time in a JSON record, each None where it isn't there or isn't right."""
    try:
        record: Any = json.loads(value.removeprefix(BOM).decode())
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(record, dict):
        return None, None
    return _key_of(record.get("id")), _time_of(record.get("published_at"))


def _key_of(item_id: object) -> bytes | None:
    try:
        return (item_id.strip().encode() or None) if isinstance(item_id, str) else None
    except UnicodeEncodeError:
        return None


def _time_of(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
        return time.astimezone(UTC) if time is not None and time.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _csv(stream: BinaryIO, source: str, timezone: tzinfo | None) -> Iterator[NewsRow | BadRow]:
    lines = TextLines(stream)
    header = next(lines, "")
    flaw = lines.take_flaw()
    if flaw is not None:
        raise UsageError(f"line 1: {flaw[1]}")
    delimiter, names = _header_of(header)
    columns = Columns(names, source=source, timezone=timezone)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        first = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(first, "", f"no CSV up to line {lines.number}: {error}; is a quote open?")
            lines.take_flaw()
            continue
        flaw = lines.take_flaw()
        if flaw is not None:
            yield BadRow(flaw[0], "", flaw[1])
        elif cells:
            yield _row(first, cells, columns)


def _row(line: int, cells: Sequence[str], columns: Columns) -> NewsRow | BadRow:
    try:
        item = columns.item(cells)
    except CellError as error:
        return BadRow(line, error.column, str(error))
    return NewsRow(line, item.to_json(), item.id.encode(), item.published_at)


def _header_of(line: str) -> tuple[str, list[str]]:
    """What parts the columns, and their names: the first delimiter by which there is a headline."""
    if not line.strip():
        raise UsageError("the first line is empty: it must name the columns")
    try:
        tables = [(delimiter, next(csv.reader([line], delimiter=delimiter))) for delimiter in _DELIMITERS]
    except csv.Error as error:
        raise UsageError(f"the first line must name the columns: {error}") from error
    for delimiter, names in tables:
        if any(name.strip().lower() in COLUMNS["headline"] for name in names):
            return delimiter, names
    return max(tables, key=lambda table: len(table[1]))
