"""Texts from a file or stdin: one a line, or a CSV or JSON lines with a `text` or `headline`."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from stream.errors import UsageError

STDIN = "-"
_FIELDS = ("text", "headline")


def read_texts(path: str) -> Iterator[str]:
    """The texts in the file `path`, or in stdin for `-`; what it holds goes by the ending of its name.

    Blank lines are passed over.

    Raises:
        UsageError: if it can't be read, or has neither `text` nor `headline`; the text names the line.
    """
    read = {".csv": _from_csv, ".jsonl": _from_json_lines, ".ndjson": _from_json_lines}.get(
        Path(path).suffix.lower(), _from_lines
    )
    try:
        if path == STDIN:
            yield from _from_lines(sys.stdin, path)
            return
        # In a CSV a text may go over several lines, so its reader wants the line breaks as they are.
        with Path(path).open(encoding="utf-8-sig", newline="") as lines:
            yield from read(lines, path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} can't be read as text in UTF-8: {error}") from error


def _from_lines(lines: Iterable[str], _path: str) -> Iterator[str]:
    return (line.strip() for line in lines if line.strip())


def _from_csv(lines: Iterable[str], path: str) -> Iterator[str]:
    rows = csv.DictReader(lines)
    field = next((field for field in _FIELDS if field in (rows.fieldnames or ())), None)
    if field is None:
        raise UsageError(f"{path} has no column {' or '.join(_FIELDS)}: name one of its columns so")
    return (row[field].strip() for row in rows if (row[field] or "").strip())


def _from_json_lines(lines: Iterable[str], path: str) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise UsageError(f"{path} line {number} is not JSON: {error}") from error
        text = record if isinstance(record, str) else _text_in(record)
        if text is None:
            raise UsageError(f"{path} line {number} has no {' or '.join(_FIELDS)}: give one as a string")
        yield text


def _text_in(record: object) -> str | None:
    if not isinstance(record, dict):
        return None
    return next((record[field] for field in _FIELDS if isinstance(record.get(field), str)), None)
