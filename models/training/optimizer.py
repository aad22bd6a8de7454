"""What is learned, and how fast each part of it."""

from __future__ import annotations

import math

import torch
from torch import nn

from models.tasks import HEADS
from models.training.config import TrainConfig
from models.training.network import Network

_EMBEDDINGS = ("words", "positions", "distances", "embedding_norm")


def make_optimizer(network: Network, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW over what `config` lets learn, which it marks in `network`; biases and norms are not decayed.

    Each group's `scale` is its rate over that of the run.
    """
    freeze(network, config)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            # Weights that are frozen but for a few rows must not shrink, and norms and biases have no reason to.
            kept = parameter.ndim <= 1 or (config.prompt is not None and name == "words.weight")
            decay = 0.0 if kept else config.weight_decay
            groups.setdefault((scale_of(name, network.shape.layers, config), decay), []).append(parameter)
    ordered = sorted(groups.items(), key=lambda group: (-group[0][0], -group[0][1]))
    return torch.optim.AdamW(
        [{"params": members, "weight_decay": decay, "scale": scale} for (scale, decay), members in ordered],
        lr=config.learning_rate,
        betas=(0.9, 0.98),
        fused=True,  # one pass over the weights instead of many: a third of a step's time on a processor
    )


def freeze(network: Network, config: TrainConfig) -> None:
    """Leave as it is what `config` says to; adapters have frozen what they stand in for."""
    words = bool(config.frozen_words or config.frozen_layers or config.adapters)
    network.words.requires_grad_(bool(config.prompt) or not words)
    if config.frozen_layers:
        network.positions.requires_grad_(requires_grad=False)
        network.embedding_norm.requires_grad_(requires_grad=False)
        if network.distances is not None:
            network.distances.requires_grad_(requires_grad=False)
        for layer in network.layers[: config.frozen_layers]:
            layer.requires_grad_(requires_grad=False)


def scale_of(name: str, layers: int, config: TrainConfig) -> float:
    """The rate of the parameter `name` of a network of `layers` layers, over that of the run."""
    part, _, rest = name.partition(".")
    if part in HEADS:
        return 1.0
    if "lora_" in name and config.adapters:
        own = config.adapters.learning_rate / config.learning_rate
    elif name == "words.weight" and config.prompt:
        return config.prompt.learning_rate / config.learning_rate
    else:
        own = 1.0
    depth = 0 if part in _EMBEDDINGS else int(rest.split(".")[0]) + 1
    return float(own * config.layer_decay ** (layers + 1 - depth))


def rate_at(step: int, steps: int, config: TrainConfig) -> float:
    """The learning rate at `step` of `steps`: a linear warm-up, then half a cosine down to nothing."""
    warm = max(1, round(config.warmup * steps))
    if step < warm:
        return config.learning_rate * (step + 1) / warm
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
