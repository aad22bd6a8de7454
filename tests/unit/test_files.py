"""News out of JSONL and CSV files."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest

from stream.errors import UsageError
from stream.events import NewsItem
from stream.sources import files
from stream.sources.columns import parse_timezone
from stream.sources.files import BadRow, Format, NewsRow, format_of, read_news
from stream.sources.lines import MAX_ROW_BYTES


def rows_of(
    data: str | bytes, format_: Format = "csv", *, source: str | None = None, timezone: tzinfo | None = None
) -> list[NewsRow | BadRow]:
    stream = io.BytesIO(data if isinstance(data, bytes) else data.encode())
    return list(read_news(stream, format_, source=source, timezone=timezone))


def good(rows: list[NewsRow | BadRow]) -> list[NewsItem]:
    return [NewsItem.model_validate_json(row.value) for row in rows if isinstance(row, NewsRow)]


def bad(rows: list[NewsRow | BadRow]) -> list[str]:
    return [str(row) for row in rows if isinstance(row, BadRow)]


GOOD_LINE = '{"id":"7","published_at":"2026-03-02T09:30:00-05:00","headline":"x"}'

# JSONL


def test_lines_are_sent_byte_for_byte_broken_ones_too() -> None:
    lines = [GOOD_LINE.encode(), b"not json", b"\xff\xfe\x00", b"[1]", b"[" * 100_000, b'{"id": 7}']
    rows = rows_of(b"\r\n".join([lines[0], b"", b"  "]) + b"\n" + b"\n".join(lines[1:]), "jsonl")

    assert all(isinstance(row, NewsRow) for row in rows)
    assert [row.value for row in rows if isinstance(row, NewsRow)] == lines
    assert [row.line for row in rows] == [1, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("line", "key", "time"),
    [
        (GOOD_LINE, b"7", datetime(2026, 3, 2, 14, 30, tzinfo=UTC)),
        ("\ufeff" + GOOD_LINE, b"7", datetime(2026, 3, 2, 14, 30, tzinfo=UTC)),
        ('{"published_at":"2026-03-02T14:30:00Z"}', None, datetime(2026, 3, 2, 14, 30, tzinfo=UTC)),
        ('{"id":" é ","published_at":"2026-03-02T14:30:00"}', "é".encode(), None),
        ('{"id":"","published_at":"soon"}', None, None),
        ('{"id":"\\ud800","published_at":1772461800}', None, None),
        ('{"published_at":"0001-01-01T00:00:00+14:00"}', None, None),
        ("{", None, None),
        ("3", None, None),
    ],
)
def test_key_and_time_of_a_line_are_found_where_they_are_right(
    line: str, key: bytes | None, time: datetime | None
) -> None:
    (row,) = rows_of(line, "jsonl")

    assert isinstance(row, NewsRow)
    assert (row.key, row.published_at) == (key, time)


def test_a_line_that_no_topic_takes_is_bad_and_the_next_one_is_read() -> None:
    long = b"x" * MAX_ROW_BYTES
    rows = rows_of(b"\n".join([long * 2, GOOD_LINE.encode(), long]), "jsonl")

    assert [type(row) for row in rows] == [BadRow, NewsRow, BadRow]
    assert bad(rows)[0].startswith(f"line 1: it has {MAX_ROW_BYTES} bytes or more")


def test_a_stream_is_read_as_jsonl_unless_told_otherwise() -> None:
    (row,) = read_news(io.BytesIO(GOOD_LINE.encode()))

    assert isinstance(row, NewsRow)


def test_an_empty_jsonl_file_holds_nothing() -> None:
    assert rows_of("", "jsonl") == []


# CSV


def test_a_file_of_headlines_with_time_and_ticker_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "wire.csv"
    path.write_text('published_at,ticker,text\n2026-03-02 09:30:00-05:00,ACME,"Acme, it says, fails"\n')

    (row,) = read_news(path)

    assert isinstance(row, NewsRow)
    (item,) = good([row])
    assert (item.headline, item.tickers, item.source) == ("Acme, it says, fails", ("ACME",), "wire")
    assert row.published_at == item.published_at == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    assert (row.line, row.key) == (2, item.id.encode())


def test_every_field_has_its_columns() -> None:
    (item,) = good(
        rows_of(
            "\ufeffGUID;Date ;Title;Text;Symbols;Publisher;Link;Lang;Revises;Status;Extra\n"
            "7;2026-03-02T14:30:00Z;Head;Body;A, B|C;Wire;http://a.test;en;6;corrected;x\n"
        )
    )

    assert item == NewsItem(
        id="7",
        source="Wire",
        published_at=datetime(2026, 3, 2, 14, 30, tzinfo=UTC),
        headline="Head",
        body="Body",
        url="http://a.test",
        language="en",
        tickers=("A", "B", "C"),
        revises="6",
        status="corrected",
    )


def test_ids_are_the_same_each_time_and_different_for_different_news() -> None:
    table = "time,text\n" + "".join(
        f"2026-03-02T14:{minute}:00Z,{text}\n" for minute, text in (("30", "a"), ("30", "b"), ("31", "a"))
    )
    ids = [item.id for item in good(rows_of(table, source="s"))]

    assert ids == [item.id for item in good(rows_of(table, source="s"))]
    assert len({*ids, *(item.id for item in good(rows_of(table, source="t")))}) == 6


@pytest.mark.parametrize(
    "time",
    [
        "2026-03-02T14:30:00Z",
        "2026-03-02 09:30:00-05:00",
        "1772461800",
        "1772461800000",
        "Mon, 02 Mar 2026 14:30:00 GMT",
    ],
)
def test_times_are_read_in_the_usual_ways(time: str) -> None:
    (item,) = good(rows_of(f'time,text\n"{time}",x\n'))

    assert item.published_at == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def test_a_time_without_zone_is_refused_by_line_unless_a_zone_is_given() -> None:
    table = "time,text\n2026-03-02 09:30,x\n2026-07-02 09:30:00Z,y\n"

    assert bad(rows_of(table)) == [
        "line 2, column time: '2026-03-02 09:30' has no zone: write an offset, such as +00:00, or give --timezone"
    ]
    items = good(rows_of(table, timezone=parse_timezone("America/New_York")))
    assert [item.published_at.hour for item in items] == [14, 9]


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc", "", "America"])
def test_a_zone_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--timezone is"):
        parse_timezone(name)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("soon,x,", "line 3, column When: 'soon' is no time: write it like"),
        (
            "0001-01-01T00:00:00+14:00,x,",
            "line 3, column When: '0001-01-01T00:00:00+14:00' is outside the years",
        ),
        ("99999999999999999,x,", "line 3, column When: '99999999999999999' is no time"),
        (",x,", "line 3, column When: it is empty"),
        ("2026-03-02T14:30:00Z,  ,", "line 3, column text: it is empty"),
        ("2026-03-02T14:30:00Z,x", "line 3: the row has 2 cells, the header 3"),
        ("2026-03-02T14:30:00Z,x,,", "line 3: the row has 4 cells, the header 3"),
        (f"2026-03-02T14:30:00Z,{'x' * 1001},", "line 3, column text: String should have at most 1000"),
        ("2026-03-02T14:30:00Z,x,corrected", "line 3, column status: status is 'corrected' but `revises` is"),
        ('2026-03-02T14:30:00Z,"x"y,', "line 3: no CSV up to line 3: "),
        (f'2026-03-02T14:30:00Z,"{"x" * 140_000}",', "line 3: no CSV up to line 3: field larger than"),
    ],
)
def test_a_bad_row_is_named_by_line_and_column_and_the_others_are_read(row: str, said: str) -> None:
    ok = "2026-03-02T14:30:00Z,ok,\n"
    rows = rows_of(f"When,text,status\n{ok}{row}\n\n{ok}".replace("When", "TIME").replace("TIME", "Time"))

    (told,) = bad(rows)
    assert told.startswith(said.replace("When", "Time"))
    assert len(good(rows)) == 2


def test_a_quote_left_open_swallows_the_rest_and_says_so() -> None:
    rows = rows_of('time,text\n2026-03-02T14:30:00Z,a\n2026-03-02T14:30:00Z,"b\n2026-03-02T14:30:00Z,c\n')

    assert len(good(rows)) == 1
    assert bad(rows) == ["line 3: no CSV up to line 4: unexpected end of data; is a quote open?"]


def test_a_line_that_is_not_utf8_is_named_and_the_others_are_read() -> None:
    rows = rows_of(b"time,text\n2026-03-02T14:30:00Z,Z\xfcrich\n2026-03-02T14:30:00Z,fine\n")

    assert bad(rows) == ["line 2: its byte 23 is 0xfc, which is not UTF-8: save the file as UTF-8"]
    assert [item.headline for item in good(rows)] == ["fine"]


def test_a_quoted_cell_may_go_over_several_lines_and_the_next_row_keeps_its_number() -> None:
    rows = rows_of('time,text\n2026-03-02T14:30:00Z,"a\nb"\nsoon,c\n')

    assert good(rows)[0].headline == "a\nb"
    assert bad(rows)[0].startswith("line 4, column time")


def test_a_line_that_is_too_long_is_bad_in_csv_too() -> None:
    rows = rows_of(b"time,text\n" + b"x" * MAX_ROW_BYTES + b"\n2026-03-02T14:30:00Z,fine\n")

    assert bad(rows)[0].startswith("line 2: it has")
    assert len(good(rows)) == 1


# Files that are wrong as a whole


def test_a_table_without_headline_or_time_is_refused_with_what_was_found_and_what_is_wanted() -> None:
    with pytest.raises(UsageError) as caught:
        rows_of("time,body,score\n")
    assert str(caught.value) == (
        "standard input: no column holds headline: found 'time', 'body', 'score'; "
        "name one of them headline, title or text"
    )
    with pytest.raises(UsageError, match="no column holds published_at: found 'text'; name one of them"):
        rows_of("text\n")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the first line is empty"),
        (b"\n", "the first line is empty"),
        ("time,text\n".encode("utf-16"), "line 1: the file is in UTF-16"),
        (b"t\xefme,text\n", "line 1: its byte 2 is 0xef"),
        (b'"' + b"x" * 140_000, "must name the columns: field larger"),
        (b"time,text\nsoon,a\nlater,b\n", "none of its 2 rows can be read; the first: line 2, column time"),
    ],
)
def test_a_file_that_can_not_be_read_at_all_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rows_of(data)


def test_a_file_that_is_not_there_or_of_no_known_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be opened"):
        list(read_news(tmp_path / "none.csv"))
    with pytest.raises(UsageError, match="give --format"):
        list(read_news(tmp_path / "news.txt"))
    assert [format_of(Path(f"x.{ending}")) for ending in ("JSONL", "ndjson", "csv")] == [
        "jsonl",
        "jsonl",
        "csv",
    ]


def test_a_tab_separated_file_may_be_told_to_be_csv(tmp_path: Path) -> None:
    path = tmp_path / "news.txt"
    path.write_text("time\ttext\n2026-03-02T14:30:00Z\ta, b\n")

    rows = list(files.read_news(path, "csv"))

    assert json.loads(rows[0].value)["headline"] == "a, b"  # type: ignore[union-attr]  # a BadRow fails here
