"""Batches for training: texts of like length together, in an order drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.spans import Offsets, tokens_of
from models.tasks import MENTIONS, TAGS, TASKS, HeadName
from models.training.data import Example
from models.training.network import Spans

UNKNOWN = -100
"""The label of a task that a text has no label for; the loss leaves it out."""


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """The tokens [first, after) of an entity, with the index of the sentiment towards it."""

    first: int
    after: int
    label: int


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example with the ids of its tokens, its entities among them, and the index of a tag for each token.

    `origin` is the text that it was before it was changed for training; empty where it was not.
    """

    ids: tuple[int, ...]
    example: Example
    spans: tuple[TokenSpan, ...] = ()
    tags: tuple[int, ...] | None = None
    origin: str = ""

    def labels(self, task: HeadName) -> list[int]:
        """The labels that the model is held against: of the text, of each entity, or of each token."""
        if task == "entity":
            return [span.label for span in self.spans]
        if task == "ner":
            return list(self.tags or ())
        return [self.example.label] if self.example.task == task and self.example.label >= 0 else []


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded token ids with their mask; for each head the labels (or `UNKNOWN`); and each text's set.

    The labels of `sentiment` and `topic` are [texts], of `entity` [spans], of `ner` [texts, tokens].
    """

    input_ids: Tensor
    attention_mask: Tensor
    spans: Spans
    labels: dict[HeadName, Tensor]
    sources: tuple[str, ...]
    items: tuple[Encoded, ...]


def encode(tokenizer: Tokenizer, examples: Sequence[Example]) -> list[Encoded]:
    """The examples with their tokens, in the same order; cut where the tokenizer cuts, with what lies beyond."""
    encodings = tokenizer.encode_batch([example.text for example in examples])
    return [
        Encoded(
            tuple(encoding.ids),
            example,
            _token_spans(example, encoding.offsets),
            _tags(example, encoding.offsets),
        )
        for encoding, example in zip(encodings, examples, strict=True)
    ]


def _token_spans(example: Example, offsets: Offsets) -> tuple[TokenSpan, ...]:
    places = ((tokens_of(offsets, span.start, span.end), span.label) for span in example.spans)
    return tuple(TokenSpan(*place, label) for place, label in places if place)


def _tags(example: Example, offsets: Offsets) -> tuple[int, ...] | None:
    """A tag for each token; `UNKNOWN` for the tokenizer's marks, and for what may be a name nobody labelled."""
    if example.mentions is None:
        return None
    text = example.text
    tags = [UNKNOWN] * len(offsets)
    for number, (start, end) in enumerate(offsets):
        if start < end and (example.exhaustive or not _may_be_named(text, start)):
            tags[number] = 0
    for mention in example.mentions:
        place = tokens_of(offsets, mention.start, mention.end)
        if place:
            kind = MENTIONS[mention.label]
            tags[place[0]] = TAGS.index(f"B-{kind}")
            tags[place[0] + 1 : place[1]] = [TAGS.index(f"I-{kind}")] * (place[1] - place[0] - 1)
    return tuple(tags)


def _may_be_named(text: str, place: int) -> bool:
    """Whether the word around `place` begins with a capital, as names do."""
    while place < len(text) and text[place].isspace():  # some tokens begin with the blank before their word
        place += 1
    begins = text.rfind(" ", 0, place + 1) + 1
    return any(character.isupper() for character in text[begins : place + 1])


def collate(encoded: Sequence[Encoded]) -> Batch:
    """One batch, padded on the right to its longest text."""
    longest = max(len(item.ids) for item in encoded)
    ids = torch.zeros(len(encoded), longest, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    tags = torch.full_like(ids, UNKNOWN)
    for row, item in enumerate(encoded):
        ids[row, : len(item.ids)] = torch.tensor(item.ids)
        mask[row, : len(item.ids)] = 1
        if item.tags is not None:
            tags[row, : len(item.ids)] = torch.tensor(item.tags)
    labels: dict[HeadName, Tensor] = {
        task: torch.tensor([next(iter(item.labels(task)), UNKNOWN) for item in encoded]) for task in TASKS
    }
    labels["entity"] = torch.tensor(
        [span.label for item in encoded for span in item.spans], dtype=torch.int64
    )
    labels["ner"] = tags
    return Batch(
        ids,
        mask,
        spans_in([item.spans for item in encoded], longest),
        labels,
        tuple(item.example.source for item in encoded),
        tuple(encoded),
    )


def spans_in(texts: Sequence[Sequence[TokenSpan]], tokens: int) -> Spans:
    """The spans of the texts of one batch of `tokens` tokens."""
    flat = [(row, span) for row, spans in enumerate(texts) for span in spans]
    shares = torch.zeros(len(flat), tokens)
    for number, (_, span) in enumerate(flat):
        shares[number, span.first : span.after] = 1.0 / (span.after - span.first)
    return Spans(torch.tensor([row for row, _ in flat], dtype=torch.int64), shares)


def in_order(encoded: Sequence[Encoded], size: int) -> Iterator[Batch]:
    """All texts once, in the given order: for measuring."""
    for start in range(0, len(encoded), size):
        yield collate(encoded[start : start + size])


def shuffled(encoded: Sequence[Encoded], size: int, seed: int) -> list[list[Encoded]]:
    """All texts once in a random order, with like lengths together so that little is padding.

    Windows of 50 batches are sorted by length and cut; then the batches are shuffled.
    """
    draw = random.Random(seed)  # noqa: S311 - an order of examples, no secret
    order = list(encoded)
    draw.shuffle(order)
    window = 50 * size
    batches = []
    for start in range(0, len(order), window):
        near = sorted(order[start : start + window], key=lambda item: len(item.ids))
        batches += [near[cut : cut + size] for cut in range(0, len(near), size)]
    draw.shuffle(batches)
    return batches
