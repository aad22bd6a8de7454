"""One encoder, four heads: the network that is trained, exported and restored.

The encoder computes what a BERT encoder computes (a test compares the two), written so that it exports to a fast
graph: one linear layer for queries, keys and values, attention spelled out with a mask over keys, the embedding
of segment 0 folded into the positions, and, in the last layer, queries, feed-forward and norms only for the rows
that the heads read. The same module is trained and exported, so that nothing can differ between the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from models.errors import ModelError
from models.training.choices import Activation
from models.training.dropout import Dropout

MASKED = -10_000.0
"""What is added to the attention score of padding. exp(MASKED) is exactly zero in float32, so padding adds
exactly nothing."""

FARTHEST = 128
"""Tokens that are as far apart as this, or farther, are all of one kind of distance."""


class Shape(BaseModel):
    """The sizes of a network; stored in each checkpoint and release, so that it can be built again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocabulary: int = 30_522
    positions: int = 512
    width: int = Field(default=384, gt=0)
    layers: int = Field(default=6, gt=0)
    attention_heads: int = Field(default=12, gt=0)
    inner: int = 1536
    activation: Activation = "gelu"
    norm_epsilon: float = 1e-12
    widening_bias: bool = True
    """Whether the first wide product of each layer adds a bias; its sums become int8 at once without one and
    with ReLU."""
    distances: int = Field(default=0, ge=0)
    """Into how many kinds distances between tokens fall, each with a say in attention; 0: places say it all."""
    sentiments: int = 3
    topics: int = 20
    tags: int = 7


class Layer(nn.Module):
    """One transformer layer, post-norm as in BERT; in steps, so that queries may be other rows than keys."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.heads = shape.attention_heads
        self.width = shape.width
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.attended = nn.Linear(shape.width, shape.width)
        self.attended_norm = nn.LayerNorm(shape.width, eps=shape.norm_epsilon)
        self.widen = nn.Linear(shape.width, shape.inner, bias=shape.widening_bias)
        self.narrow = nn.Linear(shape.inner, shape.width)
        self.output_norm = nn.LayerNorm(shape.width, eps=shape.norm_epsilon)
        self.dropout = Dropout(dropout)
        self.activation = shape.activation

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """Returns the layer's output for all rows.

        Args:
            rows: [texts, tokens, width].
            mask: what is added to the scores, of a shape that fits [texts, heads, queries, tokens].
        """
        query, key, value = self.qkv(rows).chunk(3, dim=-1)
        context = self.attend(query, self.keys(key), self.values(value), mask)
        return self.finish(rows, context)

    def queries_of(self, rows: Tensor) -> Tensor:
        """The queries of `rows` alone: [..., width]."""
        return self._part_of_qkv(rows, slice(self.width))

    def keys_and_values_of(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """What queries are held against: [texts, heads, per head, tokens] and [texts, heads, tokens, per head]."""
        key, value = self._part_of_qkv(rows, slice(self.width, None)).chunk(2, dim=-1)
        return self.keys(key), self.values(value)

    def _part_of_qkv(self, rows: Tensor, part: slice) -> Tensor:
        """The outputs `part` of `qkv` for `rows`."""
        if type(self.qkv) is nn.Linear:
            return nn.functional.linear(rows, self.qkv.weight[part], self.qkv.bias[part])
        # An adapter around the layer has more to say than the layer's own weights.
        whole: Tensor = self.qkv(rows)
        return whole[..., part]

    def keys(self, key: Tensor) -> Tensor:
        """[texts, tokens, width] as [texts, heads, width per head, tokens]."""
        return key.reshape(*key.shape[:2], self.heads, self.width // self.heads).permute(0, 2, 3, 1)

    def values(self, value: Tensor) -> Tensor:
        """[texts, tokens, width] as [texts, heads, tokens, width per head]."""
        return value.reshape(*value.shape[:2], self.heads, self.width // self.heads).transpose(1, 2)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        """What `query` ([texts, queries, width]) gathers from the values: [texts, queries, width]."""
        shares = self.dropout(self.shares(query, key, mask))
        return torch.matmul(shares, value).transpose(1, 2).flatten(2)

    def shares(self, query: Tensor, key: Tensor, mask: Tensor) -> Tensor:
        """How `query` shares its attention out: [texts, heads, queries, tokens], which sum to 1 over tokens."""
        scale = 1.0 / math.sqrt(self.width // self.heads)
        scores = torch.matmul(self.values(query) * scale, key) + mask
        return scores.softmax(dim=-1)

    def finish(self, rows: Tensor, context: Tensor) -> Tensor:
        """The layer's output for `rows`, which gathered `context`; both of any shape [..., width]."""
        kept = self.attended_norm(rows + self.dropout(self.attended(context)))
        inner = getattr(nn.functional, self.activation)(self.widen(kept))
        output: Tensor = self.output_norm(kept + self.dropout(self.narrow(inner)))
        return output


