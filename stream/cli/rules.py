"""`newstide rules`: look a file of rules over, and see what it would have fired on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, counted, print_json, warn
from stream.cli.send import FormatFlag, Zone, file_format

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream.events import Alert, Signal, Withdrawal
    from stream.watch.rules import WatchRules

RulesFile = Annotated[Path, typer.Argument(metavar="RULES", help="A TOML file of rules.", show_default=False)]


def check_rules(ctx: typer.Context, file: RulesFile, *, as_json: Json = False) -> None:
    """Check a file of rules, and show how rare by chance a window must be for each kind of series."""
    from stream.watch.levels import levels_of

    rules = _with_rules(ctx, file)
    rows = [
        (rule, levels_of(rule, rules.surges, rules.budget, rules.profile, rules.bin_seconds))
        for rule in rules.surges
    ]
    if as_json:
        for rule, levels in rows:
            print_json(
                {
                    "rule": rule.name,
                    "series": rule.series,
                    "direction": rule.direction,
                    "budget_per_day": None if rule.budget is None else rule.budget.per_day,
                    "levels": {kind: float(f"{level:.4g}") for kind, level in levels.items()},
                }
            )
        return
    out = console()
    for rule, levels in rows:
        shown = ", ".join(f"{kind} {level:.2g}" for kind, level in levels.items()) or "no series"
        out.print(f"[bold]{rule.name}[/]: {rule.direction} on {rule.series}; alarm from p = {shown}")
    out.print(f"[green]{len(rows)} rules, all right[/]")


def try_rules(
    ctx: typer.Context,
    file: RulesFile,
    news: Annotated[
        list[Path], typer.Argument(metavar="NEWS", help="Recorded news, JSONL or CSV.", show_default=False)
    ],
    *,
    format_: FormatFlag = None,
    timezone: Zone = None,
    as_json: Json = False,
) -> None:
    """Say what a file of rules would have fired on in recorded news. Needs no broker."""
    from stream.recorded import recorded_signals
    from stream.sources.columns import parse_timezone

    rules = _with_rules(ctx, file)
    zone = None if timezone is None else parse_timezone(timezone)
    alerts = fired_on(
        recorded_signals(settings_of(ctx), news, timezone=zone, format=file_format(format_), say=warn), rules
    )
    firing = [alert for alert in alerts if alert.status == "firing"]
    if as_json:
        for alert in firing:
            print_json(alert.model_dump(mode="json", exclude_none=True))
        return
    out = console()
    for alert in firing:
        out.print(
            f"{alert.as_of:%Y-%m-%d %H:%M:%S}  {alert.severity:<8}  {alert.series}  {alert.rule}: "
            f"{alert.observed:g} in {alert.window_seconds // 60} min, {alert.expected:.2g} expected, "
            f"{counted(alert.sources, 'source')}",
            markup=False,
        )
    fired = Counter(alert.rule for alert in firing)
    told = ", ".join(f"{rule.name} {fired[rule.name]}" for rule in rules.surges)
    out.print(f"[bold]{counted(len(firing), 'alert')}[/]: {told}")


def fired_on(signals: Iterable[Signal | Withdrawal], rules: WatchRules) -> list[Alert]:
    """All that WATCH says of these signals, to the end of the last alert."""
    from datetime import timedelta

    from stream.events import Withdrawal
    from stream.watch.watcher import Watcher

    watcher = Watcher(rules)
    alerts: list[Alert] = []
    for signal in signals:
        if isinstance(signal, Withdrawal):
            watcher.withdraw(signal)
        else:
            watcher.observe(signal)
        clock = watcher.clock
        if clock is not None:
            watcher.advance(clock)
        alerts += watcher.drain().alerts
    if watcher.clock is not None:
        watcher.advance(watcher.clock + timedelta(days=2))
    return alerts + watcher.drain().alerts


def _with_rules(ctx: typer.Context, file: Path) -> WatchRules:
    from stream.parts import rules_of
    from stream.watch.rulebook import read_rules

    return replace(rules_of(settings_of(ctx)), surges=read_rules(file))
