"""What earlier runs answer to the training texts, for a new one to learn from (Hinton, Vinyals and Dean, 2015).

The labels of one set say nothing of another task; a teacher that has learned both answers both, so a student
learns the sentiment of texts that only have a topic, and the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.tasks import HeadName
from models.text import load_tokenizer
from models.training.batches import encode
from models.training.checkpoint import load_checkpoint
from models.training.config import SOFT
from models.training.data import Example
from models.training.loss import Soft
from models.training.predict import Answers, predict


def teach(folders: Sequence[Path], examples: Sequence[Example], *, precision: str) -> Soft:
    """The mean logits, as log-probabilities, of the checkpoints in `folders` by text and head.

    A teacher is only asked what it has learned. Entities that the tokenizer of one cut off are left out, for all
    of that text.

    Raises:
        ModelError: if a folder holds no checkpoint.
    """
    given: list[tuple[frozenset[HeadName], Answers]] = []
    for folder in folders:
        page, network = load_checkpoint(folder)
        tokenizer = load_tokenizer(folder / "tokenizer.json", page.max_length)
        given.append((page.config.taught_heads, predict(network, encode(tokenizer, examples), precision)))
    soft: dict[str, dict[HeadName, Tensor]] = {}
    for number, example in enumerate(examples):
        for head in SOFT:
            told = [answers[head][number] for heads, answers in given if head in heads]
            if told and told[0].size and all(each.shape == told[0].shape for each in told):
                logits = torch.from_numpy(np.stack(told)).float()
                soft.setdefault(example.text, {})[head] = logits.log_softmax(dim=-1).mean(dim=0)
    return soft
