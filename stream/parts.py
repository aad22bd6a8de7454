"""Settings become parts: the plain values and objects that the rest of newstide takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from models.release import Release
from models.scorer import OnnxScorer
from models.store import ReleaseStore, packaged_release
from stream.score.entities import CompanyTagger
from stream.settings import Settings
from stream.watch.rules import WatchRules


def tagger_of(settings: Settings, extra: Sequence[Path] = ()) -> CompanyTagger:
    """The company tables that ship, and those of the user behind them."""
    return CompanyTagger.default([*settings.score.companies, *extra])


def store_of(settings: Settings) -> ReleaseStore:
    """Where releases are kept. With `releases.key` it gives out only what is signed with it."""
    cache = settings.broker.data_dir / "cache"
    return ReleaseStore(settings.release_store, cache=cache, key=key_of(settings))


def key_of(settings: Settings) -> bytes | None:
    """The key that releases are signed with, where one is set."""
    key = settings.releases.key
    return key.get_secret_value().encode() if key is not None else None


def release_of(settings: Settings) -> Release:
    """The release that the alias stands for in the store, or the one that ships with newstide."""
    found = store_of(settings).resolve(settings.releases.alias)
    return packaged_release() if found is None else found


def load_scorer(settings: Settings, release: Release) -> OnnxScorer:
    """Load a release as the settings say."""
    providers = {"cpu": ("CPUExecutionProvider",), "cuda": ("CUDAExecutionProvider",)}
    return OnnxScorer.load(
        release,
        batch_tokens=settings.score.batch_tokens,
        max_length=settings.score.max_length,
        providers=providers[settings.score.provider],
        threads=settings.score.intra_threads,
    )


def rules_of(settings: Settings) -> WatchRules:
    """The thresholds of WATCH."""
    return settings.watch.rules
