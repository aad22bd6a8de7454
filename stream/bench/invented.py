"""News on which nothing happens, invented: seasons, moods of the day, stories that bring others, and copies.

The rates and the shape of the week come from a profile; series differ in their rates as it says. A story brings
others, of its own wording, within the half hour (`burst`), and the rate of a series sways over hours (`sway`).
Every story is copied by other publishers within minutes; a few copies are so reworded that they pass for new. All
from a seed, so the same news comes again. What is made are the times of what counts as bad news.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log1p, sqrt

import numpy as np
from numpy.typing import NDArray

from stream.watch.profile import Prior, Profile

MONDAY = 20_535
"""A Monday, in days since 1970: the first day of invented news."""

_HOUR, _DAY = 3_600.0, 86_400
_FOLLOWS = 900.0
"""Seconds, on average, until a story that another brings."""
SWAYS = 6.0
"""Hours that a sway of the rate lasts."""
_COPIED = 240.0
"""Seconds, on average, until a copy comes."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Habits:
    """How invented news behaves, beside what a profile says.

    Attributes:
        burst: stories that a story brings along, on average.
        sway: relative variance of the rate over hours.
        copies: copies of a story, on average; their number is geometric, so some stories have very many.
        missed: the part of the copies that is not recognised.
    """

    burst: float = 0.1
    sway: float = 0.15
    copies: float = 1.5
    missed: float = 0.03


def names_of(series: int) -> list[str]:
    """So many series: the market, twenty topics, the rest companies."""
    topics = min(20, series // 5)
    return [
        "market",
        *(f"topic:t{n}" for n in range(topics)),
        *(f"company:C{n}" for n in range(series - topics - 1)),
    ]


def story_times(
    dice: np.random.Generator, rate: float, profile: Profile, days: float, habits: Habits
) -> Floats:
    """Seconds, from the first Monday on, at which what counts as bad news of one series comes; in order.

    `rate` is per hour of usual business, without the copies that pass for new.
    """
    hours = int(days * 24)
    stories = _begun(dice, rate, profile, hours, habits)
    many = dice.geometric(1.0 / (1.0 + habits.copies), size=len(stories)) - 1
    missed = dice.binomial(many, habits.missed)
    passed = np.repeat(stories, missed) + dice.exponential(_COPIED, size=missed.sum())
    every = np.sort(np.concatenate((stories, passed)))
    return every[every < hours * _HOUR]


@dataclass(frozen=True, slots=True)
class Story:
    """When a story comes, in seconds; when it is copied, and when so reworded that the copy passes for new."""

    at: float
    copies: tuple[float, ...]
    reworded: tuple[float, ...]


def stories_of(
    dice: np.random.Generator, rate: float, profile: Profile, days: float, habits: Habits
) -> list[Story]:
    """The stories of one series with their copies, where `story_times` has only what counts as new."""
    hours = int(days * 24)
    found = []
    for at in _begun(dice, rate, profile, hours, habits).tolist():
        many = int(dice.geometric(1.0 / (1.0 + habits.copies))) - 1
        missed = int(dice.binomial(many, habits.missed))
        later = [
            each for each in (at + dice.exponential(_COPIED, size=many)).tolist() if each < hours * _HOUR
        ]
        if at < hours * _HOUR:
            found.append(Story(at, tuple(later[missed:]), tuple(later[:missed])))
    return found


def _begun(dice: np.random.Generator, rate: float, profile: Profile, hours: int, habits: Habits) -> Floats:
    """Seconds at which stories begin, in no order: those that come by themselves, and those that others bring."""
    shape = np.resize(np.array(profile.seasons.shape), hours)
    kept, spread = exp(-1.0 / SWAYS), sqrt(log1p(habits.sway))
    moods = np.empty(hours)
    moods[0] = dice.normal()
    steps = dice.normal(size=hours) * sqrt(1.0 - kept * kept)
    for hour in range(1, hours):
        moods[hour] = kept * moods[hour - 1] + steps[hour]
    rates = rate / (1.0 + habits.burst) * shape * np.exp(spread * moods - 0.5 * spread * spread)
    firsts = dice.poisson(rates)
    times = (np.repeat(np.arange(hours), firsts) + dice.random(firsts.sum())) * _HOUR
    brought = dice.geometric(1.0 / (1.0 + habits.burst), size=len(times)) - 1
    follow = np.repeat(times, brought) + dice.exponential(_FOLLOWS, size=brought.sum())
    return np.concatenate((times, follow))


def rate_of(dice: np.random.Generator, prior: Prior, kind: str) -> float:
    """The rate of one series, as the prior lets series differ; the market is one, and as usual."""
    return (
        prior.per_hour if kind == "market" else float(dice.gamma(prior.shape, prior.per_hour / prior.shape))
    )


def counted_bins(seconds: Floats, width: int, first_day: int = MONDAY) -> list[tuple[int, int]]:
    """The bins of `width` seconds, numbered since 1970, in which stories come, each with how many."""
    bins, counts = np.unique((seconds // width).astype(np.int64), return_counts=True)
    start = first_day * _DAY // width
    return [(start + each, count) for each, count in zip(bins.tolist(), counts.tolist(), strict=True)]
