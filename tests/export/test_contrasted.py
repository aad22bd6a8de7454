from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from models.tasks import MENTIONS
from models.text import normalise
from models.training.contrasted import COUNT, contrasted_examples
from models.training.written import NEGATIVE, POSITIVE

pytestmark = pytest.mark.train


def test_the_headlines_are_the_same_each_time_and_each_stands_once() -> None:
    examples = contrasted_examples()
    assert examples[:30] == contrasted_examples(30)
    assert len({example.text for example in examples}) == len(examples) == COUNT
    assert examples != contrasted_examples(seed=14)


def test_two_companies_fare_differently_and_each_is_marked_where_it_stands() -> None:
    for example in contrasted_examples():
        assert normalise(example.text) == example.text
        assert "{" not in example.text
        one, other = example.spans
        assert one.end < other.start
        assert one.label != other.label
        assert example.label == -1
        assert [(each.start, each.end) for each in example.mentions or ()] == [
            (one.start, one.end),
            (other.start, other.end),
        ]
        assert {each.label for each in example.mentions or ()} == {MENTIONS.index("ORG")}


def test_neither_place_nor_order_tells_who_fares_well() -> None:
    firsts = [example.spans[0].label for example in contrasted_examples()]
    for mood in (0, 2):
        assert 0.4 < firsts.count(mood) / len(firsts) < 0.6


def test_what_is_said_of_a_company_is_what_its_label_says() -> None:
    sayings = [(told, 0) for told in NEGATIVE] + [(told, 2) for told in POSITIVE]
    found = 0
    for example in contrasted_examples():
        for span in example.spans:
            name = example.text[span.start : span.end]
            for told, label in sayings:
                if told.format(name) in example.text:
                    found += 1
                    assert label == span.label
    assert found > COUNT // 10
