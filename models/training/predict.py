"""What a network answers, and how well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.tasks import TASKS, TaskName
from models.training.batches import Batch, Encoded, in_order
from models.training.calibrate import fit_temperature, softmax
from models.training.measure import Figures, measure
from models.training.network import Network


def forward(network: Network, batch: Batch, precision: str) -> dict[TaskName, Tensor]:
    """The logits of both heads by task."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        sentiment, topic = network(batch.input_ids, batch.attention_mask)
    return {"sentiment": sentiment, "topic": topic}


def predict(
    network: Network, encoded: Sequence[Encoded], precision: str
) -> dict[TaskName, NDArray[np.float64]]:
    """The logits of both heads for all texts, in their order."""
    network.eval()
    order = sorted(range(len(encoded)), key=lambda index: len(encoded[index].ids))
    found: dict[TaskName, list[Tensor]] = {task: [] for task in TASKS}
    with torch.inference_mode():
        for batch in in_order([encoded[index] for index in order], 64):
            for task, logits in forward(network, batch, precision).items():
                found[task].append(logits.float())
    back = np.argsort(order)
    return {task: torch.cat(parts).numpy().astype(np.float64)[back] for task, parts in found.items() if parts}


@dataclass(frozen=True)
class Measured:
    """Figures by task as `measure` tells them, and the temperatures they were taken at."""

    figures: dict[TaskName, Figures]
    temperatures: dict[TaskName, float]

    @property
    def mean_macro_f1(self) -> float:
        """What early stopping goes by."""
        return float(np.mean([figures.macro_f1 for figures in self.figures.values()]))


def measure_on(
    network: Network,
    encoded: Sequence[Encoded],
    references: Iterable[str],
    *,
    precision: str,
    temperatures: dict[TaskName, float] | None = None,
) -> Measured:
    """Measures both heads on the texts of the sets `references`.

    Args:
        network: what to measure.
        encoded: texts with labels.
        references: the sets that count; others are left out.
        precision: `bf16` or `fp32`.
        temperatures: by task; None fits them on these same texts.
    """
    wanted = set(references)
    chosen = [item for item in encoded if item.example.source in wanted]
    logits = predict(network, chosen, precision)
    figures: dict[TaskName, Figures] = {}
    used: dict[TaskName, float] = {}
    for task in logits:
        rows = np.array([item.example.task == task for item in chosen])
        if not rows.any():
            continue
        truth = np.array([item.example.label for item in chosen], dtype=np.int64)[rows]
        used[task] = temperatures[task] if temperatures else fit_temperature(logits[task][rows], truth)
        chances = softmax(logits[task][rows], used[task])
        figures[task] = measure(chances.argmax(axis=1), chances.max(axis=1), truth, TASKS[task])
    return Measured(figures, used)
