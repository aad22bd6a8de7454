"""What is told of a story besides its count: only the series `market` keeps it, where all articles meet.

The novelty of a story, as of its latest article, is

    1 / sum over its articles of 2 ** -(age / HALF_LIFE)

where the age is what lies between an article and the latest one: 1 for a story that was told once, 1/n while n
outlets copy it at once, and rising again with time: what nobody has touched for a day is nearly news once more.
"""

from __future__ import annotations

from dataclasses import dataclass

from stream.events import Sentiment, Signal, Story
from stream.watch.times import rounded, time_of

HALF_LIFE = 6 * 3_600_000_000
"""After so many microseconds a telling counts half against the novelty of a story."""

_MAX_NAMES = 16


@dataclass(slots=True)
class Telling:
    """Sums over the articles of one story, and what they name. Times are microseconds since 1970.

    `heat` is the sum of the formula above, as of `last_at`. The three probabilities are sums over as many
    articles as the story has copies.
    """

    first_at: int
    last_at: int
    heat: float
    negative: float
    neutral: float
    positive: float
    companies: tuple[str, ...]
    topics: tuple[str, ...]

    @classmethod
    def of(cls, signal: Signal, at: int) -> Telling:
        """A story with its first article."""
        mood = signal.sentiment
        return cls(
            at,
            at,
            1.0,
            mood.negative,
            mood.neutral,
            mood.positive,
            signal.companies[:_MAX_NAMES],
            signal.topics[:_MAX_NAMES],
        )

    def add(self, signal: Signal, at: int) -> None:
        """One more article tells the story."""
        self.negative += signal.sentiment.negative
        self.neutral += signal.sentiment.neutral
        self.positive += signal.sentiment.positive
        if at > self.last_at:
            self.heat = self.heat * _left(at - self.last_at) + 1.0
        else:
            self.heat += _left(self.last_at - at)
        self.first_at = min(self.first_at, at)
        self.last_at = max(self.last_at, at)
        self.companies = _joined(self.companies, signal.companies)
        self.topics = _joined(self.topics, signal.topics)

    def take_back(self, copies: int, negativity: float | None = None, score: float = 0.0) -> None:
        """One of `copies` articles no longer tells the story, withdrawn or about to be replaced.

        Where its own probability of bad news and score are not remembered, the mean over the others is taken to
        be what it was: copies of one text hardly differ. Of the heat it takes an even share.
        """
        left = (copies - 1) / copies
        self.heat *= left
        if negativity is None:
            self.negative, self.neutral, self.positive = (
                each * left for each in (self.negative, self.neutral, self.positive)
            )
            return
        positive = score + negativity
        self.negative = max(0.0, self.negative - negativity)
        self.neutral = max(0.0, self.neutral - (1.0 - negativity - positive))
        self.positive = max(0.0, self.positive - positive)

    def story(self, story_id: str, headline: str, copies: int, sources: tuple[str, ...]) -> Story:
        """The record for `news.stories`."""
        return Story(
            story_id=story_id,
            headline=headline,
            first_seen_at=time_of(self.first_at),
            last_seen_at=time_of(self.last_at),
            copies=copies,
            sources=sources,
            companies=self.companies,
            topics=self.topics,
            sentiment=Sentiment(
                negative=rounded(min(1.0, self.negative / copies)),
                neutral=rounded(min(1.0, self.neutral / copies)),
                positive=rounded(min(1.0, self.positive / copies)),
            ),
            novelty=rounded(1.0 / max(1.0, self.heat)),
        )


def _left(age: int) -> float:
    return float(0.5 ** (age / HALF_LIFE))


def _joined(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))[:_MAX_NAMES]
