"""Judges a plain count series, one bucket after the other: how surprising are the last minutes, hours, day?

What is expected of a bucket is a level times a factor for the hour of the day, both learned with exponential
discount; a bucket teaches at most a few times what was expected of it, so that surges don't become normal. At each
horizon the logarithm of counted over expected is measured in units of its own usual size: the intensity of talk is
closer to log-normal than any Poisson mixture with a fixed shape. The tail probabilities of the horizons are put
together by Fisher's mean of their logarithms, which asks for an excess that several horizons see, where a minimum
would follow each burst of one bucket.

How high is too high is not assumed either: `excursions.py` learns it from the series' own past.

Constant memory, no clock, no randomness: the same counts give the same judgements.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import erfc, exp, log, log10, sqrt

from stream.backtest.excursions import OwnLevel
from stream.errors import UsageError

HORIZONS = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
)
_DAY = 86_400
_HALF_LIFE_DAYS = 14.0
_HOURS = 24
_HOUR_PRIOR_DAYS = 2.0
"""How many days of its hour the belief that all hours are alike is worth."""
_LEARNED_MOST, _LEARNED_FREE = 4.0, 3.0
"""A bucket teaches at most this many times what was expected, and so much more."""
_LEAST_EXPECTED = 0.02
_SMOOTHING = 0.5
"""Added to both sides of the ratio, for each root of a bucket: few counts are no proof of much."""
_USUAL_RATIO, _RATIO_PRIOR_DAYS = 0.3, 2.0
_RATIO_CAP = 3.0
_MOST_Z = 8.0
_ENDED = 0.5
"""An alarm may end below this share of its level, once it stayed there for `_QUIET`."""
_QUIET = timedelta(hours=6)
_GROWTH = 2.0
"""An alarm that stands is told again when its surprise is so many times what was last told."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of one bucket.

    Attributes:
        surprise: -log10 of the tail probabilities, their mean over the horizons.
        level: the surprise from which it is an alarm.
        expected: what was expected of the bucket.
        usual_most: a count that the bucket would rarely pass: the upper edge of the band.
        alarm: whether an alarm begins here; one for each excursion.
        grew: whether the alarm that stands is to be told again: its surprise doubled.
        raised: whether one stands.
    """

    surprise: float
    level: float
    expected: float
    usual_most: float
    alarm: bool
    grew: bool
    raised: bool

    @property
    def told(self) -> bool:
        """Whether somebody is told of this bucket."""
        return self.alarm or self.grew


class CountWatch:
    """Watches one count series. Call `observe` once for each bucket, in the order of time.

    Args:
        bucket: the width of a bucket.
        per_week: the budget: how many alarms a week of its own usual excursions may raise.

    Raises:
        UsageError: if the bucket is wider than an hour, or the budget is not above 0.
    """

    def __init__(self, bucket: timedelta, per_week: float = 1.0) -> None:
        if not timedelta() < bucket <= timedelta(hours=1):
            raise UsageError(f"the buckets are {bucket} wide: give counts for every hour or less")
        if per_week <= 0.0:
            raise UsageError(f"the budget is {per_week} a week: give more than 0")
        per_day = _DAY / bucket.total_seconds()
        self._expectation = _Expectation(per_day)
        sizes = sorted({max(1, round(horizon / bucket)) for horizon in HORIZONS})
        self._horizons = [_Horizon(size, per_day) for size in sizes]
        self._level = OwnLevel(per_day, per_week)
        self._quiet = round(_QUIET / bucket)
        self._raised, self._below = False, 0
        self._unseen = sizes[-1]
        self._told = 0.0

    def observe(self, at: datetime, count: float) -> Judged:
        """Judge the bucket that begins at `at`, against what was learned before it."""
        expected = self._expectation.of(at, count)
        surprises = [horizon.surprise(count, expected) for horizon in self._horizons]
        surprise = sum(surprises) / len(surprises)
        level = self._level.now
        alarm = self._stand(surprise, level)
        grew = self._raised and not alarm and surprise >= _GROWTH * self._told
        self._told = surprise if alarm or grew else self._told
        usual_most = self._horizons[0].usual_most(expected)
        self._expectation.learn(at, count, expected)
        self._level.learn(surprise)
        return Judged(surprise, level, expected, usual_most, alarm, grew, self._raised)

    def _stand(self, surprise: float, level: float) -> bool:
        """Begin or end an alarm; whether one begins."""
        # Before the longest horizon is full, there is nothing to be surprised against.
        self._unseen -= self._unseen > 0
        if not self._raised:
            self._raised = surprise >= level and not self._unseen
            self._below = 0
            return self._raised
        self._below = self._below + 1 if surprise < _ENDED * level else 0
        if self._below > self._quiet:
            self._raised = False
        return False


def judge(rows: Sequence[tuple[datetime, float]], bucket: timedelta, per_week: float) -> list[Judged]:
    """What is said of each row; buckets missing between two rows count as empty, a day of them at most."""
    watch = CountWatch(bucket, per_week)
    most = round(timedelta(days=1) / bucket)
    judged: list[Judged] = []
    before: datetime | None = None
    for at, count in rows:
        missing = 0 if before is None else max(0, round((at - before) / bucket) - 1)
        for number in range(min(missing, most), 0, -1):
            watch.observe(at - number * bucket, 0.0)
        judged.append(watch.observe(at, count))
        before = at
    return judged


class _Expectation:
    """A level, and a factor for each hour of the day."""

    def __init__(self, per_day: float) -> None:
        self._fade = 0.5 ** (1.0 / (_HALF_LIFE_DAYS * per_day))
        # An hour of the day is seen for an hour each day: its own half-life is as many days.
        self._hour_fade = 0.5 ** (_HOURS / (_HALF_LIFE_DAYS * per_day))
        self._prior = _HOUR_PRIOR_DAYS * per_day / _HOURS
        self._sum = self._weight = 0.0
        self._seen = [0.0] * _HOURS
        self._due = [0.0] * _HOURS

    def of(self, at: datetime, count: float) -> float:
        """What is expected of the bucket at `at`; of the very first one, the `count` that it has."""
        if not self._weight:
            return max(count, _LEAST_EXPECTED)
        factor = (self._seen[at.hour] + self._prior) / (self._due[at.hour] + self._prior)
        return max(self._mean * factor, _LEAST_EXPECTED)

    def learn(self, at: datetime, count: float, expected: float) -> None:
        """Take in a bucket; its first one whole, each further one up to a few times what was expected."""
        if self._weight:
            count = min(count, _LEARNED_MOST * expected + _LEARNED_FREE)
        mean = self._mean if self._weight else expected
        self._seen[at.hour] = self._seen[at.hour] * self._hour_fade + count / mean
        self._due[at.hour] = self._due[at.hour] * self._hour_fade + 1.0
        self._sum = self._sum * self._fade + count
        self._weight = self._weight * self._fade + 1.0

    @property
    def _mean(self) -> float:
        return max(self._sum / self._weight, _LEAST_EXPECTED)


class _Horizon:
    """The last `size` buckets together: how far counted and expected are apart, in units of what is usual."""

    def __init__(self, size: int, per_day: float) -> None:
        self._last: deque[tuple[float, float]] = deque(maxlen=size)
        self._smoothing = _SMOOTHING * sqrt(size)
        self._fade = 0.5 ** (1.0 / (_HALF_LIFE_DAYS * per_day))
        self._weight = _RATIO_PRIOR_DAYS * per_day
        self._squares = self._weight * _USUAL_RATIO**2
        self._counted = self._expected = 0.0

    def surprise(self, count: float, expected: float) -> float:
        """-log10 of how likely so much is, and learn from it."""
        if len(self._last) == self._last.maxlen:
            gone = self._last[0]
            self._counted, self._expected = self._counted - gone[0], self._expected - gone[1]
        self._last.append((count, expected))
        self._counted += count
        self._expected += expected
        ratio = log((self._counted + self._smoothing) / (self._expected + self._smoothing))
        usual = sqrt(self._squares / self._weight)
        learned = min(abs(ratio), _RATIO_CAP * usual)
        self._squares = self._squares * self._fade + learned * learned
        self._weight = self._weight * self._fade + 1.0
        return -log10(0.5 * erfc(min(ratio / usual, _MOST_Z) / sqrt(2.0)))

    def usual_most(self, expected: float) -> float:
        """The count whose ratio is twice the usual size."""
        factor = exp(2.0 * sqrt(self._squares / self._weight))
        return (expected + self._smoothing) * factor - self._smoothing
