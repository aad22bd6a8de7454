"""Which remembered fingerprints are nearly the same as a new one?

The share of equal bytes is counted against every remembered fingerprint, exactly, with no index that could miss
one. Few are compared one by one as integers; many at once, as the rows of a byte matrix, which at 4,096 costs
less than the candidates of a banded index that misses nothing at a likeness just above one half.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDTH = 64
_FEW = 16


class Likeness:
    """The fingerprints of one series' stories, each under its story's number. Bounded by who adds and removes."""

    def __init__(self, share: float) -> None:
        self._least = int(-(-share * WIDTH // 1))
        self._prints: dict[int, bytes] = {}
        self._numbers: dict[int, int] = {}
        self._matrix: NDArray[np.uint8] | None = None
        self._column_of: dict[int, int] = {}
        self._owner: list[int] = []
        self._free: list[int] = []

    def add(self, number: int, fingerprint: bytes) -> None:
        """Remember `fingerprint` under `number`, in the place of the one that it had."""
        if number in self._prints:
            self.remove(number)
        self._prints[number] = fingerprint
        self._numbers[number] = int.from_bytes(fingerprint, "big")
        if self._matrix is not None:
            self._matrix = self._place(self._matrix, number, fingerprint)
        elif len(self._prints) > _FEW:
            matrix = np.zeros((WIDTH, 0), dtype=np.uint8)
            for known, its in self._prints.items():
                matrix = self._place(matrix, known, its)
            self._matrix = matrix

    def remove(self, number: int) -> None:
        """Forget the fingerprint under `number`."""
        del self._prints[number], self._numbers[number]
        if self._matrix is not None:
            column = self._column_of.pop(number)
            self._owner[column] = -1
            self._free.append(column)

    def near(self, fingerprint: bytes) -> list[int]:
        """The numbers of all that are like `fingerprint`: the likest first, among equals the oldest."""
        if self._matrix is None:
            wanted = int.from_bytes(fingerprint, "big")
            shares = [
                (-(wanted ^ its).to_bytes(WIDTH, "big").count(0), number)
                for number, its in self._numbers.items()
            ]
            return [number for share, number in sorted(shares) if -share >= self._least]
        row = np.frombuffer(fingerprint, dtype=np.uint8).reshape(WIDTH, 1)
        equal = np.add.reduce((self._matrix == row).view(np.uint8), axis=0, dtype=np.uint8)
        found = [
            (-int(equal[column]), self._owner[column])
            for column in np.flatnonzero(equal >= self._least).tolist()
            if self._owner[column] >= 0
        ]
        return [number for _, number in sorted(found)]

    def _place(self, matrix: NDArray[np.uint8], number: int, fingerprint: bytes) -> NDArray[np.uint8]:
        """The matrix with one more column in use; it doubles when none is free."""
        if not self._free:
            size = matrix.shape[1]
            more = max(size, 4 * _FEW)
            matrix = np.concatenate([matrix, np.zeros((WIDTH, more), dtype=np.uint8)], axis=1)
            self._free = list(range(size + more - 1, size - 1, -1))
            self._owner += [-1] * more
        column = self._free.pop()
        matrix[:, column] = np.frombuffer(fingerprint, dtype=np.uint8)
        self._column_of[number] = column
        self._owner[column] = number
        return matrix
