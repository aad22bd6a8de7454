from __future__ import annotations

import csv
from pathlib import Path

from models.tables import read_table


def test_a_long_cell_is_read_and_the_limit_of_other_readers_in_the_process_stays(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(f"text,label\n{'a' * 200_000},good\nb,bad\n", encoding="utf-8")
    before = csv.field_size_limit()
    rows = [row for _, row in read_table(path).rows()]
    assert [len(row["text"]) for row in rows] == [200_000, 1]
    assert csv.field_size_limit() == before


def test_the_limit_stays_as_it_was_between_rows_too(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("text\na\nb\n", encoding="utf-8")
    before = csv.field_size_limit()
    rows = iter(read_table(path))
    next(rows)
    assert csv.field_size_limit() == before
