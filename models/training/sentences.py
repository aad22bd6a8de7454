"""What a fixed encoder of sentences makes of texts, as signs: for holding fingerprints against, not for serving.

The encoder is all-MiniLM-L6-v2 as its package brings it, so no release changes it. The mean of its rows is turned
at random and each number kept as its sign (Charikar, "Similarity estimation techniques from rounding algorithms",
2002): two texts agree in the more signs the smaller the angle between them is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch

from models.text import load_tokenizer
from models.training.batches import encode, in_order
from models.training.data import Example
from models.training.encoders import open_start, packaged_encoder
from models.training.network import Layer

_MAX_LENGTH = 64
_BATCH = 64


def signs_of(texts: Sequence[str], count: int, *, seed: int = 1) -> dict[str, bytes]:
    """By text `count` signs of its embedding, each a byte of 0 or 1.

    Args:
        texts: what to embed.
        count: how many signs.
        seed: of the turns.

    Raises:
        ModelError: if the encoder's package is missing.
    """
    network, origin = open_start(packaged_encoder(), "", "")
    network.eval()
    tokenizer = load_tokenizer(origin.tokenizer, _MAX_LENGTH)
    items = sorted(
        encode(tokenizer, [Example(text, "entity", -1, "") for text in dict.fromkeys(texts)]),
        key=lambda item: len(item.ids),
    )
    found = np.zeros((len(items), network.shape.width))
    last, begin = cast("Layer", network.layers[-1]), 0
    with torch.inference_mode():
        for batch in in_order(items, _BATCH):
            below, mask = network.encode(batch.input_ids, batch.attention_mask)
            counted = batch.attention_mask.to(torch.float32)[..., None]
            mean = (last(below, mask) * counted).sum(dim=1) / counted.sum(dim=1)
            found[begin : begin + len(mean)] = mean.double().numpy()
            begin += len(mean)
    # Embeddings share a direction; without it each sign is on for half of the texts.
    turned = (found - found.mean(axis=0)) @ np.random.default_rng(seed).normal(size=(found.shape[1], count))
    signs = (turned > 0).astype(np.uint8)
    return {item.example.text: row.tobytes() for item, row in zip(items, signs, strict=True)}
