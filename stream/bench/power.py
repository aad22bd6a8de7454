"""How soon is a surge found? Surges put into invented news, and what WATCH, a z-score and a fixed threshold say.

Each case is one of 500 series of one rate, under a budget of one false alarm a week for all of them together. Its
baseline has learned a week of such news; the last hours before the surge are its own.

Beside them stands what no way of telling can surpass: that of one who knows the rate, that it never sways, and
when a surge would begin (Neyman and Pearson 1933). Where that is below what is wanted, the budget is too small.
And how much of it the count alone tells to one who knows how the rate sways, and knew it five minutes before.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import exp, lgamma, log, log1p, sqrt

import numpy as np
from numpy.typing import NDArray

from stream.bench.budget import World, even_profile
from stream.bench.invented import MONDAY, SWAYS, Floats, Habits, counted_bins, story_times
from stream.watch.counts import CountSeries
from stream.watch.profile import Profile
from stream.watch.rulebook import SurgeRule
from stream.watch.rules import WatchRules

WITHIN = {3: 5.0, 5: 2.0, 10: 1.0}
"""Minutes within which a surge of so many times the rate is to be found."""
_LASTS = 1_800.0
_PAST_DAYS, _NEAR_HOURS = 7.0, 4
_Z = 3.0
_WINDOW = 5
_QUIET_DAYS = 28.0
_DAY_MINUTES, _DAY = 1_440, 86_400
_HABITS = Habits(burst=0.05, missed=0.0)
_COPIED = Habits(burst=0.05, copies=4.0)
_NAME = "company:surging"
_MOVES_EVERY = 60.0
_NODES, _PARTS = 60, 20


@dataclass(frozen=True, slots=True)
class Found:
    """Of surges of one size in series of one rate: the part found in time by each way, and at most.

    `best` is that most, for a steady rate; `counted_where_it_sways` is what a count alone tells where it moves.
    """

    per_minute: float
    times: int
    copies: bool
    within_minutes: float
    cases: int
    newstide: float
    z_score: float
    fixed: float
    best: float
    counted_where_it_sways: float


@dataclass(frozen=True, slots=True)
class PowerFigures:
    """What was found, and how often the z-score is false for all series together, in a day, at each rate.

    The fixed threshold is set, for each rate, to be false as often as the budget allows.
    """

    series: int
    rows: tuple[Found, ...]
    z_alarms_per_day: dict[str, float]


def measure_power(
    rates: Sequence[float], cases: int, series: int, seed: int, say: Callable[[str], None] = lambda _: None
) -> PowerFigures:
    """Put surges of x3, x5 and x10 into series with so many stories a minute."""
    say("learning how news clusters, from 28 days with nothing special")
    learned = World(series, seed).learn()
    rows: list[Found] = []
    false_z: dict[str, float] = {}
    for rate in rates:
        say(f"surges in series with {rate:g} stories a minute")
        setting = _Setting.make(rate, series, learned, seed)
        false_z[f"{rate:g}"] = setting.z_alarms_per_day * series
        for times, within in WITHIN.items():
            for habits in (_HABITS, _COPIED):
                dice = np.random.default_rng((seed, int(rate * 1_000), times, int(habits.copies)))
                found = [_one_case(setting, times, within, habits, dice) for _ in range(cases)]
                newstide, z_score, fixed = (sum(each) / cases for each in zip(*found, strict=True))
                best = [each(rate, times, within, series) for each in (best_possible, counted_where_it_sways)]
                copies = habits is _COPIED
                rows.append(Found(rate, times, copies, within, cases, newstide, z_score, fixed, *best))
    return PowerFigures(series, tuple(rows), false_z)


def best_possible(rate: float, times: int, within: float, series: int) -> float:
    """The power of the most powerful test of `within` minutes that keeps one false alarm a week for all series.

    Stories come one by one at a known, steady rate. So no other minutes tell more, and of all tests that are false
    as often, the one that goes by the count alone finds most. Where a count lies on the edge, chance decides.
    """
    most = _most(rate * within * times)
    return _power(_poisson(rate * within, most), _poisson(rate * within * times, most), within, series)


def counted_where_it_sways(
    rate: float, times: int, within: float, series: int, sway: float = _HABITS.sway, unheard: float = 5.0
) -> float:
    """The power of the best test by the count alone where the rate moves once an hour, as in invented news.

    It goes by whole stretches of `within` minutes, one after another, spends the whole budget on them, knows how
    far rates move, and where the rate was `unheard` minutes before the stretch. So it is no bound: who also counts
    those minutes knows a little more of moves in them. A move within the stretch comes at any moment of it.

    Raises:
        ValueError: if more than an hour is looked at, in which the rate would move twice.
    """
    if within + unheard > _MOVES_EVERY:
        raise ValueError(f"within and unheard are {within} and {unheard}: give an hour at most together")
    usual, most = rate * within, _most(rate * within * times)
    inside, before = within / _MOVES_EVERY, unheard / _MOVES_EVERY
    chances = (1.0 - inside - before) * _poisson(usual, most)
    step = sqrt(log1p(sway)) * sqrt(1.0 - exp(-2.0 / SWAYS))
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    moves = np.exp(step * nodes - 0.5 * step * step)
    for move, weight in zip(moves.tolist(), (weights / weights.sum()).tolist(), strict=True):
        chances += before * weight * _poisson(usual * move, most)
        for part in (np.arange(_PARTS) + 0.5) / _PARTS:
            chances += inside * weight / _PARTS * _poisson(usual * (1.0 + part * (move - 1.0)), most)
    return _power(chances, _poisson(rate * within * times, most), within, series)


def _power(usual: Floats, surging: Floats, within: float, series: int) -> float:
    """How many surges a test by the count finds that is false as often as is allowed, chances by count given."""
    allowed, found = within / (7.0 * _DAY_MINUTES * series), 0.0
    for false, more in zip(usual[:0:-1].tolist(), surging[:0:-1].tolist(), strict=True):
        if false > allowed:
            return float(found + more * allowed / false)
        allowed, found = allowed - false, found + more
    return 1.0


def _most(mean: float) -> int:
    """A count beyond all that come about with a mean like this."""
    return int(mean) + 200 + int(10.0 * mean**0.5)


def _poisson(mean: float, most: int) -> Floats:
    """The chances of 0, 1, … `most` stories."""
    counts = np.arange(most + 1)
    return np.exp(counts * log(mean) - mean - _log_factorials(most))


@cache
def _log_factorials(most: int) -> Floats:
    return np.array([lgamma(count + 1) for count in range(most + 1)])


@dataclass(frozen=True, slots=True)
class _Setting:
    """Series of one rate: one that has learned its past, and what the plain ways know of it."""

    rate: float
    profile: Profile
    learned: CountSeries
    bin_seconds: int
    z_least: float
    z_alarms_per_day: float
    threshold: float

    @classmethod
    def make(cls, rate: float, series: int, world: Profile, seed: int) -> _Setting:
        profile = even_profile(60.0 * rate, series, world)
        rule = SurgeRule("surge", series="company:*", direction="volume")
        rules = WatchRules(profile=profile, surges=(rule,))
        learned = CountSeries(rules, _NAME)
        dice = np.random.default_rng((seed, 7))
        past = story_times(dice, 60.0 * rate, profile, _PAST_DAYS, _HABITS)
        for here, count in counted_bins(past, rules.bin_seconds):
            learned.watch_bin(here, count)
        sums = _sums(story_times(dice, 60.0 * rate, profile, _QUIET_DAYS, _HABITS), _QUIET_DAYS)
        least = float(sums.mean() + _Z * sums.std())
        over = sums >= least
        alarms = float(np.count_nonzero(over[1:] & ~over[:-1])) / _QUIET_DAYS
        return cls(
            rate, profile, learned, rules.bin_seconds, least, alarms, _threshold(sums, 1.0 / 7.0 / series)
        )


def _one_case(
    setting: _Setting, times: int, within: float, habits: Habits, dice: np.random.Generator
) -> tuple[bool, bool, bool]:
    """One surge: whether WATCH, the z-score and the fixed threshold found it in time."""
    rate = setting.rate
    past = story_times(dice, 60.0 * rate, setting.profile, _NEAR_HOURS / 24.0, replace(habits, sway=0.0))
    begins = (_NEAR_HOURS - 1) * 3_600.0 + 60.0 * dice.random()
    extra = begins + _LASTS * dice.random(dice.poisson(rate * (times - 1) * _LASTS / 60.0))
    many = dice.binomial(dice.geometric(1.0 / (1.0 + habits.copies), size=len(extra)) - 1, habits.missed)
    passed = np.repeat(extra, many) + dice.exponential(240.0, size=many.sum())
    seen = np.sort(np.concatenate((past, extra, passed)))
    seen = seen[seen < begins + 60.0 * within]
    first = int(begins // 60.0)
    sums = _sums(seen, _NEAR_HOURS / 24.0)[first - _WINDOW + 1 :]
    newstide = _watch_finds(setting, seen, begins)
    return newstide, bool((sums >= setting.z_least).any()), bool((sums >= setting.threshold).any())


def _watch_finds(setting: _Setting, seen: Floats, begins: float) -> bool:
    """Whether an alert was opened since the bin of second `begins`."""
    series = copy.deepcopy(setting.learned)
    day, width = MONDAY + int(_PAST_DAYS), setting.bin_seconds
    fired_at: int | None = None
    for here, count in counted_bins(seen, width, day):
        for alert in series.watch_bin(here, count):
            if alert.status == "firing":
                fired_at = here
    return fired_at is not None and fired_at >= (day * _DAY + int(begins)) // width


def _sums(times: Floats, days: float) -> NDArray[np.float64]:
    """What came in each stretch of five minutes, by its last minute."""
    whole = round(days * _DAY_MINUTES)
    per_minute = np.bincount((times // 60.0).astype(np.int64), minlength=whole)[:whole]
    return np.convolve(per_minute.astype(np.float64), np.ones(_WINDOW), "valid")


def _threshold(sums: NDArray[np.float64], per_day: float) -> float:
    """The count in five minutes that is passed `per_day` times; the tail is drawn on as an exponential."""
    ordered = np.sort(sums[::_WINDOW])[::-1]
    tail = ordered[: max(20, len(ordered) // 100)]
    scale = max(float((tail - tail[-1]).mean()), 0.2)
    per_look = per_day * _WINDOW / _DAY_MINUTES
    return float(tail[-1]) + scale * float(np.log(len(tail) / len(ordered) / per_look))
