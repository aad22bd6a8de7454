"""Sentences of our own about what risk desks watch for, and about the opposite."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from models.tasks import MENTIONS
from models.text import normalise
from models.training.config import TrainConfig
from models.training.data import Example
from models.training.events import event_examples, sentences_of
from models.training.events_chinese import chinese_event_examples
from models.training.names import _KNOWN
from models.training.posts_chinese import chinese_post_examples

pytestmark = pytest.mark.train

NEAR = 0.65
SENTENCES = [told for told, _ in sentences_of("events.csv")]
CHINESE = [told for told, _ in sentences_of("events_chinese.csv")]
POSTS = [told for told, _ in sentences_of("posts_chinese.csv")]
TOLD = pytest.mark.parametrize(
    ("examples_of", "sentences"),
    [
        pytest.param(event_examples, SENTENCES, id="English"),
        pytest.param(chinese_event_examples, CHINESE, id="Chinese"),
    ],
)
ExamplesOf = Callable[[int], list[Example]]


@TOLD
def test_each_sentence_is_told_of_as_many_companies_the_same_ones_each_time(
    examples_of: ExamplesOf, sentences: list[str]
) -> None:
    examples = examples_of(3)
    assert examples == examples_of(3)
    # By chance the same name is drawn twice for a sentence: once in some thousands.
    assert 3 * len(sentences) - 5 <= len(examples) <= 3 * len(sentences)
    assert len(set(sentences)) == len(sentences)
    assert examples_of(0) == []


@TOLD
def test_what_is_said_of_a_company_is_said_of_the_whole_and_the_company_is_marked_where_it_stands(
    examples_of: ExamplesOf, sentences: list[str]
) -> None:
    assert all(told.count("{}") == 1 for told in sentences)
    for example in examples_of(2):
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


@TOLD
def test_there_is_bad_plain_and_good_news_and_most_is_bad(
    examples_of: ExamplesOf, sentences: list[str]
) -> None:
    bad, plain, good = (
        count for _, count in sorted(Counter(example.label for example in examples_of(1)).items())
    )
    assert bad > good > plain > len(sentences) / 8


def test_posts_stand_alone_and_beside_companies_with_the_mood_that_they_tell() -> None:
    examples = chinese_post_examples(4)
    assert examples == chinese_post_examples(4)
    assert not chinese_post_examples(0)
    assert 4 * len(POSTS) - 5 <= len(examples) <= 4 * len(POSTS)
    assert len(set(POSTS)) == len(POSTS)
    said = dict(sentences_of("posts_chinese.csv"))
    bare = [each for each in examples if not each.spans]
    assert {each.text: each.label for each in bare} == {k: v for k, v in said.items() if "{}" not in k}
    for each in examples:
        assert normalise(each.text) == each.text
        assert "{" not in each.text
        assert all(span.label == each.label for span in each.spans)
    assert min(Counter(each.label for each in examples).values()) > len(examples) / 8


def test_none_of_them_stands_among_the_held_out_texts_nor_nearly_so() -> None:
    learned = [pieces_of(told) for told in (*SENTENCES, *CHINESE, *POSTS)]
    for name in ("heldout.csv", "risk.csv", "risk_chinese.csv"):
        with (Path(__file__).parents[2] / "models/zoo" / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                kept = pieces_of(row["text"].replace(row.get("entity") or "{}", "{}"))
                shared = ((len(kept & each), len(kept) + len(each)) for each in learned)
                assert all(both <= NEAR * (all_ - both) for both, all_ in shared), row["text"]


def pieces_of(told: str) -> frozenset[str]:
    """What a sentence shares with another that says the same: its words, and pairs of Chinese characters."""
    chinese = "".join(re.findall(r"[\u4e00-\u9fff]", told))
    return frozenset([*re.findall(r"[a-z0-9$%']+", told.lower()), *map("".join, pairwise(chinese))])


def test_they_take_the_place_of_no_set(tmp_path: Path) -> None:
    # What a release answers is kept where no set labels it; these sentences alone are too few to learn it from.
    config = TrainConfig.for_csv(tmp_path / "a.csv", "topic", licence="CC0-1.0")
    assert config.changed({"events": 3}).labelled_heads == config.labelled_heads == {"topic"}
