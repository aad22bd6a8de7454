"""Names are read as a whole: their tags follow each other."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from models.tags import TagReader
from models.tasks import TAGS

READER = TagReader(TAGS)


def scores_of(*likely: str, sure: float = 4.0) -> NDArray[np.float64]:
    """One text between two marks, with the likeliest tag of each token."""
    rows = [[sure if tag == told else 0.0 for tag in TAGS] for told in ("O", *likely, "O")]
    return np.array([rows])


def places(tokens: int) -> list[tuple[int, int]]:
    return [(0, 0), *((3 * number, 3 * number + 2) for number in range(tokens)), (0, 0)]


def tells_whole_names(tags: tuple[str, ...]) -> bool:
    return all(
        not tag.startswith("I-") or before in {f"B-{tag[2:]}", tag} for before, tag in pairwise(("O", *tags))
    )


def test_tags_that_tell_whole_names_stay_as_they_are() -> None:
    told = ("B-ORG", "I-ORG", "O", "B-PER", "B-PER", "I-PER")
    assert READER.read(scores_of(*told), [places(6)]) == [["O", *told, "O"]]


def test_a_name_of_two_kinds_is_of_the_likelier_one() -> None:
    scores = scores_of("B-ORG", "I-LOC", "I-ORG")
    scores[0, 2, TAGS.index("I-ORG")] = 3.0
    assert READER.read(scores, [places(3)]) == [["O", "B-ORG", "I-ORG", "I-ORG", "O"]]


def test_a_name_that_never_begins_begins_with_its_first_token() -> None:
    scores = scores_of("O", "I-PER", "I-PER")
    scores[0, 2, TAGS.index("B-PER")] = 3.0
    assert READER.read(scores, [places(3)]) == [["O", "O", "B-PER", "I-PER", "O"]]


def test_where_nothing_is_named_there_are_no_tags() -> None:
    assert READER.read(scores_of("O", "O"), [places(2)]) == [[]]


def test_marks_of_the_tokenizer_begin_no_name_and_end_none() -> None:
    scores = scores_of("I-ORG", "O")
    scores[0, 0, TAGS.index("B-ORG")] = 9.0
    scores[0, 3, TAGS.index("B-LOC")] = 9.0
    scores[0, 1, TAGS.index("B-ORG")] = 3.0
    assert READER.read(scores, [places(2)]) == [["O", "B-ORG", "O", "O"]]


@pytest.mark.parametrize("tokens", [1, 2, 4])
def test_each_text_gets_its_own_tags_in_any_batch(tokens: int) -> None:
    dice = np.random.default_rng(tokens)
    scores = dice.normal(size=(20, tokens + 2, len(TAGS)))
    together = READER.read(scores, [places(tokens)] * 20)
    assert together == [READER.read(each[np.newaxis], [places(tokens)])[0] for each in scores]


@given(arrays(np.float64, (3, len(TAGS)), elements=st.integers(-40, 40).map(lambda x: x + x * x / 97)))
def test_no_other_tags_that_tell_whole_names_are_likelier(scores: NDArray[np.float64]) -> None:
    marks = np.eye(1, len(TAGS))
    (tags,) = READER.read(np.concatenate([marks, scores, marks])[np.newaxis], [places(3)])
    read = tuple(tags[1:-1]) or ("O",) * 3

    def worth(path: tuple[str, ...]) -> float:
        return float(sum(row[TAGS.index(tag)] for row, tag in zip(scores, path, strict=True)))

    assert tells_whole_names(read)
    best = max(worth(path) for path in product(TAGS, repeat=3) if tells_whole_names(path))
    assert worth(read) == pytest.approx(best)
