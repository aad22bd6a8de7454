"""Labels with an upper bound: Prometheus keeps a time series for each value it ever saw."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final

OTHER: Final = "other"
"""The label value that stands for all that are not named."""


def bounded(value: str, allowed: Container[str]) -> str:
    """`value` where it is one of `allowed`, else `other`."""
    return value if value in allowed else OTHER


class FirstSeen:
    """The first `capacity` distinct values, those `known` before all, keep their name; later ones are `other`.

    For values that a configuration names: a small set, known only at run time. First come and not most
    frequent: a label that changes its meaning while the process runs can't be added up.
    """

    def __init__(self, capacity: int, known: Iterable[str] = ()) -> None:
        self._capacity = capacity
        self._seen = {OTHER}
        for value in known:
            self(value)

    def __call__(self, value: str) -> str:
        """The label to use for `value`."""
        if value not in self._seen and len(self._seen) <= self._capacity:
            self._seen.add(value)
        return bounded(value, self._seen)
