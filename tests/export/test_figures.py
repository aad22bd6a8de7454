from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import ModelError
from models.training.calibrate import fit_share_power, fit_temperature, softmax
from models.training.measure import calibration_error, measure

LABELS = ("a", "b", "c")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60))
def test_figures_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="the extra `train` is not installed")
    truth, answers = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    found = measure(answers, np.full(len(truth), 0.9), truth, LABELS)
    occurring = sorted(set(truth) | set(answers))
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, answers))
    for average, figure in (("macro", found.macro_f1), ("weighted", found.weighted_f1)):
        expected = metrics.f1_score(truth, answers, labels=occurring, average=average, zero_division=0)
        assert figure == pytest.approx(expected)
    assert [list(row) for row in found.confusion] == metrics.confusion_matrix(
        truth, answers, labels=[0, 1, 2]
    ).tolist()
    assert sum(figures.support for figures in found.per_class.values()) == found.n == len(pairs)


def test_nothing_to_measure_is_refused() -> None:
    empty = np.zeros(0, dtype=np.int64)
    with pytest.raises(ModelError, match="no labelled texts"):
        measure(empty, np.zeros(0), empty, LABELS)


def test_the_calibration_error_is_how_far_sureness_lies_from_being_right() -> None:
    right = np.array([True, True, True, False])
    assert calibration_error(right, np.full(4, 0.75)) == pytest.approx(0.0)
    assert calibration_error(right, np.full(4, 1.0)) == pytest.approx(0.25)


def test_the_temperature_that_logits_were_sharpened_by_is_found_again() -> None:
    draw = np.random.default_rng(4)
    logits = draw.normal(0, 2, (4000, 3))
    chances = softmax(logits)
    labels = np.array([draw.choice(3, p=row) for row in chances], dtype=np.int64)
    assert fit_temperature(logits * 2.5, labels) == pytest.approx(2.5, rel=0.08)


def test_the_shares_that_weights_took_away_are_given_back() -> None:
    draw = np.random.default_rng(4)
    told = np.array([0.1, 0.2, 0.7])
    labels = draw.choice(3, p=told, size=20_000)
    logits = draw.normal(0, 1, (20_000, 3)) + 1.5 * np.eye(3)[labels]
    # What is likeliest with all classes alike, and 60 % of what their shares would add.
    lacking = 1.5 * logits + 0.6 * np.log(told)
    found = fit_share_power(lacking, labels, told, expected=0.3, spread=1.0)
    assert found == pytest.approx(0.4, abs=0.04)
    near = fit_share_power(lacking[:50], labels[:50], told, expected=0.3, spread=0.02)
    assert near == pytest.approx(0.3, abs=0.03), "few texts say little"
    assert fit_share_power(np.zeros((0, 3)), labels[:0], told, expected=0.25) == pytest.approx(0.25, abs=1e-3)


def test_without_labels_the_temperature_is_one() -> None:
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, dtype=np.int64)) == 1.0
