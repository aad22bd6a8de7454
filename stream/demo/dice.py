"""Chance that falls the same on every machine and in every version of Python."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws that depend on `seed` alone, so that the demo plays the same day everywhere.

    Each draw hashes the seed with a counter. The methods of `random.Random` besides `random()` promise no such
    stability from one version of Python to the next.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._drawn = 0

    def below(self, n: int) -> int:
        """A whole number from 0 to `n` - 1. `n` is far below 2**64, so the bias of the remainder is nothing."""
        self._drawn += 1
        digest = blake2b(self._seed + self._drawn.to_bytes(8, "big"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % n

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def happens(self, percent: int) -> bool:
        """True in `percent` of a hundred cases."""
        return self.below(100) < percent

    def pick(self, choices: Sequence[T]) -> T:
        """One of `choices`."""
        return choices[self.below(len(choices))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All of `items` in some order."""
        rest = list(items)
        return [rest.pop(self.below(len(rest))) for _ in items]
