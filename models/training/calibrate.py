"""Probabilities that mean what they say: one temperature for each head, and the habits of training taken back."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SPREAD = 0.15
"""How far the power of the shares may lie from the one that training says, as a standard deviation. 350 texts to
tune on tell it within about .12 (drawn from three invented classes, 40 times), so both count about the same."""


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Probabilities over the last axis."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def fit_temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The temperature in [0.25, 8] that makes `labels` likeliest; 1.0 where there is nothing to fit on.

    The loss has one minimum in the logarithm of the temperature, so a golden-section search finds it.
    """
    if not len(labels):
        return 1.0
    least = _least(lambda log: _surprise(logits, labels, math.exp(log)), math.log(0.25), math.log(8.0))
    return round(math.exp(least), 4)


def fit_share_power(
    logits: Floats, labels: NDArray[np.int64], shares: Floats, *, expected: float, spread: float = SPREAD
) -> float:
    """The power of the classes' shares that `logits` lack: with its logarithm added they make `labels` likeliest.

    A loss that weighs a class by the inverse of its share to the power `balance` teaches logits that lack just
    that power of it (Menon et al., "Long-tail learning via logit adjustment", 2021).

    Args:
        logits: of texts that were not trained on, [texts, classes].
        labels: theirs.
        shares: of each class, as they are where the model will be used.
        expected: the power that training says, which is the answer where there is nothing to fit on.
        spread: how far from it the answer may well lie (a normal distribution beforehand).
    """

    def loss(power: float) -> float:
        moved = logits + power * np.log(shares)
        told = _surprise(moved, labels, fit_temperature(moved, labels)) * len(labels) if len(labels) else 0.0
        return told + (power - expected) ** 2 / (2 * spread**2)

    return round(_least(loss, expected - 5 * spread, expected + 5 * spread), 3)


def _surprise(logits: Floats, labels: NDArray[np.int64], temperature: float) -> float:
    """The mean negative log-probability of the labels."""
    chosen = softmax(logits, temperature)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def _least(loss: Callable[[float], float], low: float, high: float) -> float:
    """Where `loss`, which has one minimum, is least between `low` and `high`."""
    ratio = (math.sqrt(5) - 1) / 2
    while high - low > 1e-4:  # noqa: PLR2004 - far below what a probability shows
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return (low + high) / 2
