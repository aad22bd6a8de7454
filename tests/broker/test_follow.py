"""The follower on a real broker: what is announced comes into force if it is sound, and nothing else does."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from tiny_release import TEXTS, tiny_files, tiny_manifest, tiny_release

from models.errors import StoreAwayError
from models.golden import record_golden
from models.release import GOLDEN, GRAPH, Release, write_release
from models.scorer import OnnxScorer
from models.slot import ModelSlot, SwapStatus
from models.store import ReleaseStore
from stream.bus import Connection, Outgoing, create_topics, open_producer, send_all
from stream.errors import BrokerRefusedError
from stream.follow import ReleaseFollower
from stream.metrics import Metrics
from stream.releases import Action, announce, make_note
from stream.topics import RELEASES

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
KEY = b"0123456789abcdef0123456789abcdef"


@dataclass
class House:
    """A store, a slot with tiny@1 in force, and a broker to announce on."""

    connection: Connection
    folder: Path
    key: bytes | None = None
    metrics: Metrics = field(default_factory=lambda: Metrics(CollectorRegistry()))
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = ReleaseStore(str(self.folder / "store"), cache=self.folder / "cache", key=self.key)
        self.first = self.publish("1")
        self.slot = ModelSlot.open(self.first, load=self.load)

    def load(self, release: Release) -> OnnxScorer:
        self.loaded.append(release.label)
        return OnnxScorer.load(release)

    def publish(self, version: str) -> Release:
        made = tiny_release(self.folder / "made" / version, version, seed=int(version), key=self.key)
        self.store.publish(made)
        return made

    async def announce(
        self, release: Release, action: Action = "promote", *, alias: str = "live", sha: str | None = None
    ) -> None:
        note = make_note(release, alias=alias, action=action, by="ada@desk", at=AT)
        await announce(self.connection, note.model_copy(update={"manifest_sha256": sha}) if sha else note)

    @asynccontextmanager
    async def follower(self, retry_seconds: float = 600.0) -> AsyncIterator[None]:
        follower = ReleaseFollower(
            self.connection,
            slot=self.slot,
            alias="live",
            fetch=self.store.fetch,
            history=self.store.history,
            metrics=self.metrics,
            retry_seconds=retry_seconds,
        )
        task = asyncio.create_task(follower.run())
        try:
            yield
            assert not task.done()
        finally:
            await end(task)

    def swaps(self, status: SwapStatus) -> float:
        labels = {"outcome": status.value}
        return self.metrics.registry.get_sample_value("newstide_model_swaps_total", labels) or 0.0

    def told(self) -> str | None:
        """The version that the metrics say is in force."""
        for family in self.metrics.registry.collect():
            if family.name == "newstide_model" and family.samples and family.samples[0].labels:
                return family.samples[0].labels["version"]
        return None


@pytest.fixture
async def house(embedded: Connection, tmp_path: Path) -> House:
    await create_topics(embedded, partitions=1, replication_factor=1)
    return House(embedded, tmp_path)


async def end(task: asyncio.Task[None]) -> None:
    """Cancel it; fails where it goes on all the same."""
    task.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_promoted_release_comes_into_force_and_a_rollback_brings_the_former_back(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stream.follow")
    async with house.follower():
        await house.announce(house.publish("2"))
        await until(lambda: house.slot.current.release == "tiny@2")
        await until(lambda: house.told() == "2")
        await house.announce(house.first, "rollback")
        await until(lambda: house.told() == "1")
        # The line is written after the figures, by another thread.
        await until(lambda: "tiny@1 took the place of tiny@2 (rollback by ada@desk)" in caplog.text)
    assert house.slot.current.release == "tiny@1"
    assert house.swaps(SwapStatus.SWAPPED) == 2
    assert "tiny@2 took the place of tiny@1 (promote by ada@desk)" in caplog.text


async def test_what_was_announced_before_the_store_was_changed_is_not_brought_back(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stream.follow")
    second, third = house.publish("2"), house.publish("3")
    house.store.set_alias("live", "tiny", "2")
    await house.announce(second)
    house.store.set_alias("live", "tiny", "1")  # as `promote --store-only` does
    async with house.follower():
        await until(lambda: "was announced last" in caplog.text)
        assert "live is tiny@1 there" in caplog.text
        house.store.set_alias("live", "tiny", "3")
        await house.announce(third)
        await until(lambda: house.told() == "3")
    assert house.loaded == ["tiny@1", "tiny@3"]


async def test_what_was_announced_counts_where_the_store_is_away_or_says_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.announce(house.publish("2"))
    async with house.follower():
        await until(lambda: house.slot.current.release == "tiny@2")

    def away(*_: object) -> None:
        raise StoreAwayError("the store is away")

    await house.announce(house.publish("3"))
    house.store.set_alias("live", "tiny", "1")
    monkeypatch.setattr(house.store, "history", away)
    async with house.follower():
        await until(lambda: house.slot.current.release == "tiny@3")


def corrupted(house: House) -> Release:
    release = house.publish("2")
    graph = house.folder / "store" / "releases" / "tiny" / "2" / GRAPH
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 0x40
    graph.write_bytes(data)
    return release


def with_other_answers(house: House) -> Release:
    files = tiny_files(seed=2)
    golden = record_golden(OnnxScorer.load(house.first), TEXTS, tolerance=0.01)
    made = write_release(house.folder / "made" / "2", tiny_manifest("2"), files | {GOLDEN: golden.to_json()})
    house.store.publish(made)
    return made


def not_published(house: House) -> Release:
    return tiny_release(house.folder / "made" / "2", "2", seed=2)


@pytest.mark.parametrize(
    ("make", "status", "says"),
    [
        (corrupted, SwapStatus.BAD_CHECKSUM, GRAPH),
        (with_other_answers, SwapStatus.FAILED_GOLDEN, "instead of"),
        (not_published, SwapStatus.UNAVAILABLE, "tiny@2 is not in"),
    ],
)
async def test_an_unfit_release_stays_out_and_the_log_says_why(
    make: Callable[[House], Release],
    status: SwapStatus,
    says: str,
    house: House,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with house.follower():
        await house.announce(make(house))
        await until(lambda: house.swaps(status) == 1)
    assert house.slot.current.release == "tiny@1"
    assert house.told() is None
    assert "tiny@2 could not be brought into force, tiny@1 stays" in caplog.text
    assert says in caplog.text


async def test_a_release_that_is_not_the_announced_one_stays_out(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async with house.follower():
        await house.announce(house.publish("2"), sha="0" * 64)
        await until(lambda: house.swaps(SwapStatus.BAD_CHECKSUM) == 1)
    assert house.slot.current.release == "tiny@1"
    assert f"instead of {'0' * 64}" in caplog.text
    assert house.loaded == ["tiny@1"]


async def test_where_a_key_is_set_an_unsigned_release_stays_out(
    embedded: Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await create_topics(embedded, partitions=1, replication_factor=1)
    house = House(embedded, tmp_path, key=KEY)
    unsigned = tiny_release(tmp_path / "made" / "2", "2", seed=2)
    ReleaseStore(str(tmp_path / "store"), cache=tmp_path / "other").publish(unsigned)
    async with house.follower():
        await house.announce(unsigned)
        await until(lambda: house.swaps(SwapStatus.BAD_SIGNATURE) == 1)
        await house.announce(house.publish("3"))
        await until(lambda: house.slot.current.release == "tiny@3")
    assert "is not signed, but a key is set" in caplog.text


async def test_a_refused_release_is_tried_again_until_it_is_there(house: House) -> None:
    release = not_published(house)
    async with house.follower(retry_seconds=0.01):
        await house.announce(release)
        await until(lambda: house.swaps(SwapStatus.UNAVAILABLE) >= 2)
        house.store.publish(release)
        await until(lambda: house.slot.current.release == "tiny@2")


async def test_what_is_announced_next_does_not_wait_for_a_refused_one(house: House) -> None:
    async with house.follower(retry_seconds=600):
        await house.announce(not_published(house))
        await until(lambda: house.swaps(SwapStatus.UNAVAILABLE) == 1)
        await house.announce(house.publish("3"))
        await until(lambda: house.slot.current.release == "tiny@3")


async def test_a_rollback_to_what_is_in_force_ends_the_tries_of_a_refused_one(house: House) -> None:
    async with house.follower(retry_seconds=600):
        await house.announce(not_published(house))
        await until(lambda: house.swaps(SwapStatus.UNAVAILABLE) == 1)
        await house.announce(house.first, "rollback")
        await house.announce(house.publish("3"))
        await until(lambda: house.slot.current.release == "tiny@3")
    assert house.loaded == ["tiny@1", "tiny@3"]


async def test_a_follower_that_starts_late_applies_only_the_last_note(house: House) -> None:
    releases = [house.publish(str(number)) for number in range(2, 8)]
    for release in releases:
        await house.announce(release)
    async with house.follower():
        await until(lambda: house.told() == "7")
    assert house.loaded == ["tiny@1", "tiny@7"]
    assert house.swaps(SwapStatus.SWAPPED) == 1


async def test_only_promotions_and_rollbacks_of_the_own_alias_count(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    second = house.publish("2")
    note = make_note(second, alias="live", action="promote", by="ada", at=AT)
    shadow = note.model_copy(update={"action": "shadow"})
    async with house.follower():
        await house.announce(second, alias="canary")
        async with open_producer(house.connection) as producer:
            for value in (b"no json", None, shadow.to_json()):
                await send_all(house.connection, producer, [Outgoing(RELEASES.name, b"live", value)])
        await house.announce(house.publish("3"))
        await until(lambda: house.told() == "3")
    assert house.loaded == ["tiny@1", "tiny@3"]
    assert caplog.text.count("is no release note") == 1


async def test_a_broker_without_the_topic_is_told_as_one_error(embedded: Connection, tmp_path: Path) -> None:
    house = House(embedded, tmp_path)
    follower = ReleaseFollower(
        embedded, slot=house.slot, alias="live", fetch=house.store.fetch, metrics=house.metrics
    )
    with pytest.raises(BrokerRefusedError, match=r"models\.releases does not exist"):
        await follower.run()


async def test_a_follower_can_be_ended_at_any_moment_of_its_start_and_leaves_no_connection_open(
    house: House,
) -> None:
    for step in range(40):
        follower = ReleaseFollower(
            house.connection, slot=house.slot, alias="live", fetch=house.store.fetch, metrics=house.metrics
        )
        task = asyncio.create_task(follower.run())
        await asyncio.sleep(step / 4000)  # each time a little later in what it does to start
        await end(task)
    gc.collect()  # the client warns of what it left open, and pytest makes that an error
