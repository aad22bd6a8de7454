"""What becomes of the bytes of `news.raw`: a news item, or one clear reason why not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from stream.events import NewsItem, Reject, RejectReason
from stream.score.decode import decode_news

RECEIVED = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
FIELDS = {
    "id": "a1",
    "source": "wire",
    "published_at": "2026-03-02T14:30:00Z",
    "headline": "Apple reports record quarter",
}


def record(**changes: object) -> bytes:
    return json.dumps(FIELDS | changes).encode()


def decoded(value: bytes | None) -> NewsItem | Reject:
    return decode_news(value, received_at=RECEIVED)


def without(field: str) -> bytes:
    return json.dumps({name: value for name, value in FIELDS.items() if name != field}).encode()


def test_a_whole_article_is_read_with_all_its_fields() -> None:
    item = decoded(
        record(
            body="It sold\nmore.",
            url="https://example.com/a1",
            language="en",
            tickers=["AAPL"],
            revises="a0",
            status="corrected",
            unknown={"nested": [1, 2]},
        )
    )
    assert item == NewsItem(
        id="a1",
        source="wire",
        published_at=datetime(2026, 3, 2, 14, 30, tzinfo=UTC),
        headline="Apple reports record quarter",
        body="It sold\nmore.",
        url="https://example.com/a1",
        language="en",
        tickers=("AAPL",),
        revises="a0",
        status="corrected",
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"not json", RejectReason.NOT_JSON),
        (b"", RejectReason.NOT_JSON),
        (record() + b"}", RejectReason.NOT_JSON),
        (
            record(headline="Société Générale").decode("unicode_escape").encode("latin-1"),
            RejectReason.BAD_ENCODING,
        ),
        (record().decode().encode("utf-16"), RejectReason.BAD_ENCODING),
        (record().decode().encode("utf-16-le"), RejectReason.BAD_ENCODING),
        (record().decode().encode("utf-16-be"), RejectReason.BAD_ENCODING),
        (record(headline="\ud83d alone"), RejectReason.BAD_ENCODING),
        (without("headline"), RejectReason.MISSING_FIELD),
        (without("published_at"), RejectReason.MISSING_FIELD),
        (b"{}", RejectReason.MISSING_FIELD),
        (None, RejectReason.MISSING_FIELD),
        (record(published_at="2026-03-02T14:30:00"), RejectReason.NAIVE_TIME),
        (record(published_at="2026-03-09T14:30:00Z"), RejectReason.FUTURE_TIME),
        (record(published_at="last Monday"), RejectReason.INVALID_VALUE),
        (record(published_at="2026-02-30T00:00:00Z"), RejectReason.INVALID_VALUE),
        (record(published_at="9999-12-31T23:59:59-23:59"), RejectReason.INVALID_VALUE),
        (record(published_at=1_772_461_800), RejectReason.WRONG_TYPE),
        (record(published_at="1772461800"), RejectReason.WRONG_TYPE),
        (record(published_at=None), RejectReason.WRONG_TYPE),
        (record(body="x" * 2_000_000), RejectReason.TOO_LARGE),
        (record(headline=""), RejectReason.EMPTY_TEXT),
        (record(headline=" \t\u2003"), RejectReason.EMPTY_TEXT),
        (record(headline="\u200b\u200d\ufeff\u3164"), RejectReason.EMPTY_TEXT),
        (record(id=" "), RejectReason.EMPTY_TEXT),
        (record(headline="Apple\x00 reports"), RejectReason.CONTROL_CHARACTER),
        (record(body="one\x00two"), RejectReason.CONTROL_CHARACTER),
        (record(id="a\n1"), RejectReason.CONTROL_CHARACTER),
        (record(tickers=["AAPL", "MS\x07FT"]), RejectReason.CONTROL_CHARACTER),
        (record().replace(b"record", b"rec\x00ord"), RejectReason.CONTROL_CHARACTER),
        (record().replace(b"record", b"rec\x01ord"), RejectReason.CONTROL_CHARACTER),
        (record(id=17), RejectReason.WRONG_TYPE),
        (record(headline=["Apple"]), RejectReason.WRONG_TYPE),
        (record(tickers="AAPL"), RejectReason.WRONG_TYPE),
        (record(tickers={"AAPL": 1}), RejectReason.WRONG_TYPE),
        (b"[]", RejectReason.WRONG_TYPE),
        (b"null", RejectReason.WRONG_TYPE),
        (b'"text"', RejectReason.WRONG_TYPE),
        (b'{"extra":' + b"[" * 10_000 + b"]" * 10_000 + b"}", RejectReason.TOO_DEEP),
        (b'{"extra":' + b'{"a":' * 10_000, RejectReason.TOO_DEEP),
        (b'{"extra":' + b"9" * 20_000 + b"}", RejectReason.INVALID_VALUE),
        (record(headline="x" * 1001), RejectReason.INVALID_VALUE),
        (record(status="deleted"), RejectReason.INVALID_VALUE),
        (record(status="withdrawn"), RejectReason.INVALID_VALUE),
        (record(revises="a1"), RejectReason.INVALID_VALUE),
    ],
    ids=lambda value: str(value)[:50],
)
def test_broken_input_is_refused_for_its_own_reason(value: bytes | None, reason: RejectReason) -> None:
    refused = decoded(value)
    assert isinstance(refused, Reject)
    assert refused.reason is reason


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (without("source"), "source is missing: every news item needs it"),
        (
            record(published_at="2026-03-02T14:30:00"),
            (
                "published_at is '2026-03-02T14:30:00': it has no offset, "
                "give an ISO 8601 time with its offset, such as 2026-03-02T14:30:00Z"
            ),
        ),
        (record(tickers="AAPL"), "tickers is 'AAPL': input should be a valid array"),
        (record(tickers=[["AAPL"]]), "tickers.0 is a list of 1: input should be a valid string"),
        (record(headline={"en": "Apple"}), "headline is an object: input should be a valid string"),
        (record(headline=""), "headline is '': give at least one visible character"),
        (record(body="a\x00b"), "body holds U+0000 at character 1: remove it"),
        (
            b"x" * 1_048_577,
            "the record has 1048577 bytes, 1048576 are allowed: cut `body`, or raise the limit",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_refusal_names_field_value_and_fix(value: bytes, said: str) -> None:
    refused = decoded(value)
    assert isinstance(refused, Reject)
    assert refused.detail == said


def test_a_long_or_unprintable_value_is_cut_short_in_the_refusal() -> None:
    for broken in (record(headline="x" * 5000), record(language="\u202e" * 500), record(id="\u200b" * 200)):
        refused = decoded(broken)
        assert isinstance(refused, Reject)
        assert len(refused.detail) < 200
        assert refused.detail.isprintable()


def test_a_byte_order_mark_at_the_start_is_passed_over() -> None:
    assert isinstance(decoded(b"\xef\xbb\xbf" + record()), NewsItem)


def test_the_last_of_two_equal_keys_counts() -> None:
    item = decoded(record()[:-1] + b', "headline": "Second"}')
    assert isinstance(item, NewsItem)
    assert item.headline == "Second"


def test_a_time_in_another_zone_is_the_same_instant_in_utc() -> None:
    item = decoded(record(published_at="2026-03-02 09:30:00-05:00"))
    assert isinstance(item, NewsItem)
    assert item.published_at == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    assert item.published_at.tzinfo is UTC


def test_a_time_ahead_is_believed_up_to_the_bound_and_no_further() -> None:
    ahead = timedelta(minutes=5)
    for minutes, believed in ((5, True), (6, False)):
        at = (RECEIVED + timedelta(minutes=minutes)).isoformat()
        answer = decode_news(record(published_at=at), received_at=RECEIVED, max_ahead=ahead)
        assert isinstance(answer, NewsItem) is believed


def test_a_record_of_exactly_the_largest_size_is_read() -> None:
    value = record()
    assert isinstance(decode_news(value, received_at=RECEIVED, max_bytes=len(value)), NewsItem)
    assert isinstance(decode_news(value, received_at=RECEIVED, max_bytes=len(value) - 1), Reject)


def test_line_breaks_in_a_text_and_marks_without_letters_are_no_fault() -> None:
    assert isinstance(decoded(record(body="one\r\n\ttwo", headline="!!!")), NewsItem)
    assert isinstance(decoded(record(headline="\u05be")), NewsItem)
