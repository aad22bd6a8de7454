"""A release with all four heads and drawn weights, exported as real ones are, in seconds."""

from __future__ import annotations

from pathlib import Path

import torch
from tiny_release import tiny_manifest
from tiny_training import mood_rows, tiny_encoder

from export.onnx import Evidence, make_release
from models.manifest import Head, Requirements
from models.release import Release
from models.tasks import HEADS
from models.training.data import Example, Span
from models.training.network import pretrained

LONGEST = 16
"""Tokens that it reads."""


def four_head_release(folder: Path, *, seed: int = 3) -> Release:
    """The release in `folder / "release"`."""
    encoder = tiny_encoder(folder / "encoder", seed=seed)
    network = pretrained(encoder, dropout=0.0, seed=seed)
    with torch.no_grad():
        for head in HEADS:
            getattr(network, head).weight.mul_(60)  # else all texts get one answer
    draft = tiny_manifest(
        heads={head: Head(labels=labels, temperature=1.5) for head, labels in HEADS.items()},
        max_length=LONGEST,
        requires=Requirements(opset=17, precision="int8", graph_optimised=True),
    )
    texts = [Example(text, "entity", -1, "", (Span(0, 3, 0),)) for text, _ in mood_rows(40)]
    evidence = Evidence(calibration=texts, tune=(), dev=(), references={}, temperatures={})
    return make_release(
        network, encoder / "tokenizer.json", draft, evidence, folder / "release", least_agreement=0.0
    )
