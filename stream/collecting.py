"""How often Python looks for objects that only refer to each other."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 20_000
"""New containers after which the youngest ones are gone through; Python's own number is below three thousand."""


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Within, Python goes through its youngest containers after `SELDOM` new ones.

    A batch of news makes some ten thousand containers, which live until it is written and hardly ever refer to
    themselves: gone through more often, the same ones are looked at again and again. Where it was told to look as
    seldom, or never, that stays.
    """
    before = gc.get_threshold()
    if 0 < before[0] < SELDOM:
        gc.set_threshold(SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
