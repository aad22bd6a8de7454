"""What holds for the companies found in any text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.score.entities import CompanyTagger
from stream.score.entities.tagger import MAX_MENTIONS

_TAGGER = CompanyTagger.default()
_ENGLISH = ("Apple", "Target", "'s", "$AAPL", " (NYSE: BAC)", "Inc.", "shares", "AT&T", "3M", "U.S.", ", ")
_CHINESE = (
    "贵州茅台",
    "机器人",
    "、",
    "公告",
    "中信证券：",
    "（600519.SH）",
    "TCL科技",
    "万科A",
    "评级",
    "sz000001",
)
_pieces = st.sampled_from(_ENGLISH + _CHINESE)
_texts = st.text(max_size=60) | st.lists(_pieces | st.text(max_size=4), max_size=12).map(" ".join)
_texts |= st.lists(_pieces | st.text(max_size=2), max_size=12).map("".join)


@given(_texts, st.none() | _texts, st.lists(st.text(max_size=8), max_size=4))
def test_mentions_are_bounded_distinct_and_stand_where_they_say(
    headline: str, body: str | None, tickers: list[str]
) -> None:
    mentions = _TAGGER.tag(headline, body, tickers)
    assert len(mentions) <= MAX_MENTIONS
    assert len({mention.id for mention in mentions}) == len(mentions)
    for mention in mentions:
        assert 0 < mention.relevance <= 1
        if mention.start is not None and mention.end is not None:
            assert headline[mention.start : mention.end].strip()
    assert _TAGGER.tag(headline, body, tickers) == mentions
