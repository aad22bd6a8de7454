"""What is told of a story besides its count: only the series `market` keeps it, where all articles meet."""

from __future__ import annotations

from dataclasses import dataclass

from stream.events import Sentiment, Signal, Story
from stream.watch.times import rounded, time_of

_MAX_NAMES = 16


@dataclass(slots=True)
class Telling:
    """Sums over the copies of one story, and what they name. Times are microseconds since 1970.

    `told` is the number of articles in the sums of the three probabilities.
    """

    first_at: int
    last_at: int
    told: int
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
            1,
            mood.negative,
            mood.neutral,
            mood.positive,
            signal.companies[:_MAX_NAMES],
            signal.topics[:_MAX_NAMES],
        )

    def add(self, signal: Signal, at: int) -> None:
        """One more article tells the story."""
        self.told += 1
        self.negative += signal.sentiment.negative
        self.neutral += signal.sentiment.neutral
        self.positive += signal.sentiment.positive
        self.first_at = min(self.first_at, at)
        self.last_at = max(self.last_at, at)
        self.companies = _joined(self.companies, signal.companies)
        self.topics = _joined(self.topics, signal.topics)

    def story(self, story_id: str, headline: str, copies: int, sources: tuple[str, ...]) -> Story:
        """The record for `news.stories`; its novelty is 1 over the number of copies."""
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
                negative=rounded(min(1.0, self.negative / self.told)),
                neutral=rounded(min(1.0, self.neutral / self.told)),
                positive=rounded(min(1.0, self.positive / self.told)),
            ),
            novelty=rounded(1.0 / copies),
        )


def _joined(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))[:_MAX_NAMES]
