"""Is what came unusual? The decision of WATCH, behind one small interface.

Each horizon gives a p-value: how probable it is, for a series with this baseline, that a bin which brings a
story ends a window with at least as many as were seen. All become one (`stream.watch.chances`), and that one is
compared with the level of the rule for such a series (`stream.watch.levels`).

Bins are seen against the hour before them: within it the rate moves about once, so that a window of w minutes,
and the few after a move in which the hour has not heard of it, lie beyond one with probability (w + 5) / 60. Only
then may the rate be far off.

The bin that is under way is expected to have its whole share already. So to look at each article is to look at
the bin's end, only sooner: it costs no level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from math import log10, sqrt
from typing import TYPE_CHECKING, Protocol

from stream.watch.baseline import Rate, Usual
from stream.watch.chances import (
    LEAST_P,
    Look,
    combined,
    count_p,
    count_p_after,
    most_telling,
    weight_of,
)
from stream.watch.kinds import kind_of
from stream.watch.levels import LevelAt, level_at, level_of, measure_of
from stream.watch.rulebook import SurgeRule
from stream.watch.tails import share_tail, student_tail
from stream.watch.tallies import Window

if TYPE_CHECKING:
    from stream.watch.rules import WatchRules

_PRIOR_NEGATIVE, _PRIOR_OTHER = 1.0, 4.0
"""The first belief about a share: one of five."""
_HOUR = timedelta(hours=1)
_LAG = timedelta(minutes=5)
"""How long a rate that has moved passes for a jump, until the hour before has heard of it."""
_QUIET_SHARE = 0.5
_SUREST_SHARE = 30.0
"""A share is never believed steadier than a beta of so many stories of one sort."""


class Level(IntEnum):
    """How a window stands: `ALARMING` opens an alert, `RAISED` keeps one open, `USUAL` lets it end."""

    USUAL = 0
    RAISED = 1
    ALARMING = 2


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a detector says, with its figures and why; `look` is the horizon that says most."""

    level: Level
    p_value: float
    observed: int
    expected: float
    look: Look
    reason: str

    @property
    def surprise(self) -> float:
        """-log10 of the p-value, 300 at most."""
        return max(0.0, -log10(max(self.p_value, LEAST_P)))


class Detector(Protocol):
    """Judges a series against what is usual. Pure: the same looks and baseline give the same judgement."""

    rule: SurgeRule
    horizons: frozenset[int]

    def may_alarm(self, looks: Sequence[Window]) -> bool:
        """Whether the windows hold enough to be alarming at all; a cheap look before `judge`."""
        ...

    def judge(self, looks: Sequence[Look], usual: Usual) -> Judgement:
        """How unusual the windows are together; at least one is given."""
        ...


