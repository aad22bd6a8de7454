"""How well a release answers labelled texts. Serving-side arithmetic: no torch."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from models.errors import ModelError
from models.scorer import Scorer
from models.tasks import TASKS, HeadName, TaskName, index_in, index_of, task_named
from models.training.measure import Figures, measure

_CHUNK = 1024
"""Texts handed to the scorer at a time, so that memory does not grow with the file."""


class EvalReport(Figures):
    """What the release `release` reached on `n` labelled texts of one task, or on what is labelled in them."""

    task: HeadName
    release: str


@dataclass(frozen=True)
class LabelledFile(Sequence[tuple[str, str]]):
    """Text and label of each row of a CSV, which remembers the line that each row began or ended on."""

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
        ModelError: if the file can't be read, is no UTF-8 or no CSV, lacks a column, or has no rows. The text
            names the line and the fix.
    """
    rows, lines = [], []
    for line, row in read_columns(path, ("text", "label")):
        rows.append((row["text"], row["label"].strip()))
        lines.append(line)
    return LabelledFile(path, tuple(rows), tuple(lines))


def read_columns(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV with at least `columns`, each with the number of its last line.

    Raises:
        ModelError: as `read_labelled`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} can't be read ({error.strerror}): give the path of a CSV file") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ModelError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is no UTF-8: save the file as UTF-8"
        ) from error
    reader = csv.DictReader(text.splitlines(keepends=True))
    count = 0
    try:
        for column in columns:
            if column not in (reader.fieldnames or ()):
                found = ", ".join(reader.fieldnames or ()) or "nothing"
                raise ModelError(
                    f"{path}, line 1: there is no column {column!r}, but {found}: name it in the first line"
                )
        for row in reader:
            if any(row[column] is None for column in columns):
                raise ModelError(
                    f"{path}, line {reader.line_num}: fewer columns than the first line names:"
                    " complete the line, or put texts with commas in double quotes"
                )
            count += 1
            yield reader.line_num, row
    except csv.Error as error:
        # The reader counts a line once it is read whole, which this one was not.
        raise ModelError(f"{path}, line {reader.line_num + 1}: this is no CSV ({error}): mend it") from error
    if not count:
        raise ModelError(f"{path} has no rows below its first line: give at least one labelled text")


def evaluate(scorer: Scorer, rows: Sequence[tuple[str, str]], task: str) -> EvalReport:
    """The figures of `scorer` on `rows` of text and label; a topic may also be given by its slug.

    Raises:
        ModelError: if `task` or a label is unknown, or there are no rows. The text names the line and the label.
    """
    known = task_named(task)
    truth = np.array(
        [index_at(rows, number, known, TASKS[known]) for number in range(len(rows))], dtype=np.int64
    )
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
            answers.append(index_of("topic", answer.topics[0][0]))
            sure.append(answer.topics[0][1])
    figures = measure(np.array(answers, dtype=np.int64), np.array(sure), truth, TASKS[known])
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
        raise ModelError(f"{place}: {error}") from error
