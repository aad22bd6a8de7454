"""A backtest from end to end, and what it writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from stream.backtest.figures import Watched, sum_up
from stream.backtest.news import Event, watch
from stream.backtest.null import null_counts, null_news
from stream.backtest.poisson import poisson_interval
from stream.backtest.report import count_report, news_report
from stream.backtest.tables import CountTable
from stream.backtest.volume import watch_counts
from stream.errors import UsageError
from stream.events import Alert, Signal
from stream.watch.rules import WatchRules

_DAYS_OF_WEEK = 7.0


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a backtest came to: its figures, its alerts in the order of time, and its page."""

    figures: dict[str, Any]
    alerts: tuple[Alert, ...]
    page: str

    def write(self, folder: Path) -> None:
        """Write `figures.json`, `alerts.jsonl` and `report.html` into `folder`.

        Raises:
            UsageError: if that can't be done.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "figures.json").write_text(json.dumps(self.figures, indent=2) + "\n", "utf-8")
            (folder / "alerts.jsonl").write_bytes(b"".join(each.to_json() + b"\n" for each in self.alerts))
            (folder / "report.html").write_text(self.page, "utf-8")
        except OSError as error:
            raise UsageError(
                f"--out {str(folder)!r} can't be written: {error.strerror}: give a folder"
            ) from error


def backtest_news(events: Sequence[Event], rules: WatchRules, *, read: int, rejected: int) -> Backtest:
    """What WATCH says of a span of news.

    Raises:
        UsageError: if nothing was said of any series in it.
    """
    watched = Watched(_seen(events), read, rejected)
    alerts = watch(events, rules)
    figures = sum_up(watched, alerts, budget_per_day=rules.budget.per_day)
    return Backtest(figures, tuple(alerts), news_report(figures, alerts, events, rules))


def backtest_counts(tables: Sequence[CountTable], per_week: float) -> Backtest:
    """What is said of count series; `per_week` is the budget of each."""
    runs = [watch_counts(table, per_week) for table in tables]
    watched = Watched(
        {table.name: (table.rows[0][0], table.rows[-1][0] + table.bucket) for table in tables},
        sum(len(table.rows) for table in tables),
    )
    alerts = sorted(
        (alert for run in runs for alert in run.alerts), key=lambda each: (each.as_of, each.series)
    )
    scores = [run.nab for run in runs if run.nab is not None]
    budget = per_week * len(tables) / _DAYS_OF_WEEK
    figures = sum_up(
        watched,
        alerts,
        budget_per_day=budget,
        nab=reduce(add, scores) if scores else None,
        found_after=[delay for run in runs for delay in run.found_after] if scores else None,
    )
    return Backtest(figures, tuple(alerts), count_report(figures, runs))


def null_of_news(
    events: Sequence[Event], rules: WatchRules, *, days: int, seed: int, times: int = 1
) -> Backtest:
    """What the rules raise on news dealt anew, in which nothing is unusual."""
    dealt = null_news(events, rules, days=days, seed=seed, times=times)
    found = backtest_news(dealt, rules, read=len({signal.news_id for signal in dealt}), rejected=0)
    return _null(found, days, seed)


def null_of_counts(tables: Sequence[CountTable], per_week: float, *, days: int, seed: int) -> Backtest:
    """What is said of counts dealt anew, in which nothing is unusual."""
    found = backtest_counts([null_counts(table, days=days, seed=seed) for table in tables], per_week)
    return _null(found, days, seed)


def _null(found: Backtest, days: int, seed: int) -> Backtest:
    """The figures of a span in which every alarm is false."""
    alarms = found.figures["alarms"]
    low, high = poisson_interval(alarms)
    budget = found.figures["budget_per_day"]
    null: Mapping[str, Any] = {
        "seed": seed,
        "days": days,
        "false_alarms": alarms,
        "false_alarms_per_day": float(f"{alarms / days:.6g}"),
        "ci95": [float(f"{low / days:.6g}"), float(f"{high / days:.6g}")],
        "budget_per_day": budget,
        "within_budget": alarms / days <= budget,
    }
    return Backtest({"null": null, **found.figures}, found.alerts, found.page)


def _seen(events: Sequence[Event]) -> dict[str, tuple[datetime, datetime]]:
    """The series in `events`, each with its first and its last time."""
    seen: dict[str, tuple[datetime, datetime]] = {}
    for event in events:
        if isinstance(event, Signal):
            first, _ = seen.get(event.series, (event.published_at, event.published_at))
            seen[event.series] = (first, event.published_at)
    if not seen:
        raise UsageError("nothing was said of any series: none of the records could be read as news")
    return seen
