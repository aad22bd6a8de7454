"""Texts from a file or stdin: one a line, or a CSV or JSON lines with a `text` or `headline`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from stream.errors import UsageError

STDIN = "-"
_FIELDS = ("text", "headline")


def read_texts(path: str) -> Iterator[str]:
    """The texts in the file `path`, or in stdin for `-`; what it holds goes by the ending of its name.

    A file is read whole before its first text is given. Blank lines are passed over; a row or record without a
    text is refused, since the answers would not stand beside their texts any more.

    Raises:
        UsageError: if it can't be read, has no text, or has neither `text` nor `headline`; names the line.
        UnusableDataError: if it is no CSV.
    """
    try:
        found = iter(_from_stdin()) if path == STDIN else iter(_from_file(Path(path)))
        first = next(found, None)
        if first is None:
            raise UsageError(f"{path} holds no text: give at least one")
        yield first
        yield from found
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read as text in UTF-8: {error}") from error


def _from_file(path: Path) -> list[str]:
    ending = path.suffix.lower()
    if ending == ".csv":
        return list(_from_csv(path))
    with path.open(encoding="utf-8-sig") as lines:
        return list(_from_json_lines(lines, path) if ending in {".jsonl", ".ndjson"} else _from_lines(lines))


def _from_stdin() -> Iterator[str]:
    # Python lets bytes that are no UTF-8 through in some locales; a file with them is refused, and so are they.
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding="utf-8", errors="strict")
    return _from_lines(sys.stdin)


def _from_lines(lines: Iterable[str]) -> Iterator[str]:
    return (line.strip() for line in lines if line.strip())


def _from_csv(path: Path) -> Iterator[str]:
    from models.tables import read_table

    table = read_table(path)
    field = next((field for field in _FIELDS if field in table.columns), None)
    if field is None:
        raise UsageError(f"{path} has no column {' or '.join(_FIELDS)}: name one of its columns so")
    for line, row in table.rows():
        if not row[field].strip():
            raise UsageError(f"{path}, line {line}: {field} is empty: fill it in, or take the row out")
        yield row[field].strip()


def _from_json_lines(lines: Iterable[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{path}, line {number} is not JSON: {error}") from error
        text = record if isinstance(record, str) else _text_in(record)
        if text is None or not text.strip():
            raise UsageError(f"{path}, line {number} has no {' or '.join(_FIELDS)}: give one as a string")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            half = text[error.start]
            raise UsageError(
                f"{path}, line {number}: {half!a} is half of a character: write both halves, or neither"
            ) from error
        yield text


def _text_in(record: object) -> str | None:
    if not isinstance(record, dict):
        return None
    return next((record[field] for field in _FIELDS if isinstance(record.get(field), str)), None)
