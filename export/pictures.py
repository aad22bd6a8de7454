"""What a measurement looks like: confusion, ROC curves and reliability as pictures, and scikit-learn's report.

Needs matplotlib and scikit-learn, of the extra `train`. Only what is asked for imports this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import auc, classification_report, confusion_matrix, roc_curve

from export.measures import Answered
from models.errors import ModelError
from models.training.measure import Floats, Indices

if TYPE_CHECKING:
    from models.training.impact import ImpactReport

REPORT, CONFUSION, ROC, RELIABILITY = "report.txt", "confusion.png", "roc.png", "reliability.png"
RETURNS = "returns.png"
_DIRECTIONS = ("down", "up")
_GROUPS = 10
"""Into so many groups of equal size news is put by what was guessed for it."""
_BINS = 15
_DPI = 110
_LABELLED_CURVES = 10
"""More curves than these share a legend of the best and worst."""


def write_pictures(answered: Answered, out: Path) -> list[Path]:
    """Writes `report.txt`, `confusion.png`, `roc.png` and `reliability.png` into the folder `out`.

    Args:
        answered: what was measured.
        out: a folder; made if it is missing.

    Raises:
        ModelError: if `out` can't be written to.
    """
    names = [*answered.labels]
    told = (
        f"{answered.release}, task {answered.task}, {len(answered.truth)} answers;"
        f" expected calibration error {answered.figures().ece:.4f}"
    )
    figures = {
        CONFUSION: draw_confusion(answered.truth, answered.answers, names),
        ROC: draw_roc(answered.truth, answered.chances, names),
        RELIABILITY: draw_reliability(answered),
    }
    return _write(out, _report(told, answered.truth, answered.answers, names), figures)


def write_impact_pictures(report: ImpactReport, out: Path) -> list[Path]:
    """Writes what a head for returns reached into the folder `out`.

    `report.txt`, `confusion.png` and `roc.png` are of the direction, up or not; `returns.png` shows the returns by
    what was guessed.

    Args:
        report: with its guesses, as `measure_impact` gives it.
        out: a folder; made if it is missing.

    Raises:
        ModelError: if `out` can't be written to.
    """
    guessed, followed = np.array(report.guessed), np.array(report.followed)
    truth, answers = (followed > 0).astype(np.int64), (guessed > 0).astype(np.int64)
    told = (
        f"impact, direction of {report.n} returns since {report.measured_since:%Y-%m-%d};"
        f" mean squared error {report.mse:.6f}, of the better guess {min(report.mse_mean, report.mse_zero):.6f}"
    )
    figures = {
        CONFUSION: draw_confusion(truth, answers, _DIRECTIONS),
        ROC: draw_roc(truth, np.stack([-guessed, guessed], axis=1), _DIRECTIONS),
        RETURNS: draw_returns(guessed, followed),
    }
    return _write(out, _report(told, truth, answers, _DIRECTIONS), figures)


def _write(out: Path, report: str, figures: Mapping[str, Figure]) -> list[Path]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / REPORT).write_text(report, encoding="utf-8")
        for name, figure in figures.items():
            figure.savefig(out / name, dpi=_DPI, metadata={"Software": None})
    except OSError as error:
        raise ModelError(
            f"{error.filename or out} can't be written ({error.strerror}): give another folder"
        ) from error
    return [out / REPORT, *(out / name for name in figures)]


def _report(headline: str, truth: Indices, answers: Indices, names: Sequence[str]) -> str:
    told = classification_report(
        truth, answers, labels=range(len(names)), target_names=list(names), digits=4, zero_division=0
    )
    return f"{headline}\n\n{told}\n"


def draw_confusion(truth: Indices, answers: Indices, names: Sequence[str]) -> Figure:
    """The share of each true class that was given each answer, with the counts where they can be read."""
    counts = confusion_matrix(truth, answers, labels=range(len(names)))
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    size = 3.0 + 0.42 * len(names)
    figure = Figure(figsize=(size + 1.2, size), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("answer")
    axes.set_ylabel("true")
    for row, column in zip(*np.nonzero(counts), strict=True):
        dark = shares[row, column] > 0.5  # noqa: PLR2004 - from half on, dark text on blue is hard to read
        axes.text(
            column,
            row,
            f"{counts[row, column]}",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if dark else "black",
        )
    figure.colorbar(shown, label="share of the true class")
    return figure


def draw_roc(truth: Indices, chances: Floats, names: Sequence[str]) -> Figure:
    """For each class that occurs, and is not all there is, its curve against all others, with the area below."""
    figure = Figure(figsize=(7.5, 6), layout="constrained")
    axes = figure.subplots()
    curves = []
    for number, name in enumerate(names):
        is_class = truth == number
        if is_class.any() and not is_class.all():
            wrong, right, _ = roc_curve(is_class, chances[:, number])
            curves.append((float(auc(wrong, right)), name, wrong, right))
    curves.sort(key=lambda curve: curve[0], reverse=True)
    half = _LABELLED_CURVES // 2
    for place, (area, name, wrong, right) in enumerate(curves):
        told = len(curves) <= _LABELLED_CURVES or place < half or place >= len(curves) - half
        axes.plot(wrong, right, linewidth=1.2, label=f"{name} ({area:.3f})" if told else None)
    axes.plot((0, 1), (0, 1), color="grey", linestyle=":", linewidth=1)
    axes.set_xlabel("share of the others that is taken for it")
    axes.set_ylabel("share of the class that is found")
    if curves:
        axes.legend(title="class (area)", fontsize=8, loc="lower right")
    return figure


def draw_reliability(answered: Answered) -> Figure:
    """How often answers are right, by how sure they are, and how many are how sure."""
    sure = answered.chances.max(axis=1)
    right = answered.answers == answered.truth
    bins = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)
    figure = Figure(figsize=(6, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    filled = np.unique(bins)
    above.bar(
        (filled + 0.5) / _BINS,
        [right[bins == number].mean() for number in filled],
        width=0.9 / _BINS,
        color="steelblue",
        label="right",
    )
    above.plot((0, 1), (0, 1), color="grey", linestyle=":", linewidth=1, label="as sure as right")
    above.set_ylabel("share that is right")
    above.set_ylim(0, 1)
    above.set_title(f"{answered.task}: calibration error {answered.figures().ece:.4f}")
    above.legend(loc="upper left", fontsize=8)
    below.hist(sure, bins=np.linspace(0, 1, _BINS + 1), color="grey", rwidth=0.9)
    below.set_xlabel("how sure")
    below.set_ylabel("answers")
    below.set_xlim(0, 1)
    return figure


def draw_returns(guessed: Floats, followed: Floats) -> Figure:
    """Each return over the rank of its guess, and the mean return of each tenth by guess, in per cent."""
    figure = Figure(figsize=(7.5, 5), layout="constrained")
    axes = figure.subplots()
    order = np.argsort(guessed, kind="stable")
    groups = [part for part in np.array_split(order, _GROUPS) if len(part)]
    axes.scatter(np.arange(len(order)), 100 * followed[order], s=6, color="lightgrey", label="a news item")
    axes.plot((0, len(order)), (0, 0), color="grey", linestyle=":", linewidth=1)
    begin = 0
    for number, part in enumerate(groups):
        ends = (begin, begin + len(part))
        for values, colour, name in (
            (followed, "steelblue", "mean return"),
            (guessed, "darkorange", "mean guess"),
        ):
            mean = 100 * values[part].mean()
            axes.plot(ends, (mean, mean), color=colour, linewidth=2, label=None if number else name)
        begin += len(part)
    axes.set_xlabel("news by what was guessed, lowest first; each line is a tenth")
    axes.set_ylabel("return, %")
    axes.legend(fontsize=8, loc="upper left")
    return figure
