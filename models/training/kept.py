"""What a run keeps is whole or not there: a full disk or Ctrl-C leaves what was kept before."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from models.errors import ModelError


def keep_file(content: dict[str, Any], path: Path) -> None:
    """Writes `content` with `torch.save`; `path` is the former file until the new one is whole.

    Raises:
        ModelError: if it can't be written, as where the disk is full.
    """
    partial = path.with_name(f"{path.name}.partial")
    with _told(path):
        try:
            torch.save(content, partial)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def make_folder(folder: Path) -> None:
    """Makes `folder` and those above it, where they are missing.

    Raises:
        ModelError: if it can't be made, as where a file is in its place.
    """
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def keep_folder(folder: Path) -> Iterator[Path]:
    """A fresh folder to write to, which takes the place of `folder` once the block has ended well.

    Raises:
        ModelError: if something can't be written, as where the disk is full.
    """
    partial, former = (folder.with_name(f"{folder.name}.{end}") for end in ("partial", "former"))
    with _told(folder):
        for left in (partial, former):
            shutil.rmtree(left, ignore_errors=True)
        try:
            partial.mkdir(parents=True)
            yield partial
            if folder.exists():
                folder.rename(former)
            partial.rename(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        shutil.rmtree(former, ignore_errors=True)


@contextmanager
def _told(where: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:  # torch tells a full disk as a RuntimeError
        said = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{where} can't be written ({said}): is the disk full? What was kept before is whole;"
            " free some space, and the same command goes on from there"
        ) from error
