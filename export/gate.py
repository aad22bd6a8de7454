"""Whether a candidate may take the place of the release in force: only if it is no worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from export.report import EvalReport, evaluate
from models.errors import ModelError
from models.scorer import Scorer
from models.tasks import HEADS, TASKS, Labels, TaskName

TOLERANCE = 0.01
"""How far accuracy and macro-F1 may fall on the held-out texts and still count as no worse: about two texts in
two hundred, less than another seed changes."""


class LabelledText(NamedTuple):
    """A text and what a person says the answer of one task is."""

    text: str
    task: TaskName
    label: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both releases on the same texts of one task. `part` is `heldout` or `labels`."""

    part: str
    task: TaskName
    old: EvalReport
    new: EvalReport


@dataclass(frozen=True, slots=True)
class GateResult:
    """Both releases' figures, and whether the new one may be promoted. `reasons` says why, either way."""

    passed: bool
    reasons: tuple[str, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def figures(self) -> dict[str, float]:
        """Every figure by a dotted name, `heldout.sentiment.macro_f1.new`, as a release note holds them."""
        return {
            f"{each.part}.{each.task}.{name}.{side}": float(getattr(report, name))
            for each in self.comparisons
            for side, report in (("old", each.old), ("new", each.new))
            for name in ("n", "accuracy", "macro_f1", "ece")
        }


def compare(
    old: Scorer,
    new: Scorer,
    heldout: Sequence[tuple[str, TaskName, str]],
    labels: Sequence[tuple[str, TaskName, str]] = (),
    *,
    tolerance: float = TOLERANCE,
    spaces: Labels = HEADS,
) -> GateResult:
    """Measures both releases and judges.

    The candidate passes if, for every task, neither accuracy nor macro-F1 on the held-out texts falls by more than
    `tolerance`, and it answers no fewer of the labels' texts as labelled.

    Args:
        old: the release in force.
        new: the candidate.
        heldout: text, task and label; never trained on.
        labels: what people said; the candidate was trained on them.
        tolerance: between 0 and 1.
        spaces: what each head of the releases may answer.

    Raises:
        ModelError: if there are no held-out texts, or a label is unknown.
    """
    if not heldout:
        raise ModelError("there are no held-out texts to compare the releases on: give at least one")
    comparisons = [
        *_by_task("heldout", old, new, heldout, spaces),
        *_by_task("labels", old, new, labels, spaces),
    ]
    faults = [fault for each in comparisons for fault in _faults(each, tolerance)]
    told = faults or [_praise(each) for each in comparisons]
    return GateResult(not faults, tuple(told), tuple(comparisons))


def _by_task(
    part: str, old: Scorer, new: Scorer, rows: Sequence[tuple[str, TaskName, str]], spaces: Labels
) -> list[Comparison]:
    found = []
    for task in TASKS:
        chosen = [(text, label) for text, of_task, label in rows if of_task == task]
        if chosen:
            both = [evaluate(each, chosen, task, spaces) for each in (old, new)]
            found.append(Comparison(part, task, *both))
    return found


def _faults(each: Comparison, tolerance: float) -> list[str]:
    if each.part == "labels":
        if each.new.accuracy < each.old.accuracy:
            return [f"{_figures(each, 'accuracy')}: fewer of the labels are answered as labelled"]
        return []
    return [
        f"{_figures(each, name)}: worse by more than {tolerance:g}"
        for name in ("accuracy", "macro_f1")
        if getattr(each.new, name) < getattr(each.old, name) - tolerance
    ]


def _praise(each: Comparison) -> str:
    return f"{_figures(each, 'accuracy')}, {_figures(each, 'macro_f1')}: no worse"


def _figures(each: Comparison, name: str) -> str:
    return (
        f"{each.part} {each.task} {name} {getattr(each.old, name):.3f} -> {getattr(each.new, name):.3f}"
        f" (n = {each.old.n})"
    )
