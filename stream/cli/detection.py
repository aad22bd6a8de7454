"""`newstide bench budget`, `power` and `series`: what alerts cost, find, and hold."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.printing import Json, console, print_json, remarks
from stream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

MOST_DAYS, MOST_SERIES, MOST_A_MINUTE = 3_650, 1_000_000, 600
"""More than these no run would end with."""
Seed = Annotated[int, typer.Option(min=0, help="Another seed gives other news.")]


def bench_budget(
    *,
    days: Annotated[float, typer.Option(min=1, max=MOST_DAYS, help="Days on which nothing happens.")] = 30.0,
    series: Annotated[
        int, typer.Option(min=10, max=MOST_SERIES, help="The market, topics and companies together.")
    ] = 500,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=MOST_A_MINUTE,
            help="Stories a minute of every series; else as the profile says.",
        ),
    ] = None,
    articles: Annotated[
        bool,
        typer.Option(
            "--articles", help="As articles with fingerprints, copies to be recognised, bad and good news."
        ),
    ] = False,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """False alarms on days on which nothing happens, beside the budget, at three settings."""
    from stream.bench.budget import measure_budget

    if articles and rate is not None:
        raise UsageError("bench budget: --rate means nothing beside --articles: leave one out")
    figures = measure_budget(days, series, seed, _say(), rate=rate, articles=articles)
    settings = [
        {
            "budget": each.budget,
            "budget_per_day": round(each.budget_per_day, 6),
            "false_alarms_per_day": round(each.false_alarms_per_day, 6),
            "ci95": [round(limit, 6) for limit in each.ci95],
            "false_alarms": each.false_alarms,
        }
        for each in figures.settings
    ]
    if as_json:
        what = "articles" if articles else "stories"
        print_json({"days": days, "series": series, what: figures.stories, "settings": settings})
        return
    table = _table("budget", "allowed a day", "false alarms a day", "95 % interval")
    for each in figures.settings:
        low, high = each.ci95
        table.add_row(
            each.budget,
            f"{each.budget_per_day:.3f}",
            f"{each.false_alarms_per_day:.3f}",
            f"{low:.3f} to {high:.3f}",
        )
    console().print(table)


def bench_power(
    *,
    rate: Annotated[
        list[float] | None,
        typer.Option(
            min=0.01,
            max=MOST_A_MINUTE,
            help="Stories a minute of the series; may be repeated.",
        ),
    ] = None,
    cases: Annotated[int, typer.Option(min=1, max=100_000, help="Surges of each kind.")] = 200,
    series: Annotated[
        int, typer.Option(min=10, max=MOST_SERIES, help="Series that share the budget of one a week.")
    ] = 500,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Surges found in time at a budget of one false alarm a week, beside a z-score and a fixed threshold."""
    from stream.bench.power import measure_power

    figures = measure_power(rate or [1.0, 5.0, 10.0, 20.0], cases, series, seed, _say())
    if as_json:
        print_json(
            {
                "budget": "1/week",
                "series": series,
                "surges": [asdict(row) for row in figures.rows],
                "z_score_false_alarms_per_day": figures.z_alarms_per_day,
            }
        )
        return
    table = _table(
        "stories/min", "surge", "copies", "within", "newstide", "z >= 3", "fixed", "at most", "… if it sways"
    )
    for row in figures.rows:
        table.add_row(
            f"{row.per_minute:g}",
            f"x{row.times}",
            "yes" if row.copies else "no",
            f"{row.within_minutes:g} min",
            f"{row.newstide:.0%}",
            f"{row.z_score:.0%}",
            f"{row.fixed:.0%}",
            f"{row.best:.0%}",
            f"{row.counted_where_it_sways:.0%}",
        )
    out = console()
    out.print(table)
    out.print(
        "at most: what the best test finds that knows the rate, keeps the budget, and fears no sway of the rate\n"
        "by count: what the count alone tells where the rate sways, to one who knew it five minutes before"
    )
    for per_minute, alarms in figures.z_alarms_per_day.items():
        out.print(
            f"at {per_minute} stories a minute, z >= 3 is false {alarms:.0f} times a day for all series"
        )


def bench_series(
    *,
    size: Annotated[
        list[int] | None, typer.Option(min=1, max=10_000_000, help="How many series; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What many series cost: memory, time for a signal, and to restore them."""
    from stream.bench.series import measure_series

    sizes = measure_series(size or [1_000, 100_000, 1_000_000], _say())
    if as_json:
        print_json(
            {"sizes": [{key: round(value, 2) for key, value in asdict(each).items()} for each in sizes]}
        )
        return
    table = _table("series", "active", "bytes each", "bytes each active", "us a signal", "restored in")
    for each in sizes:
        table.add_row(
            str(each.series),
            str(each.active),
            f"{each.bytes_per_series:.0f}",
            f"{each.bytes_per_active:.0f}",
            f"{each.us_per_signal:.0f}",
            f"{each.restore_seconds:.1f} s",
        )
    console().print(table)


def _say() -> Callable[[str], None]:
    screen = remarks()
    return lambda text: screen.print(f"[dim]{text}[/]")


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place == 0 else "right")
    return table
