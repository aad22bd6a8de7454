"""Whatever bytes come, decoding answers with a value."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from stream.events import NewsItem, Reject
from stream.score.decode import decode_news

RECEIVED = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("2026-03-02T14:30:00Z"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
_fields = st.sampled_from(
    ["id", "source", "published_at", "headline", "body", "tickers", "revises", "status", "url"]
)


@given(st.binary(max_size=400))
def test_any_bytes_give_an_item_or_a_refusal(value: bytes) -> None:
    assert isinstance(decode_news(value, received_at=RECEIVED), NewsItem | Reject)


@given(st.dictionaries(_fields, _json), st.sampled_from(["utf-8", "utf-16", "utf-32", "latin-1"]))
def test_any_json_in_any_encoding_gives_an_item_or_a_refusal(
    fields: dict[str, object], encoding: str
) -> None:
    whole = {"id": "a", "source": "s", "published_at": "2026-03-02T14:30:00Z", "headline": "h"} | fields
    value = json.dumps(whole).encode(encoding)
    answer = decode_news(value, received_at=RECEIVED)
    if isinstance(answer, Reject):
        assert answer.detail.isprintable()
        assert len(answer.detail) < 500
    else:
        assert decode_news(answer.to_json(), received_at=RECEIVED) == answer


@given(st.data())
def test_a_damaged_article_gives_an_item_or_a_refusal(data: st.DataObject) -> None:
    whole = json.dumps(
        {"id": "a", "source": "s", "published_at": "2026-03-02T14:30:00Z", "headline": "h"}
    ).encode()
    start = data.draw(st.integers(0, len(whole)))
    value = (
        whole[:start] + data.draw(st.binary(max_size=6)) + whole[data.draw(st.integers(start, len(whole))) :]
    )
    assert isinstance(decode_news(value, received_at=RECEIVED), NewsItem | Reject)
