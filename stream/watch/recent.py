"""A story as one series remembers it."""

from __future__ import annotations

from dataclasses import dataclass

from stream.watch.stories import Telling


@dataclass(frozen=True, slots=True)
class Member:
    """An article of a story. `own` marks the first article and its corrections, as against copies of it."""

    news_id: str
    source: str
    own: bool


@dataclass(slots=True)
class Recent:
    """One story as a series remembers it. Times are microseconds since 1970.

    `bin` is where it is counted, None while it is not; `negative` is whether it counts as bad news.
    `fingerprint` is the print of its first text, followed by that of its latest correction where there is one.
    """

    number: int
    at: int
    weight: float
    fingerprint: bytes
    negativity: float
    score: float
    negative: bool
    headline: str
    url: str | None
    members: list[Member]
    copies: int = 1
    bin: int | None = None
    withdrawn: bool = False
    telling: Telling | None = None

    @property
    def news_id(self) -> str:
        """The id of the article that the story's figures come from: the first, or its latest correction."""
        return next(member.news_id for member in reversed(self.members) if member.own)

    @property
    def story_id(self) -> str:
        """The id of the first article that told it."""
        return self.members[0].news_id

    @property
    def source(self) -> str:
        """The publisher of the article that the figures come from."""
        return next(member.source for member in reversed(self.members) if member.own)

    @property
    def sources(self) -> tuple[str, ...]:
        """All publishers, in the order they came."""
        return tuple(dict.fromkeys(member.source for member in self.members))
