"""`newstide evaluate`: how well a release answers labelled texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json
from stream.cli.score import ReleaseDir, open_release

if TYPE_CHECKING:
    from rich.console import Console

    from export.report import EvalReport

FIGURES = ("accuracy", "macro_f1", "weighted_f1", "ece")
_SHOWN_CLASSES = 8
"""A confusion table of more classes fits no terminal: the pairs most often taken for each other are shown."""


def evaluate(
    ctx: typer.Context,
    *,
    data: Annotated[
        Path, typer.Option("--data", metavar="FILE.csv", help="A CSV with the columns text and label.")
    ],
    task: Annotated[str, typer.Option("--task", metavar="sentiment|topic", help="What the labels answer.")],
    release: ReleaseDir = None,
    as_json: Json = False,
) -> None:
    """Measure a release on labelled texts: accuracy, F1, calibration error. Needs no broker."""
    from export.report import evaluate as measure
    from export.report import read_labelled
    from models.tasks import TASKS, task_named
    from stream.parts import load_scorer

    known = task_named(task)
    rows = read_labelled(data)
    settings = settings_of(ctx)
    report = measure(load_scorer(settings, open_release(settings, release)), rows, known)
    if as_json:
        figures = {name: round(getattr(report, name), 6) for name in FIGURES}
        print_json({"task": report.task, "n": report.n, **figures, "release": report.release})
        return
    out = console()
    _print_figures(out, report)
    _print_confusion(out, report, TASKS[known])


def _print_figures(out: Console, report: EvalReport) -> None:
    from rich.table import Table

    out.print(f"[bold]{report.release}[/] on {report.n} texts, task {report.task}")
    for name in FIGURES:
        out.print(f"  {name:<12} {getattr(report, name):.4f}")
    table = Table(box=None, pad_edge=False)
    table.add_column("class", overflow="fold")
    for name in ("precision", "recall", "F1", "texts"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, each in report.per_class.items():
        table.add_row(
            label, f"{each.precision:.3f}", f"{each.recall:.3f}", f"{each.f1:.3f}", str(each.support)
        )
    out.print(table)


def _print_confusion(out: Console, report: EvalReport, labels: Sequence[str]) -> None:
    from rich.table import Table

    if len(labels) <= _SHOWN_CLASSES:
        table = Table(
            "true \\ answer", *labels, title="confusion", title_justify="left", box=None, pad_edge=False
        )
        for label, row in zip(labels, report.confusion, strict=True):
            table.add_row(label, *map(str, row))
        out.print(table)
        return
    wrong = sorted(
        (
            (count, labels[true], labels[answered])
            for true, row in enumerate(report.confusion)
            for answered, count in enumerate(row)
            if count and true != answered
        ),
        reverse=True,
    )
    table = Table(
        "texts",
        "true",
        "answered",
        title="most often confused",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for count, true, answered in wrong[:_SHOWN_CLASSES]:
        table.add_row(str(count), true, answered)
    out.print(table)