@dataclass(frozen=True, slots=True)
class Spans:
    """Pieces of the texts of one batch, each with a share of each token.

    `text` is [spans] int64, the row of the batch that each lies in; `shares` is [spans, tokens] float32, one
    divided by its tokens where the span is and 0 elsewhere.
    """

    text: Tensor
    shares: Tensor


@dataclass(frozen=True, slots=True)
class Logits:
    """Uncalibrated answers: [texts, sentiments], [texts, topics], [spans, sentiments], [texts, tokens, tags]."""

    sentiment: Tensor
    topic: Tensor
    entity: Tensor
    ner: Tensor


class Network(nn.Module):
    """The encoder with four heads, answered in one pass.

    All layers but the last compute every token. In the last one only few rows ask: the first token of each text,
    and, for each span, the mean of its tokens. The heads for sentiment and topic read what the first token became
    beside the mean of the text's tokens one layer below; the head for the sentiment towards an entity reads what
    its span became beside what its text became; the tags of mentions are read from the tokens below the last
    layer. So a span costs one row of one layer.
    """

    def __init__(self, shape: Shape, *, dropout: float = 0.1) -> None:
        super().__init__()
        if shape.width % shape.attention_heads:
            raise ModelError(
                f"width {shape.width} is no multiple of attention_heads {shape.attention_heads}: change either"
            )
        if shape.layers < 2:  # noqa: PLR2004 - one below the last
            raise ModelError(f"layers is {shape.layers}: give 2 or more")
        self.shape = shape
        self.words = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.positions, shape.width)
        self.distances = nn.Embedding(shape.distances, shape.attention_heads) if shape.distances else None
        self.embedding_norm = nn.LayerNorm(shape.width, eps=shape.norm_epsilon)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))
        self.sentiment = nn.Linear(2 * shape.width, shape.sentiments)
        self.topic = nn.Linear(2 * shape.width, shape.topics)
        self.entity = nn.Linear(2 * shape.width, shape.sentiments)
        self.ner = nn.Linear(shape.width, shape.tags)
        self.dropout = Dropout(dropout)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, spans: Spans | None = None) -> Logits:
        """Returns the answers to a batch of texts and to the spans in them.

        Args:
            input_ids: [texts, tokens] int64, padded on the right.
            attention_mask: [texts, tokens] int64; 1 for a token, 0 for padding.
            spans: the entities in the texts; None for none.
        """
        spans = spans or Spans(input_ids.new_zeros(0), torch.zeros(0, input_ids.shape[1]))
        below, mask = self.encode(input_ids, attention_mask)
        counted = attention_mask.to(torch.float32)
        mean = torch.matmul((counted / counted.sum(dim=1, keepdim=True))[:, None], below.float())[:, 0]
        span_rows = torch.matmul(spans.shares[:, None], below.float()[spans.text])[:, 0]
        first, asked = self.ask(below, mask, span_rows, spans)
        pooled = self.dropout(torch.cat([first, mean], dim=-1))
        towards = self.dropout(torch.cat([asked, first[spans.text]], dim=-1))
        return Logits(
            sentiment=self.sentiment(pooled),
            topic=self.topic(pooled),
            entity=self.entity(towards),
            ner=self.ner(self.dropout(below)),
        )

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """The rows below the last layer, [texts, tokens, width], and the mask that goes with them.

        The mask is [texts, 1, 1, tokens], 0 for a token and `MASKED` for padding; where distances have a say,
        [texts, heads, tokens, tokens] with that added.
        """
        rows = self.embed(input_ids)
        mask = (1.0 - attention_mask.to(torch.float32))[:, None, None, :] * MASKED
        if self.distances is not None:
            kinds = kinds_of_distance(input_ids.shape[1], self.shape.distances)
            mask = mask + self.distances(kinds).permute(2, 0, 1)
        for layer in list(self.layers)[:-1]:
            rows = layer(rows, mask)
        return rows, mask

    def embed(self, input_ids: Tensor) -> Tensor:
        """What the lowest layer is given: [texts, tokens, width]."""
        places = self.positions.weight[: input_ids.shape[1]]
        rows: Tensor = self.dropout(self.embedding_norm(self.words(input_ids) + places))
        return rows

    def ask(self, below: Tensor, mask: Tensor, span_rows: Tensor, spans: Spans) -> tuple[Tensor, Tensor]:
        """The last layer for the first row of each text and for `span_rows`: [texts, width], [spans, width]."""
        last = cast("Layer", self.layers[-1])
        key, value = last.keys_and_values_of(below)
        asking = torch.cat([below[:, 0].float(), span_rows])
        query = last.queries_of(asking)
        texts = len(below)
        around = mask[spans.text]
        if self.distances is not None:  # a span is as far from a token as its own tokens are on average
            around = torch.matmul(spans.shares[:, None, None], around)
        context = torch.cat(
            [
                last.attend(query[:texts, None], key, value, mask[:, :, :1])[:, 0],
                last.attend(query[texts:, None], key[spans.text], value[spans.text], around)[:, 0],
            ]
        )
        rows = last.finish(asking, context)
        return rows[:texts], rows[texts:]


