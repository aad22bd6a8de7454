"""A text becomes 64 bytes that resemble those of its near copies.

The first 63 bytes are a MinHash (Broder 1997): for each of 63 fixed permutations of all shingles, one byte of the
least shingle that the text holds. The share of bytes that two fingerprints have in common estimates the weighted
Jaccard similarity of the two sets of shingles, with a standard error of about 0.06. It knows nothing of a model,
so it is the same across releases, machines and time. The last byte is the `VERSION` of this recipe: prints of two
versions share next to no other byte either, so while two releases run side by side none is taken for a copy of
the other's. A change here changes what counts as a copy: raise the version. The test pins examples.

The shingles are words, and pairs of neighbours, weighted by what they tell: headlines by template ("UBS maintains
Buy on Acme, raises price target to $87") differ in a name or a figure, while retold ones differ in the template's
own words. So a figure, a weekday or a month counts eight times as much as a word of trade, a name four times.
Writing without spaces (Chinese, Japanese, Thai) is cut into runs of two characters, which count twice. Figures
are brought to one form before ("$1.20 billion" is "1.2b", "second quarter" is "q2"). `newstide bench novelty`
measures all this against other shingles and sizes.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

SAME_STORY = 0.75
"""The share of equal bytes from which two headlines are held to tell one story (48 of 64)."""

VERSION = 2
PERMUTATIONS = 63
MAX_CHARS = 4_096
"""Only so much of a text is read, so that the cost is bounded."""

_FIGURE, _NAME, _PART, _COMMON, _PAIR = 16, 8, 4, 2, 1
"""How often a shingle stands in the set, by what it is."""

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
_SITE = re.compile(r"(?<=\w) +\| +[^|\d]{1,40}$")
_CREDIT = re.compile(rf"\s*(?:[-\u2013\u2014|]\s*(?:{_AGENCIES})(?:\.com)?|\((?:{_AGENCIES})\))\s*$")
_CUT = re.compile(r"(?<!\s)\s+[^\W_]*\.{3,}\s*$")
"""The ellipsis of a portal that cuts headlines to a length, with the word that it cut into."""
_INSIDE = re.compile(r"(?<=\d),(?=\d)|(?<=\b\w)\.(?=\w\b)(?<!\d\.)|['\u2019](?:s\b)?")
_WORD = re.compile(r"[^\W_]+(?:(?<=\d)\.\d[^\W_]*)*")
_ORDINALS = ("first", "second", "third", "fourth")
_QUARTER = re.compile(rf"\b({'|'.join(_ORDINALS)})[ -]quarter\b")
_TARGET = re.compile(r"\bprice target\b")
_ESTIMATE = re.compile(r"\bestimates?\b")
_DIGIT = re.compile(r"\d")
_UNITS = {
    **dict.fromkeys(("thousand",), "k"),
    **dict.fromkeys(("million", "mln", "mn"), "m"),
    **dict.fromkeys(("billion", "bln", "bn"), "b"),
    **dict.fromkeys(("trillion", "tn"), "t"),
    **dict.fromkeys(("percent", "per cent", "pct"), "%"),
}
_UNIT = re.compile(rf"(?<=\d)\s*-?({'|'.join(_UNITS)})\b")
_ZEROS = re.compile(r"(\d)(?:\.0+|(\.\d*?[1-9])0+)(?!\d)")
_RUN = 2
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_PIECE = re.compile(
    "[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|[^\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
_DATES = """
    monday tuesday wednesday thursday friday saturday sunday yesterday today tomorrow january february march april
    may june july august september october november december
"""
_DATED = frozenset(_DATES.split())
"""Words that, like figures, are all that tells some headlines from another."""

_TRADE = """
    a an and as at by for from in into of on or the to with after amid over under than vs its is are was
    be has have will may up down out off new said says see sees expects expect stock stocks share shares
    price target pt rating buy sell hold neutral outperform overweight underperform underweight perform
    market equal weight raises raise raised lifts hikes boosts lowers lower lowered cuts cut trims slashes
    maintains maintain reiterates upgrades upgrade upgraded downgrades downgrade downgraded initiates
    initiate initiated coverage announces announce announced unveils reports report reported posts eps adj
    sales revenue revenues est results earnings quarter year guidance outlook view beats beat tops misses
    miss rev names appoints acquire acquires deal agreement rises falls climbs drops higher moving trading
    session update inc corp corporation company co ltd plc group holdings
