"""What is usual for one series: an exponentially discounted Gamma-Poisson account of what left the windows.

A block of bins teaches the baseline only when its bins can no longer change nor be tested one by one; of the
windows, only those of many hours reach back to what was learned, and what they lose by it is power, never the
budget.

The time of a baseline is that of the week's clock (`stream.watch.seasons`), so nights and weekends need no care.
Where a series' own week differs, silence counts as evidence of a low rate only as long as it is credible: else
each night would teach that news is rare, and each morning would be a surge. Discounting is done when something is
learned or asked, by a closed form of the time between, never step by step: a silent series costs nothing, and how
often anybody asked leaves no trace in the figures.

How news clusters (overdispersion) is told by pairs of stories in one block: a steady rate brings as many as its
square, a bursty one more. The series' own ratio is shrunk towards that of its group.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, NamedTuple

from stream.watch.profile import Group, Prior
from stream.watch.seasons import Seasons
from stream.watch.tallies import Tally

_PRIOR_STORIES = 10.0
"""How many stories of mean score 0 the first mean is worth."""
_PRIOR_VARIANCE = 0.2
_LEAST_VARIANCE = 0.02
_PRIOR_PAIRS = 20.0
_PRIOR_HOURS = 50.0
"""How many pairs, and how many hours, the group's belief about clustering is worth. No series is believed to be
steadier than its group."""
_PLAUSIBLE = 2.58
"""From how many standard deviations a block counts less (the threshold of Noufaily et al. 2013)."""
_SPARE_STORIES = 2.0
_UNLIKELY_SILENCE = 7.0
"""Silence in which so many stories were expected is no evidence of a low rate: the source must be closed."""
_MILLIONTHS = 1_000_000.0
_LN2 = 0.6931471805599453
_STEADIEST = 1e6


class Rate(NamedTuple):
    """The belief about one count: gamma with this shape and exposure (hours), and how its windows cluster.

    `sway` and `burst` are as in the profile's prior; `factor` is how much more pairs than they say this series
    has had.
    """

    shape: float
    exposure: float
    sway: float
    burst: float
    factor: float

    @property
    def per_hour(self) -> float:
        """Stories expected in an hour of the week's clock."""
        return self.shape / self.exposure

    def steadiness(self, hours: float) -> float:
        """The shape of the negative binomial count of a window: the smaller, the wider its tail."""
        expected = self.per_hour * hours
        pairs = self.factor * (1.0 + self.sway + self.burst / max(expected, 1e-9))
        return 1.0 / (1.0 / self.shape + max(pairs - 1.0, 1.0 / _STEADIEST))


class Usual(NamedTuple):
    """What the baseline expects, as the detectors read it.

    Attributes:
        rates: of negative, positive and all stories.
        stories: how many stories it has learned from, discounted.
        mean: of the scores.
        variance: of the scores.
        weight: how many stories mean and variance rest on.
    """

    rates: tuple[Rate, Rate, Rate]
    stories: float
    mean: float
    variance: float
    weight: float


