"""Which part of the data a text belongs to: decided by the text alone, near copies together.

News is copied and reworded. If a copy of a training text stood among the texts that measure, the measure would
flatter. Texts that share most of their word triples are put in one cluster, and the cluster is drawn as a whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Part = Literal["train", "tune", "dev"]

_BANDS, _ROWS = 8, 4
"""Texts meet in one cluster if all rows of any band agree: likely from a similarity of about 0.6 upwards."""
_MERSENNE = np.uint64((1 << 31) - 1)
_WORD = re.compile(r"[^\W\d_]+|\d+")
_TUNE_SHARE, _DEV_SHARE = 0.08, 0.12


def split_of(texts: Sequence[str]) -> list[Part]:
    """The part of each text, in order. The same texts give the same parts, whatever their order."""
    leaders = _leaders(texts)
    return [_part(leader) for leader in leaders]


def _part(leader: bytes) -> Part:
    # Hashed once more: the least digest of a large cluster is small, and would always fall on the same side.
    drawn = int.from_bytes(hashlib.blake2b(leader, digest_size=4).digest(), "big") / 2**32
    if drawn < _DEV_SHARE:
        return "dev"
    return "tune" if drawn < _DEV_SHARE + _TUNE_SHARE else "train"


def _leaders(texts: Sequence[str]) -> list[bytes]:
    """For each text the least digest in its cluster."""
    skeletons = [_skeleton(text) for text in texts]
    digests = [hashlib.blake2b(" ".join(words).encode(), digest_size=8).digest() for words in skeletons]
    parent = list(range(len(texts)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    met: dict[tuple[int, bytes], int] = {}
    for index, words in enumerate(skeletons):
        for band, key in enumerate(_band_keys(words)):
            parent[root(index)] = root(met.setdefault((band, key), index))
    least: dict[int, bytes] = {}
    for index, digest in enumerate(digests):
        top = root(index)
        least[top] = min(digest, least.get(top, digest))
    return [least[root(index)] for index in range(len(texts))]


def _skeleton(text: str) -> list[str]:
    """The words of a text without case, punctuation and the values of numbers."""
    return ["0" if word.isdigit() else word for word in _WORD.findall(text.lower())]


def _band_keys(words: Sequence[str]) -> list[bytes]:
    triples = {" ".join(words[start : start + 3]) for start in range(max(1, len(words) - 2))}
    hashes = (
        np.array(
            [
                int.from_bytes(hashlib.blake2b(triple.encode(), digest_size=4).digest(), "big")
                for triple in sorted(triples)
            ],
            dtype=np.uint64,
        )
        % _MERSENNE
    )
    least = ((hashes[:, None] * _FACTORS + _OFFSETS) % _MERSENNE).min(axis=0)
    return [row.tobytes() for row in least.reshape(_BANDS, _ROWS)]


def _draw(seed: int) -> NDArray[np.uint64]:
    drawn = np.random.default_rng(seed).integers(1, int(_MERSENNE), size=_BANDS * _ROWS)
    return drawn.astype(np.uint64)


_FACTORS, _OFFSETS = _draw(1), _draw(2)
