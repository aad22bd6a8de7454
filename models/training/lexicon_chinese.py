"""English words of the news said in Chinese, by a lexicon of our own (`lexicon_chinese.csv`)."""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files
from io import StringIO
from random import Random

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9&.'-]*[A-Za-z0-9]|[A-Za-z]")
_LONGEST = 3
"""The most words that the lexicon knows as one."""
_SAID = 0.8
"""The share of the known words that are said in Chinese: others stay, so that both kinds stand side by side."""


@cache
def lexicon() -> dict[str, tuple[str, ...]]:
    """What each English word, or some words together, can be called in Chinese; English in small letters."""
    text = (files(__package__) / "lexicon_chinese.csv").read_text(encoding="utf-8")
    return {
        english: tuple(row["chinese"].split("|"))
        for row in csv.DictReader(StringIO(text, newline=""))
        for english in row["english"].split("|")
    }


def said_in_chinese(text: str, draw: Random) -> list[tuple[int, int, str]]:
    """Which characters [start, end) of `text` are said how, of those words that the lexicon knows, as drawn.

    A blank between two words that are both said in Chinese goes with the second: Chinese is written without.
    """
    known, words = lexicon(), list(_WORD.finditer(text))
    found: list[tuple[int, int, str]] = []
    place = 0
    while place < len(words):
        start = words[place].start()
        for count in range(min(_LONGEST, len(words) - place), 0, -1):
            end = words[place + count - 1].end()
            chinese = known.get(text[start:end].lower())
            if chinese:
                if draw.random() < _SAID:
                    before = found[-1][1] if found else 0
                    joined = found and not text[before:start].strip(" ")
                    found.append((before if joined else start, end, draw.choice(chinese)))
                break
        place += count
    return found
