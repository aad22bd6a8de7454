"""The fine-tuning loop: steps, measuring, early stopping, checkpoints. What to run, `train` says."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.errors import ModelError
from models.training.batches import Batch, Encoded, collate, shuffled
from models.training.config import TrainConfig
from models.training.loss import Loss
from models.training.network import Network
from models.training.predict import forward

AVERAGE_EVERY = 5
"""Steps between two additions to the average of the weights: more often costs time and changes nothing."""

Report = Callable[[str, float, int], None]
"""Takes a name (`train/loss`), a value and a step."""


def make_optimizer(network: Network, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW; biases and norms are not decayed."""
    decayed = [p for name, p in network.named_parameters() if p.ndim > 1]
    rest = [p for name, p in network.named_parameters() if p.ndim <= 1]
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": config.weight_decay}, {"params": rest, "weight_decay": 0.0}],
        lr=config.learning_rate,
        betas=(0.9, 0.98),
    )


def rate_at(step: int, steps: int, config: TrainConfig) -> float:
    """The learning rate at `step` of `steps`: a linear warm-up, then half a cosine down to nothing."""
    warm = max(1, round(config.warmup * steps))
    if step < warm:
        return config.learning_rate * (step + 1) / warm
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


@dataclass
class Progress:
    """Where a run stands; with network and optimizer all that is needed to go on after a stop."""

    step: int = 0
    best: float = -1.0
    since_best: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def fit(
    network: Network,
    train: Sequence[Encoded],
    loss: Loss,
    config: TrainConfig,
    *,
    check: Callable[[Network], float],
    report: Report,
    state: Path,
) -> Progress:
    """Fine-tunes `network` in place and leaves it with the averaged weights that the recipe says to keep.

    Args:
        network: what is trained.
        train: what it learns from.
        loss: what it is told.
        config: the recipe.
        check: measures a network; the higher the better.
        report: told of each step's loss and rate, and of each check.
        state: a folder for what a stopped run goes on from. A finished run is not trained again.

    Raises:
        ModelError: if `state` is that of a run with other settings.
    """
    optimizer = make_optimizer(network, config)
    averaged = copy.deepcopy(network)
    progress = _resume(state, network, averaged, optimizer, config)
    per_epoch = math.ceil(len(train) / config.batch_size)
    steps = per_epoch * config.epochs
    window = min(config.average, steps // 3)
    every = max(1, per_epoch // config.measures_per_epoch)
    while progress.step < steps and progress.since_best < config.patience:
        epoch, within = divmod(progress.step, per_epoch)
        batches = shuffled(train, config.batch_size, config.seed + epoch)
        for chosen in batches[within:]:
            torch.manual_seed(config.seed * 1_000_003 + progress.step)
            _step(
                network,
                optimizer,
                loss,
                collate(chosen),
                config,
                rate_at(progress.step, steps, config),
                report,
                progress,
            )
            if progress.step % AVERAGE_EVERY == 0 or not window:
                _average(averaged, network, window)
            if progress.step % every == 0 or progress.step == steps:
                _check(network, averaged, optimizer, check(averaged), config, report, state, progress)
                if progress.since_best >= config.patience:
                    break
    best = torch.load(state / "best.pt", weights_only=True)
    network.load_state_dict(best if config.keep == "best" else averaged.state_dict())
    network.eval()
    return progress


def _step(
    network: Network,
    optimizer: torch.optim.AdamW,
    loss: Loss,
    batch: Batch,
    config: TrainConfig,
    rate: float,
    report: Report,
    progress: Progress,
) -> None:
    network.train()
    for group in optimizer.param_groups:
        group["lr"] = rate
    value = loss(forward(network, batch, config.precision), batch)
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(value)
    nn.utils.clip_grad_norm_(network.parameters(), config.gradient_clip)
    optimizer.step()
    progress.step += 1
    report("train/loss", value.item(), progress.step)
    report("train/rate", rate, progress.step)


def _average(averaged: Network, network: Network, steps: int) -> None:
    share = min(1.0, AVERAGE_EVERY / steps) if steps else 1.0
    with torch.no_grad():
        for mean, now in zip(averaged.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, share)


def _check(
    network: Network,
    averaged: Network,
    optimizer: torch.optim.AdamW,
    value: float,
    config: TrainConfig,
    report: Report,
    state: Path,
    progress: Progress,
) -> None:
    report("tune/mean_macro_f1", value, progress.step)
    progress.history.append({"step": progress.step, "mean_macro_f1": value})
    progress.since_best += 1
    if value > progress.best:
        progress.best, progress.since_best = value, 0
        torch.save(averaged.state_dict(), state / "best.pt")
    saved: dict[str, Any] = {
        "network": network.state_dict(),
        "averaged": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
        "progress": vars(progress),
        "recipe": _recipe(config),
    }
    partial = state / "last.pt.partial"
    torch.save(saved, partial)
    partial.replace(state / "last.pt")


def _recipe(config: TrainConfig) -> str:
    return config.model_dump_json(exclude={"out", "threads"})


def _resume(
    state: Path, network: Network, averaged: Network, optimizer: torch.optim.AdamW, config: TrainConfig
) -> Progress:
    state.mkdir(parents=True, exist_ok=True)
    last = state / "last.pt"
    if not last.exists():
        return Progress()
    saved = torch.load(last, weights_only=True)
    if saved["recipe"] != _recipe(config):
        raise ModelError(
            f"out is {state.parent}, which holds a run with other settings: give another folder, or remove it"
        )
    network.load_state_dict(saved["network"])
    averaged.load_state_dict(saved["averaged"])
    optimizer.load_state_dict(saved["optimizer"])
    return Progress(**saved["progress"])
