"""`newstide bench novelty`: how well copies are told from other news, and what a signal costs meanwhile."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.printing import Json, console, print_json
from stream.errors import UsageError

if TYPE_CHECKING:
    from stream.bench.novelty import Quality, Report
    from stream.bench.remembering import Cost
    from stream.events import NewsItem


def bench_novelty(
    file: Annotated[
        Path | None, typer.Argument(help="CSV or JSONL with headline, time and ticker; none: only the cost.")
    ] = None,
    *,
    signals: Annotated[
        int, typer.Option(min=0, help="Signals of the `market` series to send; 0 leaves it out.")
    ] = 100_000,
    capacity: Annotated[int, typer.Option(min=1, help="Stories that are remembered at most.")] = 1_000_000,
    encoder: Annotated[
        bool,
        typer.Option(
            "--encoder", help="Also the signs of a fixed sentence encoder, all-MiniLM (extra `train`)."
        ),
    ] = False,
    rounds: Annotated[int, typer.Option(min=1, help="How often the cost is measured; the least counts.")] = 3,
    as_json: Json = False,
) -> None:
    """Precision and recall of fingerprints on pairs from FILE, and CPU time per signal as stories pile up."""
    from stream.bench.novelty import measure_quality
    from stream.bench.remembering import LEAST, measure_cost

    if encoder and file is None:
        raise UsageError("bench novelty: --encoder is about FILE: give one, or leave it out")
    items = [] if file is None else _items(file)
    others = _encoded(items) if encoder else {}
    report = None if file is None else measure_quality(items, others)
    cost = measure_cost(max(signals, LEAST), capacity, rounds) if signals else None
    if as_json:
        print_json(
            {
                "quality": None if report is None else asdict(report),
                "cost": None if cost is None else asdict(cost),
            }
        )
        return
    if report is not None:
        _print_report(report)
    if cost is not None:
        _print_cost(cost)


def _encoded(items: list[NewsItem]) -> dict[str, dict[str, bytes]]:
    """What a fixed encoder makes of the texts, alone and beside the fingerprint in use."""
    from stream.bench.novelty import texts_of
    from stream.bench.recipes import RECIPES
    from stream.cli.train import need_training

    need_training()
    from models.training.sentences import signs_of

    name, recipe = next(iter(RECIPES.items()))
    found: dict[str, dict[str, bytes]] = {}
    for count in (64, 256):
        signs = signs_of(texts_of(items), count)
        found[f"all-MiniLM-L6-v2, {count} signs"] = signs
        if count == 64:  # noqa: PLR2004 - as many as the fingerprint has bytes, so that both weigh the same
            found[f"{name}, and {count} signs"] = {text: recipe(text) + each for text, each in signs.items()}
    return found


def _items(file: Path) -> list[NewsItem]:
    from pydantic import ValidationError

    from stream.events import NewsItem
    from stream.sources.files import NewsRow, read_news

    items: list[NewsItem] = []
    for row in read_news(file, timezone=UTC):
        if isinstance(row, NewsRow):
            try:
                items.append(NewsItem.model_validate_json(row.value))
            except ValidationError:
                # A line that is no news is no headline to compare; SCORE would reject it.
                continue
    return items


def _print_report(report: Report) -> None:
    from rich.table import Table

    screen = console()
    screen.print(
        f"{report.copies} pairs of copies, {report.others} that only look alike, "
        f"{report.labelled} read and labelled"
    )
    for title, rows in (
        ("the fingerprint in use, by threshold", report.in_use),
        ("recipes, each at its best", report.compared),
    ):
        table = Table(box=None, pad_edge=False, title=title, title_justify="left")
        table.add_column("recipe")
        for name in ("threshold", "precision", "recall", "labelled found", "labelled false"):
            table.add_column(name, justify="right")
        for row in rows:
            table.add_row(*_cells(row))
        screen.print(table)
    table = Table(box=None, pad_edge=False, title="taken for one story, by rule", title_justify="left")
    for rule, share in sorted(report.rules.items(), key=lambda each: -each[1]):
        table.add_row(rule, f"{share:.0%}")
    screen.print(table)


def _cells(row: Quality) -> tuple[str, ...]:
    real = (row.real_recall, row.real_false)
    return (
        row.recipe,
        f"{row.threshold:.2f}",
        f"{row.precision:.3f}",
        f"{row.recall:.3f}",
        *("" if each is None else f"{each:.0%}" for each in real),
    )


def _print_cost(cost: Cost) -> None:
    screen = console()
    screen.print(
        f"{cost.signals} signals at the pace of a million a day: {cost.copies} copies, "
        f"{cost.remembered} stories remembered, {cost.bytes_per_story} bytes each"
    )
    parts = " ".join(f"{each:.0f}" for each in cost.microseconds)
    screen.print(f"CPU microseconds per signal, tenth by tenth: {parts}")
