"""How fast releases are, side by side: news per second of one core, in turns, on the same machine and texts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from models.scorer import Scorer

_WINDOW = 256
"""Texts given to a release at once: as many as one poll brings by default."""


@dataclass(frozen=True, slots=True)
class ReleaseSpeed:
    """News per second of one core, and the tokens that a text had."""

    release: str
    per_s: float
    tokens: float


def measure_speeds(scorers: Sequence[Scorer], texts: Sequence[str], *, rounds: int) -> list[ReleaseSpeed]:
    """The speed of each scorer on `texts`, which must all differ; the best of `rounds` counts.

    By the processor's time, so that what else the machine does counts less. A scorer must use one thread.
    """
    best = [float("inf")] * len(scorers)
    tokens = [0.0] * len(scorers)
    for scorer in scorers:
        scorer.score(texts[:_WINDOW])
    for _ in range(rounds):
        for number, scorer in enumerate(scorers):
            began, read = time.process_time(), 0
            for start in range(0, len(texts), _WINDOW):
                read += scorer.score(texts[start : start + _WINDOW]).tokens
            best[number] = min(best[number], time.process_time() - began)
            tokens[number] = read / len(texts)
    return [
        ReleaseSpeed(scorer.release, len(texts) / best[number], tokens[number])
        for number, scorer in enumerate(scorers)
    ]
