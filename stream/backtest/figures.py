"""What a backtest came to, as figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from stream.backtest.nab import NabScore
from stream.backtest.poisson import poisson_interval
from stream.events import Alert

_DAY = timedelta(days=1)
_P90 = 0.9


@dataclass(frozen=True, slots=True)
class Watched:
    """What was watched: for each series its first and its last time."""

    series: Mapping[str, tuple[datetime, datetime]]
    read: int
    rejected: int = 0

    @property
    def begin(self) -> datetime:
        """The earliest time."""
        return min(first for first, _ in self.series.values())

    @property
    def end(self) -> datetime:
        """The latest time."""
        return max(last for _, last in self.series.values())

    @property
    def days(self) -> float:
        """How long it lasted, in days, at least one hour."""
        return max((self.end - self.begin) / _DAY, 1.0 / 24.0)

    @property
    def series_days(self) -> float:
        """Over all series, the days from a series' first time to the end."""
        return sum(max((self.end - first) / _DAY, 1.0 / 24.0) for first, _ in self.series.values())


def lives_of(alerts: Sequence[Alert]) -> list[list[Alert]]:
    """All that was said of each alert, the alerts in the order in which they fired."""
    lives: dict[str, list[Alert]] = {}
    for alert in alerts:
        lives.setdefault(alert.alert_id, []).append(alert)
    return list(lives.values())


def sum_up(
    watched: Watched,
    alerts: Sequence[Alert],
    *,
    budget_per_day: float,
    nab: NabScore | None = None,
    found_after: Sequence[timedelta] | None = None,
) -> dict[str, Any]:
    """The figures, for `figures.json`. Rates carry the exact 95 % Poisson interval of their count.

    Args:
        watched: what was watched.
        alerts: all that was said.
        budget_per_day: the false alarms allowed.
        nab: NAB's score, where there are labels.
        found_after: how far into each labelled window that was found its first alarm came; None without labels:
            then an alert's delay is counted from its onset.
    """
    lives = lives_of(alerts)
    fired = [life[0] for life in lives]
    ends = Counter(life[-1].status for life in lives)
    late = found_after if found_after is not None else [each.as_of - each.onset for each in fired]
    delays = sorted(delay.total_seconds() for delay in late)
    low, high = poisson_interval(len(fired))
    return {
        "from": watched.begin.isoformat(),
        "to": watched.end.isoformat(),
        "days": _short(watched.days),
        "records": watched.read,
        "rejected": watched.rejected,
        "series": len(watched.series),
        "series_days": _short(watched.series_days),
        "alarms": len(fired),
        "alarms_by_rule": dict(sorted(Counter(each.rule for each in fired).items())),
        "alarms_by_severity": dict(sorted(Counter(each.severity for each in fired).items())),
        "resolved": ends["resolved"],
        "retracted": ends["retracted"],
        "open_at_the_end": ends["firing"] + ends["updated"],
        "alarms_per_day": _short(len(fired) / watched.days),
        "alarms_per_day_ci95": [_short(low / watched.days), _short(high / watched.days)],
        "alarms_per_series_day": _short(len(fired) / watched.series_days),
        "budget_per_day": _short(budget_per_day),
        "detection_delay_seconds": {
            "from": "onset" if found_after is None else "start of the labelled window",
            "median": median(delays) if delays else None,
            "p90": delays[int(_P90 * (len(delays) - 1))] if delays else None,
        },
        "nab": None if nab is None else nab_figures(nab),
    }


def nab_figures(nab: NabScore) -> dict[str, Any]:
    """NAB's figures: `score` of 100, windows found (`tp`) and missed (`fn`), alarms outside (`fp`)."""
    return {
        "score": None if nab.score is None else round(nab.score, 2),
        "raw": round(nab.raw, 4),
        "windows": nab.windows,
        "tp": nab.tp,
        "fp": nab.fp,
        "fn": nab.fn,
    }


def _short(figure: float) -> float:
    return float(f"{figure:.6g}")