def kinds_of_distance(tokens: int, kinds: int) -> Tensor:
    """Which of `kinds` the distance from a token (row) to another (column) is, [tokens, tokens] int64.

    Half of the kinds are for tokens before, half for those after; of each half, one half are single distances and
    the others span more the farther they are (Raffel et al., "Exploring the limits of transfer learning with a
    unified text-to-text transformer", 2020, section 2.1; as MPNet uses it).
    """
    place = torch.arange(tokens)
    ahead = place[None] - place[:, None]
    half, single = kinds // 2, kinds // 4
    far = ahead.abs()
    spread = (far.clamp(min=1) / single).log() / math.log(FARTHEST / single) * (half - single)
    grown = (single + spread.long()).clamp(max=half - 1)
    return torch.where(far < single, far, grown) + torch.where(ahead > 0, half, 0)


def pretrained(folder: Path, *, dropout: float, seed: int) -> Network:
    """A network whose encoder is the BERT or MPNet checkpoint in `folder`, with fresh heads drawn from `seed`.

    Raises:
        ModelError: if `folder` holds neither in the layout of transformers.
    """
    # Imported here: it takes seconds, and only fine-tuning from an encoder needs it.
    from transformers import AutoConfig, AutoModel  # noqa: PLC0415 - slow to import, and only wanted here
    from transformers.utils import logging as library_log  # noqa: PLC0415 - the same

    quiet: Any = library_log  # its functions have no types
    quiet.set_verbosity_error()  # it warns of the pooler's weights, which are left out on purpose
    quiet.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(str(folder))
        if config.model_type not in _READERS:
            raise ModelError(
                f"{folder} holds an encoder of the kind {config.model_type}: give one of the kind"
                f" {' or '.join(_READERS)}"
            )
        encoder = AutoModel.from_pretrained(str(folder), add_pooling_layer=False)
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{folder} holds no encoder that transformers can load: {error}") from error
    state = _READERS[config.model_type](encoder.state_dict(), config.num_hidden_layers)
    shape = Shape(
        vocabulary=config.vocab_size,
        positions=len(state["positions.weight"]),
        width=config.hidden_size,
        layers=config.num_hidden_layers,
        attention_heads=config.num_attention_heads,
        inner=config.intermediate_size,
        norm_epsilon=config.layer_norm_eps,
        activation=_activation(folder, config.hidden_act),
        distances=getattr(config, "relative_attention_num_buckets", 0),
    )
    generator = torch.Generator().manual_seed(seed)
    network = Network(shape, dropout=dropout)
    network.load_state_dict(state | _fresh_heads(network, generator))
    return network


