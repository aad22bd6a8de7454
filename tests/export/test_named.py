from __future__ import annotations

import re
from random import Random

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from models.tasks import MENTIONS
from models.text import normalise
from models.training.companies import kind_of_company
from models.training.named import COUNT, named_examples
from models.training.named_chinese import COUNT as CHINESE
from models.training.named_chinese import named_chinese_examples
from models.training.names import made_up

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
    assert 0.08 < sum(not example.mentions for example in examples) / len(examples) < 0.2


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


def test_marks_part_from_words_only_where_a_source_would_part_them() -> None:
    for text in (example.text for example in named_examples()):
        assert not re.search(r"\.\.|\b(Mr|Ms|Mrs|Dr) \.| \.\w|[a-z],[a-z]", text), text


def test_most_organisations_stand_in_one_or_two_sentences() -> None:
    names = [
        example.text[mention.start : mention.end]
        for example in named_examples()
        for mention in example.mentions or ()
        if mention.label == MENTIONS.index("ORG")
    ]
    assert len(set(names)) > 0.6 * len(names)


def test_an_organisation_of_ours_is_one_by_the_rule_for_the_sets_too() -> None:
    for example in named_examples():
        for mention in example.mentions or ():
            if mention.label == MENTIONS.index("ORG"):
                assert kind_of_company(example.text, mention.start, mention.end) == "ORG", example.text


def test_made_up_words_are_too_long_to_be_usual_ones() -> None:
    draw = Random(1)
    assert all(len(made_up(draw)) >= 5 for _ in range(2_000))


def test_chinese_sentences_have_all_their_names_marked_where_they_stand() -> None:
    examples = named_chinese_examples()
    assert examples[:20] == named_chinese_examples(20)
    assert len({example.text for example in examples}) == CHINESE
    kinds = {mention.label for example in examples for mention in example.mentions or ()}
    assert kinds == set(range(len(MENTIONS)))
    assert 0.1 < sum(not example.mentions for example in examples) / CHINESE < 0.3
    for example in examples:
        assert example.exhaustive
        assert "{" not in example.text
        assert normalise(example.text) == example.text
        ends = 0
        for mention in example.mentions or ():
            assert ends <= mention.start < mention.end
            ends = mention.end
