"""What a run shows while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from models.training.config import TrainConfig
from models.training.runlog import RunLog

Watch = Callable[[float, int], None]
"""Told of each measurement on the tuning part, and its step. What it raises ends the run, which can go on."""


class Curves:
    """A run's figures: to the logs, the terminal (both only if `shown`), and whoever watches."""

    def __init__(self, config: TrainConfig, texts: int, watch: Watch | None, *, shown: bool) -> None:
        self._watch = watch
        self._bar: Progress | None = None
        self._log: RunLog | None = None
        if shown:
            self._bar = _bar()
            self._log = RunLog(
                config.out / "logs", name=config.out.name, config=config.model_dump(mode="json")
            )
            self._bar.add_task("training", total=-(-texts // config.batch_size) * config.epochs)

    def report(self, name: str, value: float, step: int) -> None:
        """Takes the figure `name` (`train/loss`) at `step`."""
        tuned = name.startswith("tune/")
        if self._log and self._bar:
            self._log.add(name, value, step)
            self._bar.update(self._bar.task_ids[0], completed=step)
            if tuned:
                self._bar.console.print(f"step {step}: {name.removeprefix('tune/')} {value:.4f}")
        if tuned and self._watch:
            self._watch(value, step)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._log and self._bar:
            self._bar.stop()
            self._log.__exit__(kind, error, trace)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
