"""The model is swapped while news comes in: nothing is lost, and nothing is scored by a half-loaded model.

sent     ----------------------------------------------------------->
notes          v2            v3 (unfit)          back to v1
scored by  v1 ......v2 ............................... v1 ..........>
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tiny_release import TEXTS, WORDS, tiny_files, tiny_manifest, tiny_release

from models.golden import record_golden
from models.release import GOLDEN, Release, write_release
from models.scorer import OnnxScorer
from models.slot import SwapStatus
from stream.app import Monitor
from stream.bus import Connection, Outgoing, create_topics, open_producer, open_reader, send_all
from stream.events import NewsItem, ScoredNews
from stream.parts import load_scorer, store_of
from stream.releases import Action, announce, make_note
from stream.score.fingerprint import fingerprint
from stream.score.scoring import make_scored, model_text
from stream.settings import Settings, load_settings
from stream.topics import RAW, SCORED

BROKERS = ["embedded", pytest.param("apache", marks=pytest.mark.kafka)]
ALIAS = "live"
ITEMS, SENT_TOGETHER, AHEAD = 2_000, 20, 200


def item(number: int) -> NewsItem:
    """An article whose text, and so its answer, is like few others."""
    words = " ".join(WORDS[(number // len(WORDS) ** place) % len(WORDS)] for place in range(2))
    return NewsItem(
        id=f"n{number}",
        source="wire",
        published_at=datetime(2026, 3, 2, 14, 30, tzinfo=UTC),
        headline=f"{words} {' '.join(WORDS[: number % 7])}",
    )


def unfit_release(folder: Path, other: Release) -> Release:
    """A release that loads and runs, but answers otherwise than its golden examples say."""
    golden = record_golden(OnnxScorer.load(other), TEXTS, tolerance=0.01)
    return write_release(folder, tiny_manifest("3"), tiny_files(seed=3) | {GOLDEN: golden.to_json()})


class Traffic:
    """Sends news for as long as it is told, never far ahead of what comes out; keeps what comes out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.sent = 0
        self.scored: list[ScoredNews] = []
        self.ending = False
        self._out = asyncio.Condition()

    async def send(self) -> None:
        async with open_producer(self._connection) as producer:
            while not (self.ending and self.sent >= ITEMS):
                numbers = range(self.sent, self.sent + SENT_TOGETHER)
                records = [Outgoing(RAW.name, b"n%d" % number, item(number).to_json()) for number in numbers]
                self.sent += await send_all(self._connection, producer, records)
                await self.until(lambda: self.sent - len(self.scored) < AHEAD)

    async def receive(self) -> None:
        async with open_reader(self._connection, [SCORED.name], from_beginning=True) as records:
            async for record in records:
                async with self._out:
                    self.scored.append(ScoredNews.model_validate_json(record.value or b""))
                    self._out.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds that can only begin to as news comes out."""
        async with asyncio.timeout(30), self._out:
            await self._out.wait_for(holds)

    def last(self) -> str | None:
        """Who scored what came out last."""
        return self.scored[-1].model if self.scored else None


def settings_of(connection: Connection, folder: Path) -> Settings:
    overrides = {
        "kafka.bootstrap": connection.bootstrap,
        "kafka.topic_prefix": connection.topic_prefix,
        "broker.data_dir": str(folder / "data"),
        "releases.store": str(folder / "store"),
        "releases.alias": ALIAS,
        "metrics.port": "0",
        "score.max_poll_records": "32",
    }
    return load_settings(None, overrides).settings


@pytest.mark.timeout(60)
@pytest.mark.parametrize("broker", BROKERS)
async def test_a_swap_under_load_loses_nothing_and_no_half_loaded_model_answers(
    broker: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    connection: Connection = request.getfixturevalue(broker)
    await create_topics(connection, partitions=3, replication_factor=1)
    settings = settings_of(connection, tmp_path)
    store = store_of(settings)
    first = tiny_release(tmp_path / "made" / "1", "1", seed=1)
    second = tiny_release(tmp_path / "made" / "2", "2", seed=2)
    third = unfit_release(tmp_path / "made" / "3", first)
    for release in (first, second, third):
        store.publish(release)
    store.set_alias(ALIAS, "tiny", "1")
    monitor = Monitor(settings, connection, roles=["score"])
    traffic = Traffic(connection)

    def swaps(status: SwapStatus) -> float | None:
        return monitor.registry.get_sample_value("newstide_model_swaps_total", {"outcome": status.value})

    async def tell(release: Release, action: Action) -> None:
        at = datetime.now(UTC)
        store.set_alias(ALIAS, release.manifest.name, release.manifest.version)
        await announce(connection, make_note(release, alias=ALIAS, action=action, by="ada", at=at))

    async def drive(stop: asyncio.Event) -> None:
        await traffic.until(lambda: traffic.last() == "tiny@1")
        await tell(second, "promote")
        await traffic.until(lambda: traffic.last() == "tiny@2")
        await tell(third, "promote")
        await traffic.until(lambda: swaps(SwapStatus.FAILED_GOLDEN) == 1)
        seen = len(traffic.scored)
        await traffic.until(lambda: len(traffic.scored) > seen + AHEAD)
        await tell(first, "rollback")
        await traffic.until(lambda: traffic.last() == "tiny@1")
        traffic.ending = True
        await sending
        await traffic.until(lambda: len(traffic.scored) >= traffic.sent)
        stop.set()

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(monitor.run(stop))
        receiving = tasks.create_task(traffic.receive())
        sending = tasks.create_task(traffic.send())
        await drive(stop)
        await running
        receiving.cancel()

    async with open_reader(connection, [SCORED.name], from_beginning=True, follow=False) as records:
        written = [ScoredNews.model_validate_json(record.value or b"") async for record in records]
    assert traffic.sent >= ITEMS
    assert Counter(each.id for each in written) == Counter(f"n{number}" for number in range(traffic.sent))
    assert {each.model for each in written} == {"tiny@1", "tiny@2"}
    assert swaps(SwapStatus.SWAPPED) == 2
    assert_answered_as_alone(written, {release.label: release for release in (first, second)}, settings)


def assert_answered_as_alone(
    written: list[ScoredNews], releases: dict[str, Release], settings: Settings
) -> None:
    """Each article has, to the last digit written, what its release answers to that text alone."""
    scorers = {label: load_scorer(settings, release) for label, release in releases.items()}
    for each in written:
        news = item(int(each.id.removeprefix("n")))
        (answer,) = scorers[each.model].score([model_text(news)]).answers
        alone = make_scored(
            news,
            answer,
            (),
            fingerprint=fingerprint(news.headline),
            release=each.model,
            received_at=each.received_at,
            scored_at=each.scored_at,
        )
        assert each.model_copy(update={"entities": ()}) == alone
    # The two releases differ on these texts, so the comparison above tells them apart.
    texts = [model_text(item(number)) for number in range(50)]
    one, other = (scorer.score(texts).answers for scorer in scorers.values())
    assert all(a != b for a, b in zip(one, other, strict=True))
    # Each partition is answered in order, so a release never comes back between two of its changes.
    assert (
        len(list(itertools.groupby(sorted(written, key=lambda each: each.scored_at), lambda e: e.model))) == 3
    )
