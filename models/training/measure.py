"""How good answers are: accuracy, F1, precision and recall by class, and the calibration error. numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.errors import ModelError

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_BINS = 15


class ClassFigures(BaseModel):
    """How one class fared.

    Of the answers of this class the share that was right is its precision; of the texts of this class the share
    that was found is its recall. `support` counts those texts.
    """

    model_config = ConfigDict(frozen=True)

    precision: float
    recall: float
    f1: float
    support: int


class Figures(BaseModel):
    """What one head reached on labelled texts.

    `macro_f1` is the mean over the classes that occur among labels or answers, `weighted_f1` the mean by support,
    `ece` the expected calibration error over 15 bins of equal width. `confusion` has a row for each true class and
    a column for each answer.
    """

    model_config = ConfigDict(frozen=True)

    n: int
    accuracy: float
    macro_f1: float
    weighted_f1: float
    ece: float
    per_class: dict[str, ClassFigures]
    confusion: tuple[tuple[int, ...], ...]


def measure(answers: Indices, sure: Floats, truth: Indices, labels: Sequence[str]) -> Figures:
    """The figures of some answers.

    Args:
        answers: the class that each text was given, as its index in `labels`.
        sure: the probability that each answer was given.
        truth: the class of each text.
        labels: the names of the classes.

    Raises:
        ModelError: if there is nothing to measure.
    """
    if not len(truth):
        raise ModelError("there are no labelled texts to measure: give at least one")
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(confusion, (truth, answers), 1)
    right = np.diag(confusion).astype(np.float64)
    support, answered = confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall = _ratio(right, answered), _ratio(right, support)
    f1 = _ratio(2 * right, support + answered)
    return Figures(
        n=len(truth),
        accuracy=float(right.sum() / len(truth)),
        macro_f1=float(f1[(support + answered) > 0].mean()),
        weighted_f1=float((f1 * support).sum() / support.sum()),
        ece=calibration_error(answers == truth, sure),
        per_class={
            label: ClassFigures(
                precision=float(precision[i]),
                recall=float(recall[i]),
                f1=float(f1[i]),
                support=int(support[i]),
            )
            for i, label in enumerate(labels)
        },
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
    )


def calibration_error(right: NDArray[np.bool_], sure: Floats) -> float:
    """The mean distance between how sure the answers are and how often they are right, weighted by bin."""
    bins = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)
    error = 0.0
    for number in np.unique(bins):
        inside = bins == number
        error += float(inside.mean() * abs(sure[inside].mean() - right[inside].mean()))
    return error


def _ratio(above: Floats, below: Indices) -> Floats:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
