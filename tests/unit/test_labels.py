"""What labels come to: the last word of each annotator counts, and most of them decide."""

from __future__ import annotations

from datetime import UTC, datetime

from stream.events import Label
from stream.labels import agree

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def label(answer: str, by: str = "ada", *, about: str = "n1", task: str = "sentiment", **more: str) -> Label:
    fields = {"news_id": about, "text": "Profit falls", "task": task, "label": answer, "annotator": by}
    return Label.model_validate(fields | {"at": AT} | more)


def test_the_last_word_of_an_annotator_counts() -> None:
    agreed = agree([label("positive"), label("neutral", about="n2"), label("negative")])
    assert [(each.text, each.task, each.label) for each in agreed.texts] == [
        ("Profit falls", "sentiment", "negative"),
        ("Profit falls", "sentiment", "neutral"),
    ]
    assert (agreed.ties, agreed.unfit, agreed.unread) == (0, 0, 0)


def test_most_annotators_decide() -> None:
    agreed = agree([label("positive", "ada"), label("negative", "bob"), label("negative", "eve")])
    assert [each.label for each in agreed.texts] == ["negative"]
    assert agreed.ties == 0


def test_a_tie_is_left_out_and_told() -> None:
    agreed = agree(
        [
            label("positive", "ada"),
            label("negative", "bob"),
            label("neutral", "eve"),
            label("gold", about="2"),
        ]
    )
    assert agreed.texts == ()
    assert (agreed.ties, agreed.unfit) == (1, 1)


def test_the_tasks_of_an_article_are_decided_apart() -> None:
    agreed = agree([label("negative"), label("Earnings", task="topic")])
    assert [(each.task, each.label) for each in agreed.texts] == [
        ("sentiment", "negative"),
        ("topic", "Earnings"),
    ]


def test_a_topic_may_be_given_by_its_slug_and_is_the_same_answer() -> None:
    names = ["Fed | Central Banks", "fed-central-banks", "Earnings"]
    agreed = agree([label(name, by, task="topic") for name, by in zip(names, "abc", strict=True)])
    assert [each.label for each in agreed.texts] == ["Fed | Central Banks"]


def test_a_text_is_that_of_an_annotator_who_was_right() -> None:
    votes = [label("positive", "ada", text="Profit"), label("negative", "bob"), label("negative", "eve")]
    assert agree(votes).texts[0].text == "Profit falls"


def test_what_the_model_can_not_learn_is_left_out_and_told() -> None:
    agreed = agree([label("furious"), label("negative", entity="AAPL")])
    assert agreed.texts == ()
    assert agreed.unfit == 2


def test_what_releases_are_compared_on_is_not_trained_on() -> None:
    agreed = agree([label("negative"), label("positive", about="n2", text="Profit soars")])
    less = agreed.without({"Profit falls", "Gold is up"})
    assert [each.text for each in less.texts] == ["Profit soars"]
    assert less.held_out == 1
