"""`newstide demo`: one invented trading day, scored live on an embedded broker, with the alerts it raises."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.invocation import invocation_of
from stream.cli.printing import Json, console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from stream.demo.day import DayRecord, DaySummary
    from stream.demo.play import DayResult, Viewer
    from stream.events import Alert, ScoredNews
    from stream.notify.group import Group
    from stream.settings import Settings

_SHOWN_EVERY = 12
"""Of the calm news one article in so many is shown: two thousand lines are no demo."""
_STRONG = 0.9


def demo(
    ctx: typer.Context,
    *,
    seconds: Annotated[
        float, typer.Option(min=1.0, max=80.0, help="How long the day takes; it has 6.5 hours.")
    ] = 30.0,
    as_json: Json = False,
) -> None:
    """Play an invented trading day through the whole monitor, and see its alerts; leaves nothing behind."""
    from stream.demo.day import make_day, summary_of_day

    day = make_day()
    truth = summary_of_day(day)
    with tempfile.TemporaryDirectory(prefix="newstide-demo-") as folder:
        settings = _settings(ctx, Path(folder))
        viewer = _Quiet() if as_json else _Screen(console(), len(day))
        result = _play(settings, day, viewer, seconds)
    faults = _faults(result, truth)
    if as_json:
        print_json(_plain(result, faults))
    else:
        _print_summary(result, truth, faults)
    if faults:
        raise typer.Exit(1)


def _settings(ctx: typer.Context, folder: Path) -> Settings:
    """The user's settings, but on a broker and a store of the demo's own, and any free port."""
    own = {
        "kafka.bootstrap": "embedded",
        "kafka.security_protocol": "PLAINTEXT",
        "kafka.topic_prefix": "",
        "broker.port": 0,
        "broker.data_dir": folder,
        "releases.store": folder / "releases",
        "releases.follow": False,
        "metrics.port": 0,
        "log.level": "WARNING",
        # An hour of the day may pass while a busy machine scores one batch, so that much disorder is borne.
        "watch.lateness_minutes": 60,
        # Sixty companies; the rules are the demo's own.
        "alerts.companies": 60,
        "alerts.rules": Path(__file__).parents[1] / "demo" / "data" / "rules.toml",
        "watch.grace_minutes": 60,
    }
    return invocation_of(ctx).load(own).settings


def _play(settings: Settings, day: Sequence[DayRecord], viewer: Viewer, seconds: float) -> DayResult:
    import stream.demo
    from stream.app import Monitor
    from stream.connect import broker_of
    from stream.demo.play import play_day
    from stream.logs import configure_logging

    configure_logging(settings.log.format, settings.log.level)
    with broker_of(settings) as connection:
        monitor = Monitor(
            settings, connection, companies=[Path(stream.demo.__file__).parent / "data" / "companies.csv"]
        )
        return asyncio.run(play_day(monitor, day, viewer, seconds=seconds))


def _faults(result: DayResult, truth: DaySummary) -> list[str]:
    """What should not have been, one sentence each."""
    faults = []
    if not result.adds_up:
        faults.append(
            f"{result.sent} went in, but {result.scored} scored + {result.rejected.total()} rejected came out"
        )
    bank = f"company:{truth.bank}"
    firing = result.firing()
    if not any(alert.series == bank for alert in firing):
        faults.append(f"no alert on {truth.bank_name}")
    faults += [
        f"false alarm on {alert.series} at {alert.onset:%H:%M}"
        for alert in firing
        if alert.onset < truth.run_starts
    ]
    return faults


def _plain(result: DayResult, faults: list[str]) -> dict[str, object]:
    return {
        "sent": result.sent,
        "scored": result.scored,
        "rejected": result.rejected.total(),
        "adds_up": result.adds_up,
        "alerts": [alert.model_dump(mode="json", exclude_none=True) for alert in result.firing()],
        "news_per_second": round(result.sent / result.seconds, 1),
        "p50_ms": round(result.latency(0.5), 1),
        "p99_ms": round(result.latency(0.99), 1),
        "peak_memory_mb": round(result.peak_mb),
        "faults": faults,
    }


class _Quiet:
    """Shows nothing until the end."""

    def started(self, metrics_url: str) -> None: ...

    def scored(self, news: ScoredNews) -> None: ...

    def alerted(self, alert: Alert) -> None: ...

    def rejected(self, reason: str) -> None: ...


class _Screen:
    """Shows a sample of the news, and every alert with its evidence."""

    def __init__(self, screen: Console, expected: int) -> None:
        self._screen = screen
        self._width = screen.width
        self._expected = expected
        self._seen = 0
        self._worst: dict[str, str] = {}

    def started(self, metrics_url: str) -> None:
        self._screen.print(
            f"[bold]An invented trading day:[/] {self._expected} records in 6.5 hours, played fast."
        )
        self._screen.print(f"[dim]Embedded broker, SCORE and WATCH run; metrics at {metrics_url}/metrics[/]")
        self._screen.print("[dim]Some of the news, with its score from -1 (bad) to +1 (good):[/]\n")

    def scored(self, news: ScoredNews) -> None:
        from stream.cli.lines import scored_line

        self._seen += 1
        if self._seen % _SHOWN_EVERY == 0:
            self._screen.print(scored_line(news, self._width))

    def alerted(self, alert: Alert) -> None:
        from stream.cli.lines import alert_panel

        known, self._worst[alert.alert_id] = self._worst.get(alert.alert_id), alert.severity
        if alert.status in {"firing", "retracted"} or known != alert.severity:
            self._screen.print(alert_panel(alert, min(self._width, 100)))
        else:
            self._screen.print(
                f"[dim]{alert.as_of:%H:%M:%S} alert on {alert.series} {alert.status}: "
                f"{alert.observed:g} bad stories, {alert.sources} sources[/]"
            )

    def rejected(self, reason: str) -> None:
        self._screen.print(f"[yellow]a record could not be read: {reason}[/] [dim](kept in news.rejected)[/]")


def _leads(causes: Sequence[Group]) -> str:
    return ", ".join(
        f"{group.lead.alert.series}"
        + (f" and {len(group.members) - 1} more" if len(group.members) > 1 else "")
        for group in causes
    )


def _run_told(result: DayResult, truth: DaySummary) -> str:
    """The run on the bank and what was said of it, all in UTC."""
    told = f"{truth.bank_name} ({truth.bank}): its third bad story at {truth.third_story:%H:%M:%S}"
    ours = [alert for alert in result.alerts if alert.series == f"company:{truth.bank}"]
    if not ours:
        return f"{told}, no alert"
    told += f", the first alert as of {ours[0].as_of:%H:%M:%S}"
    return f"{told}, resolved at {ours[-1].as_of:%H:%M}" if ours[-1].status == "resolved" else told


def _print_summary(result: DayResult, truth: DaySummary, faults: list[str]) -> None:
    from rich.table import Table

    screen = console()
    firing = result.firing()
    raised = ", ".join(f"{alert.series} at {alert.onset:%H:%M}" for alert in firing) or "none"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row(
        "in = scored + rejected",
        f"{result.sent} = {result.scored} + {result.rejected.total()}  {'✓' if result.adds_up else '✗'}",
    )
    table.add_row("alerts raised", f"{len(firing)}: {raised} (UTC)")
    causes = result.causes()
    table.add_row("told as", f"{len(causes)} messages, one for each cause: {_leads(causes)}")
    table.add_row("the bank run", _run_told(result, truth))
    table.add_row("news per second", f"{result.sent / result.seconds:.0f} (as fast as the day was played)")
    table.add_row("receipt to scored", f"p50 {result.latency(0.5):.0f} ms, p99 {result.latency(0.99):.0f} ms")
    table.add_row("peak memory", f"{result.peak_mb:.0f} MB")
    screen.print()
    screen.print(table)
    for fault in faults:
        screen.print(f"[red]✗ {fault}[/]")
    if not faults:
        screen.print("[green]✓ the bank run was seen, and the quiet morning stayed quiet[/]")
