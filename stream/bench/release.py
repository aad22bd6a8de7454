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
    """The speed of each scorer on `texts`, which must all differ: of each window the best of `rounds` counts.

    By the processor's time, so that what else the machine does counts less; and window by window, as a round
    without any disturbance is rare. A scorer must use one thread.
    """
    windows = [texts[start : start + _WINDOW] for start in range(0, len(texts), _WINDOW)]
    best = [[float("inf")] * len(windows) for _ in scorers]
    tokens = [0] * len(scorers)
    for scorer in scorers:
        scorer.score(windows[0])
    for _ in range(rounds):
        for number, scorer in enumerate(scorers):
            tokens[number] = 0
            for place, window in enumerate(windows):
                began = time.process_time()
                tokens[number] += scorer.score(window).tokens
                best[number][place] = min(best[number][place], time.process_time() - began)
    return [
        ReleaseSpeed(scorer.release, len(texts) / sum(best[number]), tokens[number] / len(texts))
        for number, scorer in enumerate(scorers)
    ]
