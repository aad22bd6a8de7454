"""One moment of a series, as its alerts see it: what is usual, and the stories in its windows."""

from __future__ import annotations

from dataclasses import dataclass

from stream.events import Evidence
from stream.watch.baseline import Usual
from stream.watch.chances import Look
from stream.watch.novelty import Recents
from stream.watch.recent import Recent
from stream.watch.rulebook import Direction
from stream.watch.tallies import Bin
from stream.watch.times import rounded, time_of


@dataclass(slots=True)
class Moment:
    """The `Scene` of `stream.watch.alerts`. Reads the series' bins and stories, changes nothing.

    `most` is how many stories are named as evidence; `positive_from` is the score of good news.
    """

    series: str
    model: str
    bin: int
    as_of: int
    usual: Usual
    bins: dict[int, Bin]
    recents: Recents
    most: int
    positive_from: float

    @property
    def next_story(self) -> int:
        """The number that the next story will have."""
        return self.recents.next

    def sources(self, look: Look, direction: Direction) -> int:
        """Distinct publishers of the stories of this direction in the window, their copies included."""
        return len({source for story in self._stories(look, direction) for source in story.sources})

    def evidence(self, look: Look, direction: Direction) -> tuple[Evidence, ...]:
        """The stories of this direction in the window that weigh most: by weight times how far they go its way."""
        stories = self._stories(look, direction)
        ranked = sorted(stories, key=lambda story: (-_gravity(story, direction), story.at, story.news_id))
        return tuple(_evidence(story) for story in ranked[: self.most])

    def named(self, news_ids: tuple[str, ...]) -> tuple[Evidence, ...]:
        """Those of `news_ids` that are still remembered and were not taken back."""
        found = (self.recents.by_id(news_id) for news_id in news_ids)
        return tuple(_evidence(story) for story in found if story is not None and not story.withdrawn)

    def began(self, look: Look, direction: Direction, after: int) -> int:
        """When the earliest such story of the window came that came after `after`; else `as_of`."""
        stories = self._stories(look, direction)
        return min((story.at for story in stories if story.at > after), default=self.as_of)

    def _stories(self, look: Look, direction: Direction) -> list[Recent]:
        """The stories of this direction in the window that are still remembered."""
        first, last = look.window.start, look.window.end
        kept = sorted(self.bins)
        found = [
            self.recents.get(number)
            for each in kept
            if first <= each <= last
            for number in self.bins[each].members
        ]
        if not kept or first < kept[0]:
            # Of bins that were put together only the stories themselves know that they counted there.
            until = min(last, kept[0] - 1) if kept else last
            found += [
                story for story in self.recents if story.bin is not None and first <= story.bin <= until
            ]
        return [story for story in found if story is not None and self._goes(story, direction)]

    def _goes(self, story: Recent, direction: Direction) -> bool:
        if direction == "negative":
            return story.negative
        return direction != "positive" or (story.score >= self.positive_from and not story.negative)


def _gravity(story: Recent, direction: Direction) -> float:
    """How much a story weighs in an alert of this direction."""
    if direction == "negative":
        return story.weight * story.negativity
    if direction == "volume":
        return story.weight
    return story.weight * (story.score if direction == "positive" else -story.score)


def _evidence(story: Recent) -> Evidence:
    return Evidence(
        news_id=story.news_id,
        published_at=time_of(story.at),
        source=story.source,
        headline=story.headline,
        score=rounded(story.score),
        weight=rounded(story.weight),
        url=story.url,
        why=_why(story),
    )


def _why(story: Recent) -> str:
    """Why the story counts, for people."""
    mood = "bad news" if story.negative else ("good news" if story.score > 0.0 else "news")
    told = (
        f"told {story.copies} times by {len(story.sources)} sources, counted once" if story.copies > 1 else ""
    )
    relevance = f"weight {story.weight:.2f}"
    return ", ".join(part for part in (f"new {mood}", relevance, told) if part)
