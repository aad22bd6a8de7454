"""Which remembered fingerprints are nearly the same as a new one? Answered in constant time, by bands.

A print is cut into bands of three bytes, and each band leads to the stories that have the same bytes there
(locality-sensitive hashing: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4). Twenty-one bands can't
all be hit by twenty bytes that differ, so at a likeness of 0.69 or more no story is missed by the bands; below
that they are two bytes wide, with the same guarantee down to one half. In each band only the `DEPTH` newest
stories are looked at, so that a template which thousands of headlines share costs no more than any other text;
a story is missed only when so many newer ones share the bytes of every band that is left.

The bands are chains through flat arrays, as in zlib's search for matches: the newest story of a bucket, and for
each story the next older one. A story that leaves, always the oldest, is not even touched: a chain ends where its
numbers fall below the oldest that is remembered. What is found depends on the remembered prints alone: not on
the size of the arrays, nor on how often the series was saved and restored.
"""

from __future__ import annotations

from array import array
from bisect import insort

WIDTH = 64
"""Bytes of a fingerprint."""
DEPTH = 16
"""So many stories are looked at in one band; up to so many stories, all are compared one by one."""

_WIDE, _NARROW = 3, 2
_MOST = 2**32 - 1
_HASH = 0x9E3779B1
_NONE = array("I")


class Likeness:
    """The fingerprints of one series' stories, each under its story's number, in rising numbers.

    Args:
        share: the share of equal bytes from which two prints are nearly the same; above 0.5.
    """

    __slots__ = (
        "_bands",
        "_base",
        "_buckets",
        "_later",
        "_least",
        "_next",
        "_older",
        "_oldest",
        "_prints",
        "_rows",
        "_size",
    )

    def __init__(self, share: float) -> None:
        self._least = int(-(-share * WIDTH // 1))
        self._rows = _WIDE if WIDTH - self._least < WIDTH // _WIDE else _NARROW
        self._bands = WIDTH // self._rows
        self._prints: dict[int, bytes] = {}
        self._later: _Later | None = None
        self._size = 0
        self._base = self._oldest = self._next = 0
        self._buckets = self._older = _NONE

    def __len__(self) -> int:
        return len(self._prints)

    def add(self, number: int, fingerprint: bytes) -> None:
        """Remember `fingerprint` under `number`, which is above all that are remembered."""
        if not self._prints:
            self._oldest = number
        self._prints[number] = fingerprint
        self._next = number + 1
        if len(self._prints) <= DEPTH:
            self._size, self._buckets, self._older = 0, _NONE, _NONE
        elif number - self._oldest >= self._size or number - self._base >= _MOST:
            self._build()
        else:
            self._chain(number, fingerprint)

    def add_later(self, number: int, fingerprint: bytes) -> None:
        """The story `number` was corrected: it is also found by `fingerprint`, in the place of an earlier such."""
        if self._later is None:
            self._later = _Later(self._rows)
        self._later.add(number, fingerprint)

    def remove(self, number: int) -> None:
        """Forget `number`, the oldest that is remembered."""
        del self._prints[number]
        self._oldest = number + 1
        if self._later is not None:
            self._later.remove(number)

    def near(self, fingerprint: bytes) -> list[int]:
        """The numbers of all that are found to be like `fingerprint`: likest first, among equals the oldest."""
        if len(self._prints) <= DEPTH:
            found = self._prints
        else:
            found = {number: self._prints[number] for number in self._in_reach(fingerprint)}
        wanted = int.from_bytes(fingerprint, "big")
        shares = {number: _equal(wanted, its) for number, its in found.items()}
        if self._later is not None:
            for number, its in self._later.in_reach(fingerprint):
                shares[number] = max(shares.get(number, 0), _equal(wanted, its))
        return [
            number
            for share, number in sorted((-share, n) for n, share in shares.items())
            if -share >= self._least
        ]

    def _in_reach(self, fingerprint: bytes) -> set[int]:
        """The newest stories that agree with `fingerprint` in a whole band."""
        rows, bands, size, base = self._rows, self._bands, self._size, self._base
        prints, buckets, older, oldest = self._prints, self._buckets, self._older, self._oldest
        found: set[int] = set()
        for band in range(bands):
            start = band * rows
            key = fingerprint[start : start + rows]
            number = base + buckets[band * size + _bucket(key, size)] - 1
            seen = 0
            while number >= oldest and seen < DEPTH:
                if prints[number][start : start + rows] == key:
                    found.add(number)
                    seen += 1
                number = base + older[(number % size) * bands + band] - 1
        return found

    def _chain(self, number: int, fingerprint: bytes) -> None:
        rows, bands, size = self._rows, self._bands, self._size
        slot, mark = (number % size) * bands, number - self._base + 1
        for band in range(bands):
            place = band * size + _bucket(fingerprint[band * rows : (band + 1) * rows], size)
            self._older[slot + band] = self._buckets[place]
            self._buckets[place] = mark

    def _build(self) -> None:
        """Chain all prints anew, in arrays with room for as many again."""
        self._base = self._oldest
        self._size = 1 << (self._next - self._base).bit_length()
        self._buckets = array("I", bytes(4 * self._size * self._bands))
        self._older = array("I", bytes(4 * self._size * self._bands))
        for number, its in self._prints.items():
            self._chain(number, its)


class _Later:
    """The prints of corrected texts: few, in no order of numbers, and found by the same bands."""

    __slots__ = ("_numbers", "_prints", "_rows")

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._prints: dict[int, bytes] = {}
        self._numbers: dict[tuple[int, bytes], list[int]] = {}

    def add(self, number: int, fingerprint: bytes) -> None:
        self.remove(number)
        self._prints[number] = fingerprint
        for key in self._keys(fingerprint):
            insort(self._numbers.setdefault(key, []), number)

    def remove(self, number: int) -> None:
        for key in self._keys(self._prints.pop(number, b"")):
            self._numbers[key].remove(number)
            if not self._numbers[key]:
                del self._numbers[key]

    def in_reach(self, fingerprint: bytes) -> list[tuple[int, bytes]]:
        found = {number for key in self._keys(fingerprint) for number in self._numbers.get(key, ())[-DEPTH:]}
        return [(number, self._prints[number]) for number in found]

    def _keys(self, fingerprint: bytes) -> list[tuple[int, bytes]]:
        rows = self._rows
        return [(at, fingerprint[at : at + rows]) for at in range(0, len(fingerprint) - rows + 1, rows)]


def _bucket(key: bytes, size: int) -> int:
    """Which of `size` buckets, a power of two, a band leads to: the high bits of a multiplicative hash."""
    return (int.from_bytes(key, "big") * _HASH & _MOST) * size >> 32


def _equal(wanted: int, its: bytes) -> int:
    """How many bytes are equal."""
    return (wanted ^ int.from_bytes(its, "big")).to_bytes(WIDTH, "big").count(0)
