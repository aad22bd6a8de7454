"""Invented news as WATCH reads it: signals with fingerprints, copies by other publishers, bad and good news.

The stories and when they come are those of `stream.bench.invented`. Here each is also told: by a publisher, with a
fingerprint that shares nothing with other stories', and then by others, in a few other words. A few copies are so
reworded that their fingerprint is another; these pass for new.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from stream.bench.invented import Habits, stories_of
from stream.events import Sentiment, Signal
from stream.score.fingerprint import PERMUTATIONS, VERSION
from stream.watch.profile import Profile

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PUBLISHERS: Final = 12
_REWORDED: Final = 0.08
"""The part of its fingerprint's bytes that a copy changes, on average."""
BAD: Final = 0.3
"""The share of the stories that are bad news, and of those that are good, over all days."""
_SURE: Final = 20.0
"""How little the share of bad news differs from day to day: as the mean of so many stories would."""
_SECONDS_A_DAY: Final = 86_400
_MOODS: Final = (
    Sentiment(negative=0.85, neutral=0.1, positive=0.05),
    Sentiment(negative=0.1, neutral=0.8, positive=0.1),
    Sentiment(negative=0.05, neutral=0.1, positive=0.85),
)


def signals_of_days(
    dice: np.random.Generator,
    series: str,
    bad_per_hour: float,
    profile: Profile,
    days: float,
    first_day: int,
    habits: Habits,
) -> Iterator[Signal]:
    """What is said of one series on `days` days on which nothing happens, in the order of time.

    Args:
        dice: what is drawn from.
        series: its name.
        bad_per_hour: how many bad stories an hour are usual.
        profile: the shape of the week.
        days: how many.
        first_day: the first of them, in days since 1970, a Monday.
        habits: how news behaves.
    """
    told = stories_of(dice, bad_per_hour / BAD, profile, days, habits)
    of_day = dice.beta(BAD * _SURE, (1.0 - BAD) * _SURE, size=int(days) + 1)
    articles: list[tuple[float, int, int, bytes]] = []
    for number, story in enumerate(told):
        bad = of_day[int(story.at // _SECONDS_A_DAY)]
        mood = int(np.searchsorted((bad, 1.0 - BAD), dice.random()))
        print_ = dice.bytes(PERMUTATIONS)
        articles.append((story.at, number, mood, print_))
        articles += [(at, number, mood, _alike(dice, print_)) for at in story.copies]
        articles += [(at, number, mood, dice.bytes(PERMUTATIONS)) for at in story.reworded]
    articles.sort(key=lambda each: each[0])
    start = _EPOCH + timedelta(days=first_day)
    for place, (at, number, mood, print_) in enumerate(articles):
        yield invented_signal(
            series,
            f"{series}-{first_day}-{place}",
            start + timedelta(seconds=at),
            source=f"publisher {dice.integers(_PUBLISHERS)}",
            fingerprint=print_,
            mood=_MOODS[mood],
            headline=f"{series} has news, number {number} of {first_day}",
        )


def invented_signal(
    series: str,
    news_id: str,
    at: datetime,
    *,
    source: str,
    fingerprint: bytes,
    mood: Sentiment,
    headline: str,
) -> Signal:
    """A signal that nobody checks any more; `fingerprint` is without its version."""
    return Signal.model_construct(
        series=series,
        news_id=news_id,
        published_at=at,
        source=source,
        status="normal",
        revises=None,
        weight=1.0,
        fingerprint=fingerprint.hex() + f"{VERSION:02x}",
        sentiment=mood,
        score=mood.positive - mood.negative,
        headline=headline,
        url=None,
        model="invented@1",
        companies=(),
        topics=(),
    )


def _alike(dice: np.random.Generator, print_: bytes) -> bytes:
    """The fingerprint of a copy."""
    found = np.frombuffer(print_, dtype=np.uint8).copy()
    changed = dice.random(len(found)) < _REWORDED
    found[changed] ^= dice.integers(1, 256, int(changed.sum()), dtype=np.uint8)
    return found.tobytes()
