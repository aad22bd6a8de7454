"""The releases in force in one process: one for all languages, and those of single languages.

Each has a slot of its own, so that a release for Chinese is brought in and taken back without touching the other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from models.scorer import Scorer
from models.slot import ModelSlot
from stream.parts import load_scorer, release_at_start
from stream.score.language import language_of
from stream.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Serving:
    """One release in force.

    Attributes:
        slot: holds it.
        which: what it is asked for by, an alias or `name@version`; None for the alias of all languages.
        alias: the alias to follow; None where one version is named, which stays.
        languages: those that it alone reads; none where it reads all that have no other.
        unfit: those of `languages` that its manifest does not name.
        away: why the store could not be asked at the start, if it could not.
    """

    slot: ModelSlot
    which: str | None
    alias: str | None
    languages: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    away: str | None = None

    def __str__(self) -> str:
        served = f"{', '.join(self.languages)}: " if self.languages else ""
        return f"{served}{self.slot.current.release}"


def wanted(settings: Settings) -> dict[str | None, tuple[str, ...]]:
    """What is to be in force, and the languages of each: first the release of all, under None."""
    meant: dict[str | None, tuple[str, ...]] = {None: ()}
    for language, which in sorted(settings.releases.languages.items()):
        if which != settings.releases.alias:
            meant[which] = (*meant.get(which, ()), language)
    return meant


def open_serving(settings: Settings) -> tuple[Serving, ...]:
    """Loads what the settings want in force, the release of all languages first.

    Raises:
        ModelError: if one of them can't be used.
    """
    return tuple(open_language(settings, which, languages) for which, languages in wanted(settings).items())


def open_language(settings: Settings, which: str | None, languages: tuple[str, ...]) -> Serving:
    """Loads one of what is `wanted`.

    Raises:
        ModelError: if it can't be used.
    """
    release, away = release_at_start(settings, which)
    slot = ModelSlot.open(release, load=partial(load_scorer, settings))
    alias = settings.releases.alias if which is None else which
    unfit = tuple(each for each in languages if each not in release.manifest.languages)
    if unfit:
        log.warning(
            "releases.languages: %s was made for %s, not for %s: its answers may be worth little",
            release.label,
            ", ".join(release.manifest.languages),
            ", ".join(unfit),
        )
    return Serving(slot, which, None if "@" in alias else alias, languages, unfit, away)


def by_language(serving: tuple[Serving, ...]) -> Mapping[str, ModelSlot]:
    """The slot of each language that has a release of its own."""
    return {language: each.slot for each in serving for language in each.languages}


def scorer_in_force(serving: tuple[Serving, ...]) -> Callable[[str], Scorer]:
    """Gives the scorer in force for a text: that of the language in which it is written."""
    default, slots = serving[0].slot, by_language(serving)
    return lambda text: slots.get(language_of(text), default).current
