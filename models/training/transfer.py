"""A transfer set: texts that nobody labelled, made from those that a run learns from, for its teachers to answer.

To the texts that it was trained on a teacher mostly repeats their labels. What it knows beyond them shows in its
answers to others (Hinton, Vinyals and Dean, 2015; Beyer et al., "Knowledge distillation: a good teacher is patient
and consistent", 2022). Some of the texts have words replaced by words of other texts (Xie et al., "Data noising as
smoothing", 2017), the others are the beginning of one and the end of another. They are joined where both say the
same two words, or one, if they do: so most of what is made reads as if somebody had written it. Where a run asks
for it, some words then become others that stand near them (`models.training.near_words`).
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from models.training.augment import Augmenter, Edit, edited
from models.training.batches import UNKNOWN
from models.training.choices import Augment
from models.training.data import Example, Span
from models.training.near_words import NearWords

NAME = "newstide_transfer"

_WORD = re.compile(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+")
"""Chinese is written without blanks: there each character is a word."""
_REPLACED = 0.15
"""The share of words that become others: with many more, teachers would be asked about no language."""
_NOISED = 0.3
"""The share of texts with words replaced; the others are spliced."""
_Seam = tuple[str, tuple[str, ...]]
"""A set, and the words of its texts before a cut."""
_CHANGES = Augment(drop=0.08, numbers=0.5, names=0.5)


def transfer_set(
    examples: Sequence[Example],
    copies: int,
    seed: int,
    *,
    near: NearWords | None = None,
    near_share: float = 0.0,
) -> list[Example]:
    """`copies` texts for each of `examples`, with the places of its companies and without any label.

    The share `near_share` of them have words that became others `near` them. The same arguments give the same
    texts. One that is no new text is left out.
    """
    draw = random.Random(seed)  # noqa: S311 - changes of examples, no secret
    words = [word for example in examples for word in _WORD.findall(example.text)]
    augmenter = Augmenter(_CHANGES, examples)
    seams = _Seams(examples)
    found: list[Example] = []
    known = {example.text for example in examples}
    for _ in range(copies):
        for example in examples:
            made = _noised(example, words, draw) if draw.random() < _NOISED else seams.spliced(example, draw)
            made = augmenter.change(made, draw)
            if near and draw.random() < near_share:
                made = near.changed(made, draw)
            if made.text not in known:
                known.add(made.text)
                found.append(_unlabelled(made))
    return found


def _noised(example: Example, words: Sequence[str], draw: random.Random) -> Example:
    return edited(
        example,
        [
            Edit(*word.span(), draw.choice(words))
            for word in _WORD.finditer(example.text)
            if draw.random() < _REPLACED
        ],
    )


class _Seams:
    """Where texts of a set can be cut, by the words before the cut."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._places: dict[_Seam, list[tuple[int, int]]] = defaultdict(list)
        self._examples = examples
        for number, example in enumerate(examples):
            for place, before in _cuts(example):
                for words in _ways_to_say(before):
                    self._places[example.source, words].append((number, place))

    def spliced(self, one: Example, draw: random.Random) -> Example:
        """The beginning of `one` and the end of another, where both say the same before if that is a new text."""
        cuts = _cuts(one)
        if not cuts:
            return one
        cut, before = draw.choice(cuts)
        for words in _ways_to_say(before):
            number, begin = draw.choice(self._places[one.source, words])
            other = self._examples[number]
            made = _joined(one, cut, other, begin)
            if made.text not in (one.text, other.text):
                return made
        return one


def _ways_to_say(before: Sequence[str]) -> list[tuple[str, ...]]:
    """The last two words, the last one, and none: what an other text may say before it goes on."""
    said = tuple(word.lower() for word in before)
    return [said[-2:], said[-1:], ()]


def _joined(one: Example, cut: int, other: Example, begin: int) -> Example:
    """`one` up to `cut`, and `other` from `begin`."""
    moved = cut - begin

    def joined(before: Sequence[Span], after: Sequence[Span]) -> tuple[Span, ...]:
        return (
            *(span for span in before if span.end <= cut),
            *(
                replace(span, start=span.start + moved, end=span.end + moved)
                for span in after
                if span.start >= begin
            ),
        )

    return replace(
        one,
        text=one.text[:cut] + other.text[begin:],
        spans=joined(one.spans, other.spans),
        mentions=joined(one.mentions or (), other.mentions or ()),
    )


def _cuts(example: Example) -> list[tuple[int, tuple[str, ...]]]:
    """Where a word begins, but for the first one, outside of all names; and the two words before it."""
    named = [*example.spans, *(example.mentions or ())]
    words = list(_WORD.finditer(example.text))
    return [
        (word.start(), tuple(each.group() for each in words[max(0, number - 2) : number]))
        for number, word in enumerate(words)
        if number and not any(span.start < word.start() < span.end for span in named)
    ]


def _unlabelled(example: Example) -> Example:
    spans = tuple(replace(span, label=UNKNOWN) for span in example.spans)
    return Example(example.text, "entity", -1, NAME, spans)
