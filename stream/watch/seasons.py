"""The hours of the week, as a clock: it runs fast where much news is usual and slowly where little is.

A rate per hour of this clock is the same on a Tuesday noon and on a Sunday night, so one number describes a
series. The clock is a closed form of the time: to ask it costs the same after a minute or a month of silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from stream.errors import UsageError

HOURS = 168
_HOUR = 3_600
_FIRST_MONDAY = 72
"""The epoch was a Thursday: hours of the week are counted from Monday, 00:00 UTC."""
_LEAST = 0.02
"""No hour is believed to be so dead that its first story proves a surge."""


class Seasons:
    """The usual shape of a week.

    Args:
        shape: how busy each hour of the week is, from Monday 00:00 UTC; scaled so that its mean is 1.

    Raises:
        UsageError: if these are not 168 figures of at least 0, one of them above.
    """

    def __init__(self, shape: Sequence[float]) -> None:
        if len(shape) != HOURS or not all(each >= 0.0 for each in shape) or not sum(shape) > 0.0:
            raise UsageError(f"the shape of a week is {len(shape)} figures: give {HOURS} of at least 0")
        floor = _LEAST * sum(shape) / HOURS
        raised = [max(each, floor) for each in shape]
        total = sum(raised)
        self._shape = [HOURS * each / total for each in raised]
        self._passed = [0.0, *accumulate(self._shape)]
        self.concentration = sum(each * each for each in self._shape) / HOURS
        """How busy the hour is in which a story comes, on average: 1 for an even week."""

    @classmethod
    def even(cls) -> Seasons:
        """A week in which every hour is like any other."""
        return cls([1.0] * HOURS)

    @property
    def shape(self) -> list[float]:
        """The 168 figures, of mean 1."""
        return list(self._shape)

    def clock(self, seconds: int) -> float:
        """What the clock shows, in usual hours, at so many seconds since 1970."""
        hour, rest = divmod(seconds, _HOUR)
        week, place = divmod(hour + _FIRST_MONDAY, HOURS)
        return week * float(HOURS) + self._passed[place] + self._shape[place] * (rest / _HOUR)
