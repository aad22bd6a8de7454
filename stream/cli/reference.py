"""Naming a release on the command line."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.release import Release
    from models.scorer import Scorer
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
        UsageError: if there is no folder, alias or release that ships of this name.
        ModelError: if the store has no such version, or the release is not whole.
    """
    from models.manifest import PLAIN
    from models.packaged import packaged_named, packaged_releases
    from models.release import Release
    from stream.parts import release_of, store_of

    if ref is None:
        return release_of(settings)
    if not ref.strip():
        raise UsageError(f"release {ref!r}: it is empty: give a folder, NAME@VERSION, or a name")
    if Path(ref).is_dir():
        return Release.open(Path(ref))
    name, at, version = ref.partition("@")
    ship = ", ".join(sorted(each.label for each in packaged_releases()))
    if at:
        return packaged_named(ref) or _fetched(settings, name, version, ship)
    found = (store_of(settings).resolve(ref) if re.fullmatch(PLAIN, ref) else None) or packaged_named(ref)
    if found is None:
        raise UsageError(
            f"release {ref!r}: there is no such folder, no such alias in the store, and no release of this"
            f" name ships: give one of these, or one that ships ({ship})"
        )
    return found


def _fetched(settings: Settings, name: str, version: str, ship: str) -> Release:
    from models.errors import UnknownReleaseError, WrongSettingError
    from stream.parts import store_of

    try:
        return store_of(settings).fetch(name, version)
    except (UnknownReleaseError, WrongSettingError) as error:
        raise UsageError(f"release {name}@{version}: {error}; what ships is {ship}") from error


def scorers_of(settings: Settings, release: str | None) -> Callable[[str], Scorer]:
    """Gives the scorer of a text: that of its language, where one is set and no `release` is named.

    Each release is loaded when the first text needs it.
    """
    from stream.parts import load_scorer, release_of
    from stream.score.language import language_of

    named = settings.releases.languages if release is None else {}

    @cache
    def load(which: str | None) -> Scorer:
        found = release_named(settings, release) if which is None else release_of(settings, which)
        return load_scorer(settings, found)

    def scorer_of(text: str) -> Scorer:
        which = named.get(language_of(text)) if named else None
        return load(None if which == settings.releases.alias else which)

    return scorer_of


def loading(settings: Settings) -> dict[str, Any]:
    """How the settings say that a release is to be run, as `models.scorer.OnnxScorer.load` takes it."""
    providers = {"cpu": ("CPUExecutionProvider",), "cuda": ("CUDAExecutionProvider",)}
    return {
        "batch_tokens": settings.score.batch_tokens,
        "max_length": settings.score.max_length,
        "providers": providers[settings.score.provider],
        "threads": settings.score.intra_threads,
    }
