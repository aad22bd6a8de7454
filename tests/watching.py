"""Signals for the tests of WATCH, drawn as pictures: one character is one minute."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from stream.events import Alert, Sentiment, Signal, Withdrawal
from stream.watch.watcher import Watcher

START = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)
BANK = "company:BANK"

_numbers = itertools.count(1)


def at(minutes: float) -> datetime:
    """The time so many minutes after the start."""
    return START + timedelta(minutes=minutes)


def print_of(text: object, *, differing: int = 0) -> str:
    """The fingerprint of a text of this name, with some of its 64 bytes changed."""
    whole = bytearray(random.Random(repr(text)).randbytes(64))
    for place in range(differing):
        whole[place] ^= 0xFF
    return whole.hex()


def signal(
    series: str = BANK,
    minute: float = 0.0,
    *,
    negative: float = 0.8,
    positive: float = 0.05,
    text: object = None,
    news_id: str | None = None,
    **fields: object,
) -> Signal:
    """An article; each has its own id, text and publisher where none is given."""
    number = next(_numbers)
    news_id = news_id or f"n{number}"
    body = {
        "series": series,
        "news_id": news_id,
        "published_at": at(minute),
        "source": f"wire{number % 7}",
        "weight": 1.0,
        "fingerprint": print_of(news_id if text is None else text),
        "sentiment": Sentiment(
            negative=negative, positive=positive, neutral=round(1.0 - negative - positive, 9)
        ),
        "score": round(positive - negative, 9),
        "headline": f"headline of {news_id}",
        "model": "tide@1",
    }
    return Signal.model_validate(body | fields)


def good(series: str = BANK, minute: float = 0.0, **fields: object) -> Signal:
    """An article with good news."""
    return signal(series, minute, negative=0.05, positive=0.7, **fields)  # type: ignore[arg-type]  # passed on


def withdrawal(news_id: str, minute: float) -> Withdrawal:
    """The record that takes an article back."""
    return Withdrawal(news_id=f"w{next(_numbers)}", withdraws=news_id, published_at=at(minute))


def drawn(picture: str, series: str = BANK, start: float = 0.0) -> list[Signal]:
    """The signals of a picture: a digit is so many bad stories in that minute, `o` a good one, `.` silence.

    Blanks only help the eye.
    """
    made: list[Signal] = []
    for minute, char in enumerate(picture.replace(" ", "")):
        if char == "o":
            made.append(good(series, start + minute))
        elif char != ".":
            made += [signal(series, start + minute + part / 10) for part in range(int(char))]
    return made


def play(watcher: Watcher, signals: Iterable[Signal]) -> list[Alert]:
    """The alerts that these signals raise."""
    for each in signals:
        watcher.observe(each)
    return watcher.drain().alerts


def told(alerts: Iterable[Alert]) -> list[str]:
    """The statuses, in order."""
    return [alert.status for alert in alerts]
