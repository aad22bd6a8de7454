"""`newstide profile`: what is usual, learned from history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json, warn
from stream.cli.send import FormatFlag, Zone, file_format
from stream.errors import NewstideError

if TYPE_CHECKING:
    from stream.watch.profile import Profile


def learn_profile(
    ctx: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES", help="Recorded news, JSONL or CSV.", show_default=False)
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")],
    format_: FormatFlag = None,
    timezone: Zone = None,
    as_json: Json = False,
) -> None:
    """Learn from recorded news what is usual; the setting `alerts.profile` puts it in force at the next start."""
    from stream.events import Signal
    from stream.parts import rules_of
    from stream.recorded import recorded_signals
    from stream.sources.columns import parse_timezone
    from stream.watch.learning import History

    settings = settings_of(ctx)
    rules = rules_of(settings)
    history = History(rules)
    zone = None if timezone is None else parse_timezone(timezone)
    signals = recorded_signals(settings, files, timezone=zone, format=file_format(format_), say=warn)
    history.take(signal for signal in signals if isinstance(signal, Signal))
    profile = history.profile(output.stem, rules.profile)
    try:
        output.write_text(profile.to_json(), encoding="utf-8")
    except OSError as error:
        raise NewstideError(f"{output} can't be written: {error.strerror}") from error
    show_figures(profile, str(output), as_json=as_json)


def show_profile(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Else the one in force.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Show what a profile says is usual."""
    from stream.parts import rules_of
    from stream.watch.profile import read_profile

    profile = rules_of(settings_of(ctx)).profile if file is None else read_profile(file)
    show_figures(profile, profile.name, as_json=as_json)


def show_figures(profile: Profile, title: str, *, as_json: bool) -> None:
    """Print what a profile says is usual, one line for each kind of series and measure."""
    from rich.table import Table

    from stream.watch.profile import MEASURES

    rows = [
        (kind, group.series, measure, prior, prior.active_minutes(profile.seasons))
        for kind, group in profile.groups.items()
        for measure, prior in zip(MEASURES, group.priors, strict=True)
    ]
    if as_json:
        groups = [
            {
                "kind": kind,
                "series": series,
                "measure": measure,
                "per_hour": round(prior.per_hour, 6),
                "sway": round(prior.sway, 4),
                "burst": round(prior.burst, 4),
                "active_minutes_per_week": round(active, 2),
            }
            for kind, series, measure, prior, active in rows
        ]
        print_json({"profile": title, "learned": dict(profile.learned), "groups": groups})
        return
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for name in ("kind", "series", "stories", "per hour", "sway", "burst", "active minutes a week"):
        table.add_column(name, justify="left" if name in {"kind", "stories"} else "right")
    for kind, series, measure, prior, active in rows:
        table.add_row(
            kind,
            str(series),
            measure,
            f"{prior.per_hour:.4g}",
            f"{prior.sway:.2f}",
            f"{prior.burst:.2f}",
            f"{active:.1f}",
        )
    console().print(table)
