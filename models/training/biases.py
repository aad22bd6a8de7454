"""The same network with fewer biases in the products of its layers, which an int8 graph computes faster.

What a norm normalises has the mean zero, so its rows add up to the same number always, if each column is divided
by the norm's gain. A product that reads these rows therefore knows a constant, and what its bias adds its weights
can add as well. Nor do values need a bias of their own, as the shares by which they are mixed sum to one: what it
adds the next product can add. And what all keys add alike to the scores of a query changes no share. In numbers
that are not rounded all answers stay as they are.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models.training.network import Network

State = dict[str, Tensor]

_TIMES = 3.0
"""How large the constant is at the least, beside the root of the sum of the squares of what makes it: int8 rounds
each column, and with it the constant, by a tenth of a step at this size."""

_MOST = 2.0
"""How much is added to a norm's columns for that, at the most, in times of its mean gain."""

_NOTHING = 1e-6
"""In the place of a gain of zero: such a column says the constant alone."""


def leave_out_biases(network: Network, *, dropout: float, attention: bool = True) -> Network:
    """The network without a bias in the first wide product of each layer, and with none but zeros in `qkv`.

    Products that read no norm's rows keep their biases, as heads do. The network itself comes back where a norm
    says no constant: its gains cancel out. No network that was trained has been seen to be like that.

    Args:
        network: whose biases are left out.
        dropout: of the network that is returned.
        attention: False to leave `qkv` as it is, for a network that is to learn on: what norms add for it would be
            dropped out with the rest of their rows.
    """
    shape = network.shape
    state = {name: values.detach().double() for name, values in network.state_dict().items()}
    before = "embedding_norm"
    for number in range(shape.layers):
        layer = f"layers.{number}"
        shift = _raise(state, before) if attention else 0.0
        within = _raise(state, f"{layer}.attended_norm")
        if shift is None or within is None:
            return network
        if attention:
            _leave_out_of_attention(state, before, layer, shift)
        if number == shape.layers - 1:
            _take_back(state, shift, shape.width)
        wide = f"{layer}.widen"
        bias = state.pop(f"{wide}.bias", torch.zeros(shape.inner, dtype=torch.float64))
        _hand_over(state, f"{layer}.attended_norm", f"{wide}.weight", slice(None), bias, within)
        before = f"{layer}.output_norm"
    plain = Network(shape.model_copy(update={"widening_bias": False}), dropout=dropout)
    plain.load_state_dict(state)
    return plain


def _constant(state: State, norm: str) -> tuple[Tensor, float]:
    """What each column of the rows of `norm` is multiplied by so that they add up to a constant; and that."""
    gain = state[f"{norm}.weight"]
    shares = 1.0 / torch.where(gain.abs() < _NOTHING, _NOTHING, gain)
    return shares, float(state[f"{norm}.bias"] @ shares)


def _raise(state: State, norm: str) -> float | None:
    """Adds the same to all columns of `norm`, so that its constant is large enough; returns how much.

    Where its rows are added to others, the next norm takes it away again. None where it would take too much.
    """
    shares, constant = _constant(state, norm)
    wanted = _TIMES * float(shares.norm())
    if abs(constant) >= wanted:
        return 0.0
    total = float(shares.sum())
    missing = math.copysign(wanted, constant) - constant
    if abs(missing) > _MOST * float(state[f"{norm}.weight"].abs().mean()) * abs(total):
        return None
    state[f"{norm}.bias"] += missing / total
    return missing / total


def _hand_over(state: State, norm: str, weight: str, part: slice, bias: Tensor, shift: float) -> None:
    """The rows `part` of `weight` add `bias` themselves, less what they make of the `shift` of `norm`."""
    shares, constant = _constant(state, norm)
    rows = state[weight][part]
    added = bias - shift * rows.sum(dim=1)
    state[weight][part] = rows + added[:, None] * shares / constant


def _leave_out_of_attention(state: State, norm: str, layer: str, shift: float) -> None:
    """Queries, keys and values of `layer` without biases."""
    weight, bias = state[f"{layer}.qkv.weight"], state[f"{layer}.qkv.bias"]
    width = weight.shape[1]
    of_values = bias[2 * width :] - shift * weight[2 * width :].sum(dim=1)
    state[f"{layer}.attended.bias"] += state[f"{layer}.attended.weight"] @ of_values
    _hand_over(state, norm, f"{layer}.qkv.weight", slice(width), bias[:width], shift)
    bias.zero_()


def _take_back(state: State, shift: float, width: int) -> None:
    """The heads that read the rows below the last layer answer as before these were raised."""
    for head in ("sentiment", "topic"):
        state[f"{head}.bias"] -= shift * state[f"{head}.weight"][:, width:].sum(dim=1)
    state["ner.bias"] -= shift * state["ner.weight"].sum(dim=1)
