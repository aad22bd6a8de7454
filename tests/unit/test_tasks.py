"""The label spaces."""

from __future__ import annotations

import pytest

from models.errors import ModelError
from models.tasks import SENTIMENT, TASKS, TOPICS, index_of, slug, task_named


def test_there_are_three_sentiments_and_twenty_topics_in_the_order_of_the_outputs() -> None:
    assert SENTIMENT == ("negative", "neutral", "positive")
    assert len(set(TOPICS)) == 20
    assert list(TOPICS) == sorted(TOPICS)
    assert {"sentiment": SENTIMENT, "topic": TOPICS} == TASKS


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Fed | Central Banks", "fed-central-banks"),
        ("M&A | Investments", "m-a-investments"),
        ("IPO", "ipo"),
        ("  Gold | Metals | Materials ", "gold-metals-materials"),
    ],
)
def test_a_slug_is_lower_case_words_joined_by_hyphens(label: str, expected: str) -> None:
    assert slug(label) == expected


def test_no_two_labels_have_the_same_slug() -> None:
    for labels in TASKS.values():
        assert len({slug(label) for label in labels}) == len(labels)


def test_a_label_is_found_by_its_name_or_its_slug() -> None:
    assert index_of("topic", "Earnings") == TOPICS.index("Earnings")
    assert index_of("topic", "legal-regulation") == TOPICS.index("Legal | Regulation")
    assert index_of("sentiment", "positive") == 2


def test_an_unknown_label_is_refused_with_those_there_are() -> None:
    with pytest.raises(ModelError, match=r"label 'bullish' .* negative, neutral, positive"):
        index_of("sentiment", "bullish")


def test_an_unknown_task_is_refused_with_those_there_are() -> None:
    assert task_named("topic") == "topic"
    with pytest.raises(ModelError, match=r"task is 'mood': give one of sentiment, topic"):
        task_named("mood")
