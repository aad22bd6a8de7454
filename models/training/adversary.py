"""Adversarial training: texts are also learned with their embeddings pushed to where they are answered worst."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

_Hook = Callable[[nn.Module, Any, Tensor], Tensor]


def learn_adversarially(words: nn.Embedding, ask: Callable[[], Tensor], length: float) -> Tensor:
    """Adds the gradient of the mean of two losses to the parameters, and returns the first of them.

    The second is the loss with each text's word embeddings moved by `length` along the gradient of the first, the
    texts' own slope (Miyato, Dai and Goodfellow, "Adversarial Training Methods for Semi-Supervised Text
    Classification", ICLR 2017).

    Args:
        words: looks up the embeddings, once in each call of `ask`.
        ask: computes the loss of the batch.
        length: how far, in the Euclidean norm over all numbers of a text.
    """
    seen: list[Tensor] = []

    def watch(_module: nn.Module, _inputs: Any, rows: Tensor) -> Tensor:
        rows = rows if rows.requires_grad else rows.detach().requires_grad_()
        rows.retain_grad()
        seen.append(rows)
        return rows

    plain = _ask_with(words, watch, ask)
    torch.autograd.backward(0.5 * plain)
    slope = torch.zeros_like(seen[0]) if seen[0].grad is None else seen[0].grad
    steepness = slope.flatten(1).norm(dim=1).clamp_min(1e-12)
    push = slope * (length / steepness)[:, None, None]
    torch.autograd.backward(0.5 * _ask_with(words, lambda _module, _inputs, rows: rows + push, ask))
    return plain.detach()


def _ask_with(words: nn.Embedding, hook: _Hook, ask: Callable[[], Tensor]) -> Tensor:
    handle = words.register_forward_hook(hook)
    try:
        return ask()
    finally:
        handle.remove()
