"""A text becomes 64 bytes that resemble those of its near copies.

A fingerprint is a MinHash: for each of 64 fixed permutations of all shingles, one byte of the least shingle that
the text holds. The share of bytes that two fingerprints have in common estimates the Jaccard similarity of the
two sets of shingles, with a standard error of about 0.06. It knows nothing of a model, so it is the same across
releases, machines and time; a change here changes what counts as a copy, and the test pins examples.

Shingles are the runs of four characters of the normalised text. A number, a weekday or a month counts eight
times more on top: headlines by template ("Stocks That Hit 52-Week Highs On Friday") differ in nothing else.
On real headlines, a share of `SAME_STORY` or more of equal bytes tells copies (cut, re-cased, prefixed, one word
changed) from other headlines.
"""

from __future__ import annotations

import re
import unicodedata
from zlib import crc32

import numpy as np
import numpy.typing as npt

SAME_STORY = 0.7
"""The share of equal bytes from which two headlines are held to tell one story (45 of 64)."""

PERMUTATIONS = 64
MAX_CHARS = 4_096
"""Only so much of a text is read, so that the cost is bounded."""

_SHINGLE = 4
_FIGURE_COPIES = 8

_Words64 = npt.NDArray[np.uint64]

_AGENCIES = (
    r"(?:thomson )?reuters|ap|associated press|afp|bloomberg(?: news)?|dow jones(?: newswires)?|dpa|upi"
    r"|marketwatch|cnbc|wsj|(?:the )?wall street journal|ft|(?:the )?financial times|barron['\u2019]?s|benzinga"
    r"|seeking alpha|(?:the )?motley fool|yahoo!? finance|business ?wire|pr ?newswire|globe ?newswire"
    r"|accesswire|investing|forbes"
)
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_LABEL = re.compile(
    r"(?:\s*(?:update|rpt|repeat|corrected|correction|refile|recast|wrapup|exclusive|breaking(?: news)?|alert"
    r"|flash|just in)(?:[ -]?\d{1,2})?\s*[-:\u2013\u2014|]+\s*)+"
)
_DATELINE = re.compile(rf"[^-\u2013\u2014()]{{0,40}}\((?:{_AGENCIES})\)\s*[-\u2013\u2014]+\s*")
_CREDIT = re.compile(rf"\s*(?:[-\u2013\u2014|]\s*(?:{_AGENCIES})(?:\.com)?|\((?:{_AGENCIES})\))\s*$")
_INSIDE = re.compile(r"(?<=\d)[.,](?=\d)|(?<=\b\w)\.(?=\w\b)|['\u2019](?:s\b)?")
_WORD = re.compile(r"[^\W_]+")
_DATES = """
    monday tuesday wednesday thursday friday saturday sunday yesterday today tomorrow january february march april
    may june july august september october november december
"""
_DATED = frozenset(_DATES.split())
"""Words that, like figures, are all that tells some headlines from another."""


def fingerprint(text: str) -> str:
    """The fingerprint of `text` in 128 hexadecimal digits. Any text has one, the empty text too."""
    words = normalise(text)
    shingles = _mixed(np.concatenate((_runs(f" {' '.join(words)} "), _figures(words))))
    # Multiply-shift over well mixed values: the high bits decide which shingle is least.
    least = ((shingles[:, None] ^ _SEEDS) * _FACTORS).min(axis=0)
    return _mixed(least).astype(np.uint8).tobytes().hex()


def normalise(text: str) -> list[str]:
    """The words of `text` that copies share: folded, without links, agency labels, credits and punctuation.

    A text of nothing but such things keeps its characters, so that two of them are not taken for one story.
    """
    folded = unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold()
    if "www." in folded or "://" in folded:
        folded = _LINK.sub(" ", folded)
    label = _LABEL.match(folded)
    bare = folded[label.end() :] if label else folded
    if "(" in bare:
        dateline = _DATELINE.match(bare)
        bare = bare[dateline.end() :] if dateline else bare
    bare = _CREDIT.sub("", bare)
    return _WORD.findall(_INSIDE.sub("", bare)) or folded.split() or [""]


def _runs(text: str) -> _Words64:
    """One number for each run of characters in `text`, which is no shorter than a run."""
    chars = np.frombuffer(text.ljust(_SHINGLE).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(
        np.uint64
    )
    count = len(chars) - _SHINGLE + 1
    total = np.zeros(count, dtype=np.uint64)
    for place in range(_SHINGLE):
        total = total * _BASE + chars[place : place + count]
    return total


def _figures(words: list[str]) -> _Words64:
    """The extra shingles of the words that tell headlines of one template apart."""
    figures = [word for word in words if word in _DATED or not word.isalpha()]
    sums = np.array([crc32(word.encode("utf-8", "surrogatepass")) for word in figures], dtype=np.uint64)
    return (sums[:, None] | _COPIES).ravel()


def _mixed(values: _Words64) -> _Words64:
    """Each of `values` turned into 64 bits that look random: the finaliser of SplitMix64."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_BASE = np.uint64(0x9E3779B97F4A7C15)
_COPIES = np.arange(1, _FIGURE_COPIES + 1, dtype=np.uint64) << np.uint64(32)
_SEEDS = _mixed(np.arange(1, PERMUTATIONS + 1, dtype=np.uint64) * _BASE)
_FACTORS = _mixed(np.arange(PERMUTATIONS + 1, 2 * PERMUTATIONS + 1, dtype=np.uint64) * _BASE) | np.uint64(1)
