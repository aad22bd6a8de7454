"""One encoder, two heads: the network that is trained, exported and restored.

The encoder computes what a BERT encoder computes (a test compares the two), written so that it exports to a fast
graph: one linear layer for queries, keys and values, attention spelled out with a mask over keys, the embedding
of segment 0 folded into the positions, and, in the last layer, queries, feed-forward and norms only for the rows
that the heads read. The same module is trained and exported, so that nothing can differ between the two.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from models.errors import ModelError

MASKED = -10_000.0
"""What is added to the attention score of padding. exp(MASKED) is exactly zero in float32, so padding adds
exactly nothing."""


class Shape(BaseModel):
    """The sizes of a network; stored in each checkpoint and release, so that it can be built again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocabulary: int = 30_522
    positions: int = 512
    width: int = Field(default=384, gt=0)
    layers: int = Field(default=6, gt=0)
    attention_heads: int = Field(default=12, gt=0)
    inner: int = 1536
    norm_epsilon: float = 1e-12
    sentiments: int = 3
    topics: int = 20


class Layer(nn.Module):
    """One transformer layer, post-norm as in BERT."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.heads = shape.attention_heads
        self.width = shape.width
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.attended = nn.Linear(shape.width, shape.width)
        self.attended_norm = nn.LayerNorm(shape.width, eps=shape.norm_epsilon)
        self.widen = nn.Linear(shape.width, shape.inner)
        self.narrow = nn.Linear(shape.inner, shape.width)
        self.output_norm = nn.LayerNorm(shape.width, eps=shape.norm_epsilon)
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: Tensor, mask: Tensor, *, first_row_only: bool = False) -> Tensor:
        """Returns the layer's output for all rows, or (exactly the same values) for the first row alone.

        Args:
            rows: [texts, tokens, width].
            mask: [texts, 1, 1, tokens]; 0 for a token, `MASKED` for padding.
            first_row_only: compute only what the first row needs, where nothing else is read after this layer.
        """
        per_head = self.width // self.heads
        if first_row_only:
            kept = rows[:, 0:1]
            query = nn.functional.linear(kept, self.qkv.weight[: self.width], self.qkv.bias[: self.width])
            key_value = nn.functional.linear(rows, self.qkv.weight[self.width :], self.qkv.bias[self.width :])
            key, value = key_value.chunk(2, dim=-1)
        else:
            kept = rows
            query, key, value = self.qkv(rows).chunk(3, dim=-1)
        apart = (len(rows), -1, self.heads, per_head)
        query = query.reshape(apart).transpose(1, 2)
        key = key.reshape(apart).permute(0, 2, 3, 1)
        value = value.reshape(apart).transpose(1, 2)
        scores = torch.matmul(query * (1.0 / math.sqrt(per_head)), key) + mask
        shares = self.dropout(scores.softmax(dim=-1))
        context = torch.matmul(shares, value).transpose(1, 2).flatten(2)
        kept = self.attended_norm(kept + self.dropout(self.attended(context)))
        inner = nn.functional.gelu(self.widen(kept))
        output: Tensor = self.output_norm(kept + self.dropout(self.narrow(inner)))
        return output


class Network(nn.Module):
    """The encoder with a sentiment head and a topic head.

    Both heads are linear in the first token's row.
    """

    def __init__(self, shape: Shape, *, dropout: float = 0.1) -> None:
        super().__init__()
        if shape.width % shape.attention_heads:
            raise ModelError(
                f"width {shape.width} is no multiple of attention_heads {shape.attention_heads}: change either"
            )
        self.shape = shape
        self.words = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.positions, shape.width)
        self.embedding_norm = nn.LayerNorm(shape.width, eps=shape.norm_epsilon)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))
        self.sentiment = nn.Linear(shape.width, shape.sentiments)
        self.topic = nn.Linear(shape.width, shape.topics)
        self.dropout = nn.Dropout(dropout)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Returns uncalibrated logits: [texts, sentiments] and [texts, topics].

        Args:
            input_ids: [texts, tokens] int64, padded on the right.
            attention_mask: [texts, tokens] int64; 1 for a token, 0 for padding.
        """
        pooled = self.dropout(self.pool(input_ids, attention_mask))
        return self.sentiment(pooled), self.topic(pooled)

    def pool(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The row that the heads read: [texts, width]."""
        places = self.positions.weight[: input_ids.shape[1]]
        rows: Tensor = self.dropout(self.embedding_norm(self.words(input_ids) + places))
        mask = (1.0 - attention_mask.to(torch.float32))[:, None, None, :] * MASKED
        last = len(self.layers) - 1
        for number, layer in enumerate(self.layers):
            rows = layer(rows, mask, first_row_only=number == last)
        return rows[:, 0]


def pretrained(folder: Path, *, dropout: float, seed: int) -> Network:
    """A network whose encoder is the BERT checkpoint in `folder`, with fresh heads drawn from `seed`.

    Raises:
        ModelError: if `folder` holds no BERT checkpoint in the layout of transformers.
    """
    # Imported here: it takes seconds, and only fine-tuning from an encoder needs it.
    from transformers import AutoModel  # noqa: PLC0415 - slow to import, and only wanted here
    from transformers.utils import logging as library_log  # noqa: PLC0415 - the same

    quiet: Any = library_log  # its functions have no types
    quiet.set_verbosity_error()  # it warns of the pooler's weights, which are left out on purpose
    quiet.disable_progress_bar()
    try:
        bert = AutoModel.from_pretrained(str(folder), add_pooling_layer=False)
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{folder} holds no encoder that transformers can load: {error}") from error
    config = bert.config
    shape = Shape(
        vocabulary=config.vocab_size,
        positions=config.max_position_embeddings,
        width=config.hidden_size,
        layers=config.num_hidden_layers,
        attention_heads=config.num_attention_heads,
        inner=config.intermediate_size,
        norm_epsilon=config.layer_norm_eps,
    )
    generator = torch.Generator().manual_seed(seed)
    network = Network(shape, dropout=dropout)
    network.load_state_dict(from_bert(bert.state_dict(), shape.layers) | _fresh_heads(network, generator))
    return network


def from_bert(state: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    """The encoder's parameters under this network's names, from those of a BERT encoder of `layers` layers."""
    segment = state["embeddings.token_type_embeddings.weight"][0]
    renamed = {
        "words.weight": state["embeddings.word_embeddings.weight"],
        "positions.weight": state["embeddings.position_embeddings.weight"] + segment,
    }
    pairs = {"embedding_norm": "embeddings.LayerNorm"}
    for number in range(layers):
        theirs = f"encoder.layer.{number}"
        pairs |= {
            f"layers.{number}.attended": f"{theirs}.attention.output.dense",
            f"layers.{number}.attended_norm": f"{theirs}.attention.output.LayerNorm",
            f"layers.{number}.widen": f"{theirs}.intermediate.dense",
            f"layers.{number}.narrow": f"{theirs}.output.dense",
            f"layers.{number}.output_norm": f"{theirs}.output.LayerNorm",
        }
        for kind in ("weight", "bias"):
            parts = [state[f"{theirs}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            renamed[f"layers.{number}.qkv.{kind}"] = torch.cat(parts)
    for ours, theirs in pairs.items():
        for kind in ("weight", "bias"):
            renamed[f"{ours}.{kind}"] = state[f"{theirs}.{kind}"]
    return renamed


def _fresh_heads(network: Network, generator: torch.Generator) -> dict[str, Tensor]:
    fresh = {}
    for name in ("sentiment", "topic"):
        head: nn.Linear = getattr(network, name)
        fresh[f"{name}.weight"] = torch.empty_like(head.weight).normal_(std=0.02, generator=generator)
        fresh[f"{name}.bias"] = torch.zeros_like(head.bias)
    return fresh
