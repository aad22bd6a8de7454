"""What people read."""

from __future__ import annotations

from typing import Any

import pytest
from alerting import alert, evidence, explanation, notification

from stream.notify.wording import cut, explanation_of, link_of, sentence_of, source_of, title_of

SEEN = "7 stories in 15 min where 0.4 are usual, from 5 sources; since 2026-03-02 14:30 UTC."
MEAN = "Mean score -0.60, usually +0.05."


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, f"{SEEN} {MEAN}"),
        (
            {"why": "graver", "status": "updated", "severity": "critical", "before": "warning"},
            f"Now critical, was warning. {SEEN} {MEAN}",
        ),
        ({"why": "reminder", "status": "updated"}, f"Still open. {SEEN} {MEAN}"),
        ({"status": "resolved"}, f"Back to usual at 2026-03-02 14:33 UTC. {MEAN}"),
        ({"status": "retracted"}, "Taken back at 2026-03-02 14:33 UTC: the news behind it was withdrawn."),
        ({"status": "acknowledged", "acknowledged_by": "ada"}, f"ada looks after it. {SEEN}"),
        ({"status": "acknowledged"}, f"Somebody looks after it. {SEEN}"),
    ],
)
def test_the_sentence_says_what_was_seen_and_what_came_of_it(fields: dict[str, Any], says: str) -> None:
    assert sentence_of(notification(**{"status": "firing", **fields})) == says


@pytest.mark.parametrize(
    ("seconds", "span"), [(60, "1 min"), (900, "15 min"), (3600, "1 h"), (86_400, "24 h"), (90, "90 s")]
)
def test_windows_are_named_in_the_unit_that_fits(seconds: int, span: str) -> None:
    assert f"stories in {span} where" in sentence_of(notification(lead=alert(window_seconds=seconds)))


def test_means_are_left_out_where_there_are_none() -> None:
    assert sentence_of(notification(lead=alert(mean_score=None))) == SEEN
    without_usual = sentence_of(notification(lead=alert(baseline_score=None, sources=1, expected=12.0)))
    assert without_usual.endswith("Mean score -0.60.")
    assert "where 12 are usual, from 1 source;" in without_usual


def test_the_title_names_status_severity_series_and_rule() -> None:
    assert title_of(notification("resolved")) == "[RESOLVED] warning: company:AAPL, negative surge"


def test_the_link_that_is_set_goes_before_that_of_the_first_article_that_has_one() -> None:
    assert link_of(notification(link="https://n.example")) == "https://n.example"
    assert link_of(notification()) == "https://news.example/n1"
    assert link_of(notification(lead=alert(articles=()))) is None


def test_an_article_is_told_with_its_source_time_score_and_why_it_counts() -> None:
    (one,) = evidence("n1")
    assert source_of(one) == "Own Wire, 2026-03-02 14:30 UTC, -0.80"
    told = source_of(one.model_copy(update={"why": "told by 3 sources"}))
    assert told == "Own Wire, 2026-03-02 14:30 UTC, -0.80, told by 3 sources"


def test_an_explanation_names_the_words_each_with_its_sign_and_whose_score_they_moved() -> None:
    assert explanation_of(notification()) is None
    assert explanation_of(notification(explanation=explanation())) == (
        "Words that moved the score of the first article towards AAPL (-0.82): stops -0.41, withdrawals -0.22"
    )
    assert explanation_of(notification(explanation=explanation(towards=None, score=0.5))) == (
        "Words that moved the score of the first article (+0.50): stops -0.41, withdrawals -0.22"
    )


def test_text_is_cut_and_freed_of_control_characters() -> None:
    assert cut("a\tb\x1b[31m", 20) == "a b [31m"
    assert cut("abcdef", 4) == "abc…"
