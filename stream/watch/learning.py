"""Learn a profile from history: which hours are busy, how often series of each kind have news, how it clusters.

Each story is counted once per series, as WATCH counts it. Rates are by the clock of the learned week. A gamma
distribution of the rates over the series of a kind is fitted by moments: its mean is the prior's rate and its
variance, beyond what chance brings, the prior's shape. Clustering is read off pairs of stories in one quarter of
an hour: for quiet series it is a burst, for busy ones a sway of the rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any

from stream.errors import UsageError
from stream.events import Signal
from stream.watch.kinds import KINDS, kind_of
from stream.watch.novelty import Arrival, Recents
from stream.watch.profile import MEASURES, Group, Prior, Profile
from stream.watch.rules import WatchRules
from stream.watch.seasons import HOURS, Seasons
from stream.watch.times import micros_of, time_of

_BLOCK_SECONDS = 900
_HOUR_SECONDS = 3_600
_MONDAY = 72
_MICROS = 1_000_000
_PRIOR_HOURS = 4.0
"""How many observed hours of each hour of the week the shape that was believed before is worth."""
_LEAST_BURST, _MOST_BURST = 0.01, 1.0
_LEAST_SWAY, _MOST_SWAY = 0.05, 2.0
_LEAST_SHAPE, _MOST_SHAPE = 0.1, 20.0
_LEAST_STORIES = 100
_PLAUSIBLE, _SPARE_STORIES = 2.58, 2.0
"""As in `stream.watch.baseline`: what is beyond this was a surge, and must not teach that surges are usual."""
_BUSY = 0.2
"""Stories in a quarter of an hour from which a series tells of the sway of its rate rather than of bursts."""


@dataclass(slots=True)
class _Seen:
    """What was counted in one series: stories by quarter of an hour, for each measure."""

    recents: Recents
    high: int = 0
    blocks: tuple[Counter[int], Counter[int], Counter[int]] = field(
        default_factory=lambda: (Counter(), Counter(), Counter())
    )


class History:
    """Counts of a history, from which a profile is learned.

    Args:
        rules: how stories are counted.
    """

    def __init__(self, rules: WatchRules) -> None:
        self._rules = rules
        self._seen: dict[str, _Seen] = {}
        self._first: int | None = None
        self._last = 0
        self.articles = 0

    def take(self, signals: Iterable[Signal]) -> None:
        """Count signals, in the order of their times."""
        for signal in signals:
            self._count(signal)

    def profile(self, name: str, believed: Profile) -> Profile:
        """What the history taught; `believed` fills in what it does not show.

        Raises:
            UsageError: if it is too short to teach anything.
        """
        stories = sum(sum(seen.blocks[2].values()) for seen in self._seen.values())
        if self._first is None or stories < _LEAST_STORIES:
            raise UsageError(
                f"the history holds {stories} stories of {len(self._seen)} series:"
                f" give at least {_LEAST_STORIES} stories"
            )
        seasons = Seasons(self._shape(believed))
        end = self._last // _BLOCK_SECONDS * _BLOCK_SECONDS + _BLOCK_SECONDS
        hours = max(1.0, seasons.clock(end) - seasons.clock(self._first))
        groups = {kind: self._group(kind, believed.group(kind), seasons, hours) for kind in KINDS}
        learned: dict[str, Any] = {
            "signals": self.articles,
            "stories": stories,
            "from": time_of(self._first * _MICROS).isoformat(),
            "to": time_of(self._last * _MICROS).isoformat(),
        }
        return Profile(name, groups, tuple(seasons.shape), learned)

    def _count(self, signal: Signal) -> None:
        rules = self._rules
        at = micros_of(signal.published_at)
        seen = self._of(signal.series)
        self.articles += 1
        seen.high = max(seen.high, at)
        seen.recents.age_to(seen.high)
        fingerprint = bytes.fromhex(signal.fingerprint)
        arrival, _ = seen.recents.recognise(signal, fingerprint, at)
        if arrival is not Arrival.NOVEL:
            return
        negative = (
            signal.sentiment.negative >= rules.negative_probability or signal.score <= rules.negative_score
        )
        seen.recents.begin(signal, fingerprint, at, negative=negative)
        if signal.weight < rules.min_weight:
            return
        self.note(
            signal.series,
            at // _MICROS,
            negative=negative,
            positive=not negative and signal.score >= -rules.negative_score,
        )

    def note(self, series: str, seconds: int, *, negative: bool = False, positive: bool = False) -> None:
        """Count one novel story that came to a series at so many seconds since 1970."""
        seen = self._of(series)
        self._first = seconds if self._first is None else min(self._first, seconds)
        self._last = max(self._last, seconds)
        block = seconds // _BLOCK_SECONDS
        for counts, counted in zip(seen.blocks, (negative, positive, True), strict=True):
            if counted:
                counts[block] += 1

    def _of(self, series: str) -> _Seen:
        rules = self._rules
        if series not in self._seen:
            self._seen[series] = _Seen(Recents(rules.capacity, rules.memory_micros, rules.likeness))
        return self._seen[series]

    def _shape(self, believed: Profile) -> list[float]:
        """How busy each hour of the week is, over all stories; smoothed with what was believed."""
        first = (self._first or 0) // _HOUR_SECONDS
        last = self._last // _HOUR_SECONDS
        watched: Counter[int] = Counter((hour + _MONDAY) % HOURS for hour in range(first, last + 1))
        counted: Counter[int] = Counter()
        for seen in self._seen.values():
            for block, count in seen.blocks[2].items():
                counted[(block * _BLOCK_SECONDS // _HOUR_SECONDS + _MONDAY) % HOURS] += count
        rate = counted.total() / sum(watched[hour] * believed.seasons.shape[hour] for hour in range(HOURS))
        return [
            (counted[hour] + _PRIOR_HOURS * rate * believed.seasons.shape[hour])
            / (watched[hour] + _PRIOR_HOURS)
            for hour in range(HOURS)
        ]

    def _group(self, kind: str, believed: Group, seasons: Seasons, hours: float) -> Group:
        members = [seen for name, seen in self._seen.items() if kind_of(name) == kind]
        if not members:
            return believed
        negative, positive, volume = (
            self._prior([seen.blocks[which] for seen in members], believed.priors[which], seasons, hours)
            for which in range(len(MEASURES))
        )
        return replace(believed, series=len(members), priors=(negative, positive, volume))

    def _prior(self, members: list[Counter[int]], believed: Prior, seasons: Seasons, hours: float) -> Prior:
        counts = [blocks.total() for blocks in members]
        total, many = sum(counts), len(counts)
        if total == 0:
            return believed
        mean = total / many
        spread = sum((count - mean) ** 2 for count in counts) / max(1, many - 1)
        fitted = mean * mean / max(spread - mean, mean * mean / _MOST_SHAPE) if many > 1 else believed.shape
        shape = min(max(fitted, _LEAST_SHAPE), _MOST_SHAPE)
        width = _BLOCK_SECONDS / _HOUR_SECONDS * seasons.concentration
        pairs = sum(_pairs(blocks, width / hours, believed.sway) for blocks in members)
        # As many pairs as each series' own rate would bring if it were steady, and as many as there were.
        steady = sum(count * (count - 1) for count in counts) * width / hours
        if mean * width / hours < _BUSY:
            burst = (pairs - steady * (1.0 + believed.sway)) / total
            return Prior(mean / hours, shape, believed.sway, min(max(burst, _LEAST_BURST), _MOST_BURST))
        sway = (pairs - believed.burst * total) / max(steady, 1e-9) - 1.0
        return Prior(mean / hours, shape, min(max(sway, _LEAST_SWAY), _MOST_SWAY), believed.burst)


def _pairs(blocks: Counter[int], width: float, sway: float) -> float:
    """Pairs of stories in one block; a surge counts no more than what is plausible for its series."""
    expected = blocks.total() * width
    most = expected + _PLAUSIBLE * sqrt(expected + 2.0 * sway * expected * expected) + _SPARE_STORIES
    return sum(min(each, most) * (min(each, most) - 1.0) for each in blocks.values())