def _activation(folder: Path, name: str) -> Activation:
    """What this network computes in place of the activation that transformers calls `name`.

    Raises:
        ModelError: if it knows none that is near.
    """
    if name.startswith("gelu"):  # the forms of Gelu differ by less than a thousandth
        return "gelu"
    if name != "relu":
        raise ModelError(f"{folder} has hidden_act {name!r}: give an encoder with gelu or relu")
    return "relu"


def from_bert(state: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    """The encoder's parameters under this network's names, from those of a BERT encoder of `layers` layers."""
    segment = state["embeddings.token_type_embeddings.weight"][0]
    positions = state["embeddings.position_embeddings.weight"] + segment
    names = _Names(("attention.self.query", "attention.self.key", "attention.self.value"))
    return {"positions.weight": positions} | _renamed(state, layers, names)


def from_mpnet(state: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    """The encoder's parameters under this network's names, from those of an MPNet encoder of `layers` layers.

    Its places begin behind that of padding, which a text never has (Song et al., "MPNet", 2020).
    """
    names = _Names(
        ("attention.attn.q", "attention.attn.k", "attention.attn.v"),
        attended="attention.attn.o",
        attended_norm="attention.LayerNorm",
    )
    return {
        "positions.weight": state["embeddings.position_embeddings.weight"][2:],
        "distances.weight": state["encoder.relative_attention_bias.weight"],
    } | _renamed(state, layers, names)


@dataclass(frozen=True, slots=True)
class _Names:
    """What a kind of encoder calls the parts of a layer that not all call the same."""

    qkv: tuple[str, str, str]
    attended: str = "attention.output.dense"
    attended_norm: str = "attention.output.LayerNorm"


def _renamed(state: dict[str, Tensor], layers: int, names: _Names) -> dict[str, Tensor]:
    renamed = {"words.weight": state["embeddings.word_embeddings.weight"]}
    pairs = {"embedding_norm": "embeddings.LayerNorm"}
    for number in range(layers):
        theirs = f"encoder.layer.{number}"
        pairs |= {
            f"layers.{number}.attended": f"{theirs}.{names.attended}",
            f"layers.{number}.attended_norm": f"{theirs}.{names.attended_norm}",
            f"layers.{number}.widen": f"{theirs}.intermediate.dense",
            f"layers.{number}.narrow": f"{theirs}.output.dense",
            f"layers.{number}.output_norm": f"{theirs}.output.LayerNorm",
        }
        for kind in ("weight", "bias"):
            parts = [state[f"{theirs}.{part}.{kind}"] for part in names.qkv]
            renamed[f"layers.{number}.qkv.{kind}"] = torch.cat(parts)
    for ours, theirs in pairs.items():
        for kind in ("weight", "bias"):
            renamed[f"{ours}.{kind}"] = state[f"{theirs}.{kind}"]
    return renamed


_READERS: dict[str, Callable[[dict[str, Tensor], int], dict[str, Tensor]]] = {
    "bert": from_bert,
    "mpnet": from_mpnet,
}
"""By the kind of an encoder, as transformers calls it."""


def _fresh_heads(network: Network, generator: torch.Generator) -> dict[str, Tensor]:
    return {
        name: value
        for head in ("sentiment", "topic", "entity", "ner")
        for name, value in fresh_head(network, head, generator).items()
    }


def fresh_head(network: Network, name: str, generator: torch.Generator) -> dict[str, Tensor]:
    """Parameters for the head `name` of `network` that know nothing, drawn by `generator`."""
    head: nn.Linear = getattr(network, name)
    return {
        f"{name}.weight": torch.empty_like(head.weight).normal_(std=0.02, generator=generator),
        f"{name}.bias": torch.zeros_like(head.bias),
    }
