"""How sure is a count of rare events?"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, lgamma, log

_STEPS = 200


def poisson_interval(events: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval for the mean of a Poisson variable that came out as `events`.

    Source: Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936): each end leaves half of
    what is not covered. Of 0 events the lower end is 0.
    """
    tail = (1.0 - confidence) / 2.0
    # Ten roots beyond any count lie outside every interval in use.
    most = events + 10.0 * (events + 1.0) ** 0.5 + 40.0
    low = 0.0 if events == 0 else _solve(lambda mean: 1.0 - _at_most(events - 1, mean), tail, most)
    high = _solve(lambda mean: 1.0 - _at_most(events, mean), 1.0 - tail, most)
    return low, high


def _at_most(events: int, mean: float) -> float:
    """The probability of at most `events`, where `mean` are expected; `mean` is above 0."""
    return min(1.0, sum(exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(events + 1)))


def _solve(rising: Callable[[float], float], target: float, most: float) -> float:
    low, high = 0.0, most
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if rising(middle) < target:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0
