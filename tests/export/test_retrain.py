from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import mood_rows, subject_rows, tiny_config

from export.onnx import export_release
from export.retrain import LabelledRow, own_texts, retrain
from models.errors import ModelError
from models.release import Release
from models.scorer import OnnxScorer
from models.training.events import sentences_of
from models.training.train import run

pytestmark = pytest.mark.train

HELDOUT: list[LabelledRow] = [
    *[(text, "sentiment", label) for text, label in mood_rows(40, seed=91)],
    *[(text, "topic", label) for text, label in subject_rows(40, seed=92)],
]
LABELS: list[LabelledRow] = [
    ("the court run of the chief", "sentiment", "negative"),
    ("a run on the debt of the firm", "sentiment", "negative"),
    ("oil of the chief", "topic", "Energy | Oil"),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("base")
    checkpoint = run(tiny_config(folder))
    return export_release(
        checkpoint, folder / "out", name="tiny", version="1.0.0", max_length=24, least_agreement=0.8
    )


def test_labels_make_a_candidate_that_learned_them_and_forgot_nothing(base: Release, tmp_path: Path) -> None:
    candidate, gate = retrain(
        base,
        LABELS,
        HELDOUT,
        tmp_path / "out",
        version="1.0.1",
        epochs=6,
        lr=1e-3,
        replay=[text for text, _ in (*mood_rows(400, seed=31), *subject_rows(400, seed=32))],
        least_agreement=0.8,
    )
    assert gate.passed, gate.reasons
    assert gate.figures["labels.sentiment.accuracy.new"] == 1.0
    assert candidate.label == "tiny@1.0.1"
    assert candidate.manifest.lineage.parent == "tiny@1.0.0"
    assert candidate.manifest.lineage.datasets[-1].rows == 3
    answers = OnnxScorer.load(candidate).score([text for text, _, _ in LABELS]).answers
    assert answers[0].sentiment[0] > 0.5


def test_labels_that_spoil_the_release_do_not_pass(base: Release, tmp_path: Path) -> None:
    turned = {"negative": "positive", "positive": "negative", "neutral": "negative"}
    wrong: list[LabelledRow] = [(text, "sentiment", turned[label]) for text, label in mood_rows(80, seed=17)]
    _, gate = retrain(
        base, wrong, HELDOUT, tmp_path / "out", version="1.0.1", epochs=6, lr=5e-3, least_agreement=0.5
    )
    assert not gate.passed
    assert any("heldout sentiment" in reason for reason in gate.reasons)


def test_a_text_that_is_held_out_is_not_trained_on(base: Release, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is labelled and held out"):
        retrain(base, [HELDOUT[0]], HELDOUT, tmp_path / "out", version="2")


def test_nothing_to_learn_from_or_to_compare_on_is_named(base: Release, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no labels"):
        retrain(base, [], HELDOUT, tmp_path / "out", version="2")
    with pytest.raises(ModelError, match="no held-out"):
        retrain(base, LABELS, [], tmp_path / "out", version="2")


def test_an_unknown_label_is_named(base: Release, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="label 'awful'"):
        retrain(base, [("a", "sentiment", "awful")], HELDOUT, tmp_path / "out", version="2")


def test_it_keeps_to_what_the_release_says_of_events_in_each_of_its_languages() -> None:
    english, both = own_texts(("en",)), own_texts(("en", "zh"))
    assert both[: len(english)] == english
    assert len(english) > 500
    assert not any("\u4e00" <= sign <= "\u9fff" for text in english for sign in text)
    chinese = [
        sentence for file in ("events_chinese.csv", "posts_chinese.csv") for sentence in sentences_of(file)
    ]
    assert len(both) - len(english) == len(chinese)
