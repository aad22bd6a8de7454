"""One story counts once per series, however often it is copied.

An article is a copy when its id is known, or when its fingerprint is nearly that of a story that began within
`memory` of event time. A story is known by its first text and by its latest correction, for outlets go on copying
what the agency has long put right. Stories are kept in the order of their numbers and leave from the front: by age
against the series' own largest time, or when there are more than the capacity. So what is remembered depends on
the series' own articles only, and each costs the same time however many are remembered (see `likeness`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from stream.events import Signal
from stream.watch.likeness import WIDTH, Likeness
from stream.watch.recent import Member, Recent

CHUNK = 8
"""Stories that are saved together. Part of the format of the saved state."""

_MAX_MEMBERS = 32
"""Articles of one story whose ids and publishers are remembered; further copies only raise the count, and a
further correction takes the place of an earlier member."""

_GLANCED = 64
"""While fingerprints of two versions meet, a headline is compared word for word with so many of the newest."""


class Arrival(StrEnum):
    """What an article turned out to be. Also the values of a metric label."""

    NOVEL = "novel"
    COPY = "copy"
    REPEATED = "repeated"
    CORRECTION = "correction"
    WITHDRAWN = "withdrawn"
    LATE = "late"


@dataclass(slots=True)
class Changes:
    """What changed since it was last saved: chunks to write, and chunks that hold nothing any more.

    `left` are keys of saved records under which nothing stands any more.
    """

    written: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    left: set[str] = field(default_factory=set)


class Recents:
    """The stories of one series' recent past.

    Args:
        capacity: how many at most.
        memory: how long after its first article, in microseconds, a story is remembered.
        likeness: the share of equal fingerprint bytes from which two articles tell one story.
    """

    __slots__ = ("_capacity", "_likeness", "_memory", "_stories", "_story_of", "changes", "first", "next")

    def __init__(self, capacity: int, memory: int, likeness: float) -> None:
        self._capacity = capacity
        self._memory = memory
        self._likeness = Likeness(likeness)
        self._stories: dict[int, Recent] = {}
        self._story_of: dict[str, int] = {}
        self.first = 0
        self.next = 0
        self.changes = Changes()

    def __len__(self) -> int:
        return len(self._stories)

    def __iter__(self) -> Iterator[Recent]:
        return iter(self._stories.values())

    def get(self, number: int) -> Recent | None:
        """The story with this number, if it is still remembered."""
        return self._stories.get(number)

    def by_id(self, news_id: str) -> Recent | None:
        """The story that an article is part of, if it is still remembered."""
        number = self._story_of.get(news_id)
        return None if number is None else self._stories[number]

    def recognise(self, signal: Signal, fingerprint: bytes, at: int) -> tuple[Arrival, Recent | None]:
        """What `signal` is, and the story it belongs to; None for a novel one. Changes nothing."""
        known = self.by_id(signal.news_id)
        if known is not None:
            return Arrival.REPEATED, known
        if signal.revises is not None:
            revised = self.by_id(signal.revises)
            if revised is not None:
                own = any(member.own and member.news_id == signal.revises for member in revised.members)
                return (Arrival.CORRECTION if own else Arrival.COPY), revised
        for number in self._likeness.near(fingerprint):
            story = self._stories[number]
            if abs(at - story.at) <= self._memory and not _other_companies(story, signal):
                return Arrival.COPY, story
        same = self._verbatim(signal, fingerprint, at)
        return (Arrival.NOVEL if same is None else Arrival.COPY), same

    def begin(self, signal: Signal, fingerprint: bytes, at: int, *, negative: bool) -> Recent:
        """Remember a novel story, and let go of the oldest if there are too many."""
        story = Recent(
            number=self.next,
            at=at,
            weight=signal.weight,
            fingerprint=fingerprint,
            negativity=signal.sentiment.negative,
            score=signal.score,
            negative=negative,
            headline=signal.headline,
            url=signal.url,
            members=[Member(signal.news_id, signal.source, own=True)],
        )
        self.next += 1
        self.put(story)
        if signal.revises is not None:
            # The article it corrects was not seen (yet): when it comes, it must not count beside its correction.
            self._join(story, Member(signal.revises, signal.source, own=True), before=True)
        self.touch(story)
        if len(self._stories) > self._capacity:
            self._drop_first()
        return story

    def copy(self, story: Recent, signal: Signal) -> None:
        """`signal` tells `story` once more; the correction of a copy takes the place of that copy."""
        replaced = next((member for member in story.members if member.news_id == signal.revises), None)
        if replaced is None:
            story.copies += 1
            self._join(story, Member(signal.news_id, signal.source, own=False))
        else:
            self._replace(story, replaced, Member(signal.news_id, signal.source, own=False))
            if story.telling is not None:
                story.telling.take_back(story.copies)
        self.touch(story)

    def correct(self, story: Recent, signal: Signal, fingerprint: bytes, *, negative: bool) -> None:
        """`signal` replaces what `story` said; it stays where it stands, and is known by both texts."""
        self._join(story, Member(signal.news_id, signal.source, own=True))
        if story.telling is not None:
            story.telling.take_back(story.copies, story.negativity, story.score)
        story.weight, story.score = signal.weight, signal.score
        story.negativity, story.negative = signal.sentiment.negative, negative
        story.headline, story.url = signal.headline, signal.url
        story.fingerprint = story.fingerprint[:WIDTH] + fingerprint
        story.withdrawn = False
        self._likeness.add_later(story.number, fingerprint)
        self.touch(story)

    def drop_copy(self, story: Recent, news_id: str) -> bool:
        """A copy was taken back. False if `news_id` is the story's own article, not a copy."""
        if any(member.own and member.news_id == news_id for member in story.members):
            return False
        story.members = [member for member in story.members if member.news_id != news_id]
        if story.copies > 1:
            if story.telling is not None:
                story.telling.take_back(story.copies)
            story.copies -= 1
        del self._story_of[news_id]
        self.touch(story)
        return True

    def age_to(self, high: int) -> None:
        """Let go of stories from the front that began more than `memory` before `high`."""
        while self._stories:
            if self._stories[self.first].at >= high - self._memory:
                return
            self._drop_first()

    def touch(self, story: Recent) -> None:
        """`story` changed: its chunk has to be saved."""
        self.changes.written.add(story.number // CHUNK)

    def put(self, story: Recent) -> None:
        """Take in a story as it is: a novel one, or one from the saved state."""
        if not self._stories:
            self.first = story.number
        self._stories[story.number] = story
        for member in story.members:
            self._story_of[member.news_id] = story.number
        self._likeness.add(story.number, story.fingerprint[:WIDTH])
        if len(story.fingerprint) > WIDTH:
            self._likeness.add_later(story.number, story.fingerprint[WIDTH:])

    def chunk(self, number: int) -> list[Recent]:
        """The stories that are saved together under `number`."""
        span = range(number * CHUNK, (number + 1) * CHUNK)
        return [self._stories[each] for each in span if each in self._stories]

    def chunks(self) -> set[int]:
        """All chunks in use."""
        return {number // CHUNK for number in self._stories}

    def _verbatim(self, signal: Signal, fingerprint: bytes, at: int) -> Recent | None:
        """While an upgrade makes prints of another version: the late story with the very headline of `signal`."""
        version = slice(WIDTH - 1, WIDTH)
        ends = [story for story in (self.get(self.first), self.get(self.next - 1)) if story is not None]
        if all(story.fingerprint[version] == fingerprint[version] for story in ends):
            return None
        late = (self._stories[number] for number in range(max(self.first, self.next - _GLANCED), self.next))
        same = [
            story
            for story in late
            if story.headline == signal.headline
            and story.fingerprint[version] != fingerprint[version]
            and abs(at - story.at) <= self._memory
            and not _other_companies(story, signal)
        ]
        return same[-1] if same else None

    def _drop_first(self) -> None:
        story = self._stories.pop(self.first)
        for member in story.members:
            del self._story_of[member.news_id]
        self._likeness.remove(story.number)
        self.first += 1
        if self.first % CHUNK == 0:
            self.changes.gone.add(story.number // CHUNK)

    def _join(self, story: Recent, member: Member, *, before: bool = False) -> None:
        if member.news_id in self._story_of:
            return
        if len(story.members) >= _MAX_MEMBERS:
            if not member.own:
                return
            del self._story_of[story.members.pop(1).news_id]
        story.members.insert(0 if before else len(story.members), member)
        self._story_of[member.news_id] = story.number

    def _replace(self, story: Recent, former: Member, member: Member) -> None:
        """`member` takes the place of `former`, whose id stays out of the story's memory."""
        story.members[story.members.index(former)] = member
        del self._story_of[former.news_id]
        self._story_of[member.news_id] = story.number


def _other_companies(story: Recent, signal: Signal) -> bool:
    """Whether both name companies and none in common: a template filled in for another company is no copy."""
    if story.telling is None or not story.telling.companies or not signal.companies:
        return False
    return not set(story.telling.companies) & set(signal.companies)
