from __future__ import annotations

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
            assert name[0].isupper()
            ends = mention.end


def test_each_kind_of_name_occurs_and_so_do_sentences_without_any() -> None:
    examples = named_examples()
    kinds = {mention.label for example in examples for mention in example.mentions or ()}
    assert kinds == set(range(len(MENTIONS)))
    assert any(not example.mentions for example in examples)
