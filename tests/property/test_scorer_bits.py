"""A text gets the same bits alone and in any company: with a small model, and with the one that ships."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_release import WORDS, tiny_release

from models.batches import cut_batches
from models.errors import ModelError
from models.packaged import packaged_named
from models.scorer import OnnxScorer
from models.store import packaged_release

_TEXTS = st.lists(
    st.lists(st.sampled_from([*WORDS, "Apple", "$TSLA", "2.5%", "&amp;", "ünïcode"]), max_size=40).map(
        " ".join
    ),
    min_size=1,
    max_size=24,
)


@functools.cache
def tiny() -> OnnxScorer:
    with tempfile.TemporaryDirectory() as folder:
        return OnnxScorer.load(tiny_release(Path(folder) / "r"), batch_tokens=96)


@functools.cache
def packaged() -> OnnxScorer:
    try:
        return OnnxScorer.load(packaged_release())
    except ModelError as error:
        pytest.skip(f"there is no packaged release: {error}")


def has_the_same_bits_alone(scorer: OnnxScorer, texts: list[str]) -> None:
    together = scorer.score(texts).answers
    assert together == tuple(scorer.score([text]).answers[0] for text in texts)
    assert together[::-1] == scorer.score(texts[::-1]).answers


@given(_TEXTS)
@settings(deadline=None)
def test_with_a_small_model_a_text_gets_the_same_bits_alone_and_in_any_batch(texts: list[str]) -> None:
    has_the_same_bits_alone(tiny(), texts)


@given(_TEXTS)
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_with_the_packaged_model_a_text_gets_the_same_bits_alone_and_in_any_batch(texts: list[str]) -> None:
    has_the_same_bits_alone(packaged(), texts)


_MIXED = st.lists(
    st.lists(
        st.sampled_from(["\u8d35\u5dde\u8305\u53f0", "\u4e0b\u8dcc", "Nokia", "gains", "\U0001f680", "3%"]),
        min_size=1,
        max_size=12,
    ).map(" ".join),
    min_size=2,
    max_size=8,
)


@functools.cache
def multilingual() -> OnnxScorer:
    found = packaged_named("newstide-multilingual")
    if found is None:
        pytest.skip("no multilingual release is packaged")
    return OnnxScorer.load(found)


@given(_MIXED)
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_with_the_multilingual_model_too_and_for_each_company(texts: list[str]) -> None:
    scorer = multilingual()
    has_the_same_bits_alone(scorer, texts)
    spans = [[(0, len(text.split()[0]))] for text in texts]
    together = scorer.score(texts, spans).answers
    assert together == tuple(
        scorer.score([text], [places]).answers[0] for text, places in zip(texts, spans, strict=True)
    )


@given(st.lists(st.integers(3, 128), max_size=300), st.integers(1, 1024))
def test_batches_hold_every_text_once_with_equal_lengths_and_within_the_budget(
    lengths: list[int], budget: int
) -> None:
    batches = cut_batches(lengths, budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len({lengths[index] for index in batch}) == 1
        assert len(batch) == 1 or len(batch) * lengths[batch[0]] <= budget
