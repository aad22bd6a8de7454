"""What it takes to train in seconds: an encoder of two narrow layers with drawn weights, and sets of our own words."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

from models.spans import find_mention
from models.training.batches import Encoded, collate, encode
from models.training.config import TrainConfig
from models.training.data import DataSpec, Example, Span
from models.training.network import Network, Shape
from models.training.predict import forward

WORDS = ["the", "bank", "firm", "shares", "oil", "gold", "fed", "rate", "deal", "profit", "loss", "court", "chief", "dividend", "run", "debt", "after", "before", "of", "in", "for", "as", "its"]  # fmt: skip
MOODS = {"negative": "falls", "neutral": "meets", "positive": "gains"}
SUBJECTS = {"Energy | Oil": "oil", "Gold | Metals | Materials": "gold", "Earnings": "profit"}


def tiny_encoder(folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """A BERT checkpoint of transformers, with its `tokenizer.json`, in `folder`."""
    config = BertConfig(
        vocab_size=changes.pop("vocab_size", tiny_tokenizer().get_vocab_size()),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=48,
        **changes,
    )
    torch.manual_seed(seed)
    BertModel(config, add_pooling_layer=False).save_pretrained(str(folder))
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def tiny_tokenizer() -> Tokenizer:
    """Splits at blanks and knows `WORDS`."""
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {word: n for n, word in enumerate([*marks, *WORDS, *MOODS.values()])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def write_csv(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = ("text", "label")) -> Path:
    """A CSV with a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def mood_rows(count: int, *, seed: int = 1) -> list[tuple[str, str]]:
    """Texts whose mood stands in one word."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        label = draw.choice(list(MOODS))
        words = draw.choices(WORDS, k=draw.randint(4, 12))
        words.insert(draw.randrange(len(words)), MOODS[label])
        found.append((" ".join(words), label))
    return found


def subject_rows(count: int, *, seed: int = 2) -> list[tuple[str, str]]:
    """Texts whose topic stands in one word."""
    draw = random.Random(seed)
    others = [word for word in WORDS if word not in SUBJECTS.values()]
    found = []
    for _ in range(count):
        label = draw.choice(list(SUBJECTS))
        words = draw.choices(others, k=draw.randint(4, 12))
        words.insert(draw.randrange(len(words)), SUBJECTS[label])
        found.append((" ".join(words), label))
    return found


ENTITIES = (
    ("shares of bank gains after oil firm falls", (("bank", 2), ("oil firm", 0))),
    ("the deal of the chief", ()),
    ("gold meets the rate", (("gold", 1),)),
    (
        "court run of the firm in debt before the profit for its dividend",
        (("firm", 0), ("profit", 2), ("fed", 1)),
    ),
)
"""Texts with what is said of the names in them; the last one names one that is not there."""


def tiny_network(*, seed: int = 0, dropout: float = 0.0) -> Network:
    """A network of drawn weights for the words of `tiny_encoder`."""
    torch.manual_seed(seed)
    shape = Shape(width=32, attention_heads=4, vocabulary=len(WORDS) + 7, layers=2, inner=64, positions=48)
    return Network(shape, dropout=dropout)


def tiny_texts() -> list[Encoded]:
    """The texts of `ENTITIES` with their tokens, spans and a tag for each token."""
    found = []
    for text, names in ENTITIES:
        places = [(find_mention(text, name), label) for name, label in names]
        spans = tuple(Span(*place, label) for place, label in places if place)
        mentions = tuple(replace(span, label=0) for span in spans)
        found.append(Example(text, "entity", -1, "tiny", spans, mentions, exhaustive=True))
    return encode(tiny_tokenizer(), found)


def tiny_answers(network: Network) -> list[torch.Tensor]:
    """What `network` answers to `tiny_texts`, ready to answer: the logits of each head."""
    with torch.no_grad():
        told = forward(network.eval(), collate(tiny_texts()), "fp32")
    return [told.sentiment, told.topic, told.entity, told.ner]


def tiny_config(folder: Path, **changes: Any) -> TrainConfig:
    """A run over 300 texts for each task, from an encoder of drawn weights."""
    settings: dict[str, Any] = {
        "data": (
            DataSpec(
                name="moods",
                path=write_csv(folder / "moods.csv", mood_rows(300)),
                task="sentiment",
                licence="CC0-1.0",
                reference=True,
            ),
            DataSpec(
                name="other_moods",
                path=write_csv(folder / "other.csv", mood_rows(60, seed=5)),
                task="sentiment",
                licence="CC0-1.0",
            ),
            DataSpec(
                name="subjects",
                path=write_csv(folder / "subjects.csv", subject_rows(300)),
                task="topic",
                licence="CC0-1.0",
                reference=True,
            ),
        ),
        "out": folder / "run",
        "start": tiny_encoder(folder / "encoder"),
        "max_length": 24,
        "epochs": 8,
        "learning_rate": 3e-3,
        "dropout": 0.0,
        "patience": 20,
        "average": 10,
        "measures_per_epoch": 1,
        "precision": "fp32",
        "written": True,
    }
    return TrainConfig(**(settings | changes))
