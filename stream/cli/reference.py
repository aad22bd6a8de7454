"""Naming a release on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from models.release import Release
    from stream.settings import Settings

ReleaseRef = Annotated[
    str | None,
    typer.Option(
        "--release",
        metavar="REF",
        help="A folder, NAME@VERSION, the NAME of one that ships, or an alias; else the one in force.",
    ),
]


def release_named(settings: Settings, ref: str | None) -> Release:
    """The release that `ref` names; None, the one in force.

    It may be a folder, the name or `NAME@VERSION` of a release that ships, `NAME@VERSION` in the store, or an
    alias.

    Raises:
        ModelError: if there is none, or it is not whole.
    """
    from models.packaged import packaged_named
    from models.release import Release
    from stream.parts import release_of, store_of

    if ref is None:
        return release_of(settings)
    if Path(ref).is_dir():
        return Release.open(Path(ref))
    name, at, version = ref.partition("@")
    if at:
        return packaged_named(ref) or store_of(settings).fetch(name, version)
    # What is no alias either is taken for a folder, whose error says what is missing there.
    return store_of(settings).resolve(ref) or packaged_named(ref) or Release.open(Path(ref))


def loading(settings: Settings) -> dict[str, Any]:
    """How the settings say that a release is to be run, as `models.scorer.OnnxScorer.load` takes it."""
    providers = {"cpu": ("CPUExecutionProvider",), "cuda": ("CUDAExecutionProvider",)}
    return {
        "batch_tokens": settings.score.batch_tokens,
        "max_length": settings.score.max_length,
        "providers": providers[settings.score.provider],
        "threads": settings.score.intra_threads,
    }
