from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from models.scorer import Answer, Places, Scoring
from stream.bus import Outcome, Record
from stream.bus.records import EVERY
from stream.events import NewsItem, ScoredNews, Signal
from stream.metrics import Metrics
from stream.score.entities import CompanyTagger
from stream.score.pipeline import ScoreLimits, ScorePipeline

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class FakeScorer:
    """Calls everything bad; remembers what it was asked, and about which pieces of it."""

    def __init__(self, release: str = "fake@1") -> None:
        self.release = release
        self.asked: list[list[str]] = []
        self.spans: list[Sequence[Places] | None] = []

    def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> Scoring:
        self.asked.append(list(texts))
        self.spans.append(spans)
        answer = Answer((0.8, 0.1, 0.1), (("Earnings", 0.7),))
        return Scoring((answer,) * len(texts), self.release, 1, 4, 5, 0.001, 0.002)


class Bench:
    """A pipeline with fakes around it."""

    def __init__(self) -> None:
        self.metrics = Metrics(CollectorRegistry())
        self.scorer = FakeScorer()
        self.chinese = FakeScorer("chinese@1")
        self.pipeline = ScorePipeline(
            model=lambda: self.scorer,
            by_language={"zh": lambda: self.chinese},
            tagger=CompanyTagger.default(),
            metrics=self.metrics,
            limits=ScoreLimits(max_record_bytes=2_000),
            clock=(AT + timedelta(seconds=2)).timestamp,
        )

    async def answered(self, batch: dict[int, list[Record]]) -> Outcome:
        """What becomes of `batch`, with the last of the work done, as the loop does it."""
        outcome = await self.pipeline.process(batch)
        assert outcome.finish is not None
        outcome.finish()
        return outcome

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.pipeline.close()


def record(value: bytes | None, offset: int = 0, *headers: tuple[str, bytes]) -> Record:
    return Record("news.raw", 0, offset, AT + timedelta(seconds=1), b"key", value, headers)


def news(news_id: str, **fields: Any) -> bytes:
    body = {"id": news_id, "source": "Wire", "published_at": AT, "headline": "Apple Inc. shares fall"}
    return NewsItem.model_validate(body | fields).to_json()


async def test_an_empty_poll_is_answered_with_nothing_and_without_the_model(bench: Bench) -> None:
    outcome = await bench.pipeline.process({})
    assert outcome == Outcome({})
    bench.pipeline.delivered(outcome, 0)
    assert bench.scorer.asked == []
    assert bench.value("newstide_news_in_total") == 0


async def test_an_article_becomes_one_scored_item_and_a_signal_for_each_of_its_series(bench: Bench) -> None:
    outcome = await bench.answered({0: [record(news("a"), 0, ("traceparent", PARENT))]})
    scored, *signals = outcome.outgoing[0]
    assert ScoredNews.model_validate_json(scored.value or b"").received_at == AT + timedelta(seconds=1)
    assert [each.key for each in signals] == [
        b"market",
        b"company:AAPL",
        b"topic:earnings",
        b"company:AAPL/topic:earnings",
    ]
    assert [each.key for each in signals] == [
        Signal.model_validate_json(each.value or b"").series.encode() for each in signals
    ]
    for each in (scored, *signals):
        assert ("traceparent", PARENT) in each.headers
        assert ("ce_id", b"a") in each.headers
        assert each.partition is None


async def test_records_that_are_no_news_do_not_reach_the_model(bench: Bench) -> None:
    batch = {0: [record(b"{", 4), record(None, 5)], 2: [record(b"x" * 3_000, 9)]}
    outcome = await bench.answered(batch)
    assert bench.scorer.asked == []
    assert [each.topic for each in outcome.outgoing[0]] == ["news.rejected"] * 2
    assert dict(outcome.outgoing[2][0].headers)["newstide_reason"] == b"too_large"
    assert outcome.done == {0: 2, 2: 1}


