"""What training minimises: cross-entropy over the labels that are known, and the distance from a teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from models.tasks import HEADS, TASKS, HeadName
from models.training.batches import UNKNOWN, Batch, Encoded
from models.training.config import TrainConfig
from models.training.data import DataSpec, Example, shares
from models.training.network import Logits

Soft = Mapping[str, Mapping[HeadName, Tensor]]
"""A teacher's logits by text and head: [classes] for a text, [spans, classes] for its entities."""


@dataclass
class Loss:
    """Cross-entropy over the labels that are known, with two corrections, and the distance from a teacher.

    A set that calls news positive more often than the reference set does gets the difference of the classes'
    log-shares added to its logits in training: what differs in habit is not learned as if it were in the text.
    Rare classes weigh more, by `balance`.

    Where a teacher's answers are given, the loss of a text or an entity is `taught` times its divergence from
    them at `heat` (Hinton, Vinyals and Dean, 2015), and the rest its cross-entropy; for a task without a label
    the divergence alone.
    """

    weights: dict[HeadName, Tensor]
    habits: dict[HeadName, dict[str, Tensor]]
    smoothing: float
    shares: Mapping[HeadName, float] = field(default_factory=dict)
    soft: Soft = field(default_factory=dict)
    taught: float = 0.5
    heat: float = 2.0

    @classmethod
    def over(
        cls,
        examples: Sequence[Example],
        specs: Sequence[DataSpec],
        config: TrainConfig,
        soft: Soft | None = None,
    ) -> Loss:
        """The loss for `examples` of the sets `specs`, with the answers of a teacher where there is one."""
        weights: dict[HeadName, Tensor] = {}
        habits: dict[HeadName, dict[str, Tensor]] = {}
        for task in HEADS:
            classes = len(config.labels[task])
            share = torch.tensor(shares(examples, task, classes))
            weight = share.pow(-config.balance) if task != "ner" else torch.ones_like(share)
            weights[task] = weight / (weight * share).sum()
            of_task = [spec for spec in specs if task in spec.tasks]
            habits[task] = _habits(examples, of_task, task, classes)
        return cls(
            weights,
            habits,
            config.label_smoothing,
            shares={"ner": config.ner_share},
            soft=soft or {},
            taught=config.taught,
            heat=config.heat,
        )

    def __call__(self, logits: Logits, batch: Batch) -> Tensor:
        """The mean loss over the texts of the batch; a task without labels there adds nothing."""
        texts = len(batch.sources)
        owners: dict[HeadName, list[int]] = {"entity": batch.spans.text.tolist()}
        for whole in TASKS:
            owners[whole] = list(range(texts))
        total = torch.zeros(())
        for task, of_row in owners.items():
            total = total + self._of(task, getattr(logits, task).float(), batch, of_row).sum() / texts
        tags = batch.labels["ner"]
        if bool((tags != UNKNOWN).any()):
            told = nn.functional.cross_entropy(logits.ner.float().flatten(0, 1), tags.flatten())
            known = float((tags != UNKNOWN).any(dim=1).float().mean())
            total = total + self.shares.get("ner", 1.0) * known * told
        return total

    def _of(self, task: HeadName, shown: Tensor, batch: Batch, owners: Sequence[int]) -> Tensor:
        """The loss of each text, or of each entity in the text that owns it."""
        labels = batch.labels[task]
        if not len(owners):
            return torch.zeros(1)
        known = self.habits[task]
        habit = shown
        if known:
            nothing = torch.zeros(shown.shape[1])
            habit = shown + torch.stack([known.get(batch.sources[row], nothing) for row in owners])
        told = nn.functional.cross_entropy(
            habit,
            labels,
            weight=self.weights[task],
            label_smoothing=self.smoothing,
            ignore_index=UNKNOWN,
            reduction="none",
        )
        if not self.soft:
            return told
        wanted, has = self._wanted(task, batch.items, shown.shape[1])
        distance = self.heat**2 * nn.functional.kl_div(
            (shown / self.heat).log_softmax(-1), (wanted / self.heat).softmax(-1), reduction="none"
        ).sum(-1)
        part = torch.where(labels == UNKNOWN, torch.ones(()), torch.full((), self.taught))
        return torch.where(has, part * distance + (1 - part) * told, told)

    def _wanted(self, task: HeadName, items: Sequence[Encoded], classes: int) -> tuple[Tensor, Tensor]:
        """The teacher's logits for each row of the task, and which rows it has any for."""
        wanted, has = [], []
        for item in items:
            found = self.soft.get(item.origin or item.example.text, {}).get(task)
            count = len(item.spans) if task == "entity" else 1
            given = found is not None and found.reshape(-1, classes).shape[0] == count
            wanted.append(
                found.reshape(-1, classes) if found is not None and given else torch.zeros(count, classes)
            )
            has += [given] * count
        return torch.cat(wanted), torch.tensor(has, dtype=torch.bool)


def _habits(
    examples: Sequence[Example], specs: Sequence[DataSpec], task: HeadName, classes: int
) -> dict[str, Tensor]:
    if task == "ner":
        return {}
    of_set = {
        spec.name: torch.tensor(shares([e for e in examples if e.source == spec.name], task, classes)).log()
        for spec in specs
    }
    reference = next((spec.name for spec in specs if task in spec.reference), None)
    if reference is None:
        return {}
    return {name: log_shares - of_set[reference] for name, log_shares in of_set.items() if name != reference}
