"""The label spaces."""

from __future__ import annotations

import pytest

from models.errors import ModelError
from models.tasks import HEADS, MENTIONS, SENTIMENT, TAGS, TASKS, TOPICS, index_in, slug, task_named


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
    assert index_in(TOPICS, "Earnings", "topic") == TOPICS.index("Earnings")
    assert index_in(TOPICS, "legal-regulation", "topic") == TOPICS.index("Legal | Regulation")
    assert index_in(SENTIMENT, "positive", "sentiment") == 2


def test_an_unknown_label_is_refused_with_those_there_are() -> None:
    with pytest.raises(ModelError, match=r"label 'bullish' .* negative, neutral, positive"):
        index_in(SENTIMENT, "bullish", "sentiment")


def test_an_unknown_task_is_refused_with_those_there_are() -> None:
    assert task_named("topic") == "topic"
    with pytest.raises(ModelError, match=r"task is 'mood': give one of sentiment, topic"):
        task_named("mood")


def test_each_head_has_its_labels() -> None:
    assert {head: HEADS[head] for head in TASKS} == TASKS
    assert HEADS["entity"] == SENTIMENT
    assert HEADS["ner"] == TAGS


def test_tags_begin_and_continue_each_kind_of_mention() -> None:
    assert TAGS[0] == "O"
    assert set(TAGS[1:]) == {f"{mark}-{kind}" for mark in "BI" for kind in MENTIONS}


def test_a_label_is_found_among_those_of_any_head() -> None:
    assert index_in(HEADS["entity"], "neutral", "entity") == 1
    assert index_in(("Up | Down", "Flat"), "up-down", "own") == 0
    with pytest.raises(ModelError, match="label 'X' is none of the task ner: give one of O, B-ORG"):
        index_in(TAGS, "X", "ner")
