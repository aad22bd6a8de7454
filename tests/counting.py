"""Which lines of a test count as covered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from coverage import Coverage


@contextmanager
def not_counted() -> Iterator[None]:
    """Lines that run inside are not counted as covered.

    The marker of pytest-cov stops only one of the two counters that a process of pytest-xdist has.
    """
    stopped: list[Coverage] = []
    while (counting := Coverage.current()) is not None and counting not in stopped:
        counting.stop()
        stopped.append(counting)
    try:
        yield
    finally:
        for counting in reversed(stopped):
            counting.start()
