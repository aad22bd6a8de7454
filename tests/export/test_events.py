"""Sentences of our own about what risk desks watch for, and about the opposite."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from models.tasks import MENTIONS
from models.text import normalise
from models.training.config import TrainConfig
from models.training.events import EVENTS, event_examples
from models.training.names import _KNOWN

pytestmark = pytest.mark.train

LONGEST_NAME = 20
SENTENCES = [told for kind in EVENTS for sentences in kind for told in sentences]


def test_each_sentence_is_told_of_as_many_companies_the_same_ones_each_time() -> None:
    examples = event_examples(3)
    assert examples == event_examples(3)
    assert len(examples) == 3 * len(SENTENCES)
    assert len(set(SENTENCES)) == len(SENTENCES)
    assert event_examples(0) == []


def test_what_is_said_of_a_company_is_said_of_the_whole_and_the_company_is_marked_where_it_stands() -> None:
    for example in event_examples(2):
        assert normalise(example.text) == example.text
        assert "{" not in example.text
        (span,) = example.spans
        assert span.label == example.label
        assert example.text.count(example.text[span.start : span.end]) >= 1
        assert [(each.start, each.end, each.label) for each in example.mentions or ()] == [
            (span.start, span.end, MENTIONS.index("ORG"))
        ]


def test_no_company_that_there_is_gets_a_bad_name() -> None:
    named = {example.text[each.start : each.end] for example in event_examples(9) for each in example.spans}
    assert named.isdisjoint(_KNOWN)


def test_every_kind_of_event_is_told_as_bad_plain_and_good_news() -> None:
    for bad, plain, good in EVENTS:
        assert len(bad) >= 8
        assert plain
        assert good
        assert all(told.count("{}") == 1 for told in (*bad, *plain, *good))
    assert min(Counter(example.label for example in event_examples(1)).values()) > 20


def test_none_of_them_stands_among_the_held_out_texts() -> None:
    kept: list[str] = []
    for name in ("heldout.csv", "risk.csv"):
        with (Path(__file__).parents[2] / "models/zoo" / name).open(encoding="utf-8", newline="") as file:
            kept += [row["text"].lower() for row in csv.DictReader(file)]
    for told in SENTENCES:
        before, after = told.lower().split("{}")
        assert not any(
            text.startswith(before)
            and text.endswith(after)
            and len(text) - len(before + after) < LONGEST_NAME
            for text in kept
        ), told


def test_they_take_the_place_of_no_set(tmp_path: Path) -> None:
    # What a release answers is kept where no set labels it; these sentences alone are too few to learn it from.
    config = TrainConfig.for_csv(tmp_path / "a.csv", "topic", licence="CC0-1.0")
    assert config.changed({"events": 3}).labelled_heads == config.labelled_heads == {"topic"}