class CountSurge:
    """More novel stories of one direction than the series' own rate explains.

    For bad or good news, a rush of ordinary news must not count: so the count must also be high for the volume of
    news (beta-binomial, at a milder level), or lie beyond what several times the usual rate explains, for a
    company whose news is always bad.

    Args:
        rule: what to look for.
        rules: the thresholds.
        level: the p-value from which it is an alarm, by the rate that the series is believed to have.
        horizons: the spans, in bins, that it tests.
    """

    def __init__(self, rule: SurgeRule, rules: WatchRules, level: LevelAt, horizons: frozenset[int]) -> None:
        self.rule = rule
        self.horizons = horizons
        self._rules = rules
        self._level = level
        self._hour, self._quarter = rules.bins(_HOUR), rules.block_bins
        self._lag = _LAG / timedelta(seconds=rules.bin_seconds)
        self._least = rule.min_count or rules.min_count
        self._which = measure_of(rule)

    def may_alarm(self, looks: Sequence[Window]) -> bool:
        """Whether any window holds as many stories as a surge takes."""
        return any(window.tally.counts()[self._which] >= self._least for window in looks)

    def judge(self, looks: Sequence[Look], usual: Usual) -> Judgement:
        """`ALARMING` where counts and share agree; `RAISED` between there and the resolve levels."""
        rate = usual.rates[self._which]
        hour = self._hour_of(looks)
        young = usual.stories == 0.0
        values = [self._chance(rate, each, hour, young=young) for each in looks]
        weights = [weight_of(rate.per_hour * each.hours) for each in looks]
        leader = looks[most_telling(values, weights)]
        observed = self._seen(leader)
        p_value = combined(values, weights) if observed else 1.0
        level, reason = self._stand(p_value, observed, leader, usual)
        return Judgement(level, p_value, observed, rate.per_hour * leader.hours, leader, reason)

    def _chance(self, rate: Rate, look: Look, hour: Look | None, *, young: bool) -> float:
        """The p-value of one horizon.

        Of a series that has learned nothing yet, the hour before is mostly the time before its first story, and
        makes its rate seem low and well known: so what the profile believes has to call the count rare as well.
        """
        seen, lately = self._seen(look), self._lately(rate, look, hour)
        if lately is rate:
            return count_p(seen, rate, look)
        moved = min(1.0, (look.window.bins + self._lag) / self._hour)
        after = count_p_after(seen, rate, lately, look, moved)
        return max(after, count_p(seen, rate, look)) if young else after

    def _hour_of(self, looks: Sequence[Look]) -> Look | None:
        """The longest look within the hour: what shorter ones are seen against."""
        return next((each for each in reversed(looks) if each.window.bins <= self._hour), None)

    def _lately(self, rate: Rate, look: Look, hour: Look | None) -> Rate:
        """The rate in the light of the hour before the window, where that is known: news has busy days.

        What sways within hours is no surge; what jumps within minutes is. An hour that was far too quiet tells
        nothing, for it may have been before the opening, and none makes the rate lower than usual.
        """
        if hour is None or hour.window.start >= look.window.start:
            return rate
        before = self._seen(hour) - self._seen(look)
        hours = hour.hours - look.hours
        if before < _QUIET_SHARE * rate.per_hour * hours:
            return rate
        steady = rate.steadiness(hour.hours)
        shape = steady + before
        exposure = min(steady / rate.per_hour + hours, shape / rate.per_hour)
        # How news clusters was learned from quarters of an hour, of which a few minutes see less.
        burst = rate.burst * sqrt(min(1.0, look.window.bins / self._quarter))
        return Rate(shape, exposure, 0.0, burst, 1.0)

    def _seen(self, look: Look) -> int:
        return look.window.tally.counts()[self._which]

    def _stand(self, p_value: float, observed: int, look: Look, usual: Usual) -> tuple[Level, str]:
        rules = self._rules
        what = "" if self.rule.direction == "volume" else f"{self.rule.direction} "
        if observed < self._least:
            return Level.USUAL, f"too few {what}stories"
        if p_value >= rules.resolve_p:
            return Level.USUAL, "as many as are usual"
        level = self._level(usual.rates[self._which])
        rushed = self._rushed(observed, look, usual, level)
        if rushed is Level.USUAL:
            return Level.USUAL, f"more news, no more {what}than usual"
        if p_value > level:
            return Level.RAISED, "more than usual, not beyond chance"
        if rushed is Level.RAISED:
            return Level.RAISED, f"more news, a little more {what}".rstrip()
        return Level.ALARMING, f"more {what}news than chance explains"

    def _rushed(self, observed: int, look: Look, usual: Usual, level: float) -> Level:
        """How the count stands if a rush of news explains it: by the share of such news in it, and by its size."""
        if self.rule.direction == "volume":
            return Level.ALARMING
        rules = self._rules
        share_p = self._share(observed, look.window.tally.stories, usual)
        rush_p = count_p(observed, _hurried(usual.rates[self._which], rules.rush), look)
        if share_p >= rules.resolve_share and rush_p >= rules.resolve_p:
            return Level.USUAL
        return Level.RAISED if share_p > rules.share_alpha and rush_p > level else Level.ALARMING

    def _share(self, observed: int, stories: int, usual: Usual) -> float:
        seen, all_seen = usual.rates[self._which], usual.rates[2]
        learned = seen.per_hour / max(all_seen.per_hour, seen.per_hour)
        some = _PRIOR_NEGATIVE + learned * usual.stories
        other = _PRIOR_OTHER + (1.0 - learned) * usual.stories
        scale = min(1.0, _SUREST_SHARE / some)
        return share_tail(observed, stories, some * scale, other * scale)


