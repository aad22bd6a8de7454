"""`newstide backtest`: what the monitor would have said of the past, and how often it would have been wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.invocation import on_command_line, settings_of
from stream.cli.printing import Json, console, counted, print_json, remarks
from stream.cli.send import FormatFlag, Publisher, Zone, file_format
from stream.errors import UsageError

if TYPE_CHECKING:
    from stream.backtest.news import Span
    from stream.backtest.tables import Kind
    from stream.backtest.whole import Backtest
    from stream.settings import Settings
    from stream.sources.replay import Recording
    from stream.watch.rules import WatchRules

_TOLD = 5
_OF_NEWS = ("rules", "profile", "times", "begin", "end", "format_", "source", "timezone")


def backtest(
    ctx: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES", help="News, scored news or signals; or count series.", show_default=False
        ),
    ],
    *,
    rules: Annotated[
        Path | None, typer.Option("--rules", metavar="R", help="Rules in TOML; else those in force.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="For alerts, figures and the page.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="1/week", help="False alarms allowed; of count series, for each of them."),
    ] = None,
    profile: Annotated[Path | None, typer.Option(metavar="FILE", help="Else the one in force.")] = None,
    null: Annotated[
        bool, typer.Option("--null", help="Deal the news anew, so that nothing in it is unusual.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of --null: the same seed deals the same.")] = 1,
    days: Annotated[int, typer.Option(min=1, help="Of --null: how many days to deal.")] = 30,
    times: Annotated[
        int, typer.Option(min=1, help="Of --null: of news, as busy as so many feeds like the recorded one.")
    ] = 1,
    begin: Annotated[
        datetime | None, typer.Option("--from", metavar="TIME", help="Leave out what is earlier (UTC).")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", metavar="TIME", help="Leave out this and later (UTC).")
    ] = None,
    format_: FormatFlag = None,
    source: Publisher = None,
    timezone: Zone = None,
    as_json: Json = False,
) -> None:
    """Replay the past through SCORE and WATCH without a broker; the same files give the same bytes.

    A count series is a CSV with timestamp and value; labels lie beside T.csv as T.windows.jsonl.
    """
    from stream.backtest.tables import Kind, kind_of
    from stream.watch.budget import Budget

    if out is None and not null:
        raise UsageError("--out is missing: give a folder for alerts.jsonl, figures.json and report.html")
    if out is not None and out.exists() and not out.is_dir():
        raise UsageError(f"--out {str(out)!r} is no folder: give one, or the name of a new one")
    if not null:
        _refuse(ctx, ("seed", "days", "times"), "is of --null: add --null, or leave it out")
    kinds = {path: kind_of(path) for path in files}
    allowed = None if budget is None else Budget.parse(budget)
    if Kind.COUNTS in kinds.values():
        _refuse(ctx, _OF_NEWS, "is of news, and the files hold count series: leave it out")
        found = _counts(kinds, allowed.per_week if allowed else 1.0, null=null, days=days, seed=seed)
    else:
        settings = settings_of(ctx)
        in_force = _rules(settings, rules, profile)
        in_force = in_force if allowed is None else replace(in_force, budget=allowed)
        between = _in_utc(begin), _in_utc(end)
        span = _span(
            settings, kinds, between, lambda path: _recording(path, between, format_, source, timezone)
        )
        found = _news(span, in_force, null=null, days=days, seed=seed, times=times)
    if out is not None:
        found.write(out)
    if as_json:
        print_json(found.figures)
    else:
        _print(found.figures, out)


def _refuse(ctx: typer.Context, names: tuple[str, ...], why: str) -> None:
    """Options that would do nothing are an error: who gave one believes that it does something."""
    for name in on_command_line(ctx, *names):
        flag = {"begin": "from", "end": "to"}.get(name, name.rstrip("_"))
        raise UsageError(f"--{flag} {why}")


def _counts(kinds: dict[Path, Kind], per_week: float, *, null: bool, days: int, seed: int) -> Backtest:
    from stream.backtest.tables import Kind, read_counts
    from stream.backtest.whole import backtest_counts, null_of_counts

    for path, kind in kinds.items():
        if kind is not Kind.COUNTS:
            raise UsageError(
                f"{str(path)!r} holds {kind} beside count series: backtest them one kind at a time"
            )
    tables = [read_counts(path) for path in kinds]
    if null:
        return null_of_counts(tables, per_week, days=days, seed=seed)
    return backtest_counts(tables, per_week)


def _news(span: Span, rules: WatchRules, *, null: bool, days: int, seed: int, times: int) -> Backtest:
    from stream.backtest.whole import backtest_news, null_of_news

    publishers, asked = span.publishers, min(rule.min_sources or rules.min_sources for rule in rules.surges)
    if publishers < asked:
        remarks().print(
            f"all of it is from {counted(publishers, 'publisher')}, and every rule asks for "
            f"{asked}: there can be no alarm; set min_sources in --rules",
            style="yellow",
            soft_wrap=True,
        )
    if null:
        return null_of_news(span.events, rules, days=days, seed=seed, times=times)
    return backtest_news(span.events, rules, read=span.read, rejected=span.rejected)


def _rules(settings: Settings, file: Path | None, profile: Path | None) -> WatchRules:
    from stream.parts import rules_of
    from stream.watch.profile import read_profile
    from stream.watch.rulebook import read_rules

    rules = rules_of(settings)
    if profile is not None:
        rules = replace(rules, profile=read_profile(profile))
    return rules if file is None else replace(rules, surges=read_rules(file))


def _span(
    settings: Settings,
    kinds: dict[Path, Kind],
    between: tuple[datetime | None, datetime | None],
    read: Callable[[Path], Recording],
) -> Span:
    """What the files say of the series, all together in the order of time; `read` reads a file of news."""
    from stream.backtest.news import Span, read_scored, read_signals
    from stream.backtest.scoring import score_recording
    from stream.backtest.tables import Kind

    whole = Span(())
    for path, kind in kinds.items():
        if kind is Kind.NEWS:
            recording = read(path)
            for row in recording.bad[:_TOLD]:
                remarks().print(f"left out: {row}", markup=False, style="yellow")
            remarks().print(
                f"scoring {counted(len(recording.moments), 'record')} of {path.name}", markup=False
            )
            whole += score_recording(settings, recording)
        else:
            whole += (read_scored if kind is Kind.SCORED else read_signals)(path).between(*between)
    return whole


def _recording(
    path: Path,
    between: tuple[datetime | None, datetime | None],
    format_: str | None,
    source: str | None,
    timezone: str | None,
) -> Recording:
    from stream.sources.columns import parse_timezone
    from stream.sources.files import read_news
    from stream.sources.replay import load_recording

    zone = None if timezone is None else parse_timezone(timezone)
    rows = read_news(path, file_format(format_), source=source, timezone=zone)
    return load_recording(rows, start=between[0], end=between[1])


def _in_utc(time: datetime | None) -> datetime | None:
    """A time without a zone is UTC."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _print(figures: dict[str, Any], out: Path | None) -> None:
    screen = console()
    low, high = figures["alarms_per_day_ci95"]
    screen.print(
        f"{figures['records']} records, {figures['series']} series, {figures['days']:.4g} days: "
        f"{figures['alarms']} alarms, {figures['alarms_per_day']:.3g} a day (95 %: {low:.2g} to {high:.2g})",
        soft_wrap=True,
    )
    if figures["rejected"]:
        screen.print(
            f"{figures['rejected']} more records could not be read, and are left out", style="yellow"
        )
    if "null" in figures:
        verdict = "within" if figures["null"]["within_budget"] else "beyond"
        screen.print(
            f"nothing in it is unusual, so all of them are false: {verdict} the budget of "
            f"{figures['budget_per_day']:.3g} a day",
            soft_wrap=True,
        )
    if figures["nab"] is not None:
        screen.print(f"NAB score {figures['nab']['score']} (standard profile)")
    if out is not None:
        screen.print(f"the page: {out / 'report.html'}", soft_wrap=True, markup=False)
