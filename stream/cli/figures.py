"""Measurements as a person reads them: figures, tables of classes, what was confused with what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from export.bias import BiasReport
    from export.measures import Agreement
    from export.report import EvalReport
    from models.training.impact import ImpactReport
    from models.training.measure import ClassFigures

_NAMES = ("accuracy", "macro_f1", "weighted_f1", "ece")
_SHOWN_CLASSES = 8
"""A confusion table of more classes fits no terminal: the pairs most often taken for each other are shown."""


def print_report(out: Console, report: EvalReport, labels: Sequence[str]) -> None:
    """Print what a release reached; `labels` are those that the confusion counts."""
    from export.mentions import MentionReport
    from export.towards import EntityReport

    what = {"entity": "entities", "ner": "words"}.get(report.task, "texts")
    out.print(f"[bold]{report.release}[/] on {report.n} {what}, task {report.task}")
    if isinstance(report, MentionReport):
        for name in ("precision", "recall", "f1"):
            out.print(f"  {name:<12} {getattr(report, name):.4f}")
    for name in _NAMES:
        out.print(f"  {name:<12} {getattr(report, name):.4f}")
    if isinstance(report, EntityReport):
        _print_parts(out, report.one.n, report.one.accuracy, "alone in their text")
        _print_parts(out, report.several.n, report.several.accuracy, "beside others in their text")
        _print_left(out, report.not_found, "not found in their text: answered with its whole sentiment")
        _print_left(out, report.unread, "beyond what the model reads: answered with the whole sentiment")
    if isinstance(report, MentionReport):
        _print_left(out, report.unread, "mentions beyond what the model reads: counted as missed")
        out.print(_classes(report.kinds, "kind", "mentions"))
        return
    table = _classes(report.per_class, "class", what)
    _add_means(table, report)
    out.print(table)
    _print_confusion(out, report, labels, what)


def _print_parts(out: Console, n: int, accuracy: float, where: str) -> None:
    if n:
        out.print(f"  {accuracy:.4f} of {n} {where}")


def _print_left(out: Console, count: int, what: str) -> None:
    if count:
        out.print(f"  {count} {what}", soft_wrap=True)


def _plain_table(*columns: str, title: str | None = None) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for number, name in enumerate(columns):
        if number:
            table.add_column(name, justify="right", no_wrap=True)
        else:
            table.add_column(name, overflow="fold")
    return table


def _classes(figures: Mapping[str, ClassFigures], what: str, counted: str) -> Table:
    table = _plain_table(what, "precision", "recall", "F1", counted)
    for label, each in figures.items():
        table.add_row(
            label, f"{each.precision:.3f}", f"{each.recall:.3f}", f"{each.f1:.3f}", str(each.support)
        )
    return table


def _add_means(table: Table, report: EvalReport) -> None:
    """The last rows of scikit-learn's report: means over the classes that occur, as they are and by support."""
    answered = (sum(column) for column in zip(*report.confusion, strict=True))
    occurs = [
        each for each, times in zip(report.per_class.values(), answered, strict=True) if each.support or times
    ]
    for name, weights in (
        ("macro avg", [1] * len(occurs)),
        ("weighted avg", [each.support for each in occurs]),
    ):
        means = (
            sum(weight * getattr(each, figure) for weight, each in zip(weights, occurs, strict=True))
            / sum(weights)
            for figure in ("precision", "recall", "f1")
        )
        table.add_row(name, *(f"{mean:.3f}" for mean in means), str(report.n))


def _print_confusion(out: Console, report: EvalReport, labels: Sequence[str], what: str) -> None:
    from rich.table import Table

    if len(labels) <= _SHOWN_CLASSES:
        table = _plain_table("true \\ answer", *labels, title="confusion")
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
        what, "true", "answered", title="most often confused", title_justify="left", box=None, pad_edge=False
    )
    for count, true, answered in wrong[:_SHOWN_CLASSES]:
        table.add_row(str(count), true, answered)
    out.print(table)


def print_agreement(out: Console, found: Agreement) -> None:
    """Print how often another release gives the same answers, and what it reaches."""
    out.print(
        f"against [bold]{found.release}[/]: the same answer to {found.agreement:.2%} of {found.n};"
        f" probabilities {found.mean_difference:.4f} apart in the mean, {found.largest_difference:.3f} at most;"
        f" it reaches accuracy {found.accuracy:.4f}, macro_f1 {found.macro_f1:.4f}, ece {found.ece:.4f}",
        soft_wrap=True,
    )


def print_bias(out: Console, report: BiasReport) -> None:
    """Print how far scores move when names are swapped, and the two texts that lie furthest apart."""
    out.print(
        f"[bold]{report.release}[/]: how far the score moves when a name is swapped"
        f" (at most {report.bound:g}, in the mean {report.mean_bound:g})",
        soft_wrap=True,
    )
    table = _plain_table("swapped", "largest", "mean", "swaps", "sentences")
    for each in report.shifts:
        table.add_row(
            each.kind, f"{each.largest:.3f}", f"{each.mean:.3f}", str(each.swaps), str(each.sentences)
        )
    out.print(table)
    for each in report.shifts:
        out.print(
            f"{each.kind}: “{each.lowest_text}” scores lowest beside “{each.highest_text}”", soft_wrap=True
        )
    out.print("within the bounds" if report.passed else "[bold]over the bounds[/]")


def print_impact(out: Console, report: ImpactReport) -> None:
    """Print what the head for returns reached beside naive guesses."""
    out.print(
        f"learned on {report.learned} news until {report.learned_until:%Y-%m-%d},"
        f" measured on {report.n} since {report.measured_since:%Y-%m-%d}",
        soft_wrap=True,
    )
    table = _plain_table("guess", "mean squared error", "root, in %")
    for name, error in (("head", report.mse), ("mean", report.mse_mean), ("zero", report.mse_zero)):
        table.add_row(name, f"{error:.6f}", f"{100 * error**0.5:.2f}")
    out.print(table)
    low, high = report.gain_interval
    out.print(
        f"better than the best naive guess by {report.gain:+.1%} of its error"
        f" (95 % of resamples: {low:+.1%} to {high:+.1%}); correlation {report.correlation:+.3f}",
        soft_wrap=True,
    )
    out.print(
        f"up or down: {report.accuracy:.1%} right; always the commoner: {report.accuracy_commoner:.1%}",
        soft_wrap=True,
    )
    if report.left_out:
        out.print(
            f"left out: {report.left_out} news of days that the head may have learned from", soft_wrap=True
        )
    out.print(report.verdict, soft_wrap=True)
