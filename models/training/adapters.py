"""Adapters of the library `peft` around the encoder's layers, and how they become its own weights again."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from models.tasks import HEADS
from models.training.choices import Adapters
from models.training.network import Network

_NAME = "default"
_INITIAL = 1.5
"""The ranks that AdaLoRA begins with over those that it is to end with."""
_ORTHOGONAL = 0.5
"""The weight of the penalty that keeps AdaLoRA's singular vectors apart, as its authors have it."""


class Attached:
    """The adapters in a network. Make them with `attach`, and take them out with `merge`."""

    def __init__(self, tuner: Any, network: Network, *, adaptive: bool) -> None:
        self._tuner = tuner
        self._network = network
        self._adaptive = adaptive

    def penalty(self) -> Tensor | None:
        """What AdaLoRA adds to the loss: how far its singular vectors are from orthogonal. None for LoRA."""
        if not self._adaptive:
            return None
        total, count = torch.zeros(()), 0
        for name, weight in self._network.named_parameters():
            if "lora_A" in name or "lora_B" in name:
                product = weight @ weight.T if "lora_A" in name else weight.T @ weight
                total = total + torch.linalg.norm(product - torch.eye(len(product)))
                count += 1
        return _ORTHOGONAL * total / count

    def after_step(self, step: int) -> None:
        """Lets AdaLoRA take ranks away; called with each step's number from 1, the gradients still there."""
        if self._adaptive:
            self._tuner.update_and_allocate(step)

    def state(self) -> dict[str, Any]:
        """What a stopped run needs besides the network's weights."""
        if not self._adaptive:
            return {}
        shares = self._tuner.rankallocator
        names = ("ipt", "exp_avg_ipt", "exp_avg_unc")
        return {
            "pattern": self._tuner.peft_config[_NAME].rank_pattern,
            **{name: getattr(shares, name) for name in names},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from what `state` returned."""
        for name, value in state.items():
            if name == "pattern":
                self._tuner.peft_config[_NAME].rank_pattern = value
            else:
                setattr(self._tuner.rankallocator, name, value)

    def merge(self) -> None:
        """Adds the adapters to the weights that they stand beside, and leaves the network as it was built."""
        self._tuner.merge_and_unload()
        for parameter in self._network.parameters():
            parameter.requires_grad_(True)


def attach(network: Network, adapters: Adapters, steps: int, *, above: int = 0) -> Attached:
    """Puts adapters into `network`, in place; of the rest only the heads go on learning.

    Args:
        network: what is trained.
        adapters: which, and where.
        steps: of the whole run; AdaLoRA leaves the first tenth and the last third of them without changes of rank.
        above: how many of the lowest layers get none.
    """
    # Imported here: it takes seconds, and only runs with adapters need it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what the library imports in turn
        from peft import AdaLoraConfig, AdaLoraModel, LoraConfig, LoraModel  # noqa: PLC0415 - slow, see above
    told: dict[str, Any] = {
        "target_modules": [
            f"layers.{number}.{target}"
            for number in range(above, network.shape.layers)
            for target in adapters.targets
        ],
        "lora_alpha": adapters.alpha,
        "lora_dropout": adapters.dropout,
    }
    adaptive = adapters.kind == "adalora"
    adaptive_tuner: Any = AdaLoraModel  # it has no types
    if adaptive:
        config = AdaLoraConfig(
            init_r=round(_INITIAL * adapters.rank),
            target_r=adapters.rank,
            tinit=steps // 10,
            tfinal=steps // 3,
            deltaT=max(1, steps // 100),
            total_step=steps,
            **told,
        )
        tuner = adaptive_tuner(network, config, _NAME)
    else:
        tuner = LoraModel(network, LoraConfig(r=adapters.rank, **told), _NAME)
    for head in HEADS:
        getattr(network, head).requires_grad_(requires_grad=True)
    return Attached(tuner, network, adaptive=adaptive)
