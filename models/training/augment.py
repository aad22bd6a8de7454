"""Training texts changed a little, so that what is learned does not hang on single words."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from models.tasks import MENTIONS
from models.training.choices import Augment
from models.training.data import Example, Span
from models.training.lexicon_chinese import said_in_chinese

_WORD = re.compile(r"\S+")
_NUMBER = re.compile(r"\d+")
_TICKER = re.compile(r"\$[A-Z]{1,6}\b")
_LEAST_WORDS = 4
"""Texts of fewer words are left whole: one word less may be all that they said."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The characters [start, end) become `text`."""

    start: int
    end: int
    text: str


class Augmenter:
    """Changes examples by `chances`; names and tickers come from those in `examples`."""

    def __init__(self, chances: Augment, examples: Sequence[Example]) -> None:
        self._chances = chances
        organisation = MENTIONS.index("ORG")
        self._names = sorted(
            {
                example.text[span.start : span.end]
                for example in examples
                for span in (
                    *(span for span in example.spans if span.label >= 0),
                    *(mention for mention in example.mentions or () if mention.label == organisation),
                )
            }
        )
        self._tickers = sorted({found for example in examples for found in _TICKER.findall(example.text)})

    def change(self, example: Example, draw: random.Random) -> Example:
        """`example`, changed as `draw` has it."""
        example = edited(example, self._other_names(example, draw), over_names=True)
        for changes in (self._other_numbers, self._without_words, self._swapped_words, self._in_chinese):
            example = edited(example, changes(example, draw))
        return example

    def _other_names(self, example: Example, draw: random.Random) -> list[Edit]:
        """Companies under other names. One that the text names twice keeps its name, or it would have two."""
        if not self._names or draw.random() >= self._chances.names:
            return []
        organisation = MENTIONS.index("ORG")
        kinds = {(mention.start, mention.end): mention.label for mention in example.mentions or ()}
        places = {(span.start, span.end) for span in example.spans if span.label >= 0} | {
            place for place, kind in kinds.items() if kind == organisation
        }
        return [
            Edit(start, end, draw.choice(self._names))
            for start, end in sorted(places)
            if example.text.count(example.text[start:end]) == 1
            and kinds.get((start, end), organisation) == organisation
        ]

    def _other_numbers(self, example: Example, draw: random.Random) -> list[Edit]:
        if draw.random() >= self._chances.numbers:
            return []
        tickers = [
            Edit(*found.span(), draw.choice(self._tickers))
            for found in _TICKER.finditer(example.text)
            if self._tickers
        ]
        return tickers + [
            Edit(*found.span(), _digits_like(found.group(), draw)) for found in _NUMBER.finditer(example.text)
        ]

    def _without_words(self, example: Example, draw: random.Random) -> list[Edit]:
        words = list(_WORD.finditer(example.text))
        if not self._chances.drop or len(words) < _LEAST_WORDS:
            return []
        # A word goes with the blank before it, the first one with the blank after it.
        blank_before = [(max(0, word.start() - 1), word.end()) for word in words]
        blank_before[0] = (0, words[1].start())
        return [Edit(*place, "") for place in blank_before if draw.random() < self._chances.drop]

    def _swapped_words(self, example: Example, draw: random.Random) -> list[Edit]:
        words = list(_WORD.finditer(example.text))
        edits: list[Edit] = []
        for one, other in pairwise(words):
            free = not edits or edits[-1].end <= one.start()
            if free and draw.random() < self._chances.swap:
                blank = example.text[one.end() : other.start()]
                edits.append(Edit(one.start(), other.end(), f"{other.group()}{blank}{one.group()}"))
        return edits

    def _in_chinese(self, example: Example, draw: random.Random) -> list[Edit]:
        if not self._chances.chinese or draw.random() >= self._chances.chinese:
            return []
        return [Edit(*told) for told in said_in_chinese(example.text, draw)]


def _digits_like(number: str, draw: random.Random) -> str:
    """Other digits, as many; the first one is 0 where it was 0."""
    first = number[0] if number[0] == "0" else draw.choice("123456789")
    return first + "".join(draw.choice("0123456789") for _ in number[1:])


def edited(example: Example, edits: Sequence[Edit], *, over_names: bool = False) -> Example:
    """`example` with those `edits` that leave its spans and mentions whole, each where it now stands.

    An edit counts if it meets no span or mention (with `over_names`, if it covers one exactly) and no edit before
    it; and none does if they would leave nothing of the text.
    """
    spans = [*example.spans, *(example.mentions or ())]
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        apart = all(
            (over_names and (span.start, span.end) == (edit.start, edit.end))
            or span.end <= edit.start
            or span.start >= edit.end
            for span in spans
        )
        if apart and (not kept or kept[-1].end <= edit.start):
            kept.append(edit)
    text, last = "", 0
    for edit in kept:
        text += example.text[last : edit.start] + edit.text
        last = edit.end
    text += example.text[last:]
    if not kept or not text.strip():
        return example
    return replace(
        example,
        text=text,
        spans=tuple(_moved(span, kept) for span in example.spans),
        mentions=None if example.mentions is None else tuple(_moved(span, kept) for span in example.mentions),
    )


def _moved(span: Span, edits: Sequence[Edit]) -> Span:
    before = sum(len(edit.text) - (edit.end - edit.start) for edit in edits if edit.end <= span.start)
    within = sum(
        len(edit.text) - (edit.end - edit.start)
        for edit in edits
        if span.start <= edit.start and edit.end <= span.end and edit.end > span.start
    )
    return replace(span, start=span.start + before, end=span.end + before + within)
