"""Tables that people write: a CSV with the names of its columns in the first line, read without guessing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.errors import UnusableDataError

MOST_CHARACTERS = 1_000_000
"""The longest cell. One that is longer is nearly always a quote that was never closed."""

_NEVER_CLOSED = (
    'a double quote opens here and is not closed where a cell ends: close it, or write "" for one in a text'
)
_TOO_MANY = "more cells than the first line names: put texts with commas in double quotes"
_TOO_FEW = "the line ends before this column: complete it, or put texts with commas in double quotes"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one row: the line on which it begins, the column, and the reason."""

    line: int
    column: str
    reason: str

    def told(self, path: Path) -> str:
        """The same in one line, for a person."""
        return f"{path}, line {self.line}" + (f", {self.column}" if self.column else "") + f": {self.reason}"


@dataclass(slots=True)
class Table:
    """The rows of a CSV, each with the line on which it begins. Made by `read_table`."""

    path: Path
    columns: tuple[str, ...]
    _lines: list[str] = field(repr=False)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str] | Fault]]:
        """Each row, or what is wrong with it. A quote that is not closed spoils its own line only."""
        place = 1
        while place < len(self._lines):
            reader = csv.reader(map(self._lines.__getitem__, range(place, len(self._lines))), strict=True)
            read = 0
            try:
                while (cells := _next_row(reader)) is not None:
                    if cells:
                        yield place + read + 1, self._row(place + read + 1, cells)
                    read = reader.line_num
            except csv.Error:
                yield place + read + 1, Fault(place + read + 1, "", _NEVER_CLOSED)
                place += read + 1
            else:
                return

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Each row.

        Raises:
            UnusableDataError: at the first that is wrong, or if there is none.
        """
        some = False
        for line, row in self:
            if isinstance(row, Fault):
                raise UnusableDataError(row.told(self.path))
            some = True
            yield line, row
        if not some:
            raise UnusableDataError(f"{self.path} has no rows below its first line: give at least one")

    def need(self, columns: Sequence[str]) -> None:
        """Make sure that these columns are there.

        Raises:
            UnusableDataError: if one is not.
        """
        for column in columns:
            if column not in self.columns:
                found = ", ".join(map(repr, self.columns))
                alone = len(self.columns) == 1 and any(mark in self.columns[0] for mark in ";\t|")
                fix = "separate the columns with commas" if alone else "name it in the first line"
                raise UnusableDataError(
                    f"{self.path}, line 1: there is no column {column!r} among {found}: {fix}"
                )

    def _row(self, line: int, cells: Sequence[str]) -> dict[str, str] | Fault:
        if len(cells) > len(self.columns):
            return Fault(line, "", _TOO_MANY)
        if len(cells) < len(self.columns):
            return Fault(line, self.columns[len(cells)], _TOO_FEW)
        return dict(zip(self.columns, cells, strict=True))


def read_table(path: Path, needed: Sequence[str] = ()) -> Table:
    """The table in the CSV `path`, which must have the columns `needed`.

    Raises:
        UnusableDataError: if the file can't be read or is no UTF-8, or its first line is no CSV, names a column
            twice, or lacks one. The text names the line and the fix.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnusableDataError(
            f"{path} can't be read ({error.strerror}): give the path of a CSV file"
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnusableDataError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is no UTF-8: save the file as UTF-8"
        ) from error
    # Not `splitlines`: that also ends a line at marks that a text may hold.
    lines = list(io.StringIO(text, newline=""))
    try:
        columns = tuple(name.strip() for name in _next_row(csv.reader(lines[:1], strict=True)) or ())
    except csv.Error as error:
        raise UnusableDataError(f"{path}, line 1: {_NEVER_CLOSED}") from error
    if not columns:
        raise UnusableDataError(f"{path}, line 1: it is empty: name the columns in the first line")
    if twice := [name for place, name in enumerate(columns) if name in columns[:place]]:
        raise UnusableDataError(f"{path}, line 1: the column {twice[0]!r} is named twice: keep one of them")
    table = Table(path, columns, lines)
    table.need(needed)
    return table


def _next_row(reader: Iterator[list[str]]) -> list[str] | None:
    """The next row, or None at the end. The limit of a cell is the whole process's, so it is put back at once."""
    before = csv.field_size_limit(MOST_CHARACTERS)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)
