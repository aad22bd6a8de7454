"""How often Python looks for objects that only refer to each other."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 20_000
"""New containers after which the youngest ones are gone through; Python's own number is 700."""


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Within, Python goes through its youngest containers after `SELDOM` new ones.

    A batch of news makes some ten thousand containers, which live until it is written and hardly ever refer to
    themselves: gone through every 700, the same ones are looked at again and again.
    """
    before = gc.get_threshold()
    gc.set_threshold(SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
