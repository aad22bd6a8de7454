"""What a network answers, and how well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.tasks import HEADS, TASKS, HeadName, Labels
from models.training.batches import UNKNOWN, Batch, Encoded, in_order
from models.training.calibrate import fit_temperature, softmax
from models.training.measure import Figures, measure
from models.training.network import Logits, Network

Floats = NDArray[np.float64]
Answers = dict[HeadName, list[Floats]]
"""For each text in order its logits by head: [classes], [spans, classes] or [tokens, tags]."""


def forward(network: Network, batch: Batch, precision: str) -> Logits:
    """The logits of all heads."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        logits: Logits = network(batch.input_ids, batch.attention_mask, batch.spans)
    return logits


def predict(network: Network, encoded: Sequence[Encoded], precision: str) -> Answers:
    """The logits of all heads for all texts, in their order."""
    network.eval()
    order = sorted(range(len(encoded)), key=lambda index: len(encoded[index].ids))
    found: dict[HeadName, list[Floats]] = {head: [np.zeros(0)] * len(encoded) for head in HEADS}
    with torch.inference_mode():
        places = iter(order)
        for batch in in_order([encoded[index] for index in order], 64):
            logits = forward(network, batch, precision)
            whole = {head: getattr(logits, head).double().numpy() for head in HEADS}
            begin = 0
            for row, item in enumerate(batch.items):
                place = next(places)
                for task in TASKS:
                    found[task][place] = whole[task][row]
                found["entity"][place] = whole["entity"][begin : begin + len(item.spans)]
                found["ner"][place] = whole["ner"][row, : len(item.ids)]
                begin += len(item.spans)
    return found


@dataclass(frozen=True)
class Measured:
    """Figures by task as `measure` tells them, and the temperatures they were taken at.

    Those of `ner` count tokens, the untagged ones among them.
    """

    figures: dict[HeadName, Figures]
    temperatures: dict[HeadName, float]

    @property
    def mean_macro_f1(self) -> float:
        """What early stopping goes by."""
        return float(np.mean([figures.macro_f1 for figures in self.figures.values()]))


def measure_on(
    network: Network,
    encoded: Sequence[Encoded],
    references: Mapping[HeadName, Sequence[str]],
    *,
    precision: str,
    temperatures: Mapping[HeadName, float] | None = None,
    labels: Labels = HEADS,
) -> Measured:
    """Measures each head on the texts of the sets that are its reference.

    Args:
        network: what to measure.
        encoded: texts with labels.
        references: by head the sets that count; others are left out.
        precision: `bf16` or `fp32`.
        temperatures: by head; None fits them on these same texts.
        labels: of each head.
    """
    wanted = {name for names in references.values() for name in names}
    chosen = [item for item in encoded if item.example.source in wanted]
    return measure_answers(chosen, predict(network, chosen, precision), references, temperatures, labels)


def measure_answers(
    encoded: Sequence[Encoded],
    answers: Answers,
    references: Mapping[HeadName, Sequence[str]],
    temperatures: Mapping[HeadName, float] | None = None,
    labels: Labels = HEADS,
) -> Measured:
    """The figures of `answers` to `encoded`; arguments as those of `measure_on`."""
    figures: dict[HeadName, Figures] = {}
    used: dict[HeadName, float] = {}
    for head, names in references.items():
        logits, truth = known_rows(encoded, answers, head, names)
        if not len(truth):
            continue
        given = temperatures.get(head) if temperatures else None
        used[head] = given or fit_temperature(logits, truth)
        chances = softmax(logits, used[head])
        figures[head] = measure(chances.argmax(axis=1), chances.max(axis=1), truth, labels[head])
    return Measured(figures, used)


def known_rows(
    encoded: Sequence[Encoded], answers: Answers, head: HeadName, names: Sequence[str]
) -> tuple[Floats, NDArray[np.int64]]:
    """The logits and labels of all that is labelled for `head` in texts of the sets `names`."""
    counted = [n for n, item in enumerate(encoded) if item.example.source in names and item.labels(head)]
    if not counted:
        return np.zeros((0, 1)), np.zeros(0, dtype=np.int64)
    truth = np.concatenate([np.array(encoded[n].labels(head), dtype=np.int64) for n in counted])
    told = [answers[head][n] for n in counted]
    logits = np.concatenate([each.reshape(-1, each.shape[-1]) for each in told])
    known = truth != UNKNOWN
    return logits[known], truth[known]
