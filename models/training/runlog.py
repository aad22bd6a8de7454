"""Where the curves of a run go: TensorBoard always, Weights & Biases where its package and its key are there."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from torch.utils.tensorboard import SummaryWriter

KEY = "WANDB_API_KEY"


class RunLog:
    """Takes figures by name and step; a context manager.

    Args:
        folder: where TensorBoard's files go.
        name: of the run.
        config: what the run was told, kept beside its curves.
    """

    def __init__(self, folder: Path, *, name: str, config: dict[str, Any]) -> None:
        self._board = SummaryWriter(str(folder))
        library = _weights_and_biases()
        self._run: Any = (
            library.init(project="newstide", name=name, config=config, dir=str(folder)) if library else None
        )

    def add(self, name: str, value: float, step: int) -> None:
        """The figure `name` at `step`."""
        self._board.add_scalar(name, value, step)
        if self._run is not None:
            self._run.log({name: value}, step=step)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._board.close()
        if self._run is not None:
            self._run.finish(exit_code=0 if error is None else 1)


def _weights_and_biases() -> ModuleType | None:
    """The library `wandb`, if somebody installed it and is signed in."""
    if not os.environ.get(KEY):
        return None
    try:
        return import_module("wandb")  # no dependency of newstide: taken where it is there
    except ImportError:
        return None
