"""Reads what a backtest is given: which kind of file it is, count series, and labelled windows."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

from stream.backtest.nab import Window
from stream.errors import UsageError

_TIME = ("timestamp", "time", "published_at")
_VALUE = ("value", "count")


class Kind(StrEnum):
    """What a file holds."""

    NEWS = "news"
    SCORED = "scored news"
    SIGNALS = "signals"
    COUNTS = "a count series"


@dataclass(frozen=True, slots=True)
class CountTable:
    """A count series.

    Attributes:
        name: of the series: the file's name without its ending.
        rows: time (UTC) and count, ascending.
        bucket: the distance of two rows, the commonest there is.
        windows: the labelled spans, or none; `labelled` tells a file without labels from one without windows.
    """

    name: str
    rows: tuple[tuple[datetime, float], ...]
    bucket: timedelta
    windows: tuple[Window, ...] = ()
    labelled: bool = False


def kind_of(path: Path) -> Kind:
    """What `path` holds, by its name and its first line.

    Raises:
        UsageError: if it can't be opened or its name tells no format.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            first = next((line for line in file if line.strip()), "")
    except OSError as error:
        raise UsageError(f"{str(path)!r} can't be opened: {error.strerror}: give a file to read") from error
    if path.suffix.lower() in {".csv", ".tsv"}:
        names = {name.strip().lower() for name in next(csv.reader([first]), [])}
        return Kind.COUNTS if names & set(_VALUE) and names & set(_TIME) else Kind.NEWS
    try:
        record = json.loads(first)
    except (ValueError, RecursionError):
        return Kind.NEWS
    if not isinstance(record, dict):
        return Kind.NEWS
    if "control" in record or {"series", "fingerprint"} <= record.keys():
        return Kind.SIGNALS
    return Kind.SCORED if {"sentiment", "fingerprint"} <= record.keys() else Kind.NEWS


def read_counts(path: Path) -> CountTable:
    """The count series in `path`, with the labels that lie beside it: `T.windows.jsonl` for `T.csv`.

    Times without a zone are UTC.

    Raises:
        UsageError: if a row can't be read, naming file and line, or there are fewer than two.
    """
    rows: list[tuple[datetime, float]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            columns = {name.strip().lower(): name for name in table.fieldnames or ()}
            at, value = _column(columns, _TIME, path), _column(columns, _VALUE, path)
            for row in table:
                rows.append((_time(row[at], path, table.line_num), _count(row[value], path, table.line_num)))
                if len(rows) > 1 and rows[-1][0] <= rows[-2][0]:
                    raise UsageError(
                        f"{str(path)!r}, line {table.line_num}: {row[at]!r} is not later than the row before: "
                        "sort it"
                    )
    except OSError as error:
        raise UsageError(f"{str(path)!r} can't be opened: {error.strerror}: give a file to read") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{str(path)!r} is no CSV in UTF-8: {error}") from error
    if len(rows) < 2:  # noqa: PLR2004 - two rows are what a distance takes
        raise UsageError(f"{str(path)!r} has {len(rows)} rows: give a count series of two or more")
    bucket = Counter(later[0] - earlier[0] for earlier, later in pairwise(rows))
    labels = path.with_name(f"{path.stem}.windows.jsonl")
    windows = tuple(read_windows(labels)) if labels.is_file() else ()
    common = min(bucket, key=lambda distance: (-bucket[distance], distance))
    return CountTable(path.stem, tuple(rows), common, windows, labels.is_file())


def read_windows(path: Path) -> Iterator[Window]:
    """The labelled spans in a JSONL file with `start` and `end`.

    Raises:
        UsageError: if a line is none, naming it.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            record: Any = json.loads(line)
            start, end = record["start"], record["end"]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{str(path)!r}, line {number}: no labelled window: write "
                '{"start": "2015-03-03 04:37:53", "end": "2015-03-04 13:37:53"}'
            ) from error
        window = Window(_time(start, path, number), _time(end, path, number))
        if window.end < window.start:
            raise UsageError(f"{str(path)!r}, line {number}: the window ends before it starts: swap them")
        yield window


def _column(columns: dict[str, str], known: tuple[str, ...], path: Path) -> str:
    found = next((columns[name] for name in known if name in columns), None)
    if found is None:
        raise UsageError(f"{str(path)!r} has no column {' or '.join(known)}: name one of its columns so")
    return found


def _time(text: object, path: Path, line: int) -> datetime:
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        time = None
    if time is None:
        raise UsageError(
            f"{str(path)!r}, line {line}: {text!r} is no time: write it like 2015-03-03 04:37:53"
        )
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _count(text: str | None, path: Path, line: int) -> float:
    try:
        count = float(text or "")
    except ValueError:
        count = math.nan
    if not 0.0 <= count < math.inf:
        raise UsageError(f"{str(path)!r}, line {line}: {text!r} is no count: give a number of 0 or more")
    return count
