"""Other ways to make a fingerprint, to hold the one in use against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt

from stream.score.fingerprint import VERSION, fingerprint, normalise, shingles_of

SIMHASH = "SimHash"
"""How the names of recipes begin whose bits are compared, not their bytes."""

Hashes = npt.NDArray[np.uint64]


def _mixed(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _hashes(shingles: Sequence[str]) -> Hashes:
    return np.array(
        [crc32(each.encode("utf-8", "surrogatepass")) for each in dict.fromkeys(shingles)], dtype=np.uint64
    )


def _words(text: str, run: int) -> Hashes:
    words = normalise(text)
    return _hashes([" ".join(words[at : at + run]) for at in range(max(1, len(words) - run + 1))])


def _chars(text: str, run: int) -> Hashes:
    line = f" {' '.join(normalise(text))} "
    return _hashes([line[at : at + run] for at in range(max(1, len(line) - run + 1))])


def minhash(hashes: Hashes, size: int) -> bytes:
    """A MinHash of `size` bytes."""
    seeds = _mixed(np.arange(1, size + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    return _mixed(_mixed(hashes[:, None] ^ seeds).min(axis=0)).astype(np.uint8).tobytes()


def simhash(hashes: Hashes, size: int) -> bytes:
    """A SimHash (Charikar 2002) of `size` bytes; its bits are compared one by one."""
    lanes = np.arange(1, size // 8 + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits = np.unpackbits(_mixed(hashes[:, None] ^ lanes).view(np.uint8), axis=1)
    return np.packbits(2 * bits.sum(axis=0) > len(hashes)).tobytes()


Recipe = Callable[[str], bytes]

RECIPES: Mapping[str, Recipe] = {
    f"newstide v{VERSION}, 64 bytes": lambda text: bytes.fromhex(fingerprint(text)),
    "newstide's shingles, 32 bytes": lambda text: minhash(shingles_of(text), 32),
    "newstide's shingles, 128 bytes": lambda text: minhash(shingles_of(text), 128),
    "words": lambda text: minhash(_words(text, 1), 64),
    "runs of 2 words": lambda text: minhash(_words(text, 2), 64),
    "runs of 3 words": lambda text: minhash(_words(text, 3), 64),
    "runs of 4 characters": lambda text: minhash(_chars(text, 4), 64),
    "runs of 2 characters": lambda text: minhash(_chars(text, 2), 64),
    f"{SIMHASH} 64, words": lambda text: simhash(_words(text, 1), 64),
    f"{SIMHASH} 64, newstide's shingles": lambda text: simhash(shingles_of(text), 64),
}
"""The recipes that are compared; the first is the one in use."""
