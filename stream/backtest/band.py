"""One series around one alert: what was counted, and what its baseline expected, bucket by bucket.

What is said of a series depends on its own signals alone, so the series is watched once more by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import lcm, sqrt

from stream.backtest.news import Event, of_series, take
from stream.events import Alert, Signal
from stream.watch.novelty import Arrival
from stream.watch.profile import MEASURES
from stream.watch.rules import WatchRules
from stream.watch.times import micros_of
from stream.watch.watcher import Watcher

_BEFORE, _AFTER, _MOST = 90, 45, 260
_LEAST_BUCKET, _MOST_BUCKET = 60, 6 * 3_600
_PARTS = 3
_SIGMAS = 2.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket of a chart.

    Attributes:
        at: when it begins.
        counted: novel stories of the alert's direction.
        copies: articles that retold a story, whatever they say.
        expected: what the baseline expected of the bucket, and `most` that and two standard deviations; None
            where the series was not known yet.
        most: see `expected`.
    """

    at: datetime
    counted: float
    copies: float = 0.0
    expected: float | None = None
    most: float | None = None


def direction_of(alert: Alert, rules: WatchRules) -> str:
    """What its rule counts: negative, positive or all stories."""
    found = next((rule.direction for rule in rules.surges if rule.name == alert.rule), "volume")
    return "volume" if found == "shift" else found


def bars_around(
    events: Sequence[Event], life: Sequence[Alert], rules: WatchRules
) -> tuple[list[Bar], timedelta]:
    """The buckets around an alert, and their width.

    Args:
        events: of all series, in the order of time.
        life: all that was said of the alert, first its firing.
        rules: what it was raised by.
    """
    first = life[0]
    seconds = min(max(first.window_seconds // _PARTS, _LEAST_BUCKET), _MOST_BUCKET)
    whole = lcm(60, rules.bin_seconds)
    bucket = timedelta(seconds=seconds - seconds % whole or whole)
    begin = _floor(first.onset, bucket) - _BEFORE * bucket
    count = min(_BEFORE + _AFTER + (life[-1].as_of - first.onset) // bucket, _MOST)
    direction = direction_of(first, rules)
    own = iter([*of_series(events, first.series)])
    event = next(own, None)
    watcher = Watcher(rules)
    bars: list[Bar] = []
    for number in range(-1, count):
        # Number -1 is all that came before the chart.
        end = begin + (number + 1) * bucket
        expected = _expected(watcher, first.series, direction, end - bucket, bucket, rules)
        counted = copies = 0.0
        while event is not None and event.published_at < end:
            arrival = _take(watcher, event)
            counted += arrival is Arrival.NOVEL and _counts(event, direction, rules)
            copies += arrival is Arrival.COPY
            event = next(own, None)
        if number >= 0:
            bars.append(Bar(end - bucket, counted, copies, *(expected or (None, None))))
    return bars, bucket


def _take(watcher: Watcher, event: Event) -> Arrival | None:
    take(watcher, event)
    return next((arrival for _, arrival in watcher.drain().arrivals), None)


def _counts(event: Event, direction: str, rules: WatchRules) -> bool:
    if not isinstance(event, Signal) or event.weight < rules.min_weight:
        return False
    negative = event.sentiment.negative >= rules.negative_probability or event.score <= rules.negative_score
    positive = not negative and event.score >= -rules.negative_score
    return {"negative": negative, "positive": positive}.get(direction, True)


def _expected(
    watcher: Watcher, series: str, direction: str, at: datetime, bucket: timedelta, rules: WatchRules
) -> tuple[float, float] | None:
    """What the baseline of a series expects of a bucket, and that and two standard deviations."""
    held = watcher._series.get(series)  # noqa: SLF001 - WATCH shows its baseline to nobody else
    if held is None:
        return None
    usual = held.gauge.usual()
    rate = usual.rates[MEASURES.index(direction)]
    hours = held.baseline.hours(micros_of(at) // rules.bin_micros, micros_of(at + bucket) // rules.bin_micros)
    mean = rate.per_hour * hours
    return mean, mean + _SIGMAS * sqrt(mean + mean * mean / rate.steadiness(hours))


def _floor(time: datetime, bucket: timedelta) -> datetime:
    micros = micros_of(time)
    return time - timedelta(microseconds=micros % (bucket // timedelta(microseconds=1)))
