"""A text in words with their places, and the style in which it is capitalised."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum


def word_set(text: str) -> frozenset[str]:
    """The words of `text` as a set."""
    return frozenset(text.split())


_TOKEN = re.compile(
    r"(?<![\w$])\$[A-Za-z]{1,6}(?:[.-][A-Za-z]{1,2})?(?!\w)|[^\W_\u3400-\u4dbf\u4e00-\u9fff]+|&"
)
_APOSTROPHES = frozenset("'\u2019")
_JOINS = frozenset((" ", "-", "\u2010", "\u2011", "\u2013", ".", ". ", "'", "\u2019", ""))
_SMALL = word_set(
    "a an and as at but by for from in into is it of off on or over per than the to up via vs with"
)
_ENDS = frozenset('.!?:;"\u201c\u201d|\u2014\u2013-(\u2022')
_TITLE_SHARE = 0.6


class Style(Enum):
    """How a text is capitalised, which says what a capital letter is worth as a sign of a name."""

    SENTENCE = "sentence"
    TITLE = "title"
    UPPER = "upper"


class Words:
    """The words of a text.

    `shown[i]` is a word as it stands, `keys[i]` the same folded for look-up, `starts[i]` and `ends[i]` its place
    in `text` in characters. Cashtags are one word with their dollar sign; an ampersand is a word. Chinese
    characters are none: `unspaced` reads them, and what stands between them is read here.
    """

    __slots__ = ("ends", "keys", "shown", "starts", "style", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        found = list(_TOKEN.finditer(text))
        self.shown = [match[0] for match in found]
        self.starts = [match.start() for match in found]
        self.ends = [match.end() for match in found]
        self.keys = [fold(word) for word in self.shown]
        self.style = _style_of(self.shown)

    def __len__(self) -> int:
        return len(self.shown)

    def key(self, i: int) -> str:
        """The folded word at `i`, or an empty one where the text has none there."""
        return self.keys[i] if 0 <= i < len(self.keys) else ""

    def gap(self, i: int) -> str:
        """What stands between the words `i - 1` and `i`."""
        return self.text[self.ends[i - 1] : self.starts[i]] if 0 < i < len(self.starts) else "."

    def ends_figure(self, i: int) -> bool:
        """Whether the word at `i` goes on from a figure or a sign of currency, as the 3M of $1.3M does."""
        start = self.starts[i]
        return start > 0 and self.text[start - 1] in ".,$€£-"

    def joined(self, i: int, j: int) -> bool:
        """Whether the words from `i` up to `j` stand together as the words of one name do."""
        return all(self.text[self.ends[k] : self.starts[k + 1]] in _JOINS for k in range(i, j - 1))

    def capitalised(self, i: int) -> bool:
        """Whether there is a word at `i` that begins with a capital letter."""
        return 0 <= i < len(self.shown) and self.shown[i][0].isupper()

    def opens_sentence(self, i: int) -> bool:
        """Whether the word at `i` begins the text, a sentence, a quotation or what follows a colon or dash."""
        gap = self.gap(i)
        return i == 0 or (gap != "-" and not _ENDS.isdisjoint(gap))

    def after_possessive(self, j: int) -> int:
        """Where the text goes on after a name that ends before `j`: past its 's, if it has one."""
        return j + 1 if self.key(j) == "s" and self.gap(j) in _APOSTROPHES else j


def fold(word: str) -> str:
    """`word` as it is looked up: without case and accents; "and" is "&"."""
    folded = word.casefold()
    if not folded.isascii():
        folded = "".join(
            char for char in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(char)
        )
    return "&" if folded == "and" else folded


def _style_of(shown: list[str]) -> Style:
    telling = [word for word in shown[1:] if word[0].isalpha() and word.casefold() not in _SMALL]
    if shown and all(word.upper() == word for word in shown):
        return Style.UPPER
    capitals = sum(word[0].isupper() for word in telling)
    if len(telling) > 1 and capitals >= _TITLE_SHARE * len(telling):
        return Style.TITLE
    return Style.SENTENCE
