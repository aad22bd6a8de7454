"""Tail probabilities, exact where counts are small and stable where tails are tiny. Standard library only."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

_CLOSE = 1e-14
_TINY = 1e-300


def regularised_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for a, b > 0.

    Small values keep their relative precision: they are never the difference of two numbers near 1.
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    scale = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    # The fraction converges fast below the mean of the distribution; above it, its mirror image does.
    if x < (a + 1.0) / (a + b + 2.0):
        return min(1.0, scale / a / _fraction(x, a, b))
    return max(0.0, 1.0 - scale / b / _fraction(1.0 - x, b, a))


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)), the continued fraction below the line of I_x(a, b), by Lentz's method."""
    value = ratio_up = 1.0
    ratio_down = 0.0
    half = 0
    # Terms come in pairs of two forms. Most of what a busy series costs is spent here, so the loop is kept plain.
    while True:
        place = a + (half + half + 1)
        term = -(a + half) * (a + b + half) * x / ((place - 1) * place)
        ratio_down = 1.0 / ((1.0 + term * ratio_down) or _TINY)
        ratio_up = (1.0 + term / ratio_up) or _TINY
        change = ratio_up * ratio_down
        value *= change
        if -_CLOSE < change - 1.0 < _CLOSE:
            return value
        half += 1
        place = a + (half + half)
        term = half * (b - half) * x / ((place - 1) * place)
        ratio_down = 1.0 / ((1.0 + term * ratio_down) or _TINY)
        ratio_up = (1.0 + term / ratio_up) or _TINY
        change = ratio_up * ratio_down
        value *= change
        if -_CLOSE < change - 1.0 < _CLOSE:
            return value


def count_tail(observed: int, shape: float, exposure: float, span: float) -> float:
    """The predictive probability of at least `observed` events within `span`.

    The rate is gamma distributed with `shape` events seen in `exposure` (of the same unit as `span`), so the
    count is negative binomial, and its upper tail is one incomplete beta function.
    """
    if observed <= 0:
        return 1.0
    return regularised_beta(span / (exposure + span), float(observed), shape)


def share_tail(observed: int, total: int, yes: float, no: float) -> float:
    """The predictive probability of at least `observed` of `total`, where the share is beta(`yes`, `no`)."""
    if observed <= 0:
        return 1.0
    if observed > total:
        return 0.0
    ways = lgamma(total + 1) - lgamma(observed + 1) - lgamma(total - observed + 1)
    some = lgamma(yes + observed) + lgamma(no + total - observed) - lgamma(yes + no + total)
    term = exp(ways + some - lgamma(yes) - lgamma(no) + lgamma(yes + no))
    tail = term
    for k in range(observed, total):
        term *= (total - k) * (yes + k) / ((k + 1) * (no + total - k - 1))
        tail += term
    return min(1.0, tail)


def student_tail(t: float, freedom: float) -> float:
    """The probability that a Student t variable with `freedom` degrees is at least `t`."""
    if t == 0.0:
        return 0.5
    half = 0.5 * regularised_beta(freedom / (freedom + t * t), 0.5 * freedom, 0.5)
    return half if t > 0.0 else 1.0 - half
