"""A release with all heads: what it says of each company, where it finds names, and that company changes no bit."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_training import MOODS, WORDS, tiny_config, write_csv

from export.onnx import export_release
from models.scorer import OnnxScorer
from models.training.data import DataSpec
from models.training.train import run

pytestmark = pytest.mark.train


def two_sided_rows() -> list[tuple[str, str, str]]:
    """Texts of a firm and a bank, each with a mood of its own that stands beside its name."""
    pairs = [(one, other) for one in MOODS for other in MOODS]
    return [
        row
        for filler in (*WORDS[4:20],)
        for one, other in pairs
        for text in [f"firm {MOODS[one]} {filler} as bank {MOODS[other]}"]
        for row in ((text, "firm", one), (text, "bank", other))
    ]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> OnnxScorer:
    folder = tmp_path_factory.mktemp("heads")
    sides = DataSpec(
        name="sides",
        path=write_csv(folder / "sides.csv", two_sided_rows(), ("text", "entity", "label")),
        task="entity",
        licence="CC0-1.0",
        entity_column="entity",
        reference=("entity",),
    )
    config = tiny_config(folder, epochs=14, named=1_600)
    config = config.model_copy(update={"data": (*config.data, sides)})
    release = export_release(
        run(config), folder / "release", name="tiny", version="1.0.0", max_length=24, least_agreement=0.7
    )
    assert {"sentiment", "topic", "entity", "ner"} == set(release.manifest.heads)
    return OnnxScorer.load(release)


def test_each_company_in_a_text_gets_its_own_answer(scorer: OnnxScorer) -> None:
    text = "firm gains the as bank falls"
    firm, bank = scorer.score([text], [[(0, 4), (18, 22)]]).answers[0].entities
    assert firm is not None
    assert bank is not None
    assert firm[2] > 0.5 > bank[2]
    assert bank[0] > 0.5 > firm[0]


def test_a_company_is_found_behind_links_and_entities_of_the_raw_text(scorer: OnnxScorer) -> None:
    plain, raw = "firm gains the as bank falls", "https://a.bc/d  firm &#32; gains the\u200b as bank falls"
    at = raw.index("firm"), raw.index("bank")
    told = scorer.score([plain, raw], [[(0, 4), (18, 22)], [(at[0], at[0] + 4), (at[1], at[1] + 4)]]).answers
    assert told[0].entities == told[1].entities


def test_a_company_beyond_what_the_model_reads_has_no_answer(scorer: OnnxScorer) -> None:
    text = "the " * 40 + "bank"
    assert scorer.score([text], [[(160, 164)]]).answers[0].entities == (None,)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(
                st.sampled_from([*WORDS, "Bank", "e\u0301", "\U0001f680", "&amp;", "\u4e2d\u56fd"]),
                max_size=8,
            ),
            st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=4),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_answers_have_the_same_bits_alone_and_in_any_batch(
    scorer: OnnxScorer, drawn: list[tuple[list[str], list[tuple[int, int]]]]
) -> None:
    texts = [" ".join(words) for words, _ in drawn]
    spans = [[(start, start + size) for start, size in places] for _, places in drawn]
    together = scorer.score(texts, spans).answers
    alone = [scorer.score([text], [places]).answers[0] for text, places in zip(texts, spans, strict=True)]
    assert list(together) == alone
    without = scorer.score(texts).answers
    assert [(a.sentiment, a.topics, a.mentions) for a in without] == [
        (a.sentiment, a.topics, a.mentions) for a in alone
    ]
