"""How fast releases are, side by side: news per second of one core, in turns, on the same machine and texts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.scorer import Places, Scorer
from stream.collecting import collecting_seldom

_WINDOW = 256
"""Texts given to a release at once: as many as one poll brings by default."""


class Measured(Scorer, Protocol):
    """A scorer that can forget what it remembers of texts."""

    def forget(self) -> None:
        """Read the next texts as a scorer that was just loaded reads them."""
        ...


class Products(Protocol):
    """What a release multiplies and nothing else, to be measured beside it."""

    def seconds(self, tokens: int, texts: int) -> float:
        """The processor's time that the products of `texts` of `tokens` together take now."""
        ...


@dataclass(frozen=True, slots=True)
class ReleaseSpeed:
    """News per second of one core, and the tokens that a text had.

    If asked, also `limit_per_s`, the speed of the products alone, and `companies_cost`, by what share it takes
    longer to answer for the companies in the texts too.
    """

    release: str
    per_s: float
    tokens: float
    limit_per_s: float | None = None
    companies_cost: float | None = None


@collecting_seldom()  # as serving does
def measure_speeds(
    scorers: Sequence[Measured],
    texts: Sequence[str],
    *,
    rounds: int,
    products: Sequence[Products | None] = (),
    companies: Sequence[Places] = (),
) -> list[ReleaseSpeed]:
    """The speed of each scorer on `texts`, which must all differ: of each window the best of `rounds` counts.

    By the processor's time, so that what else the machine does counts less; and window by window, as a round
    without any disturbance is rare. `products`, one for each scorer, are measured in the same way right after it:
    the best of single products would be of the rare milliseconds in which a shared processor is at its fastest,
    and no window of texts is as short. Each round begins with no word remembered: a process that has read for
    longer knows more of them, and is faster. `companies` are those in each text: each window is then also scored
    with and without them, in turns and with no word remembered. A scorer must use one thread.
    """
    alone = products or [None] * len(scorers)
    windows = [texts[start : start + _WINDOW] for start in range(0, len(texts), _WINDOW)]
    places = [companies[start : start + _WINDOW] for start in range(0, len(companies), _WINDOW)]
    best = [[float("inf")] * len(windows) for _ in scorers]
    limit = [[float("inf")] * len(windows) for _ in scorers]
    none, some = ([[float("inf")] * len(windows) for _ in scorers] for _ in range(2))
    tokens = [0] * len(scorers)
    for scorer in scorers:
        scorer.score(windows[0])
    for _ in range(rounds):
        for number, (scorer, theirs) in enumerate(zip(scorers, alone, strict=True)):
            tokens[number] = 0
            scorer.forget()
            for place, window in enumerate(windows):
                began = time.process_time()
                found = scorer.score(window).tokens
                best[number][place] = min(best[number][place], time.process_time() - began)
                if theirs:
                    limit[number][place] = min(limit[number][place], theirs.seconds(found, len(window)))
                tokens[number] += found
            for place, each in enumerate(places):
                for known, asked in ((none, None), (some, each)):
                    scorer.forget()
                    began = time.process_time()
                    scorer.score(windows[place], asked)
                    known[number][place] = min(known[number][place], time.process_time() - began)
    return [
        ReleaseSpeed(
            scorer.release,
            len(texts) / sum(best[number]),
            tokens[number] / len(texts),
            len(texts) / sum(limit[number]) if alone[number] else None,
            sum(some[number]) / sum(none[number]) - 1 if companies else None,
        )
        for number, scorer in enumerate(scorers)
    ]