"""
_COMMON_WORDS = frozenset(_TRADE.split())
"""Words that headlines of all kinds share, or that one retelling puts in the place of another."""


def fingerprint(text: str) -> str:
    """The fingerprint of `text` in 128 hexadecimal digits. Any text has one, the empty text too."""
    shingles = _mixed(shingles_of(text))
    # Multiply-shift over well mixed values: the high bits decide which shingle is least.
    least = ((shingles[:, None] ^ _SEEDS) * _FACTORS).min(axis=0)
    return _mixed(least).astype(np.uint8).tobytes().hex() + f"{VERSION:02x}"


def normalise(text: str) -> list[str]:
    """The words of `text` that copies share: folded, without links, agency labels, credits and punctuation.

    A text of nothing but such things keeps its characters, so that two of them are not taken for one story.
    """
    # Single blanks, so that no pattern looks for its start in long runs of them.
    folded = " ".join(unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold().split())
    if "www." in folded or "://" in folded:
        folded = _LINK.sub(" ", folded)
    label = _LABEL.match(folded)
    bare = folded[label.end() :] if label else folded
    if "(" in bare:
        dateline = _DATELINE.match(bare)
        bare = bare[dateline.end() :] if dateline else bare
    bare = _CUT.sub("", _CREDIT.sub("", _SITE.sub("", bare)))
    return _WORD.findall(_INSIDE.sub("", _in_one_form(bare))) or folded.split() or [""]


def _in_one_form(text: str) -> str:
    """`text` with its quarters, units and round figures written as most wires write them."""
    text = _QUARTER.sub(lambda found: f"q{_ORDINALS.index(found[1]) + 1}", text)
    text = _TARGET.sub("pt", _ESTIMATE.sub("est", text))
    if not _DIGIT.search(text):
        return text
    text = _UNIT.sub(lambda found: _UNITS[found[1]], text)
    return _ZEROS.sub(r"\1\2", text)


def shingles_of(text: str) -> _Words64:
    """A number for each shingle of `text`, as often as it counts; the copies of one shingle differ."""
    words = [part for word in normalise(text) for part in _parts(word)]
    weighed = {word: _weight(word) for word in words} | {
        f"{one} {two}": _PAIR for one, two in pairwise(words)
    }
    sums = np.array([crc32(shingle.encode("utf-8", "surrogatepass")) for shingle in weighed], dtype=np.uint64)
    weights = np.array(list(weighed.values()))
    # The copies of one shingle are numbered 1, 2, 3 ... in the high half.
    ends = np.cumsum(weights)
    number = np.arange(1, ends[-1] + 1) - np.repeat(ends - weights, weights)
    copies: _Words64 = np.repeat(sums, weights) | (number.astype(np.uint64) << np.uint64(32))
    return copies


def _parts(word: str) -> list[str]:
    """A word as it is; of writing without spaces, its runs of two characters, and figures whole."""
    if word.isascii() or not _UNSPACED.search(word):
        return [word]
    found: list[str] = []
    for run in _PIECE.findall(word):
        if len(run) > _RUN and _UNSPACED.match(run):
            found += [run[at : at + _RUN] for at in range(len(run) - _RUN + 1)]
        else:
            found.append(run)
    return found


def _weight(word: str) -> int:
    if word in _DATED or not word.isalpha():
        return _FIGURE
    if not word.isascii() and _UNSPACED.match(word):
        return _PART
    return _COMMON if word in _COMMON_WORDS else _NAME


def _mixed(values: _Words64) -> _Words64:
    """Each of `values` turned into 64 bits that look random: the finaliser of SplitMix64."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_BASE = np.uint64(0x9E3779B97F4A7C15)
_FIRST = VERSION << 32
"""Each version draws permutations of its own, so that two of them agree in nothing."""
_DRAWN = _mixed(np.arange(_FIRST, _FIRST + 2 * PERMUTATIONS, dtype=np.uint64) * _BASE)
_SEEDS, _FACTORS = _DRAWN[:PERMUTATIONS], _DRAWN[PERMUTATIONS:] | np.uint64(1)
