"""How probable a count is by chance, over one horizon and over all of them together.

A window's count is negative binomial: Poisson, with a gamma belief about the rate that is widened by how news
clusters. The p-values of all horizons become one by the Cauchy combination (Liu & Xie 2020, JASA 115:393), which
holds for small values whatever their dependence, and for any weights that were fixed before the counts were seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, pi, tan

from stream.watch.baseline import Rate
from stream.watch.tails import count_tail
from stream.watch.tallies import Window

LEAST_P = 1e-300
NO_EVIDENCE = 0.5
_SMALL_P = 1e-8
_PLAIN = 100.0
"""Where so many stories are usual in a window, a surge of a few times as many is plain: longer windows, which see
it later, get little of the level."""
_MOVED, _HELD = 33.0, 100.0
"""How well the rate of the last hour is known for the minutes after it, as a gamma of so many stories: if the rate
has moved since, and if it has not. Found on invented news whose rate moves each hour (`stream.bench.invented`), so
that looks are wrong as often as they say, for series with 5 to 60 stories a minute."""


@dataclass(frozen=True, slots=True)
class Look:
    """One horizon at one moment: its window, and how long it and its last bin are by the week's clock."""

    window: Window
    hours: float
    last: float


def count_p(observed: int, rate: Rate, look: Look) -> float:
    """The probability of at least `observed` in the window, given that its last bin brings a story at all.

    0.5 where it is plainly no evidence: that is neutral in the combination, and saves the arithmetic.
    """
    expected = rate.per_hour * look.hours
    if observed <= 1 or observed <= expected:
        return NO_EVIDENCE
    steady = rate.steadiness(look.hours)
    exposure = steady / rate.per_hour
    tail = count_tail(observed, steady, exposure, look.hours)
    silent = (exposure / (exposure + look.last)) ** steady
    if look.last < look.hours:
        tail -= silent * count_tail(observed, steady, exposure + look.last, look.hours - look.last)
    return float(min(1.0, max(LEAST_P, tail / (1.0 - silent))))


def count_p_after(observed: int, usual: Rate, lately: Rate, look: Look, moved: float) -> float:
    """The same in the light of the hour before the window: news has busy days, and what sways is no surge.

    Args:
        observed: in the window.
        usual: the rate, whatever the hour says.
        lately: the rate by the hour, as if it had not moved since.
        look: the window.
        moved: how probable it is that the rate has moved since the middle of that hour.
    """
    if_moved, if_held = (_known(usual, lately, look, most) for most in (_MOVED, _HELD))
    far = count_p(observed, if_moved, look)
    near = far if if_held == if_moved else count_p(observed, if_held, look)
    return moved * far + (1.0 - moved) * near


def _known(usual: Rate, lately: Rate, look: Look, most: float) -> Rate:
    """The rate by the hour, known no better than by so many stories; the usual one where that is steadier."""
    if lately.shape > most:
        lately = lately._replace(shape=most, exposure=lately.exposure * most / lately.shape)
    return max(lately, usual, key=lambda rate: rate.steadiness(look.hours))


def weight_of(expected: float) -> float:
    """How much a horizon in which so many stories are usual weighs in the combination, 1 at most."""
    return 1.0 / (1.0 + (expected / _PLAIN) ** 2)


def most_telling(values: Sequence[float], weights: Sequence[float]) -> int:
    """The place of the p-value that adds most to the combination; of several, the last."""
    said = [weight / p if p < NO_EVIDENCE else 0.0 for p, weight in zip(values, weights, strict=True)]
    return max(range(len(said)), key=lambda place: (said[place], place))


def combined(values: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """The Cauchy combination of p-values; with equal weights where none are given."""
    if len(values) == 1:
        return values[0]
    weights = weights or [1.0] * len(values)
    total = sum(
        weight * (1.0 / (pi * p) if p < _SMALL_P else tan((0.5 - min(p, NO_EVIDENCE)) * pi))
        for p, weight in zip(values, weights, strict=True)
    )
    total /= sum(weights)
    if total > 1.0 / _SMALL_P:
        return max(LEAST_P, 1.0 / (pi * total))
    return 0.5 - atan(total) / pi
