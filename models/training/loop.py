"""The fine-tuning loop: steps, measuring, early stopping, checkpoints. What to run, `train` says."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.errors import WrongSettingError
from models.training.adapters import Attached, attach
from models.training.adversary import learn_adversarially
from models.training.batches import Encoded, collate, shuffled
from models.training.config import TrainConfig
from models.training.data import digest_of
from models.training.devices import Crew
from models.training.kept import keep_file
from models.training.loss import Loss
from models.training.network import Network
from models.training.optimizer import make_optimizer, rate_at
from models.training.predict import forward

AVERAGE_EVERY = 5
"""Steps between two additions to the average of the weights: more often costs time and changes nothing."""

Report = Callable[[str, float, int], None]
"""Takes a name (`train/loss`), a value and a step."""


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
    changed: Callable[[int], Sequence[Encoded]] | None = None,
    crew: Crew | None = None,
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
        changed: as many texts for the epoch of a number, to learn from instead of `train`.
        crew: the processes that train together; None for this one alone.

    Raises:
        WrongSettingError: if `state` is that of a run with other settings or over other texts.
        ModelError: if `config` does not fit the network.
    """
    per_epoch = math.ceil(len(train) / config.batch_size)
    steps = per_epoch * config.epochs
    learned = digest_of(item.example for item in train)
    run = _Run(network, loss, config, steps, report, state, crew or Crew(), learned)
    progress = run.resume()
    every = max(1, per_epoch // config.measures_per_epoch)
    while progress.step < steps and not run.is_at_its_best():
        epoch, within = divmod(progress.step, per_epoch)
        texts = changed(epoch) if changed else train
        for chosen in shuffled(texts, config.batch_size, config.seed + epoch)[within:]:
            run.step(chosen)
            checked = progress.step % every == 0 or progress.step == steps
            run.average(checked=checked)
            if checked:
                run.keep(check(run.averaged))
                if run.is_at_its_best():
                    break
    run.finish()
    return progress


def refuse_other_settings(config: TrainConfig, state: Path) -> None:
    """Make sure that a run by `config` may go on from what lies in the folder `state`, if anything does.

    Raises:
        WrongSettingError: if a run with other settings was stopped or finished there.
    """
    last = state / "last.pt"
    # Only a page of it is read: the weights stay on the disk.
    if last.exists() and not config.is_told_by(torch.load(last, weights_only=True, mmap=True)["recipe"]):
        raise _other_run(state, "with other settings")


def _other_run(state: Path, what: str) -> WrongSettingError:
    return WrongSettingError(
        f"out is {state.parent}, which holds a run {what}: give another folder, or remove it"
    )


class _Run:
    """What the steps of one run share."""

    def __init__(
        self,
        network: Network,
        loss: Loss,
        config: TrainConfig,
        steps: int,
        report: Report,
        state: Path,
        crew: Crew,
        texts: str,
    ) -> None:
        self._network = network
        self._loss = loss
        self._config = config
        self._steps = steps
        self._report = report
        self._state = state
        self._crew = crew
        self._texts = texts
        self._window = min(config.average, steps // 3)
        self._adapters: Attached | None = None
        if config.adapters:
            self._adapters = attach(network, config.adapters, steps, above=config.frozen_layers)
        self._optimizer = make_optimizer(network, config)
        self.averaged = copy.deepcopy(network)
        self._progress = Progress()

    def step(self, chosen: Sequence[Encoded]) -> None:
        """One step on one batch."""
        config, progress = self._config, self._progress
        # Each process drops other numbers of its own texts.
        torch.manual_seed((config.seed * 1_000_003 + progress.step) * self._crew.size + self._crew.number)
        self._network.train()
        rate = rate_at(progress.step, self._steps, config)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        self._optimizer.zero_grad(set_to_none=True)
        value = self._learn(chosen)
        self._crew.average_slopes(self._network)
        nn.utils.clip_grad_norm_(self._network.parameters(), config.gradient_clip)
        self._optimizer.step()
        progress.step += 1
        if self._adapters:
            self._adapters.after_step(progress.step)
        self._report("train/loss", value, progress.step)
        self._report("train/rate", rate, progress.step)

    def _learn(self, chosen: Sequence[Encoded]) -> float:
        """Adds the gradient of the loss on this process's share of the batch, and returns that loss."""
        mine, weight = self._crew.share_of(chosen)
        batch = collate(mine)

        def ask() -> Tensor:
            value = weight * self._loss(forward(self._network, batch, self._config.precision), batch)
            apart = self._adapters.penalty() if self._adapters else None
            return value if apart is None else value + apart

        if self._config.fgm:
            return learn_adversarially(self._network.words, ask, self._config.fgm).item()
        value = ask()
        torch.autograd.backward(value)
        return value.item()

    def average(self, *, checked: bool) -> None:
        """Adds to the running average, where it is time to; `checked` says that it is about to be measured."""
        # Without a window the average is the network itself, which is wanted only where it is looked at.
        if not (self._progress.step % AVERAGE_EVERY == 0 if self._window else checked):
            return
        share = min(1.0, AVERAGE_EVERY / self._window) if self._window else 1.0
        with torch.no_grad():
            for mean, now in zip(self.averaged.parameters(), self._network.parameters(), strict=True):
                mean.lerp_(now, share)

    def keep(self, value: float) -> None:
        """Notes a measurement, and keeps the network if it is the best one yet."""
        progress = self._progress
        value = self._crew.agree(value)
        self._report("tune/mean_macro_f1", value, progress.step)
        progress.history.append({"step": progress.step, "mean_macro_f1": value})
        progress.since_best += 1
        better = value > progress.best
        if better:
            progress.best, progress.since_best = value, 0
        if not self._crew.writes:
            return
        if better:
            keep_file(self.averaged.state_dict(), self._state / "best.pt")
        saved: dict[str, Any] = {
            "network": self._network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "adapters": self._adapters.state() if self._adapters else {},
            "progress": vars(progress),
            "recipe": self._config.model_dump_json(),
            "texts": self._texts,
        }
        keep_file(saved, self._state / "last.pt")

    def is_at_its_best(self) -> bool:
        """Whether the run may end early: not where what it ends with is kept, whose rate has yet to fall."""
        return self._config.keep == "best" and self._progress.since_best >= self._config.patience

    def resume(self) -> Progress:
        """Goes on from what `keep` saved, if it did."""
        self._state.mkdir(parents=True, exist_ok=True)
        last = self._state / "last.pt"
        if last.exists():
            refuse_other_settings(self._config, self._state)
            saved = torch.load(last, weights_only=True)
            if saved.get("texts", self._texts) != self._texts:
                raise _other_run(self._state, "over other texts")
            self._network.load_state_dict(saved["network"])
            self.averaged.load_state_dict(saved["averaged"])
            self._optimizer.load_state_dict(saved["optimizer"])
            if self._adapters:
                self._adapters.restore(saved["adapters"])
            self._progress = Progress(**saved["progress"])
        return self._progress

    def finish(self) -> None:
        """Leaves the network with the weights that the recipe says to keep, its adapters among them."""
        self._crew.wait()  # until process 0 has written what all now read
        best = torch.load(self._state / "best.pt", weights_only=True)
        kept = best if self._config.keep == "best" else self.averaged.state_dict()
        self._network.load_state_dict(kept)
        if self._adapters:
            self._adapters.merge()
        self._network.eval()
