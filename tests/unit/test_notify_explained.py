"""What is asked about a notification, and what is told of the answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from alerting import alert, evidence, notification

from models.explain import Explanation as Found
from models.explain import WordShift
from stream.notify.explained import Question, is_explained, may_wait, question_of, tell
from stream.notify.owed import Wishes

PERSON, MACHINE = Wishes("desk"), Wishes("am", refresh=timedelta(minutes=1))
QUESTION = Question("n1", "Alder falls", "ALD")


def found(*shifts: tuple[str, float], entity: tuple[int, int] | None = None) -> Found:
    words = tuple(WordShift(word, 0, len(word), shift) for word, shift in shifts)
    return Found("Alder falls", entity, (0.9, 0.08, 0.02), words, "newstide-en@1.1.0")


@pytest.mark.parametrize(
    ("series", "company"),
    [
        ("company:BRK.B", "BRK.B"),
        ("company:AAPL/topic:legal", "AAPL"),
        ("topic:company", None),
        ("market", None),
    ],
)
def test_the_first_article_is_explained_towards_the_company_of_the_series(
    series: str, company: str | None
) -> None:
    asked = question_of(alert(series, articles=("n7", "n8")))
    assert asked == Question("n7", "Girderson stops withdrawals, says n7", company)


def test_without_an_article_there_is_nothing_to_explain_and_of_a_long_headline_only_the_beginning() -> None:
    assert question_of(alert(articles=())) is None
    (one,) = evidence("n1")
    long = alert().model_copy(update={"evidence": (one.model_copy(update={"headline": "word " * 200}),)})
    asked = question_of(long)
    assert asked is not None
    assert asked.text == "word " * 100


@pytest.mark.parametrize("why", ["first", "graver", "reminder", "refresh", "ended", "acknowledged"])
def test_only_news_for_people_waits_and_a_machine_that_must_hear_in_time_does_once(why: str) -> None:
    said = notification(why=why)
    assert may_wait(said, PERSON) == (why in {"first", "graver", "reminder"})
    assert may_wait(said, MACHINE) == (why == "first")


def test_what_was_taken_back_is_not_explained() -> None:
    explained = [
        each
        for each in ("firing", "updated", "resolved", "retracted", "acknowledged")
        if is_explained(notification(each))
    ]
    assert explained == ["firing", "updated", "resolved", "acknowledged"]


def test_the_words_that_moved_the_score_most_are_told_without_the_punctuation_around_them() -> None:
    shifts = [("a", 0.01), ("\u201cfalls,\u201d", -0.41), ("b", 0.009), ("c", 0.1), ("--", -0.2), ("d", 0.3)]
    told = tell(found(*shifts, ("e", -0.15)), QUESTION)
    assert told is not None
    assert [(each.word, each.shift) for each in told.words] == [
        ("falls", -0.41), ("d", 0.3), ("--", -0.2), ("e", -0.15), ("c", 0.1),
    ]  # fmt: skip
    assert (told.news_id, told.towards, told.score, told.model) == ("n1", None, -0.88, "newstide-en@1.1.0")


def test_the_company_is_named_where_the_score_towards_it_was_explained() -> None:
    told = tell(found(("falls", -0.4), entity=(0, 5)), QUESTION)
    assert told is not None
    assert told.towards == "ALD"


def test_a_word_as_long_as_an_address_is_cut() -> None:
    told = tell(found(("https://a.example/" + "x" * 90, 0.5)), QUESTION)
    assert told is not None
    assert len(told.words[0].word) == 40


def test_words_that_moved_the_score_too_little_to_be_seen_are_left_out() -> None:
    told = tell(found(("falls", -0.4), ("a", 0.01), ("b", 0.0099)), QUESTION)
    assert told is not None
    assert [each.word for each in told.words] == ["falls", "a"]


def test_where_no_word_moved_the_score_much_there_is_no_explanation() -> None:
    assert tell(found(("falls", 0.009), ("b", -0.0)), QUESTION) is None
