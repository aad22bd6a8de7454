"""What was counted in a series lately: bins one by one, and behind them quarters of an hour for a day.

All sums are whole numbers (scores in millionths), so they come out the same in whatever order stories came and
were taken back, and after any restart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

_MILLIONTHS = 1_000_000
MAX_NAMED = 256
"""How many stories of one bin can become evidence; half of that is kept for the negative ones."""


def millionths(score: float) -> int:
    """A score as it is summed."""
    return round(score * _MILLIONTHS)


@dataclass(slots=True)
class Tally:
    """Counts of novel stories: negative, positive, all; the sum of scores and of their squares, in millionths."""

    negative: int = 0
    positive: int = 0
    stories: int = 0
    score: int = 0
    square: int = 0

    def add(self, other: Tally, times: int = 1) -> None:
        """Add `other`, or with `times=-1` take it away."""
        self.negative += times * other.negative
        self.positive += times * other.positive
        self.stories += times * other.stories
        self.score += times * other.score
        self.square += times * other.square

    def counts(self) -> tuple[int, int, int]:
        """The counts in the order of `profile.MEASURES`."""
        return self.negative, self.positive, self.stories

    @property
    def mean(self) -> float | None:
        """The mean score, or None where there is no story."""
        return self.score / _MILLIONTHS / self.stories if self.stories else None

    @classmethod
    def of(cls, score: float, *, negative: bool, positive: bool) -> Self:
        """One story."""
        return cls(int(negative), int(positive), 1, millionths(score), millionths(score * score))


@dataclass(slots=True)
class Bin(Tally):
    """A bin; `members` are the numbers of its first few hundred stories, for evidence and breadth."""

    members: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Window:
    """What was counted in the bins from `start` to `end`, both included."""

    start: int
    end: int
    tally: Tally

    @property
    def bins(self) -> int:
        """How many bins it spans."""
        return self.end - self.start + 1

    def copy(self) -> Window:
        """The same, apart."""
        seen = self.tally
        return Window(
            self.start,
            self.end,
            Tally(seen.negative, seen.positive, seen.stories, seen.score, seen.square),
        )


class Tallies:
    """The recent counts of one series.

    Args:
        horizons: the windows that are tested, in bins, rising.
        fine: for how many bins each is kept apart; beyond, only blocks are.
        block: bins in a block.
    """

    def __init__(self, horizons: tuple[int, ...], fine: int, block: int) -> None:
        self._horizons = horizons
        self._fine = fine
        self._block = block
        self._longest = horizons[-1]
        self.bins: dict[int, Bin] = {}
        self.blocks: dict[int, Tally] = {}
        self._windows: tuple[Window, ...] = ()
        self._seen_at: int | None = None

    def count(self, here: int, tally: Tally, number: int) -> None:
        """A story counts in bin `here`."""
        found = self.bins.get(here)
        if found is None:
            found = self.bins[here] = Bin()
        found.add(tally)
        if len(found.members) < (MAX_NAMED if tally.negative else MAX_NAMED // 2):
            found.members.append(number)
        self._changed(here, tally, 1)

    def uncount(self, here: int, tally: Tally, number: int) -> bool:
        """Take a story out of bin `here`; False where that bin is no longer kept apart."""
        found = self.bins.get(here)
        if found is None:
            return False
        found.add(tally, -1)
        if number in found.members:
            found.members.remove(number)
        self._changed(here, tally, -1)
        return True

    def due(self, now: int) -> int | None:
        """The oldest block that at bin `now` is no longer kept apart, or None."""
        if not self.bins:
            return None
        oldest = min(self.bins) // self._block
        return oldest if (oldest + 1) * self._block <= now - self._fine + 1 else None

    def next_due(self) -> int | None:
        """The bin at which the oldest block is due, or None while nothing is kept."""
        if not self.bins:
            return None
        return (min(self.bins) // self._block + 1) * self._block + self._fine - 1

    def fold(self, block: int) -> Tally:
        """Put the bins of a block together and return their sum; it stays for the longest horizon."""
        whole = Tally()
        for number in range(block * self._block, (block + 1) * self._block):
            if number in self.bins:
                whole.add(self.bins.pop(number))
        self._seen_at = None
        if self._longest > self._fine and whole.stories:
            self.blocks[block] = whole
        return whole

    def windows(self, now: int) -> tuple[Window, ...]:
        """The trailing windows of all horizons that end with bin `now`; they are changed in place later."""
        if self._seen_at != now:
            starts = [self._start(now, each) for each in self._horizons]
            near = self._seen_at is not None and 0 < now - self._seen_at <= self._block
            self._windows = self._moved(starts, now) if near else self._nested(starts, now)
            self._drop_blocks(now)
            self._seen_at = now
        return self._windows

    def first_kept(self) -> int | None:
        """The first bin of the oldest block that is kept bin by bin, or None while nothing is kept."""
        return min(self.bins) // self._block * self._block if self.bins else None

    def since(self, start: int, now: int) -> Window:
        """The window from `start` to `now`; a block counts where it begins in it."""
        whole = Tally()
        for number in self.bins:
            if number >= start:
                whole.add(self.bins[number])
        for number in self.blocks:
            if number * self._block >= start:
                whole.add(self.blocks[number])
        return Window(start, now, whole)

    def _nested(self, starts: list[int], now: int) -> tuple[Window, ...]:
        """The windows from each of `starts`, which fall, to `now`, in one pass over what is kept."""
        kept: list[tuple[int, Tally]] = list(self.bins.items())
        kept += [(number * self._block, each) for number, each in self.blocks.items()]
        kept.sort(key=lambda each: each[0])
        whole = Tally()
        windows = []
        for start in starts:
            while kept and kept[-1][0] >= start:
                whole.add(kept.pop()[1])
            windows.append(Window(start, now, whole).copy())
        return tuple(windows)

    def _moved(self, starts: list[int], now: int) -> tuple[Window, ...]:
        """The same from the windows that ended shortly before: only what leaves and what comes is counted."""
        moved = []
        for window, start in zip(self._windows, starts, strict=True):
            each = window.copy()
            for here in range(window.start, start):
                for gone in (self.bins.get(here), self._block_at(here)):
                    if gone is not None:
                        each.tally.add(gone, -1)
            for here in range(window.end + 1, now + 1):
                come = self.bins.get(here)
                if come is not None:
                    each.tally.add(come)
            each.start, each.end = start, now
            moved.append(each)
        return tuple(moved)

    def _block_at(self, here: int) -> Tally | None:
        """The block that begins with bin `here`, if there is one."""
        number, within = divmod(here, self._block)
        return None if within else self.blocks.get(number)

    def forgotten(self, now: int) -> bool:
        """Whether nothing that is kept lies within the longest horizon before `now`."""
        last = max(max(self.bins, default=-1), max(self.blocks, default=-1) * self._block + self._block - 1)
        return last < self._start(now, self._longest)

    def _start(self, now: int, horizon: int) -> int:
        """The first bin of a window; where only blocks are kept, the first of a whole one."""
        start = now - horizon + 1
        if horizon <= self._fine:
            return start
        return -(-start // self._block) * self._block

    def _drop_blocks(self, now: int) -> None:
        first = self._start(now, self._longest) // self._block
        for number in [number for number in self.blocks if number < first]:
            del self.blocks[number]

    def _changed(self, here: int, tally: Tally, times: int) -> None:
        """Keep the windows in step; their sums are exact, so this is the same as to sum anew."""
        if self._seen_at is None:
            return
        for window in self._windows:
            if window.start <= here <= window.end:
                window.tally.add(tally, times)
