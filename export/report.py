"""How well a release answers labelled texts. Serving-side arithmetic: no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from models.errors import ModelError, UnusableDataError
from models.scorer import Scorer
from models.tables import read_table
from models.tasks import HEADS, HeadName, Labels, TaskName, index_in, task_named
from models.training.measure import Figures, measure

_CHUNK = 1024
"""Texts handed to the scorer at a time, so that memory does not grow with the file."""


class EvalReport(Figures):
    """What the release `release` reached on `n` labelled texts of one task, or on what is labelled in them."""

    task: HeadName
    release: str


@dataclass(frozen=True)
class LabelledFile(Sequence[tuple[str, str]]):
    """Text and label of each row of a CSV, which remembers the line that each row begins on."""

    path: Path
    rows: tuple[tuple[str, str], ...]
    lines: tuple[int, ...]

    @overload
    def __getitem__(self, index: int) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[str, str], ...]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, str] | tuple[tuple[str, str], ...]:
        """One row, or some of them."""
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, index: int) -> str:
        """Where a row stands, for a person."""
        return f"{self.path}, line {self.lines[index]}"


def read_labelled(path: Path) -> LabelledFile:
    """The rows of a CSV with a header that names the columns `text` and `label`; other columns are ignored.

    Raises:
        UnusableDataError: if the file can't be read, is no UTF-8 or no CSV, lacks a column, or has no rows. The
            text names the line and the fix.
    """
    rows, lines = [], []
    for line, row in read_table(path, ("text", "label")).rows():
        rows.append((row["text"], row["label"].strip()))
        lines.append(line)
    return LabelledFile(path, tuple(rows), tuple(lines))


def evaluate(
    scorer: Scorer, rows: Sequence[tuple[str, str]], task: str, labels: Labels = HEADS
) -> EvalReport:
    """The figures of `scorer` on `rows` of text and label; a topic may also be given by its slug.

    `labels` are those of the release, by head.

    Raises:
        ModelError: if `task` or a label is unknown, or there are no rows. The text names the line and the label.
    """
    known = task_named(task)
    space = labels.get(known, HEADS[known])
    truth = np.array([index_at(rows, number, known, space) for number in range(len(rows))], dtype=np.int64)
    answers, sure = [], []
    for start in range(0, len(rows), _CHUNK):
        for answer in scorer.score([text for text, _ in rows[start : start + _CHUNK]]).answers:
            if known == "sentiment":
                best = max(range(3), key=answer.sentiment.__getitem__)
                answers.append(best)
                sure.append(answer.sentiment[best])
                continue
            if not answer.topics:
                raise ModelError(
                    f"{scorer.release} has no head for the task topic: give a release that has one"
                )
            answers.append(index_in(space, answer.topics[0][0], known))
            sure.append(answer.topics[0][1])
    figures = measure(np.array(answers, dtype=np.int64), np.array(sure), truth, space)
    return EvalReport(**figures.model_dump(), task=known, release=scorer.release)


def index_at(rows: Sequence[tuple[str, str]], number: int, task: TaskName, labels: Sequence[str]) -> int:
    """The place among `labels` of the label of row `number`.

    Raises:
        ModelError: if it is none of them; the text names the line.
    """
    try:
        return index_in(labels, rows[number][1], task)
    except ModelError as error:
        place = rows.place(number) if isinstance(rows, LabelledFile) else f"row {number + 1}"
        raise UnusableDataError(f"{place}: {error}") from error