async def test_a_withdrawal_goes_to_every_partition_of_the_signals(bench: Bench) -> None:
    outcome = await bench.answered({0: [record(news("b", revises="a", status="withdrawn"))]})
    _, *control = outcome.outgoing[0]
    assert [(each.key, each.partition) for each in control] == [(b"control", EVERY)]


async def test_only_what_is_committed_is_counted_and_it_adds_up(bench: Bench) -> None:
    batch = {0: [record(news("a")), record(b"{", 1)], 1: [record(news("b"))]}
    outcome = await bench.answered(batch)
    assert bench.value("newstide_news_in_total") == 0
    bench.pipeline.delivered(outcome, 0)
    assert bench.value("newstide_news_in_total") == 2
    assert bench.value("newstide_news_scored_total") == 1
    assert bench.value("newstide_news_rejected_total", reason="not_json") == 1
    assert bench.value("newstide_received_to_scored_seconds_sum") == pytest.approx(1.0)
    assert bench.value("newstide_published_to_scored_seconds_sum") == pytest.approx(2.0)
    bench.pipeline.delivered(outcome, 1)
    assert bench.value("newstide_news_in_total") == 3
    assert bench.value("newstide_news_sentiment_total", topic="Earnings", sentiment="negative") == 1.6


async def test_a_batch_says_which_model_answered_it(bench: Bench) -> None:
    first = await bench.answered({0: [record(news("a"))]})
    bench.scorer = FakeScorer("fake@2")
    second = await bench.answered({0: [record(news("b"))]})
    models = [
        ScoredNews.model_validate_json(outcome.outgoing[0][0].value or b"").model
        for outcome in (first, second)
    ]
    assert models == ["fake@1", "fake@2"]


async def test_each_language_is_read_by_its_own_release_and_the_answers_keep_their_order(
    bench: Bench,
) -> None:
    batch = {
        0: [record(news("a")), record(news("b", headline="\u592e\u884c\u52a0\u606f"), 1), record(b"{", 2)],
        1: [
            record(news("c", headline="\u80a1\u4ef7\u5927\u8dcc", language="zh-CN")),
            record(news("d", headline="Umsatz steigt", language="de"), 1),
        ],
    }
    outcome = await bench.answered(batch)
    said = [
        (each.id, each.model)
        for number in (0, 1)
        for record_ in outcome.outgoing[number]
        if record_.topic == "news.scored"
        for each in [ScoredNews.model_validate_json(record_.value or b"")]
    ]
    assert said == [("a", "fake@1"), ("b", "chinese@1"), ("c", "chinese@1"), ("d", "fake@1")]
    assert len(bench.scorer.asked) == len(bench.chinese.asked) == 1
    bench.pipeline.delivered(outcome, 0)
    bench.pipeline.delivered(outcome, 1)
    assert [
        bench.value("newstide_news_language_total", language=name) for name in ("en", "zh", "other", "de")
    ] == [1, 2, 1, None]
    assert bench.value("newstide_batch_rows_sum") == 4
    assert bench.value("newstide_padded_tokens_total") == 10


async def test_languages_that_share_a_release_share_a_pass(bench: Bench) -> None:
    bench.chinese = bench.scorer
    await bench.answered({0: [record(news("a")), record(news("b", headline="\u592e\u884c\u52a0\u606f"), 1)]})
    assert [len(texts) for texts in bench.scorer.asked] == [2]


async def test_the_model_is_asked_about_the_companies_that_the_headline_names(bench: Bench) -> None:
    await bench.answered({0: [record(news("a", tickers=["MSFT"]))]})
    assert bench.scorer.spans == [[((0, 9),)]]


async def test_it_keeps_no_state_to_restore_or_forget(bench: Bench) -> None:
    await bench.pipeline.restore(0)
    bench.pipeline.forget(0)
    assert await bench.pipeline.process({}) == Outcome({})
