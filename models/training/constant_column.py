"""Wide layers without a bias, so that an int8 graph with ReLU rounds the sums of their first product at once.

What a bias adds, a constant input adds as well. The norm before the product gives one: of the column that says
least, its gain becomes zero and its bias a number. So nothing changes at first but that this column has no more to
say, and the network has hardly anything to learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from models.training.batches import Encoded, collate
from models.training.network import Layer, Network


def leave_out_biases(network: Network, items: Sequence[Encoded], *, dropout: float) -> Network:
    """The network without a bias in the first wide product of each layer.

    Args:
        network: whose biases are left out.
        items: texts like those that the run learns from; some hundreds tell enough.
        dropout: of the network that is returned.
    """
    if not network.shape.widening_bias:
        return network
    plain = Network(network.shape.model_copy(update={"widening_bias": False}), dropout=dropout)
    state = {name: values.clone() for name, values in network.state_dict().items()}
    for number, rows in enumerate(_widened(network, items)):
        name = f"layers.{number}"
        weight, bias = state[f"{name}.widen.weight"], state.pop(f"{name}.widen.bias")
        largest = weight.abs().amax(dim=1).clamp(min=1e-12)
        # A unit may be as large as it likes, as the weights that read it are the smaller: so in shares of its own.
        said = rows.var(dim=0) * (weight / largest[:, None]).square().sum(dim=0)
        column, usual = int(said.argmin()), rows.mean(dim=0)
        bias = bias + weight[:, column] * usual[column]
        # So large that no unit's weights get coarser steps in int8, but no larger: the layer adds what it gave to
        # the product to its output, too, and what takes that back is dropped out now and then while it learns.
        constant = (bias.abs() / largest).max().clamp(1.0, rows.abs().max().clamp(min=1.0))
        weight[:, column] = bias / constant
        state[f"{name}.attended_norm.weight"][column] = 0.0
        state[f"{name}.attended_norm.bias"][column] = constant
        state[f"{name}.narrow.bias"][column] += usual[column] - constant
    plain.load_state_dict(state)
    return plain


def _widened(network: Network, items: Sequence[Encoded]) -> list[Tensor]:
    """For each layer the rows that its first wide product was given, [rows, width]."""
    seen: list[list[Tensor]] = [[] for _ in network.layers]
    hooks = [
        cast("Layer", layer).widen.register_forward_pre_hook(
            lambda _, given, rows=rows: rows.append(given[0].reshape(-1, network.shape.width))
        )
        for layer, rows in zip(network.layers, seen, strict=True)
    ]
    network.eval()
    try:
        with torch.inference_mode():
            for item in items:  # one by one, so that no padding is judged by
                batch = collate([item])
                network(batch.input_ids, batch.attention_mask, batch.spans)
    finally:
        for hook in hooks:
            hook.remove()
    return [torch.cat(rows) for rows in seen]
