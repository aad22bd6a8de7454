"""How high is too high for one series? As high as its own excursions rarely go.

Excursions of the surprise above a base are learned from, when they have ended: how often they come, and how far
beyond the base they go, with an exponential tail (peaks over threshold; Siffer et al., "Anomaly Detection in
Streams with Extreme Value Theory", 2017).
"""

from __future__ import annotations

from math import log

_BASE = 0.65
"""Excursions of the surprise above this are learned from."""
_PEAK_PRIOR, _PEAK_PRIOR_COUNT, _PEAK_CAP = 0.17, 4.0, 1.75
_RATE_PRIOR_DAYS = 4.0
"""One excursion a day is believed at first, with the weight of so many days."""
_PEAK_HALF_LIFE_DAYS = 56.0
_ENDED = 0.5
"""An excursion is over below this share of the base."""


class OwnLevel:
    """The surprise that the series' own excursions would pass as often as the budget allows.

    Args:
        per_day: buckets in a day.
        per_week: the budget.
    """

    def __init__(self, per_day: float, per_week: float) -> None:
        self._per_day = per_day
        self._budget = per_week / 7.0
        self._fade = 0.5 ** (1.0 / (_PEAK_HALF_LIFE_DAYS * per_day))
        self._days = self._excursions = _RATE_PRIOR_DAYS
        self._peaks, self._excess = _PEAK_PRIOR_COUNT, _PEAK_PRIOR_COUNT * _PEAK_PRIOR
        self._peak: float | None = None

    @property
    def now(self) -> float:
        """The level, by all that was learned so far."""
        rate = self._excursions / self._days
        tail = self._excess / self._peaks
        return _BASE + tail * max(log(rate / self._budget), 0.1)

    def learn(self, surprise: float) -> None:
        """Take in a bucket; an excursion is learned from when it has ended."""
        if self._peak is not None or surprise > _BASE:
            self._peak = max(surprise, self._peak or surprise)
        if self._peak is not None and surprise < _ENDED * _BASE:
            self._excursions += 1.0
            self._peaks += 1.0
            self._excess += min(self._peak - _BASE, _PEAK_CAP)
            self._peak = None
        self._days = self._days * self._fade + 1.0 / self._per_day
        self._excursions *= self._fade
        self._peaks *= self._fade
        self._excess *= self._fade
