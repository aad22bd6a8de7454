"""One moment of a series, as its alerts see it: the window under test, and the stories in it."""

from __future__ import annotations

from dataclasses import dataclass

from stream.events import Evidence
from stream.watch.baseline import Bin, Usual
from stream.watch.novelty import Recents
from stream.watch.recent import Recent
from stream.watch.surge import Window
from stream.watch.times import rounded, time_of


@dataclass(slots=True)
class Moment:
    """The `Scene` of `stream.watch.alerts`. Reads the series' bins and stories, changes nothing.

    `most` is how many stories are named as evidence.
    """

    series: str
    model: str
    bin: int
    as_of: int
    window: Window
    usual: Usual
    bins: dict[int, Bin]
    recents: Recents
    most: int

    @property
    def next_story(self) -> int:
        """The number that the next story will have."""
        return self.recents.next

    def sources(self) -> int:
        """Distinct publishers of the negative stories in the window, their copies included."""
        return len({source for story in self._negatives() for source in story.sources})

    def evidence(self) -> tuple[Evidence, ...]:
        """The negative stories in the window that weigh most: by weight times probability of bad news."""
        ranked = sorted(self._negatives(), key=_gravity)
        return tuple(_evidence(story) for story in ranked[: self.most])

    def named(self, news_ids: tuple[str, ...]) -> tuple[Evidence, ...]:
        """Those of `news_ids` that are still remembered and were not taken back."""
        found = (self.recents.by_id(news_id) for news_id in news_ids)
        return tuple(_evidence(story) for story in found if story is not None and not story.withdrawn)

    def began(self, after: int) -> int:
        """When the earliest negative story of the window came that came after `after`; else `as_of`."""
        return min((story.at for story in self._negatives() if story.at > after), default=self.as_of)

    def _negatives(self) -> list[Recent]:
        """The negative stories of the window that are still remembered."""
        found = (
            self.recents.get(number)
            for each in range(self.bin - self.window.bins + 1, self.bin + 1)
            if each in self.bins
            for number in self.bins[each].members
        )
        return [story for story in found if story is not None]


def _gravity(story: Recent) -> tuple[float, int, str]:
    return (-story.weight * story.negativity, story.at, story.news_id)


def _evidence(story: Recent) -> Evidence:
    return Evidence(
        news_id=story.news_id,
        published_at=time_of(story.at),
        source=story.source,
        headline=story.headline,
        score=rounded(story.score),
        weight=rounded(story.weight),
        url=story.url,
    )
