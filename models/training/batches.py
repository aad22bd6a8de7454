"""Batches for training: texts of like length together, in an order drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.tasks import TASKS, TaskName
from models.training.data import Example

UNKNOWN = -100
"""The label of a task that a text has no label for; the loss leaves it out."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded token ids with their mask, and for each task the labels (or `UNKNOWN`) and each text's set."""

    input_ids: Tensor
    attention_mask: Tensor
    labels: dict[TaskName, Tensor]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example with the ids of its tokens."""

    ids: tuple[int, ...]
    example: Example


def encode(tokenizer: Tokenizer, examples: Sequence[Example]) -> list[Encoded]:
    """The examples with their token ids, in the same order; cut where the tokenizer cuts."""
    encodings = tokenizer.encode_batch_fast([example.text for example in examples])
    return [
        Encoded(tuple(encoding.ids), example) for encoding, example in zip(encodings, examples, strict=True)
    ]


def collate(encoded: Sequence[Encoded]) -> Batch:
    """One batch, padded on the right to its longest text."""
    longest = max(len(item.ids) for item in encoded)
    ids = torch.zeros(len(encoded), longest, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, item in enumerate(encoded):
        ids[row, : len(item.ids)] = torch.tensor(item.ids)
        mask[row, : len(item.ids)] = 1
    labels: dict[TaskName, Tensor] = {
        task: torch.tensor([item.example.label if item.example.task == task else UNKNOWN for item in encoded])
        for task in TASKS
    }
    return Batch(ids, mask, labels, tuple(item.example.source for item in encoded))


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
