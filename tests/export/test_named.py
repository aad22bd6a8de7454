from __future__ import annotations

import re

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from models.tasks import MENTIONS
from models.text import normalise
from models.training.named import COUNT, named_examples

pytestmark = pytest.mark.train


def test_the_sentences_are_the_same_each_time_and_each_stands_once() -> None:
    examples = named_examples()
    assert examples == named_examples()
    assert len({example.text for example in examples}) == len(examples) == COUNT
    assert examples != named_examples(seed=12)
    assert named_examples(20) == examples[:20]


def test_every_name_is_marked_where_it_stands() -> None:
    for example in named_examples():
        assert example.exhaustive
        assert example.mentions is not None
        assert "{" not in example.text
        assert normalise(example.text) == example.text
        ends = 0
        for mention in example.mentions:
            name = example.text[mention.start : mention.end]
            assert ends <= mention.start
            assert name == name.strip()
            assert any(letter.isupper() for letter in name)
            ends = mention.end


def test_each_kind_of_name_occurs_and_so_do_sentences_without_any() -> None:
    examples = named_examples()
    kinds = {mention.label for example in examples for mention in example.mentions or ()}
    assert kinds == set(range(len(MENTIONS)))
    assert any(not example.mentions for example in examples)


def test_names_and_marks_are_written_in_either_way() -> None:
    texts = [example.text for example in named_examples()]
    for one, other in (
        ("'s ", " 's "),
        (", ", " , "),
        ("wasn't", "was n't"),
        ("Inc.", "Inc ."),
        ("$4", "$ 4"),
    ):
        assert any(one in text and other not in text for text in texts), one
        assert any(other in text for text in texts), other
    assert not any(re.search(r"\s\s|^\s|\s$", text) for text in texts)


def test_names_are_seldom_repeated_so_that_none_is_learned_by_heart() -> None:
    names = [
        example.text[mention.start : mention.end]
        for example in named_examples()
        for mention in example.mentions or ()
        if mention.label == MENTIONS.index("ORG")
    ]
    assert len(set(names)) > 0.6 * len(names)
