"""Somebody's own labelled texts on the command line: what is in the file is told before a run begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stream.cli.printing import counted, remarks, shorten
from stream.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from models.training.own_data import OwnData

OWN_TASKS = ("sentiment", "topic", "entity")
_FEW = 50
"""With fewer rows a share is told no better than by five or ten points."""
_SHOWN = 20
"""Faults that are printed one by one."""
_LISTED = 200
"""Faults that go into the JSON."""


def told_of(
    path: Path,
    task: str | None,
    labels: Sequence[str],
    *,
    strict: bool,
    own_topics: bool = False,
    alone: bool = True,
) -> OwnData:
    """What the CSV `path` holds, printed to stderr; without a task, its labels are sentiments.

    `alone` says that nothing else is learned from, and nothing that knows news is gone on from.

    Raises:
        UsageError: if there is no such task, or, with `strict`, if something had to be left out.
        UnusableDataError: if nothing can be learned from the file.
    """
    from models.training.own_data import read_own
    from models.training.own_rows import OwnTask, parse_labels

    known: dict[str, OwnTask] = {"sentiment": "sentiment", "topic": "topic", "entity": "entity"}
    wanted = known.get(task or "sentiment")
    if wanted is None:
        raise UsageError(f"--task {task}: give one of {', '.join((*OWN_TASKS, 'impact'))}")
    if own_topics and wanted != "topic":
        raise UsageError("--own-topics: its labels are topics: add --task topic, or leave it out")
    own = read_own(path, wanted, parse_labels(labels), own_topics=own_topics)
    print_own(remarks(), own, alone=alone)
    if strict and not own.sound:
        raise _refusal(own)
    return own


def _refusal(own: OwnData) -> UsageError:
    counts = {
        "that can't be used": len(own.faults),
        "that contradict each other": len(own.contradictions),
        "for training whose text is measured on": len(own.leaks),
    }
    told = ", ".join(f"{counted(count, 'row')} {what}" for what, count in counts.items() if count)
    return UsageError(
        f"--strict: {own.path} has {told}: mend them, or leave --strict out to train without them"
    )


def print_own(out: Console, own: OwnData, *, alone: bool = True) -> None:
    """Print how many texts of each label there are in each part, and all that is wrong with the file."""
    from rich.table import Table

    from models.training.split import CALLED, PARTS

    out.print(f"[bold]{own.path}[/]: {counted(len(own.rows), 'row')} of task {own.task}", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    table.add_column("label", overflow="fold")
    for part in PARTS:
        table.add_column(CALLED[part], justify="right", no_wrap=True)
    for label, counts in own.counts().items():
        table.add_row(label, *(str(counts[part]) for part in PARTS))
    out.print(table)
    for fault in own.faults[:_SHOWN]:
        column = f", column {fault.column}" if fault.column else ""
        out.print(f"line {fault.line}{column}: {shorten(fault.reason, 200)}", markup=False, soft_wrap=True)
    if len(own.faults) > _SHOWN:
        out.print(f"and {len(own.faults) - _SHOWN} more")
    for told in _remarks(own, alone=alone):
        out.print(told, markup=False, soft_wrap=True)


def has_few_to_tune_on(own: OwnData) -> bool:
    """Whether the best of a run can't be told by the rows that are kept for it."""
    return sum(row.part == "tune" for row in own.rows) < _FEW


def _remarks(own: OwnData, *, alone: bool) -> list[str]:
    found = []
    if own.faults:
        found.append(f"left out: {counted(len(own.faults), 'row')} that can't be used")
    if own.contradictions:
        lines = f"{counted(len(own.contradictions), 'row')} whose text also stands there with another label"
        found.append(f"left out: {lines} (lines {_some(own.contradictions)})")
    if own.leaks:
        lines = f"{counted(len(own.leaks), 'row')} whose text is measured on in another part"
        found.append(f"left out: {lines} (lines {_some(own.leaks)})")
    if own.duplicates:
        found.append(f"counted once: {counted(own.duplicates, 'row')} that repeated another")
    parts = Counter(row.part for row in own.rows)
    if has_few_to_tune_on(own):
        found.append(
            f"few rows to tune on ({parts['tune']}): too few to choose when to stop, so the run goes to its end,"
            " and how sure to be will be a guess; mark some as val in the column split, or give more"
        )
    if 0 < parts["dev"] < _FEW:
        found.append(f"few rows to measure on ({parts['dev']}): the figures will be coarse")
    if own.split and not any(row.part == "dev" for row in own.rows):
        found.append("no rows are kept to measure on: mark some as test in the column split")
    if alone and own.task != "sentiment":
        found.append(
            "a release also needs a head for sentiment: to export one, go on from a release that has it"
            " (--start newstide-en), or add the usual sets (--data-dir DIR)"
        )
    return found


def _some(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines[:8])) + (", …" if len(lines) > 8 else "")  # noqa: PLR2004 - as many as are shown


def plain_own(own: OwnData) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "rows": len(own.rows),
        "counts": own.counts(),
        "bad_rows": len(own.faults),
        "faults": [
            {"line": each.line, "column": each.column, "reason": each.reason} for each in own.faults[:_LISTED]
        ],
        "duplicates": own.duplicates,
        "contradictions": list(own.contradictions[:_LISTED]),
        "leaks": list(own.leaks[:_LISTED]),
    }
