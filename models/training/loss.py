"""What training minimises: cross-entropy over the labels that are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.tasks import TASKS, TaskName
from models.training.batches import UNKNOWN, Batch
from models.training.config import TrainConfig
from models.training.data import DataSpec, Example, shares


@dataclass
class Loss:
    """Cross-entropy over the labels that are known, with two corrections.

    A set that calls news positive more often than the reference set does gets the difference of the classes'
    log-shares added to its logits in training: what differs in habit is not learned as if it were in the text.
    Rare classes weigh more, by `balance`.
    """

    weights: dict[TaskName, Tensor]
    habits: dict[TaskName, dict[str, Tensor]]
    smoothing: float

    @classmethod
    def over(cls, examples: Sequence[Example], specs: Sequence[DataSpec], config: TrainConfig) -> Loss:
        """The loss for `examples` of the sets `specs`."""
        weights: dict[TaskName, Tensor] = {}
        habits: dict[TaskName, dict[str, Tensor]] = {}
        for task in TASKS:
            share = torch.tensor(shares(examples, task))
            weight = share.pow(-config.balance)
            weights[task] = weight / (weight * share).sum()
            habits[task] = _habits(examples, [spec for spec in specs if spec.task == task], task)
        return cls(weights, habits, config.label_smoothing)

    def __call__(self, logits: dict[TaskName, Tensor], batch: Batch) -> Tensor:
        """The mean loss over the texts of the batch; a task without labels there adds nothing."""
        total = torch.zeros(())
        for task, labels in batch.labels.items():
            if not bool((labels != UNKNOWN).any()):
                continue
            shown = logits[task].float()
            known = self.habits[task]
            if known:
                nothing = torch.zeros(shown.shape[1])
                shown = shown + torch.stack([known.get(source, nothing) for source in batch.sources])
            total = total + nn.functional.cross_entropy(
                shown,
                labels,
                weight=self.weights[task],
                label_smoothing=self.smoothing,
                ignore_index=UNKNOWN,
                reduction="none",
            ).sum() / len(labels)
        return total


def _habits(examples: Sequence[Example], specs: Sequence[DataSpec], task: TaskName) -> dict[str, Tensor]:
    of_set = {
        spec.name: torch.tensor(shares([e for e in examples if e.source == spec.name], task)).log()
        for spec in specs
    }
    reference = next((spec.name for spec in specs if spec.reference), None)
    if reference is None:
        return {}
    return {name: log_shares - of_set[reference] for name, log_shares in of_set.items() if name != reference}
