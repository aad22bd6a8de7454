"""Pieces of a text: from characters of a text as it came to tokens as the model reads them, exactly."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from models.text import normalise_with_origins

Offsets = Sequence[tuple[int, int]]
"""The characters [start, end) that each token stands for, as a tokenizer tells them; (0, 0) for its marks."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text as the model reads it, and where each of its characters came from.

    `origins` has one number more than `text` has characters: the place in the original of each, and its length.
    """

    text: str
    origins: tuple[int, ...] | None

    @classmethod
    def of(cls, text: str) -> Normalised:
        """`text`, normalised as in serving."""
        clean, origins = normalise_with_origins(text)
        return cls(clean, origins)

    def place_of(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the normalised text that the original's characters [start, end) became.

        Empty (both the same) where nothing is left of them.
        """
        if self.origins is None:
            return start, end
        last = len(self.origins) - 1
        return bisect_left(self.origins, start, 0, last), bisect_left(self.origins, end, 0, last)

    def origin_of(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the original that became the normalised text's characters [start, end)."""
        if self.origins is None or start >= end:
            return start, end
        # What the last character came from may have become several: it reaches to where the next one begins.
        last = self.origins[end - 1]
        while end < len(self.origins) - 1 and self.origins[end] == last:
            end += 1
        return self.origins[start], self.origins[end]


def tokens_of(offsets: Offsets, start: int, end: int) -> tuple[int, int] | None:
    """The tokens [first, after] that stand for any of the characters [start, end).

    None where there is no such token, because the text was cut before it or nothing is there.
    """
    first = after = -1
    for number, (begins, ends) in enumerate(offsets):
        if max(begins, start) < min(ends, end):
            if first < 0:
                first = number
            after = number + 1
    return None if first < 0 else (first, after)


def find_mention(text: str, mention: str) -> tuple[int, int] | None:
    """Where `mention` stands in `text`: as a whole word if it can, else anywhere; case counts if it can.

    Both are compared as given; the first occurrence of the best kind is taken, None where there is none.
    """
    if not mention:
        return None
    for told, wanted in ((text, mention), (text.lower(), mention.lower())):
        if len(told) != len(text):  # lower case changed the length: places would be off
            continue
        places = _occurrences(told, wanted)
        whole = [place for place in places if stands_alone(told, place, place + len(wanted))]
        if whole or places:
            place = (whole or places)[0]
            return place, place + len(wanted)
    return None


def _occurrences(text: str, wanted: str) -> list[int]:
    found, place = [], text.find(wanted)
    while place >= 0:
        found.append(place)
        place = text.find(wanted, place + 1)
    return found


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether the characters [start, end) are no part of a longer word; Chinese has no such words."""
    return not (start and _joins(text[start - 1]) and _joins(text[start])) and not (
        end < len(text) and _joins(text[end]) and _joins(text[end - 1])
    )


def _joins(character: str) -> bool:
    return character.isalnum() and (character.isascii() or unicodedata.category(character) != "Lo")


def spans_of_tags(tags: Sequence[str], offsets: Offsets) -> list[tuple[str, int, int]]:
    """The mentions that BIO tags tell, as kind, start and end in characters.

    An `I-` that follows no token of its kind begins a mention; tokens without characters end none and begin none.
    """
    found: list[tuple[str, int, int]] = []
    open_kind = ""
    for tag, (start, end) in zip(tags, offsets, strict=True):
        if start == end:
            continue
        mark, _, kind = tag.partition("-")
        if mark == "O" or not kind:
            open_kind = ""
        elif mark == "I" and kind == open_kind:
            found[-1] = (kind, found[-1][1], end)
        else:
            found.append((kind, start, end))
            open_kind = kind
    return found


def names_in(text: str, tags: Sequence[str], offsets: Offsets) -> list[tuple[str, int, int]]:
    """The names that BIO tags tell, as kind, start and end in characters of `text`: only whole words.

    A word has the tag of its first token; Chinese has no words, there each token stands for itself. Neighbours of
    one kind with nothing but a blank between them are one name. A name has a capital, or letters that know none; a
    single word with a figure in it, such as a quarter, is none.
    """
    found: list[tuple[str, int, int]] = []
    word, reached = "O", -1
    joins = str.isalnum if text.isascii() else _joins
    # Most words are no names, so they cost one look each: this runs for every text that is scored.
    for tag, (begin, end) in zip(tags, offsets, strict=True):
        if tag == word == "O":
            if begin < end:
                reached = end
            continue
        start = begin
        while start < end and text[start].isspace():  # some tokens begin with the blank before their word
            start += 1
        if start == end:
            continue
        if start == reached and joins(text[start]) and joins(text[start - 1]):
            reached = end
            if word != "O":
                found[-1] = (*found[-1][:2], end)
            continue
        before, word, reached = word, tag, end
        if tag == "O":
            continue
        mark, _, kind = tag.partition("-")
        if before.endswith(f"-{kind}") and (mark == "I" or text[found[-1][2] : start] == " "):
            found[-1] = (*found[-1][:2], end)
        else:
            found.append((kind, start, end))
    return [each for each in found if _is_name(text[each[1] : each[2]])]


def _is_name(told: str) -> bool:
    if told.isascii() and told.isalpha():  # most are one word, and this says the same in a tenth of the time
        return not told.islower()
    if " " not in told and any(character.isdigit() for character in told):
        return False
    return any(character.isalpha() and not character.islower() for character in told)


def mentions_like(text: str) -> list[tuple[int, int]]:
    """The characters of what a sentence seems to be about: its first words that begin with capitals."""
    match = _NAME.search(text)
    return [match.span()] if match else []


_NAME = re.compile(r"[A-Z]\w*(?: [A-Z]\w*)*")
