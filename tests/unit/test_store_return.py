"""A release store that is away when a scorer starts, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from monitoring import put_tiny_release, settings_for
from prometheus_client import CollectorRegistry
from tiny_release import tiny_release

from models.errors import ModelError, StoreAwayError
from models.release import Release
from models.slot import ModelSlot
from models.store import ReleaseStore, packaged_release
from stream.bus import Connection
from stream.metrics import Metrics
from stream.parts import release_at_start
from stream.store_return import await_store

NOWHERE = Connection("nowhere:1")


@contextmanager
def away(store: Path) -> Iterator[None]:
    """The store can't be read: where its folder was, there is a file."""
    aside = store.with_name("aside")
    store.rename(aside)
    store.write_bytes(b"")
    yield
    store.unlink()
    aside.rename(store)


def two_releases(tmp_path: Path) -> ReleaseStore:
    """A store with `live` standing for the second of two."""
    store = ReleaseStore(str(tmp_path / "store"), cache=tmp_path / "cache")
    for number in (1, 2):
        store.publish(tiny_release(tmp_path / str(number), f"1.0.{number}", seed=number))
        store.set_alias("live", "tiny", f"1.0.{number}")
    return store


def test_what_an_alias_stood_for_last_is_recalled_while_the_store_is_away(tmp_path: Path) -> None:
    store = two_releases(tmp_path)
    found = store.resolve("live")
    assert found is not None
    with away(tmp_path / "store"):
        with pytest.raises(StoreAwayError, match="failed"):
            store.resolve("live")
        recalled = store.recall("live")
        assert recalled is not None
        assert recalled.manifest_sha256 == found.manifest_sha256


def test_an_alias_that_was_not_set_is_recalled_as_that(tmp_path: Path) -> None:
    store = two_releases(tmp_path)
    assert store.resolve("other") is None
    with away(tmp_path / "store"):
        assert store.recall("other") is None


def test_what_was_never_asked_or_is_no_longer_sound_is_not_recalled(tmp_path: Path) -> None:
    store = two_releases(tmp_path)
    with pytest.raises(StoreAwayError, match="no copy of what alias 'live' stands for"):
        store.recall("live")
    found = store.resolve("live")
    assert found is not None
    (found.path / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(StoreAwayError, match="no copy"):
        store.recall("live")


def test_the_copies_of_two_stores_in_one_cache_are_kept_apart(tmp_path: Path) -> None:
    two_releases(tmp_path).resolve("live")
    other = ReleaseStore(str(tmp_path / "another"), cache=tmp_path / "cache")
    with pytest.raises(StoreAwayError):
        other.recall("live")


def test_an_announced_release_that_was_fetched_before_needs_no_store(tmp_path: Path) -> None:
    store = two_releases(tmp_path)
    first = store.fetch("tiny", "1.0.1")
    with away(tmp_path / "store"):
        again = store.fetch("tiny", "1.0.1", manifest_sha256=first.manifest_sha256)
        assert again.path == first.path
        with pytest.raises(StoreAwayError):
            store.fetch("tiny", "1.0.1")
        with pytest.raises(StoreAwayError):
            store.fetch("tiny", "1.0.1", manifest_sha256="0" * 64)
        with pytest.raises(ModelError, match=r"calls itself tiny@1\.0\.1"):
            store.fetch("tiny", "1.0.2", manifest_sha256=first.manifest_sha256)


def test_a_machine_that_cannot_remember_still_uses_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = two_releases(tmp_path)

    def refuse(path: Path, data: bytes) -> None:
        raise OSError(30, "Read-only file system", str(path))

    store.fetch("tiny", "1.0.2")
    monkeypatch.setattr("models.cache.put_on_disk", refuse)
    found = store.resolve("live")
    assert found is not None
    assert found.label == "tiny@1.0.2"


def test_a_scorer_starts_from_its_copy_and_says_why(tmp_path: Path) -> None:
    put_tiny_release(tmp_path)
    settings = settings_for(tmp_path, NOWHERE)
    assert release_at_start(settings)[1] is None
    with away(tmp_path / "releases"):
        release, why = release_at_start(settings)
        assert release.label == "tiny@1.0.0"
        assert why is not None
        assert "failed" in why


def test_a_scorer_starts_with_the_packaged_release_where_that_was_in_force(tmp_path: Path) -> None:
    (tmp_path / "releases").mkdir()
    settings = settings_for(tmp_path, NOWHERE)
    assert release_at_start(settings)[1] is None
    with away(tmp_path / "releases"):
        release, why = release_at_start(settings)
        assert release.label == packaged_release().label
        assert why


def test_a_scorer_without_a_copy_does_not_start_with_just_any_model(tmp_path: Path) -> None:
    put_tiny_release(tmp_path)
    with (
        away(tmp_path / "releases"),
        pytest.raises(ModelError, match=r"failed: .*; this machine has no copy"),
    ):
        release_at_start(settings_for(tmp_path, NOWHERE))


async def test_a_store_is_asked_until_it_answers_and_each_attempt_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    slot = ModelSlot.open(tiny_release(tmp_path / "first", "1.0.1", seed=1))
    second = tiny_release(tmp_path / "second", "1.0.2", seed=2)
    asked = 0

    def resolve() -> Release:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise StoreAwayError("store s3://x failed: no route")
        return second

    metrics = Metrics(CollectorRegistry())
    caplog.set_level("INFO")
    await await_store(resolve, slot, metrics, retry_seconds=0.001)
    assert slot.current.release == "tiny@1.0.2"

    def swaps(outcome: str) -> float | None:
        return metrics.registry.get_sample_value("newstide_model_swaps_total", {"outcome": outcome})

    assert (swaps("unavailable"), swaps("swapped")) == (3, 1)
    assert "tiny@1.0.1 stays: store s3://x failed: no route" in caplog.text
    assert "answers again" in caplog.text
