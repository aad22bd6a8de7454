"""A monitor that runs in a test: whole, on a real broker, with a tiny model, and what came out of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from tiny_release import WORDS, tiny_release

from models.scorer import OnnxScorer
from models.store import ReleaseStore
from stream.app import ROLES, Monitor, Role
from stream.bus import Connection, Outgoing, Record, open_producer, open_reader, send_all
from stream.events import Alert, NewsItem
from stream.settings import Settings, load_settings
from stream.topics import ALERTS, RAW


def settings_for(folder: Path, connection: Connection, **changes: object) -> Settings:
    """Settings of a monitor on `connection` that keeps all it needs in `folder`; a name is written `a__b`."""
    own: dict[str, object] = {
        "kafka.bootstrap": connection.bootstrap,
        "kafka.topic_prefix": connection.topic_prefix,
        "broker.data_dir": folder,
        "metrics.port": 0,
        "releases.follow": False,
        **{name.replace("__", "."): value for name, value in changes.items()},
    }
    return load_settings(None, {name: str(value) for name, value in own.items()}).settings


def put_tiny_release(folder: Path) -> OnnxScorer:
    """Publish a tiny release as `production` in the store of `settings_for(folder, …)`; returns its scorer."""
    release = tiny_release(folder / "draft")
    store = ReleaseStore(str(folder / "releases"), cache=folder / "cache")
    ref = store.publish(release)
    store.set_alias("production", ref.name, ref.version)
    return OnnxScorer.load(release)


def headlines(scorer: OnnxScorer, *, bad: bool, count: int, seed: int = 7) -> list[str]:
    """Headlines unlike each other, of which the model thinks as wanted."""
    dice = random.Random(seed)
    texts = [" ".join(dice.sample(WORDS, 8)) for _ in range(100 + 40 * count)]
    answers = scorer.score(texts).answers
    found = [
        text
        for text, answer in zip(texts, answers, strict=True)
        if (answer.sentiment[0] > 0.7 if bad else answer.sentiment[0] < 0.25)
    ]
    assert len(found) >= count
    return found[:count]


def article(news_id: str, at: datetime, headline: str, **fields: object) -> Outgoing:
    """One record of `news.raw`."""
    body = {"id": news_id, "source": "Own Wire", "published_at": at, "headline": headline}
    item = NewsItem.model_validate(body | fields)
    return Outgoing(RAW.name, item.id.encode(), item.to_json())


@asynccontextmanager
async def running(
    settings: Settings, connection: Connection, roles: Iterable[Role] = ROLES
) -> AsyncIterator[Monitor]:
    """A monitor that has begun to work; it is told to stop at the end and must end well."""
    monitor, stop = Monitor(settings, connection, roles=tuple(roles)), asyncio.Event()
    task = asyncio.create_task(monitor.run(stop))
    try:
        started = asyncio.create_task(monitor.started.wait())
        await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if not task.done():
            yield monitor
    finally:
        stop.set()
        await task


async def until(what: Callable[[], bool], seconds: float = 40.0) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.02)


async def send(connection: Connection, records: Iterable[Outgoing]) -> None:
    """Write `records`, in their order."""
    async with open_producer(connection) as producer:
        await send_all(connection, producer, records)


async def kept(connection: Connection, *topics: str) -> list[Record]:
    """All that a read_committed reader finds in `topics` now."""
    async with open_reader(connection, topics, from_beginning=True, follow=False) as records:
        return [record async for record in records]


async def alerts_of(connection: Connection) -> list[Alert]:
    """The alerts raised so far."""
    return [Alert.model_validate_json(record.value or b"") for record in await kept(connection, ALERTS.name)]


def value(monitor: Monitor, name: str, labels: Mapping[str, str] | None = None) -> float:
    """A metric of the monitor, all its label values together where none is given."""
    if labels is not None:
        return monitor.registry.get_sample_value(name, dict(labels)) or 0.0
    samples = (sample for family in monitor.registry.collect() for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name == name)