class Baseline:
    """The discounted sums of one series.

    Args:
        group: what is believed before anything is learned.
        seasons: the clock.
        bin_seconds: the width of a bin.
        block: bins in a block.
        half_life: in hours of the clock.
        idle: hours of silence that always count.
        cap: with an open alert, a block teaches at most this many times what was expected.
        born: the bin from which on time counts.
    """

    def __init__(
        self,
        group: Group,
        seasons: Seasons,
        *,
        bin_seconds: int,
        block: int,
        half_life: float,
        idle: float,
        cap: float,
        born: int,
    ) -> None:
        self._priors = group.priors
        self._seasons = seasons
        self._bin_seconds = bin_seconds
        self._half_life, self._idle, self._cap = half_life, idle, cap
        self._span = half_life / _LN2
        self._width = block * bin_seconds / 3_600 * seasons.concentration
        self.learned_to = born
        self.lived = 0.0
        self.counts = [0.0, 0.0, 0.0]
        self.pairs = [0.0, 0.0, 0.0]
        self.weight = self.score = self.square = 0.0

    def hours(self, start: int, end: int) -> float:
        """How long it is from the beginning of bin `start` to that of bin `end`, by the week's clock."""
        clock, width = self._seasons.clock, self._bin_seconds
        return clock(end * width) - clock(start * width)

    def learn(self, start: int, end: int, counted: Tally, *, spared: bool) -> None:
        """Take in the bins from `start` to before `end`, in the order of time.

        What is far beyond the plausible counts less, as in Noufaily et al. 2013 (Statistics in Medicine
        32:1206), here with a Huber weight: a surge does not teach that surges are normal, but a new level is
        learned within days. Where `spared`, no more than the cap is believed.
        """
        # Time that somehow lies behind what was learned adds to the counts, never to the time.
        end = max(end, self.learned_to)
        usual = self.usual(start)
        hours = self.hours(max(start, self.learned_to), end)
        believed = []
        for count, rate in zip(counted.counts(), usual.rates, strict=True):
            believed.append(self._believe(float(count), rate, hours, spared=spared))
        faded, self.lived = self._passed(end)
        part = believed[2] / counted.stories if counted.stories else 0.0
        self.counts = [old * faded + new for old, new in zip(self.counts, believed, strict=True)]
        self.pairs = [
            old * faded + max(0.0, new * (new - 1.0)) for old, new in zip(self.pairs, believed, strict=True)
        ]
        self.weight = self.weight * faded + believed[2]
        self.score = self.score * faded + counted.score / _MILLIONTHS * part
        self.square = self.square * faded + counted.square / _MILLIONTHS * part
        self.learned_to = end

    def usual(self, at: int) -> Usual:
        """What is usual, with all before bin `at` in the past."""
        faded, lived = self._passed(at)
        rates = tuple(
            self._rate(prior, count * faded, pairs * faded, lived)
            for prior, count, pairs in zip(self._priors, self.counts, self.pairs, strict=True)
        )
        stories = self.weight * faded
        weight = _PRIOR_STORIES + stories
        mean = self.score * faded / weight
        spread = (self.square * faded + _PRIOR_STORIES * _PRIOR_VARIANCE) / weight - mean * mean
        return Usual((rates[0], rates[1], rates[2]), stories, mean, max(spread, _LEAST_VARIANCE), weight)

    def dump(self) -> list[Any]:
        """The sums, for the saved state."""
        return [
            self.learned_to,
            self.lived,
            *self.counts,
            *self.pairs,
            self.weight,
            self.score,
            self.square,
        ]

    def load(self, saved: list[Any]) -> None:
        """Take over what `dump` gave."""
        self.learned_to, self.lived, *sums, self.weight, self.score, self.square = saved
        self.counts, self.pairs = sums[:3], sums[3:]

    def _passed(self, at: int) -> tuple[float, float]:
        """By what everything has faded at bin `at`, and for how many discounted hours the series has lived."""
        if at <= self.learned_to:
            return 1.0, self.lived
        silent = self.hours(self.learned_to, at)
        usual = (self._priors[2].shape + self.counts[2]) / (
            self._priors[2].shape / self._priors[2].per_hour + self.lived
        )
        hours = min(silent, max(self._idle, _UNLIKELY_SILENCE / usual))
        faded = float(0.5 ** (hours / self._half_life))
        return faded, self.lived * faded + (1.0 - faded) * self._span

    def _rate(self, prior: Prior, count: float, pairs: float, lived: float) -> Rate:
        shape = prior.shape + count
        exposure = prior.shape / prior.per_hour + lived
        rate = shape / exposure
        expected = lived * rate * (rate * self._width * (1.0 + prior.sway) + prior.burst)
        # A rate sways over hours, so many pairs of few hours tell little; and few pairs may be luck.
        believed = _PRIOR_PAIRS + expected * _PRIOR_HOURS / max(lived, 1.0)
        factor = max(1.0, (believed + pairs) / (believed + expected))
        return Rate(shape, exposure, prior.sway, prior.burst, factor)

    def _believe(self, count: float, rate: Rate, hours: float, *, spared: bool) -> float:
        expected = rate.per_hour * hours
        bound = expected + _SPARE_STORIES
        if count > bound:
            spread = sqrt(expected + expected * expected / rate.steadiness(hours)) if expected > 0.0 else 0.0
            bound += _PLAUSIBLE * spread
        if spared:
            bound = min(bound, max(self._cap * expected, min(count, expected)))
        return min(count, bound)
