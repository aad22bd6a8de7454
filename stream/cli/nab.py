"""`newstide bench nab`: the Numenta Anomaly Benchmark on count series."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.printing import Json, console, print_json

if TYPE_CHECKING:
    from stream.backtest.nab import NabScore
    from stream.bench.nab import NabFigures


def bench_nab(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="T.csv and T.windows.jsonl.", show_default=False)
    ],
    *,
    per_week: Annotated[
        float,
        typer.Option(
            min=0.001,
            max=10_000,
            help="Alarms a week that a series' usual excursions may raise.",
        ),
    ] = 1.0,
    as_json: Json = False,
) -> None:
    """Find the labelled anomalies of count series: NAB's score, standard profile, one setting for all files."""
    from stream.bench.nab import measure

    figures = measure(folder, per_week)
    if as_json:
        whole = figures.whole
        print_json(
            {
                "score": _rounded(whole.score),
                "profile": "standard",
                "per_week": per_week,
                "windows": whole.windows,
                "files": {name: _plain(score) for name, score in figures.files.items()},
                "windowed_gaussian": _plain(figures.plain),
            }
        )
    else:
        _print(figures)


def _plain(score: NabScore) -> dict[str, Any]:
    return {
        "score": _rounded(score.score),
        "raw": round(score.raw, 4),
        "windows": score.windows,
        "tp": score.tp,
        "fp": score.fp,
        "fn": score.fn,
    }


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 2)


def _print(figures: NabFigures) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("series")
    for column in ("NAB score", "windows", "found", "missed", "false alarms"):
        table.add_column(column, justify="right")
    whole = [("all", figures.whole), ("all, by NAB's windowedGaussian", figures.plain)]
    for name, score in [*figures.files.items(), *whole]:
        shown = "" if score.score is None else f"{score.score:.1f}"
        table.add_row(name, shown, str(score.windows), str(score.tp), str(score.fn), str(score.fp))
    console().print(table)
