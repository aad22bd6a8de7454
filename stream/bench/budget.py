"""Is the budget kept? Days on which nothing happens, through WATCH as it is live, at several budgets at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, lgamma, log

import numpy as np

from stream.backtest.news import watch
from stream.bench.articles import signals_of_days
from stream.bench.invented import MONDAY, Floats, Habits, counted_bins, names_of, rate_of, story_times
from stream.events import Signal
from stream.watch.budget import Budget
from stream.watch.counts import CountSeries
from stream.watch.kinds import KINDS, kind_of
from stream.watch.learning import History
from stream.watch.profile import Group, Prior, Profile, default_profile
from stream.watch.rulebook import Direction, SurgeRule
from stream.watch.rules import WatchRules

BUDGETS = ("1/day", "1/week", "1/month")
_LEARNED_DAYS = 28.0
_TAIL = 0.025
_STEPS = 200
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Kept:
    """False alarms at one budget; `ci95` is the exact Poisson interval of their rate."""

    budget: str
    budget_per_day: float
    false_alarms: int
    false_alarms_per_day: float
    ci95: tuple[float, float]


@dataclass(frozen=True, slots=True)
class BudgetFigures:
    """What the days brought; `stories` counts articles where copies of stories were told too."""

    days: float
    series: int
    stories: int
    settings: tuple[Kept, ...]


def measure_budget(
    days: float,
    series: int,
    seed: int,
    say: Callable[[str], None] = lambda _: None,
    *,
    rate: float | None = None,
    articles: bool = False,
) -> BudgetFigures:
    """Invent `days` of news of `series` series on which nothing happens, and count what fires.

    The profile is learned, as a user would, from other days of the same series. Each budget has a rule of its own;
    the three look at the same counts side by side. With a `rate`, every series has so many stories a minute, in a
    week without hours: those of the default profile are too quiet to tell what the budget is worth there.

    With `articles` all that WATCH does is looked at: each story is an article with its fingerprint, copies are
    told by other publishers and must be recognised, and the rules look for bad news among bad, good and plain.
    Otherwise only what counts as a new bad story is invented.
    """
    if articles:
        return _measure_articles(days, series, seed, say)
    say(f"learning a profile from {_LEARNED_DAYS:.0f} other days of {series} series")
    world = World(series, seed) if rate is None else BusyWorld(series, seed, rate)
    rules = WatchRules(profile=world.learn(), surges=budget_rules("*" if rate is None else "company:*"))
    say(f"watching {days:.0f} days")
    fired: Counter[str] = Counter()
    stories = 0
    for name, times in world.live(days):
        watched = CountSeries(rules, name)
        for here, count in counted_bins(times, rules.bin_seconds):
            stories += count
            said = watched.watch_bin(here, count)
            fired.update(alert.rule for alert in said if alert.status == "firing")
    settings = tuple(_kept(budget, fired[_name(budget)], days) for budget in BUDGETS)
    return BudgetFigures(days, series, stories, settings)


def _measure_articles(days: float, series: int, seed: int, say: Callable[[str], None]) -> BudgetFigures:
    world = World(series, seed)
    say(f"learning a profile from the articles of {_LEARNED_DAYS:.0f} other days of {series} series")
    profile = world.learn_articles()
    rules = WatchRules(profile=profile, surges=budget_rules("*", "negative"))
    say(f"watching {days:.0f} days")
    fired: Counter[str] = Counter()
    seen = 0
    for signals in world.articles(days, 2, MONDAY):
        seen += len(signals)
        fired.update(alert.rule for alert in watch(signals, rules) if alert.status == "firing")
    settings = tuple(_kept(budget, fired[_name(budget)], days) for budget in BUDGETS)
    return BudgetFigures(days, series, seen, settings)


class World:
    """Series with fixed rates, and what happens in them on days with nothing special."""

    def __init__(self, series: int, seed: int) -> None:
        self._profile = default_profile().sized(max(1, series - series // 5))
        self._names = names_of(series)
        self._seed = seed
        dice = np.random.default_rng((seed, 0))
        self._rates = [rate_of(dice, self._prior(name), kind_of(name)) for name in self._names]

    def learn(self) -> Profile:
        """A profile from four weeks that lie before those that are watched."""
        history = History(WatchRules())
        start = (MONDAY - int(_LEARNED_DAYS)) * _DAY
        for name, times in self._days(_LEARNED_DAYS, 1):
            for second in times.tolist():
                history.note(name, start + int(second))
        return history.profile("invented", self._profile)

    def live(self, days: float) -> Iterator[tuple[str, Floats]]:
        """Each series with the times at which bad news comes."""
        return self._days(days, 2)

    def learn_articles(self) -> Profile:
        """The same from all that was told in those weeks."""
        history = History(WatchRules())
        for signals in self.articles(_LEARNED_DAYS, 1, MONDAY - int(_LEARNED_DAYS)):
            history.take(signals)
        return history.profile("invented", self._profile)

    def articles(self, days: float, run: int, first_day: int) -> Iterator[list[Signal]]:
        """What is told of each series, one after another."""
        dice, habits = np.random.default_rng((self._seed, run)), Habits()
        for name, rate in zip(self._names, self._rates, strict=True):
            yield list(signals_of_days(dice, name, rate, self._profile, days, first_day, habits))

    def _days(self, days: float, run: int) -> Iterator[tuple[str, Floats]]:
        dice, habits = np.random.default_rng((self._seed, run)), Habits()
        for name, rate in zip(self._names, self._rates, strict=True):
            yield name, story_times(dice, rate, self._profile, days, habits)

    def _prior(self, name: str) -> Prior:
        return self._profile.group(kind_of(name)).priors[0]


class BusyWorld(World):
    """Series of one rate in a week without hours. How news clusters is learned from the other world's."""

    def __init__(self, series: int, seed: int, rate: float) -> None:
        super().__init__(series, seed)
        self._names = [f"company:C{number}" for number in range(series)]
        self._rates = [60.0 * rate] * series
        self._profile = even_profile(60.0 * rate, series, super().learn())

    def learn(self) -> Profile:
        """A profile that knows the rate, and how news clusters."""
        return self._profile


