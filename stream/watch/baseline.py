"""What is usual for one series: an exponentially discounted account of the bins that left the window.

A bin teaches the baseline only when it can no longer be tested nor changed, so the window under test is never
part of what it is tested against.

The time of a baseline runs only while its series is active: silence counts as evidence of a low rate for
`idle_after` and no longer. Else each night would teach that news is rare, and each morning would be a surge.
Discounting is done when something is learned or asked, by a closed form of the time between, never step by step:
how often anybody asked leaves no trace in the figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stream.watch.rules import Prior, WatchRules

_SECONDS_PER_HOUR = 3600.0
_PRIOR_STORIES = 10.0
"""How many stories of mean score 0 the first mean is worth."""
_PRIOR_VARIANCE = 0.2
_LEAST_VARIANCE = 0.02
_PRIOR_NEGATIVE = 1.0
_PRIOR_OTHER = 4.0
"""The first share of negative stories: one of five."""


@dataclass(slots=True)
class Bin:
    """What was counted in one bin: novel stories, negative ones among them, sum and squares of the scores.

    `members` are the numbers of the negative stories, for evidence and breadth; the first few hundred of them.
    """

    stories: int = 0
    negative: int = 0
    score: float = 0.0
    square: float = 0.0
    members: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Usual:
    """What the baseline expects, as the detectors read it.

    Attributes:
        shape: of the gamma belief about negative stories, in stories.
        exposure: of the same belief, in bins: `shape / exposure` negative stories are expected in a bin.
        negative: of the beta belief about the share of negative stories, in stories.
        other: of the same belief, in stories that were not negative.
        pace: novel stories expected in a bin.
        mean: of the scores.
        variance: of the scores.
        weight: how many stories mean and variance rest on.
    """

    shape: float
    exposure: float
    negative: float
    other: float
    pace: float
    mean: float
    variance: float
    weight: float


class Baseline:
    """The discounted sums of one series.

    Args:
        prior: what is believed before anything is learned.
        rules: half-life, caps.
    """

    def __init__(self, prior: Prior, rules: WatchRules) -> None:
        self.learned_to: int | None = None
        self.lived = 0
        self.negative = self.stories = self.score = self.square = 0.0
        self._prior_shape = prior.shape
        self._prior_exposure = prior.shape / (prior.per_hour * rules.bin_seconds / _SECONDS_PER_HOUR)
        self._half_life = rules.bins(rules.half_life)
        self._idle_after = rules.bins(rules.idle_after)
        self._max_shape = rules.max_shape
        self._learn_cap = rules.learn_cap

    def learn(self, bin_number: int, counted: Bin, *, spared: bool) -> None:
        """Take in a bin, in the order of time; where `spared`, its surge counts for little (`learn_cap`).

        A spared bin keeps its neutral and positive stories; its negative ones shrink to the cap, so that a long
        surge becomes usual over days, not within the hour.
        """
        negative = float(counted.negative)
        if spared:
            usual = self.usual(bin_number)
            negative = min(negative, self._learn_cap * usual.shape / usual.exposure)
        stories = counted.stories - counted.negative + negative
        part = stories / counted.stories if counted.stories else 0.0
        passed = 1 if self.learned_to is None else self._active(bin_number)
        faded = self._fade(passed)
        self.lived += passed
        self.learned_to = bin_number
        self.negative = self.negative * faded + negative
        self.stories = self.stories * faded + stories
        self.score = self.score * faded + counted.score * part
        self.square = self.square * faded + counted.square * part

    def usual(self, bin_number: int) -> Usual:
        """What is usual, with all bins up to `bin_number` in the past."""
        passed = self._active(bin_number)
        faded = self._fade(passed)
        span = (1.0 - self._fade(self.lived + passed)) / (1.0 - self._fade(1))
        negative, stories = self.negative * faded, self.stories * faded
        shape, exposure = self._capped(self._prior_shape + negative, self._prior_exposure + span)
        others = max(0.0, stories - negative)
        bad, other = self._capped(_PRIOR_NEGATIVE + negative, _PRIOR_OTHER + others)
        weight = _PRIOR_STORIES + stories
        mean = self.score * faded / weight
        spread = (self.square * faded + _PRIOR_STORIES * _PRIOR_VARIANCE) / weight - mean * mean
        return Usual(
            shape=shape,
            exposure=exposure,
            negative=bad,
            other=other,
            pace=stories / span if span else 0.0,
            mean=mean,
            variance=max(spread, _LEAST_VARIANCE),
            weight=weight,
        )

    def dump(self) -> list[float | None]:
        """The sums, for the saved state."""
        return [self.learned_to, self.lived, self.negative, self.stories, self.score, self.square]

    def load(self, saved: list[Any]) -> None:
        """Take over what `dump` gave."""
        self.learned_to, self.lived, self.negative, self.stories, self.score, self.square = saved

    def _active(self, bin_number: int) -> int:
        """How long the series' time ran since something was last learned, in bins."""
        if self.learned_to is None:
            return 0
        return min(max(0, bin_number - self.learned_to), self._idle_after)

    def _fade(self, bins: int) -> float:
        return float(0.5 ** (bins / self._half_life))

    def _capped(self, shape: float, exposure: float) -> tuple[float, float]:
        """The same mean, never surer than `max_shape`."""
        if shape <= self._max_shape:
            return shape, exposure
        return self._max_shape, exposure * self._max_shape / shape
