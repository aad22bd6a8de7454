"""Learning with numbers rounded as an int8 graph rounds them, so that the network makes do with them.

In each step the inputs of a layer's products are rounded to 256 steps between their least and their largest, and
each output's weights to 255 steps around zero. Gradients pass as if nothing had been rounded (Jacob et al.,
"Quantization and training of neural networks for efficient integer-arithmetic-only inference", CVPR 2018). An
export takes its ranges from texts, once; here they are those of the batch. A network that learned so can be
exported without evening out outliers, which saves a multiplication before most products.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from models.training.network import Network

_PRODUCTS = ("qkv", "attended", "widen", "narrow")


class Rounded(nn.Linear):
    """A linear layer that computes with rounded inputs and weights."""

    def forward(self, rows: Tensor) -> Tensor:
        """`rows`, [..., inputs], times the weights, plus the bias: nearly what the int8 graph has for it."""
        return nn.functional.linear(_rounded_rows(rows.float()), _rounded_weight(self.weight), self.bias)


def round_products(network: Network) -> None:
    """Makes the products of all layers of `network` compute with rounded numbers; the weights stay the same."""
    _swap(network, Rounded)


def round_no_more(network: Network) -> None:
    """Undoes `round_products`; the weights stay what they became."""
    _swap(network, nn.Linear)


def _swap(network: Network, kind: type[nn.Linear]) -> None:
    for layer in network.layers:
        for name in _PRODUCTS:
            old = cast("nn.Linear", getattr(layer, name))
            new = kind(old.in_features, old.out_features, device="meta")
            new.weight, new.bias = old.weight, old.bias
            setattr(layer, name, new)


def _rounded_rows(rows: Tensor) -> Tensor:
    with torch.no_grad():
        least, most = rows.aminmax()
        least, most = least.clamp(max=0.0), most.clamp(min=0.0)
        step = ((most - least) / 255).clamp(min=1e-12)
        zero = (-least / step).round().to(torch.int32)
    quantise: Any = torch.fake_quantize_per_tensor_affine  # its stub knows no tensors
    rounded: Tensor = quantise(rows, step, zero, 0, 255)
    return rounded


def _rounded_weight(weight: Tensor) -> Tensor:
    with torch.no_grad():
        step = (weight.abs().amax(dim=1) / 127).clamp(min=1e-12)
    return torch.fake_quantize_per_channel_affine(weight, step, torch.zeros_like(step), 0, -127, 127)
