"""A narrower network: of the wide layers only the units that say something are kept.

What a unit says is how large what it gives usually is, times how large the weights are that read it (after Sun et
al., "A Simple and Effective Pruning Approach for Large Language Models", 2024, who judge single weights so). Whole
units go, so the network that is left is a plain one that is faster everywhere; it has to learn to do without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from models.errors import WrongSettingError
from models.training.batches import Encoded, collate
from models.training.network import Layer, Network
from models.training.predict import forward

TEXTS = 512
"""Texts by which a run judges units."""

_OUT_OF_PROPORTION = 16.0
"""How many times the usual size of its weights a unit may have."""
_NOTHING = 1e-12


def keep_units(network: Network, size: int, items: Sequence[Encoded], *, dropout: float) -> Network:
    """The network with only the `size` units of each wide layer that say most, in their old order.

    Args:
        network: what is made narrower.
        size: units that each wide layer keeps.
        items: texts like those that the run learns from; some `TEXTS` tell enough.
        dropout: of the network that is returned.

    Raises:
        WrongSettingError: if there are fewer units than that.
    """
    if size == network.shape.inner:
        return network
    if not 0 < size < network.shape.inner:
        raise WrongSettingError(
            f"inner is {size}, but the wide layers have {network.shape.inner} units: give fewer, or leave it out"
        )
    squares = _mean_squares(network, items)
    narrow = Network(network.shape.model_copy(update={"inner": size}), dropout=dropout)
    state = network.state_dict()
    for number, (each, square) in enumerate(zip(network.layers, squares, strict=True)):
        said = square * cast("Layer", each).narrow.weight.square().sum(dim=0)
        kept = said.topk(size).indices.sort().values
        name = f"layers.{number}"
        for part in (f"{name}.widen.weight", f"{name}.widen.bias"):
            if part in state:
                state[part] = state[part][kept]
        state[f"{name}.narrow.weight"] = state[f"{name}.narrow.weight"][:, kept]
    narrow.load_state_dict(state)
    return narrow


def settle_units(network: Network) -> None:
    """Takes units whose weights are out of all proportion back to the size of the others, in place.

    A ReLU lets a factor through, so what widens may be divided by it and what reads it multiplied: by a power of
    two, which changes no answer by a bit. A unit that nothing reads can have got weights a million times too large
    that way, and to learn on from them a step of what reads it would be as large.
    """
    if network.shape.activation != "relu":
        return
    with torch.no_grad():
        for each in network.layers:
            layer = cast("Layer", each)
            size = layer.widen.weight.abs().amax(dim=1)
            beyond = size / size.median().clamp_min(_NOTHING)
            factor = torch.where(beyond > _OUT_OF_PROPORTION, beyond, 1.0).log2().round().exp2()
            layer.widen.weight.div_(factor[:, None])
            if layer.widen.bias is not None:
                layer.widen.bias.div_(factor)
            layer.narrow.weight.mul_(factor)


def _mean_squares(network: Network, items: Sequence[Encoded]) -> list[Tensor]:
    """For each layer, by unit, the mean square of what it gives to the rows that the layer computes."""
    totals = [torch.zeros(network.shape.inner) for _ in network.layers]
    rows = [0] * len(totals)
    hooks = []

    def counting(number: int) -> None:
        def count(_: nn.Module, given: tuple[Tensor]) -> None:
            told = given[0].reshape(-1, network.shape.inner)
            totals[number] += told.square().sum(dim=0)
            rows[number] += len(told)

        hooks.append(cast("Layer", network.layers[number]).narrow.register_forward_pre_hook(count))

    for number in range(len(totals)):
        counting(number)
    network.eval()
    try:
        with torch.inference_mode():
            for item in items:  # one by one, so that no padding is judged by
                forward(network, collate([item]), "fp32")
    finally:
        for hook in hooks:
            hook.remove()
    return [total / max(1, count) for total, count in zip(totals, rows, strict=True)]
