"""`newstide bench release`: releases side by side, what they weigh, how fast they are and how good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json
from stream.cli.reference import loading, release_named
from stream.cli.texts import read_texts
from stream.errors import UsageError

if TYPE_CHECKING:
    from models.release import Release
    from models.scorer import Places
    from stream.bench.release import Products, ReleaseSpeed
    from stream.settings import Settings

_HEADS = {"sentiment": "mood", "topic": "topic", "entity": "entity"}
"""The heads whose figures are shown, and what they are called where there is little room."""


def bench_release(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RELEASE...]",
            help="Folders, NAME@VERSION, NAMEs of those that ship, or aliases (default: the one in force).",
            show_default=False,
        ),
    ] = None,
    *,
    count: Annotated[int, typer.Option(min=256, help="How many texts, at most.")] = 1_500,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="Texts of your own: one a line, CSV or JSON lines; else invented news.",
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured, in turns.")] = 5,
    limit: Annotated[
        bool,
        typer.Option(
            "--limit/--no-limit", help="Also the limit of int8 arithmetic; needs the extra `train`."
        ),
    ] = True,
    companies: Annotated[
        bool, typer.Option("--companies", help="Also what it costs to answer for each company in the texts.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Releases side by side on one core: megabytes, news per second, and what their manifests say of them."""
    if limit:
        from stream.cli.train import need_training

        need_training()
    from models.scorer import OnnxScorer
    from stream.bench.release import measure_speeds
    from stream.cli.bench import texts_of_the_day

    settings = settings_of(ctx, {"score.intra_threads": 1})
    wanted: Sequence[str | None] = names or (None,)
    releases = [release_named(settings, name) for name in wanted]
    if len({release.label for release in releases}) < len(releases):
        raise UsageError("bench release: two of the releases have the same name and version: give each once")
    scorers = [OnnxScorer.load(release, **loading(settings)) for release in releases]
    # A text that stands there twice is computed once, which would flatter.
    texts = list(
        dict.fromkeys(texts_of_the_day(count) if file is None else islice(read_texts(str(file)), count))
    )
    rows = []
    products = [_products_of(release) for release in releases] if limit else []
    places = _companies_in(settings, texts) if companies else []
    speeds = measure_speeds(scorers, texts, rounds=rounds, products=products, companies=places)
    for release, speed in zip(releases, speeds, strict=True):
        size = sum((release.path / name).stat().st_size for name in release.manifest.files)
        row: dict[str, Any] = {
            "release": release.label,
            "megabytes": round(size / 1e6, 1),
            "per_s": round(speed.per_s, 1),
            "tokens": round(speed.tokens, 1),
        }
        if limit:
            row |= _of_limit(speed)
        if speed.companies_cost is not None:
            row["companies_cost"] = round(speed.companies_cost, 4)
        rows.append(row | {"figures": _figures(release.manifest.metrics)})
    for row in rows:
        row["times_first"] = round(row["per_s"] / rows[0]["per_s"], 3)
    named = sum(map(len, places))
    if as_json:
        print_json({"texts": len(texts), **({"companies": named} if companies else {}), "releases": rows})
    else:
        _print(rows, len(texts), named if companies else None)


def _companies_in(settings: Settings, texts: Sequence[str]) -> list[Places]:
    """The companies in each text that serving would ask the model about, those of the invented market too."""
    from importlib.resources import as_file, files

    from stream.parts import tagger_of
    from stream.score.scoring import places_of

    with as_file(files("stream.demo") / "data" / "companies.csv") as invented:
        tagger = tagger_of(settings, [invented])
    return [places_of(tagger.tag(text, None, ())) for text in texts]


def _products_of(release: Release) -> Products | None:
    from export.limit import Arithmetic

    return Arithmetic(release) if release.manifest.requires.precision == "int8" else None


def _of_limit(speed: ReleaseSpeed) -> dict[str, float | None]:
    if speed.limit_per_s is None:
        return {"limit_per_s": None, "of_limit": None}
    return {"limit_per_s": round(speed.limit_per_s, 1), "of_limit": round(speed.per_s / speed.limit_per_s, 3)}


def _figures(metrics: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """By head what the manifest says of the int8 graph: measured when it was exported."""
    told: dict[str, dict[str, float]] = {}
    agreement = metrics.get("parity", {}).get("agreement", {})
    for head, figures in metrics.get("dev", {}).items():
        told[head] = {name: figures[name] for name in ("n", "accuracy", "macro_f1", "ece") if name in figures}
        if head in agreement:
            told[head]["agreement"] = agreement[head]
    return told


def _print(rows: Sequence[Mapping[str, Any]], count: int, companies: int | None) -> None:
    from rich.table import Table

    asked_too = () if companies is None else ("firms",)
    # Narrow gaps: the longest names and all columns fit into 80 characters.
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title=f"{count} texts, one core of this machine",
        title_justify="left",
    )
    for name in ("release", "MB", "news/s", "times", "limit", *asked_too, *_HEADS.values()):
        first = name == "release"
        table.add_column(name, justify="left" if first else "right", no_wrap=first)
    for row in rows:
        share = row.get("of_limit")
        table.add_row(
            row["release"],
            f"{row['megabytes']:.1f}",
            f"{row['per_s']:.0f}",
            f"{row['times_first']:.2f}",
            "-" if share is None else f"{share:.0%}",
            *(f"{row['companies_cost']:+.1%}" for _ in asked_too),
            *(_macro_f1(row["figures"].get(head)) for head in _HEADS),
        )
    console().print(table)
    console().print(
        "limit: news/s over what the int8 products alone would allow on this core.\n"
        "mood, topic, entity: macro-F1 as it was measured at export."
    )
    if companies is not None:
        console().print(
            f"firms: how much longer it takes to answer for those too ({companies / count:.2f} in a text).",
            soft_wrap=True,
        )


def _macro_f1(figures: Mapping[str, float] | None) -> str:
    return f"{figures['macro_f1']:.3f}" if figures and "macro_f1" in figures else "-"
