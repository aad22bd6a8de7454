from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stream.backtest.tables import Kind, kind_of, read_counts, read_windows
from stream.errors import UsageError


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "line", "kind"),
    [
        ("a.csv", "timestamp,value", Kind.COUNTS),
        ("a.csv", "\ufeffTime, Count", Kind.COUNTS),
        ("a.csv", "published_at,ticker,text", Kind.NEWS),
        ("a.jsonl", '{"id": "1", "headline": "x"}', Kind.NEWS),
        ("a.jsonl", '{"id": "1", "sentiment": {}, "fingerprint": ""}', Kind.SCORED),
        ("a.jsonl", '{"series": "market", "fingerprint": ""}', Kind.SIGNALS),
        ("a.jsonl", '{"control": "withdrawal"}', Kind.SIGNALS),
        ("a.jsonl", "{broken", Kind.NEWS),
        ("a.jsonl", "[1]", Kind.NEWS),
        ("a.jsonl", "", Kind.NEWS),
    ],
)
def test_the_first_line_tells_what_a_file_holds(tmp_path: Path, name: str, line: str, kind: Kind) -> None:
    assert kind_of(written(tmp_path, name, line + "\n")) is kind


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be opened"):
        kind_of(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="can't be opened"):
        read_counts(tmp_path / "none.csv")


def test_a_count_series_is_read_with_the_labels_beside_it(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "T.csv",
        "timestamp,value\n2015-02-26 21:42:53,104\n2015-02-26 21:47:53,100.5\n2015-02-26 21:57:53,0\n"
        "2015-02-26 22:02:53+00:00,1\n",
    )
    written(
        tmp_path,
        "T.windows.jsonl",
        '{"start": "2015-02-26 21:42:53.000000", "end": "2015-02-26 21:47:53"}\n\n',
    )
    table = read_counts(path)
    assert table.name == "T"
    assert table.rows[0] == (datetime(2015, 2, 26, 21, 42, 53, tzinfo=UTC), 104.0)
    assert table.bucket == timedelta(minutes=5)
    assert len(table.windows) == 1
    assert table.labelled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timestamp,number\n", "no column value or count"),
        ("when,value\n", "no column timestamp or time"),
        ("timestamp,value\n2015-01-01,1\n", "1 rows"),
        ("timestamp,value\n2015-01-01,1\nsoon,2\n", "line 3: 'soon' is no time"),
        ("timestamp,value\n2015-01-01,1\n2015-01-02,-2\n", "line 3: '-2' is no count"),
        ("timestamp,value\n2015-01-01,1\n2015-01-02,many\n", "'many' is no count"),
        ("timestamp,value\n2015-01-01,1\n2015-01-02\n", "None is no count"),
        ("timestamp,value\n2015-01-02,1\n2015-01-01,2\n", "line 3: '2015-01-01' is not later"),
    ],
)
def test_a_table_that_is_no_count_series_is_refused_with_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        read_counts(written(tmp_path, "T.csv", text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "T.csv"
    path.write_bytes(b"timestamp,value\n\xff\xfe,1\n")
    with pytest.raises(UsageError, match="no CSV in UTF-8"):
        read_counts(path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{broken", "line 1: no labelled window"),
        ('{"start": "2015-01-01"}', "no labelled window"),
        ('{"start": 5, "end": "2015-01-01"}', "5 is no time"),
        ('{"start": "2015-01-02", "end": "2015-01-01"}', "ends before it starts"),
    ],
)
def test_labels_that_can_t_be_read_are_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        list(read_windows(written(tmp_path, "T.windows.jsonl", line)))
