"""Several processes that train one network: each takes a share of every batch, and all make the same step.

`accelerate launch` and `torchrun` start them and tell each its number in the environment. One alone needs neither.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed, nn

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Crew:
    """The processes of a run. Number 0 writes; the others only compute."""

    number: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process keeps files and logs."""
        return self.number == 0

    def share_of(self, batch: Sequence[Item]) -> tuple[Sequence[Item], float]:
        """What this process learns of `batch`, and what its mean loss weighs in the mean of all processes.

        A process for which nothing is left takes the first item with no weight.
        """
        mine = batch[self.number :: self.size]
        return (mine, len(mine) * self.size / len(batch)) if mine else (batch[:1], 0.0)

    def begin_alike(self, network: nn.Module) -> None:
        """Gives all processes the weights of process 0: what was cut by sums may differ in the last bit."""
        if self.size > 1:
            for values in network.state_dict().values():
                distributed.broadcast(values, src=0)

    def average_slopes(self, network: nn.Module) -> None:
        """Gives all processes the mean of their gradients."""
        if self.size == 1:
            return
        slopes = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        # One message for all: each costs a round between the processes.
        joined = torch.cat([slope.flatten() for slope in slopes])
        distributed.all_reduce(joined)
        joined /= self.size
        for slope, mean in zip(slopes, torch.split(joined, [slope.numel() for slope in slopes]), strict=True):
            slope.copy_(mean.view_as(slope))

    def wait(self) -> None:
        """Returns when all have come here."""
        if self.size > 1:
            distributed.barrier()

    def agree(self, value: float) -> float:
        """The value of process 0, for all: what they decide by must be the same to the last bit."""
        if self.size == 1:
            return value
        told = torch.tensor(value, dtype=torch.float64)
        distributed.broadcast(told, src=0)
        return float(told)


@contextmanager
def crew() -> Iterator[Crew]:
    """The processes that were launched together with this one; this one alone if it was started by itself."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Crew()
        return
    distributed.init_process_group("gloo")
    try:
        yield Crew(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()