def even_profile(per_hour: float, series: int, learned: Profile) -> Profile:
    """So many series of one rate, each hour like any other, whose news clusters as was learned."""
    sway, burst = learned.group("topic").priors[2].sway, learned.group("company").priors[2].burst
    prior = Prior(per_hour, 2.0, sway, burst)
    return Profile("even", dict.fromkeys(KINDS, Group(series, 1.0, (prior, prior, prior))))


def budget_rules(series: str = "*", direction: Direction = "volume") -> tuple[SurgeRule, ...]:
    """A rule at each budget. Where all that is invented is bad news, its volume is looked at."""
    return tuple(
        SurgeRule(_name(budget), series, direction=direction, budget=Budget.parse(budget))
        for budget in BUDGETS
    )


def interval(count: int, span: float) -> tuple[float, float]:
    """The exact 95 % interval (Garwood 1936) of a Poisson rate of which `count` came within `span`."""
    low = 0.0 if count == 0 else _root(lambda mean: 1.0 - _at_most(count - 1, mean), count)
    return low / span, _root(lambda mean: 1.0 - _at_most(count, mean), count, upper=True) / span


def _root(chance: Callable[[float], float], count: int, *, upper: bool = False) -> float:
    """The mean at which so many or more are as rare as the tail, or, for `upper`, so many or fewer."""
    wanted = 1.0 - _TAIL if upper else _TAIL
    low, high = 0.0, 10.0 + 4.0 * count
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if chance(middle) < wanted else (low, middle)
    return 0.5 * (low + high)


def _at_most(count: int, mean: float) -> float:
    """The chance of at most `count` where `mean` are expected."""
    if mean <= 0.0:
        return 1.0
    return sum(exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(count + 1))


def _kept(budget: str, count: int, days: float) -> Kept:
    allowed = Budget.parse(budget).per_day
    return Kept(budget, allowed, count, count / days, interval(count, days))


def _name(budget: str) -> str:
    return f"at_{budget.replace('/', '_a_')}"
