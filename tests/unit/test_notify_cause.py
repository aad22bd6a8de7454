"""Which alerts have one cause."""

from __future__ import annotations

import pytest
from alerting import alert, evidence

from stream.notify.cause import articles_of, closeness, is_one_cause, shared


@pytest.mark.parametrize(
    ("series", "rank"),
    [("market", 0), ("topic:legal", 1), ("company:AAPL", 2), ("company:AAPL/topic:legal", 3)],
)
def test_the_narrower_a_series_the_closer(series: str, rank: int) -> None:
    assert closeness(series) == rank


def one_cause(one: str, other: str, common: int, of: int = 5) -> bool:
    """Whether two alerts of these series, with so many articles in common out of so many, have one cause."""
    mine = [f"n{n}" for n in range(of)]
    theirs = mine[:common] + [f"m{n}" for n in range(of - common)]
    lead = alert(other, articles=theirs)
    return is_one_cause(alert(one, articles=mine), lead, articles_of(lead.evidence))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("market", "company:AAPL"),
        ("topic:legal", "company:AAPL"),
        ("market", "topic:legal"),
        ("company:AAPL/topic:legal", "company:AAPL"),
        ("company:AAPL/topic:legal", "topic:legal"),
    ],
)
def test_one_article_joins_a_series_to_a_wider_one(one: str, other: str) -> None:
    assert one_cause(one, other, common=1)
    assert one_cause(other, one, common=1)
    assert not one_cause(one, other, common=0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("company:AAPL", "company:MSFT"),
        ("topic:legal", "topic:earnings"),
        ("company:AAPL/topic:legal", "company:MSFT"),
        ("company:AAPL/topic:legal", "company:AAPL/topic:fraud"),
    ],
)
def test_peers_must_share_half_of_the_smaller_evidence(one: str, other: str) -> None:
    assert not one_cause(one, other, common=2)
    assert one_cause(one, other, common=3)


def test_the_same_series_is_one_cause_whatever_it_stands_on() -> None:
    assert one_cause("company:AAPL", "company:AAPL", common=0)


def test_copies_of_one_story_are_known_by_their_headline() -> None:
    (first,) = evidence("n1")
    copy = first.model_copy(update={"news_id": "n9", "headline": "GIRDERSON stops withdrawals - says n1!"})
    assert shared(alert().model_copy(update={"evidence": (copy,)}), articles_of([first])) == 1


def test_a_short_headline_says_nothing_of_the_story() -> None:
    (first,) = evidence("n1")
    short = first.model_copy(update={"headline": "Market update"})
    assert articles_of([short]) == ("n1",)
    other = short.model_copy(update={"news_id": "n9"})
    assert shared(alert().model_copy(update={"evidence": (other,)}), articles_of([short])) == 0


def test_without_evidence_nothing_is_shared() -> None:
    assert not one_cause("market", "company:AAPL", common=0, of=0)
