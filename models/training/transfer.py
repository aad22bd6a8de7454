"""A transfer set: texts that nobody labelled, made from those that a run learns from, for its teachers to answer.

To the texts that it was trained on a teacher mostly repeats their labels. What it knows beyond them shows in its
answers to others (Hinton, Vinyals and Dean, 2015; Beyer et al., "Knowledge distillation: a good teacher is patient
and consistent", 2022). Half of the texts have words replaced by words of other texts (Xie et al., "Data noising as
smoothing", 2017), half are the beginning of one and the end of another.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from models.training.augment import Augmenter, Edit, edited
from models.training.batches import UNKNOWN
from models.training.choices import Augment
from models.training.data import Example, Span

NAME = "newstide_transfer"

_WORD = re.compile(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+")
"""Chinese is written without blanks: there each character is a word."""
_REPLACED = 0.15
"""The share of words that become others: with many more, teachers would be asked about no language."""
_NOISED = 0.5
"""The share of texts with words replaced; the others are spliced."""
_CHANGES = Augment(drop=0.08, numbers=0.5, names=0.5)


def transfer_set(examples: Sequence[Example], copies: int, seed: int) -> list[Example]:
    """`copies` texts for each of `examples`, with the places of its companies and without any label.

    The same arguments give the same texts. One that is no new text is left out.
    """
    draw = random.Random(seed)  # noqa: S311 - changes of examples, no secret
    words = [word for example in examples for word in _WORD.findall(example.text)]
    augmenter = Augmenter(_CHANGES, examples)
    like: dict[str, list[Example]] = {}
    for example in examples:
        like.setdefault(example.source, []).append(example)
    found: list[Example] = []
    known = {example.text for example in examples}
    for _ in range(copies):
        for example in examples:
            made = (
                _noised(example, words, draw)
                if draw.random() < _NOISED
                else _spliced(example, draw.choice(like[example.source]), draw)
            )
            made = augmenter.change(made, draw)
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


def _spliced(one: Example, other: Example, draw: random.Random) -> Example:
    """The beginning of `one` and the end of `other`, each cut between two words that are not in one name."""
    cuts, begins = _cuts(one), _cuts(other)
    if not cuts or not begins:
        return one
    cut, begin = draw.choice(cuts), draw.choice(begins)
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


def _cuts(example: Example) -> list[int]:
    """Where a word begins, but for the first one, outside of all names."""
    named = [*example.spans, *(example.mentions or ())]
    return [
        word.start()
        for word in _WORD.finditer(example.text)
        if word.start() and not any(span.start < word.start() < span.end for span in named)
    ]


def _unlabelled(example: Example) -> Example:
    spans = tuple(replace(span, label=UNKNOWN) for span in example.spans)
    return Example(example.text, "entity", -1, NAME, spans)
