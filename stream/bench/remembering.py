"""What a signal costs as the stories of the `market` series pile up, at the pace of a million items a day.

A made stream goes through the memory of the series as its window fills from nothing: stories of a few templates,
which share a third of their fingerprint's bytes, so that the buckets fill as in no real day, and copies of the
latest few thousand stories. Time is CPU time of this process, in tenths of the stream; memory is what the
allocator hands out for each story.
"""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from stream.events import MARKET, Sentiment, Signal
from stream.watch.likeness import WIDTH
from stream.watch.novelty import Recents
from stream.watch.stories import Telling

_PER_DAY = 1_000_000
_DAY = 86_400_000_000
_TEMPLATES = 30
_SHARED = WIDTH // 3
_COPIES = 0.4
_RECENT = 5_000
_CHANGED = 8
_PARTS = 10
_LIKENESS = 0.75
LEAST = 1_000
"""Fewer signals than this say nothing."""
_WEIGHED = 20_000
"""So many stories are enough to know what one weighs: the counting itself is slow."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU microseconds per signal in each tenth of the stream, and memory per story."""

    signals: int
    remembered: int
    copies: int
    microseconds: tuple[float, ...]
    bytes_per_story: int


def measure_cost(signals: int, capacity: int, rounds: int) -> Cost:
    """Send `signals` through a memory of at most `capacity` stories and a day.

    The whole is done `rounds` times, and of each tenth the least time counts: what else the machine does can only
    add to it.
    """
    all_spent: list[list[float]] = []
    for _ in range(rounds):
        recents, copies, spent = _one_round(signals, capacity)
        all_spent.append(spent)
    least = tuple(min(tenth) for tenth in zip(*all_spent, strict=True))
    return Cost(signals, len(recents), copies, least, _bytes_per_story())


def _one_round(signals: int, capacity: int) -> tuple[Recents, int, list[float]]:
    spent: list[float] = []
    recents = Recents(capacity, _DAY, _LIKENESS)
    stream = _prints(signals)
    copies = number = 0
    for part in range(_PARTS):
        prints = [next(stream) for _ in range(signals * (part + 1) // _PARTS - number)]
        began = time.process_time()
        for each in prints:
            copies += _arrive(recents, number, each)
            number += 1
            recents.changes.written.clear()
            recents.changes.gone.clear()
        spent.append(1e6 * (time.process_time() - began) / len(prints))
    return recents, copies, spent


def _arrive(recents: Recents, number: int, fingerprint: bytes) -> bool:
    """What a series does with an article, less the counting; whether it was a copy."""
    at = number * _DAY // _PER_DAY
    signal = _signal(number)
    recents.age_to(at)
    _, story = recents.recognise(signal, fingerprint, at)
    if story is None:
        recents.begin(signal, fingerprint, at, negative=False).telling = Telling.of(signal, at)
        return False
    recents.copy(story, signal)
    if story.telling is not None:
        story.telling.add(signal, at)
    return True


def _signal(number: int) -> Signal:
    # Made of right parts, so not checked: the stream is to cost as little as can be beside what is measured.
    return Signal.model_construct(
        series=MARKET,
        news_id=f"n{number}",
        source=f"wire{number % 97}",
        published_at=_EPOCH,
        weight=1.0,
        fingerprint="",
        model="made@1",
        sentiment=_MOOD,
        score=-0.2,
        headline=f"A headline of the usual length, as number {number} of the stream would have it today",
        companies=(),
        topics=("markets",),
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOOD = Sentiment(negative=0.4, neutral=0.4, positive=0.2)


def _prints(count: int) -> Iterator[bytes]:
    """Fingerprints of a stream: new stories of some template, and copies of late ones. The same each time."""
    dice = random.Random(count)  # noqa: S311 - a made stream, no secret
    templates = [dice.randbytes(WIDTH) for _ in range(_TEMPLATES)]
    late: list[bytes] = []
    for _ in range(count):
        if late and dice.random() < _COPIES:
            whole, changed = bytearray(dice.choice(late)), dice.randrange(_CHANGED)
        else:
            whole, changed = bytearray(dice.choice(templates)), WIDTH - _SHARED
        for place in dice.sample(range(WIDTH), changed):
            whole[place] = dice.randrange(256)
        made = bytes(whole)
        if len(late) < _RECENT:
            late.append(made)
        else:
            late[dice.randrange(_RECENT)] = made
        yield made


def _bytes_per_story() -> int:
    tracemalloc.start()
    try:
        recents = Recents(_WEIGHED, _DAY, _LIKENESS)
        before = tracemalloc.get_traced_memory()[0]
        for number, each in enumerate(_prints(_WEIGHED)):
            _arrive(recents, number, each)
        return (tracemalloc.get_traced_memory()[0] - before) // len(recents)
    finally:
        tracemalloc.stop()
