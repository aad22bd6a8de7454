"""Labelled texts held against a release: what was true, and how likely the release thought each label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from export.chances import Chances, FullScorer, Row
from export.report import EvalReport, index_at
from models.errors import UnusableDataError
from models.scorer import Places
from models.tasks import HeadName, TaskName, index_in
from models.training.measure import Figures, Floats, Indices, measure

_CHUNK = 1024
"""Texts handed to the scorer at a time, so that what it holds does not grow with the file."""


@dataclass(frozen=True, eq=False)
class Answered:
    """The answers to labelled texts, entities or words.

    Attributes:
        task: what was asked.
        release: who answered, `name@version`.
        labels: what there is to answer.
        truth: [n], the index of each right label.
        chances: [n, labels], the calibrated probability of each label.
    """

    task: HeadName
    release: str
    labels: tuple[str, ...]
    truth: Indices
    chances: Floats

    @classmethod
    def of(cls, scorer: FullScorer, task: HeadName, truth: Sequence[int], chances: Sequence[Row]) -> Answered:
        """What `scorer` said for `task`."""
        labels = scorer.labels(task)
        told = np.array(chances, dtype=np.float64).reshape(-1, len(labels))
        return cls(task, scorer.release, labels, np.array(truth, dtype=np.int64), told)

    @property
    def answers(self) -> Indices:
        """[n], the index of the likeliest label."""
        found: Indices = self.chances.argmax(axis=1)
        return found

    def among(self, labels: Sequence[str]) -> Answered:
        """Only what is one of `labels`, answered with the likeliest of them.

        Raises:
            ModelError: if a label is unknown.
        """
        chosen = [index_in(self.labels, label, self.task) for label in labels]
        rows = np.isin(self.truth, chosen)
        chances = self.chances[rows][:, chosen]
        return Answered(
            self.task,
            self.release,
            tuple(self.labels[index] for index in chosen),
            np.array([chosen.index(index) for index in self.truth[rows]], dtype=np.int64),
            chances / chances.sum(axis=1, keepdims=True),
        )

    def figures(self) -> Figures:
        """How good the answers are.

        Raises:
            ModelError: if there are none.
        """
        return measure(self.answers, self.chances.max(axis=1, initial=0.0), self.truth, self.labels)

    def report(self) -> EvalReport:
        """The figures, with who reached them and on what.

        Raises:
            ModelError: if there are no answers.
        """
        return EvalReport(**self.figures().model_dump(), task=self.task, release=self.release)


class Agreement(BaseModel):
    """How two releases answer the same.

    Of `n` answers the share `agreement` is the same in both. `mean_difference` and `largest_difference` are of the
    probability that they give a label.
    """

    model_config = ConfigDict(frozen=True)

    release: str
    n: int
    agreement: float
    mean_difference: float
    largest_difference: float
    accuracy: float
    macro_f1: float
    ece: float


def agreement_of(ours: Answered, theirs: Answered) -> Agreement:
    """How `theirs` stand to `ours`, with the figures that they reach.

    Raises:
        UnusableDataError: if the two answer with other labels, or read other parts of the texts.
    """
    if ours.labels != theirs.labels or not np.array_equal(ours.truth, theirs.truth):
        raise UnusableDataError(
            f"--against {theirs.release}: it has other labels than {ours.release}, or cuts texts elsewhere, so the"
            " two can't be put side by side: give one of the same kind"
        )
    apart = np.abs(ours.chances - theirs.chances)
    figures = theirs.figures()
    return Agreement(
        release=theirs.release,
        n=figures.n,
        agreement=float((ours.answers == theirs.answers).mean()),
        mean_difference=float(apart.mean()),
        largest_difference=float(apart.max()),
        accuracy=figures.accuracy,
        macro_f1=figures.macro_f1,
        ece=figures.ece,
    )


def answer_texts(scorer: FullScorer, rows: Sequence[tuple[str, str]], task: TaskName) -> Answered:
    """The answers to `rows` of text and label; a topic may also be given by its slug.

    Raises:
        ModelError: if the release lacks the task's head, or a label is unknown. The text names the line.
    """
    labels = scorer.labels(task)
    truth = [index_at(rows, number, task, labels) for number in range(len(rows))]
    told = score_all(scorer, [text for text, _ in rows])
    return Answered.of(scorer, task, truth, [getattr(each, task) for each in told])


def score_all(
    scorer: FullScorer, texts: Sequence[str], spans: Sequence[Places] | None = None
) -> list[Chances]:
    """What `scorer` says of `texts`, asked for some at a time."""
    found: list[Chances] = []
    for start in range(0, len(texts), _CHUNK):
        end = start + _CHUNK
        found += scorer.score(texts[start:end], spans[start:end] if spans is not None else None)
    return found
