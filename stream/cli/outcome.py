"""What a retraining came to: the figures of both releases side by side, and what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream.cli.printing import console, print_json

if TYPE_CHECKING:
    from export.gate import GateResult
    from models.release import Release
    from stream.labels import Agreement

_FIGURES = ("accuracy", "macro_f1", "ece")


def left_out(labels: Agreement) -> str:
    """Which labels were not used, and why; empty if all were."""
    counts = {
        "left out because annotators disagree": labels.ties,
        "that this model can't learn": labels.unfit,
        "not readable": labels.unread,
        "on held-out texts": labels.held_out,
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def print_figures(base: Release, candidate: Release, gate: GateResult) -> None:
    """Print both releases' figures side by side."""
    from rich.table import Table

    table = Table("", "figure", box=None, pad_edge=False)
    for column in ("old", "new", "difference"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in gate.comparisons:
        where = f"{each.part} {each.task} ({each.old.n} texts)"
        for figure in _FIGURES:
            old, new = getattr(each.old, figure), getattr(each.new, figure)
            table.add_row(where, figure, f"{old:.4f}", f"{new:.4f}", f"{new - old:+.4f}")
            where = ""
    console().print(f"old {base.label}, new {candidate.label}", soft_wrap=True)
    console().print(table)


def print_outcome(
    base: Release,
    candidate: Release,
    gate: GateResult,
    labels: Agreement,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Print whether the candidate came into force; as JSON, with the figures."""
    if as_json:
        print_json(
            {
                "promoted": gate.passed and not dry_run,
                "passed": gate.passed,
                "release": candidate.label,
                "base": base.label,
                "manifest_sha256": candidate.manifest_sha256,
                "labels": len(labels.texts),
                "ties": labels.ties,
                "unfit": labels.unfit,
                "unread": labels.unread,
                "held_out": labels.held_out,
                "reasons": list(gate.reasons),
                "figures": {name: round(value, 6) for name, value in gate.figures.items()},
            }
        )
        return
    out = console()
    if unused := left_out(labels):
        out.print(f"labels not used: {unused}", soft_wrap=True)
    if not gate.passed:
        out.print(f"[bold]not promoted[/]: {base.label} stays in force, {candidate.label} is worse:")
        for reason in gate.reasons:
            out.print(f"  {reason}", markup=False, soft_wrap=True)
    elif dry_run:
        out.print(f"{candidate.label} is no worse: it would be promoted (--dry-run)", soft_wrap=True)
    else:
        out.print(
            f"[bold]promoted[/]: {candidate.label} is in force; `newstide rollback` brings {base.label} back",
            soft_wrap=True,
        )
