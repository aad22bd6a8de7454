"""Whole files on any file system: read all of one, or put one in its place at once."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem


def get_whole(fs: fsspec.AbstractFileSystem, path: str) -> bytes | None:
    """The content of `path`, or None if there is no such file."""
    try:
        return bytes(fs.cat_file(path))
    except FileNotFoundError:
        return None


def put_whole(fs: fsspec.AbstractFileSystem, path: str, data: bytes) -> None:
    """Write `data` to `path`, so that a reader finds all of it, or what was there before.

    Object stores show an object only when all of it has come. On a disk it is written beside its place, flushed
    and renamed.
    """
    if isinstance(fs, LocalFileSystem):
        put_on_disk(Path(path), data)
        return
    try:
        fs.pipe_file(path, data)
    except FileNotFoundError:  # a store with real directories
        fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        fs.pipe_file(path, data)


def put_on_disk(path: Path, data: bytes) -> None:
    """The same for a file of this machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