class MeanShift:
    """The mean score of a window lies off the usual mean: a t-test with a least shift that matters.

    Only a fall counts, unless the rules ask for both ways; then the p-value is two-sided.

    Args: as `CountSurge`.
    """

    def __init__(self, rule: SurgeRule, rules: WatchRules, level: LevelAt, horizons: frozenset[int]) -> None:
        self.rule = rule
        self.horizons = horizons
        self._rules = rules
        self._level = level
        self._which = measure_of(rule)
        self._least = rule.min_count or rules.shift_min_stories

    def may_alarm(self, looks: Sequence[Window]) -> bool:
        """Whether any window holds as many stories as a mean takes."""
        return any(window.tally.stories >= self._least for window in looks)

    def judge(self, looks: Sequence[Look], usual: Usual) -> Judgement:
        """`ALARMING` where a shift is large, beyond chance and rests on enough stories."""
        seen = [self._p_of(each, usual) for each in looks]
        p_value = combined([p for p, _ in seen])
        place = min(range(len(looks)), key=lambda n: (seen[n][0], -n))
        leader, (_, fall) = looks[place], seen[place]
        observed = leader.window.tally.stories
        expected = usual.rates[2].per_hour * leader.hours
        if observed < self._least:
            return Judgement(Level.USUAL, 1.0, observed, expected, leader, "too few stories")
        if fall < self._rules.min_shift or p_value >= self._rules.resolve_p:
            return Judgement(Level.USUAL, p_value, observed, expected, leader, "the mean is as usual")
        if p_value > self._level(usual.rates[self._which]):
            reason = "the mean is off, not beyond chance"
            return Judgement(Level.RAISED, p_value, observed, expected, leader, reason)
        return Judgement(Level.ALARMING, p_value, observed, expected, leader, "the mean is off beyond chance")

    def _p_of(self, look: Look, usual: Usual) -> tuple[float, float]:
        tally = look.window.tally
        mean = tally.mean
        if mean is None or tally.stories < self._least:
            return 1.0, 0.0
        fall = usual.mean - mean
        # Moods sway from day to day: the error never falls below that, however many stories there are.
        error = sqrt(usual.variance * (1.0 / tally.stories + 1.0 / usual.weight) + self._rules.mood**2)
        if self._rules.shift_both_ways:
            return min(1.0, 2.0 * student_tail(abs(fall) / error, usual.weight)), abs(fall)
        return student_tail(fall / error, usual.weight), fall


def _hurried(rate: Rate, times: float) -> Rate:
    """A belief in `times` the rate."""
    return rate._replace(exposure=rate.exposure / times)


class Detectors:
    """Which rules judge which series. Series of one kind under the same rules share their detectors.

    Args:
        rules: the thresholds, with the rules, the budget and the profile.
    """

    def __init__(self, rules: WatchRules) -> None:
        self._rules = rules
        self._made: dict[tuple[str, tuple[str, ...]], tuple[Detector, ...]] = {}

    def of(self, series: str) -> tuple[Detector, ...]:
        """The detectors of one series, in the order of the rules."""
        kind = kind_of(series)
        matching = tuple(rule for rule in self._rules.surges if rule.matches(series))
        key = (kind, tuple(rule.name for rule in matching))
        if key not in self._made:
            self._made[key] = tuple(self._make(rule, kind) for rule in matching)
        return self._made[key]

    def _make(self, rule: SurgeRule, kind: str) -> Detector:
        rules = self._rules
        level = level_of(rule, kind, rules.surges, rules.budget, rules.profile, rules.bin_seconds)
        spans = frozenset(max(1, rules.bins(each)) for each in rule.horizons or rules.horizons)
        made = MeanShift if rule.direction == "shift" else CountSurge
        return made(rule, rules, level_at(level, rule, kind, rules.profile, rules.bin_seconds), spans)
