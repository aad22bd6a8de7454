"""What is written of an article once the model has answered, and of each series it speaks of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest

from models.scorer import Answer, FoundMention
from stream.events import NewsItem, ScoredNews, Signal, Withdrawal
from stream.score.entities import Mention
from stream.score.fingerprint import fingerprint
from stream.score.scoring import (
    BODY_CHARS,
    make_scored,
    model_text,
    places_of,
    signals_of,
    withdrawal_of,
)

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
APPLE = Mention("AAPL", "Apple Inc.", 0, 5, 1.0)
INTEL = Mention("INTC", "Intel", None, None, 0.5)
ANSWER = Answer((0.7, 0.2, 0.1), (("Earnings", 0.8), ("Legal | Regulation", 0.15), ("Macro", 0.05)))


def article(
    headline: str = "Apple warns",
    body: str | None = None,
    status: Literal["normal", "corrected", "withdrawn"] = "normal",
) -> NewsItem:
    revises = None if status == "normal" else "a0"
    return NewsItem(
        id="a1",
        source="wire",
        published_at=AT,
        headline=headline,
        body=body,
        url="https://example.com/a1",
        status=status,
        revises=revises,
    )


def scored(
    answer: Answer = ANSWER, mentions: tuple[Mention, ...] = (APPLE, INTEL), item: NewsItem | None = None
) -> ScoredNews:
    return make_scored(
        item or article(),
        answer,
        mentions,
        fingerprint=fingerprint((item or article()).headline),
        release="mood@3",
        received_at=AT,
        scored_at=AT,
    )


def by_series(news: ScoredNews) -> dict[str, Signal]:
    return {signal.series: signal for signal in signals_of(news)}


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (None, "Apple warns"),
        ("", "Apple warns"),
        (" \n ", "Apple warns"),
        ("Sales\n\n fell.", "Apple warns\nSales fell."),
        ("Apple warns. Sales fell.", "Apple warns\nSales fell."),
        ("Apple warns", "Apple warns"),
        ("x" * 2000, "Apple warns\n" + "x" * BODY_CHARS),
    ],
)
def test_the_model_reads_the_headline_and_the_beginning_of_the_body(body: str | None, read: str) -> None:
    assert model_text(article(body=body)) == read


def test_a_long_body_is_cut_between_words() -> None:
    read = model_text(article(body="fell " * 500))
    assert read.endswith("fell")
    assert len(read) <= len("Apple warns\n") + BODY_CHARS


def test_a_scored_article_keeps_the_article_and_adds_the_answer() -> None:
    news = scored(item=article(body="Sales fell.", status="corrected"))
    assert NewsItem.model_validate_json(news.to_json()) == article(body="Sales fell.", status="corrected")
    assert news.model == "mood@3"
    assert news.score == -0.6
    assert news.fingerprint == fingerprint("Apple warns")
    assert [(entity.id, entity.start, entity.relevance) for entity in news.entities] == [
        ("AAPL", 0, 1.0),
        ("INTC", None, 0.5),
    ]
    assert all(entity.sentiment == news.sentiment and entity.score == news.score for entity in news.entities)


def test_the_fingerprint_is_that_of_the_headline_so_that_cut_copies_agree() -> None:
    assert scored(item=article(body="Long text.")).fingerprint == scored().fingerprint


def test_only_topics_of_some_probability_are_written_likeliest_first() -> None:
    crowd = Answer(
        (0.1, 0.8, 0.1), (("Macro", 0.09), ("IPO", 0.2), ("Earnings", 0.3), ("Politics", 0.1), ("Gold", 0.15))
    )
    assert [topic.label for topic in scored(crowd).topics] == ["Earnings", "IPO", "Gold"]
    assert [topic.label for topic in scored(ANSWER).topics] == ["Earnings", "Legal | Regulation"]


def test_probabilities_are_rounded_and_still_sum_to_one() -> None:
    third = 1 / 3
    news = scored(Answer((third, third, third), (("Earnings", 2 / 3),)))
    assert (news.sentiment.negative, news.topics[0].probability) == (0.333333, 0.666667)
    assert news.sentiment.negative + news.sentiment.neutral + news.sentiment.positive == pytest.approx(
        1, abs=1e-5
    )


def test_a_probability_a_hair_beyond_its_bounds_is_no_fault() -> None:
    news = scored(Answer((1.0000001, -0.0000001, 0.0), (("Earnings", 1.0000002),)))
    assert (news.sentiment.negative, news.sentiment.neutral, news.score) == (1.0, 0.0, -1.0)
    assert news.topics[0].probability == 1.0


def test_an_article_speaks_of_the_market_its_companies_and_its_likely_topics() -> None:
    signals = by_series(scored())
    assert {series: signal.weight for series, signal in signals.items()} == {
        "market": 1.0,
        "company:AAPL": 1.0,
        "company:INTC": 0.5,
        "topic:earnings": 0.8,
        "company:AAPL/topic:earnings": 0.8,
        "company:INTC/topic:earnings": 0.4,
    }
    assert signals["market"].companies == ("AAPL", "INTC")
    assert signals["market"].topics == ("earnings", "legal-regulation")
    assert signals["company:AAPL"].companies == ()
    assert next(iter(signals)) == "market"


def test_a_company_in_the_headline_carries_the_sentiment_towards_itself_and_any_other_that_of_the_text() -> (
    None
):
    nokia, ericsson = Mention("NOK", "Nokia", 0, 5, 1.0), Mention("ERIC", "Ericsson", 15, 23, 0.9)
    mentions = (nokia, INTEL, ericsson)
    assert places_of(mentions) == ((0, 5), (15, 23))
    towards = ((0.05, 0.05, 0.9), (0.9, 0.05, 0.05))
    news = scored(Answer((0.3, 0.4, 0.3), ANSWER.topics, towards), mentions)
    assert [entity.score for entity in news.entities] == [0.85, 0.0, -0.85]
    scores = {series: signal.score for series, signal in by_series(news).items()}
    assert scores["market"] == scores["topic:earnings"] == 0.0
    assert scores["company:NOK"] == scores["company:NOK/topic:earnings"] == 0.85
    assert scores["company:ERIC"] == scores["company:ERIC/topic:earnings"] == -0.85
    assert by_series(news)["company:ERIC"].sentiment.negative == 0.9


def test_a_company_that_the_model_does_not_read_so_far_carries_the_sentiment_of_the_text() -> None:
    news = scored(Answer((0.7, 0.2, 0.1), (), (None,)), (APPLE,))
    assert news.entities[0].sentiment == news.sentiment


def test_names_that_no_table_knows_are_written_once_each_and_give_no_series() -> None:
    headline = "Apple warns Acme's rival Acme in Berlin as Acme (unread)"
    told = (("ORG", "Apple"), ("ORG", "Acme's"), ("ORG", "Acme"), ("LOC", "Berlin"), ("PER", "Acme"))
    found = [
        FoundMention(kind, headline.index(name), headline.index(name) + len(name)) for kind, name in told
    ]
    beyond = FoundMention("PER", len(headline) + 3, len(headline) + 9)
    news = scored(Answer((0.7, 0.2, 0.1), (), (None,), (*found, beyond)), (APPLE,), article(headline))
    assert [(name.kind, name.name) for name in news.names] == [
        ("organisation", "Acme"),
        ("place", "Berlin"),
        ("person", "Acme"),
    ]
    assert headline[news.names[0].start : news.names[0].end] == "Acme"
    assert set(by_series(news)) == {"market", "company:AAPL"}


def test_every_signal_carries_what_watch_needs_of_the_article() -> None:
    news = scored(item=article(status="corrected"))
    for signal in signals_of(news):
        assert (signal.news_id, signal.published_at, signal.source) == ("a1", AT, "wire")
        assert (signal.status, signal.revises) == ("corrected", "a0")
        assert (signal.fingerprint, signal.sentiment, signal.score) == (
            news.fingerprint,
            news.sentiment,
            -0.6,
        )
        assert (signal.headline, signal.url, signal.model) == (
            "Apple warns",
            "https://example.com/a1",
            "mood@3",
        )
        assert Signal.model_validate_json(signal.to_json()) == signal


def test_a_topic_that_is_less_than_half_likely_has_no_series() -> None:
    news = scored(Answer((0.1, 0.8, 0.1), (("Earnings", 0.49),)))
    assert list(by_series(news)) == ["market", "company:AAPL", "company:INTC"]
    assert by_series(news)["market"].topics == ("earnings",)


def test_an_article_of_no_company_and_no_topic_speaks_of_the_market() -> None:
    assert list(by_series(scored(Answer((0.1, 0.8, 0.1), ()), ()))) == ["market"]


def test_names_of_series_are_bounded_and_hold_only_safe_characters() -> None:
    odd = Mention("A B/C:\u00e9\n" + "x" * 200, "Odd", None, None, 1.0)
    same = Mention("A B/C:\u00e9\n" + "x" * 199, "Odd", None, None, 0.5)
    signals = by_series(scored(Answer((0.1, 0.8, 0.1), (("word " * 100, 0.9),)), (odd, same)))
    companies = [series for series in signals if series.startswith("company:A_B_C_")]
    assert len(companies) == 2
    assert signals[companies[0]].weight == 1.0
    assert all(len(series) <= 256 and series.isascii() and " " not in series for series in signals)


def test_a_topic_without_a_letter_has_no_series() -> None:
    assert list(by_series(scored(Answer((0.1, 0.8, 0.1), (("|", 0.9),)), ()))) == ["market"]


def test_a_withdrawn_article_counts_nowhere_and_takes_the_other_back() -> None:
    item = article(status="withdrawn")
    assert signals_of(scored(item=item)) == ()
    assert withdrawal_of(item) == Withdrawal(news_id="a1", withdraws="a0", published_at=AT)


@pytest.mark.parametrize("status", ["normal", "corrected"])
def test_any_other_article_takes_nothing_back(status: Literal["normal", "corrected"]) -> None:
    assert withdrawal_of(article(status=status)) is None
