"""Kill workers and the broker under load, and count what a read_committed reader sees: nothing lost or doubled.

Two `newstide run score` processes on an Apache Kafka of this run's own. News come at an even pace, some of them
broken. Workers are killed with `kill -9` in turn and started again; then the broker is. At the end each record
that was sent must have come out exactly once, as a scored item or a rejected one.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from stream.bench.apache import ApacheKafka
from stream.bench.workers import Worker
from stream.bus import Connection, create_topics, open_producer, open_reader
from stream.events import NewsItem
from stream.topics import RAW, REJECTED, SCORED

log = logging.getLogger(__name__)

_PARTITIONS = 4
_SESSION_MS = 6_000
_PER_SECOND = 150
_BROKEN_EVERY = 40
_UNDER_LOAD_SECONDS = 1.5
"""How long both workers work between two kills, so that each kill meets a transaction under way."""
_AGAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ChaosFigures:
    """What was sent and what came out. `stopped` counts workers that ended without being killed."""

    sent: int
    scored: int
    rejected: int
    lost: int
    doubled: int
    kills: int
    broker_kills: int
    stopped: int
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether the promise held."""
        return self.lost == self.doubled == self.stopped == 0


async def run_chaos(
    home: Path,
    folder: Path,
    texts: Sequence[str],
    *,
    kills: int,
    broker_kills: int,
    say: Callable[[str], None],
) -> ChaosFigures:
    """Do it, telling each step to `say`.

    Raises:
        NewstideError: a worker never came back, or not all came out in time.
    """
    began = time.monotonic()
    with ApacheKafka(home, folder) as broker:
        connection = Connection(bootstrap=broker.bootstrap, session_timeout_ms=_SESSION_MS)
        await create_topics(connection, partitions=_PARTITIONS, replication_factor=1)
        workers = [Worker("score", connection, folder, name=f"worker-{n}") for n in (1, 2)]
        load = _Load(connection, texts)
        try:
            for worker in workers:
                await asyncio.to_thread(_start, worker)
            sending = asyncio.create_task(load.send())
            for number, victim in zip(range(kills), itertools.cycle(workers), strict=False):
                await asyncio.sleep(_UNDER_LOAD_SECONDS)
                await asyncio.to_thread(victim.kill)
                say(f"kill -9 of a worker, {number + 1} of {kills}")
                await asyncio.to_thread(_start, victim)
            for number in range(broker_kills):
                await asyncio.sleep(_UNDER_LOAD_SECONDS)
                await asyncio.to_thread(broker.kill)
                say(f"kill -9 of the broker, {number + 1} of {broker_kills}")
                await asyncio.to_thread(broker.start)
                await load.goes_on()
            load.stop()
            await sending
            say(f"all {len(load.sent)} records are sent; counting what came out")
            counts = await _count(connection, load.sent)
        finally:
            for worker in workers:
                await asyncio.to_thread(worker.stop)
    scored, rejected = counts
    seen = scored + rejected
    return ChaosFigures(
        sent=len(load.sent),
        scored=scored.total(),
        rejected=rejected.total(),
        lost=len(load.sent - set(seen)),
        doubled=sum(times - 1 for times in seen.values()) + len(set(seen) - load.sent),
        kills=kills,
        broker_kills=broker_kills,
        stopped=sum(worker.gave_up for worker in workers),
        seconds=time.monotonic() - began,
    )


def _start(worker: Worker) -> None:
    worker.start()
    worker.wait_ready()


class _Load:
    """Sends news at an even pace and remembers the key of each that the broker acknowledged."""

    def __init__(self, connection: Connection, texts: Sequence[str]) -> None:
        self._connection = connection
        self._texts = texts
        self._stop = asyncio.Event()
        self.sent: set[bytes] = set()

    def stop(self) -> None:
        """Send no more."""
        self._stop.set()

    async def goes_on(self) -> None:
        """Wait until the broker acknowledges news again."""
        before = len(self.sent)
        async with asyncio.timeout(_AGAIN_SECONDS):
            while len(self.sent) == before:  # noqa: ASYNC110 - it waits for another process, which has no event
                await asyncio.sleep(0.1)

    async def send(self) -> None:
        """Send until told to stop."""
        async with open_producer(self._connection) as producer:
            for number in itertools.count():
                if self._stop.is_set():
                    break
                key = f"chaos-{number}".encode()
                future = await producer.send(
                    self._connection.named(RAW.name), key=key, value=self._value(number)
                )
                future.add_done_callback(partial(self._acknowledged, key))
                await asyncio.sleep(1 / _PER_SECOND)
            await producer.flush()

    def _acknowledged(self, key: bytes, future: asyncio.Future[object]) -> None:
        if not future.cancelled() and future.exception() is None:
            self.sent.add(key)

    def _value(self, number: int) -> bytes:
        if number % _BROKEN_EVERY == 0:
            return b"{broken"
        item = NewsItem(
            id=f"chaos-{number}",
            source="chaos",
            published_at=datetime.now(UTC),
            headline=self._texts[number % len(self._texts)],
        )
        return item.to_json()


async def _count(connection: Connection, sent: set[bytes]) -> tuple[Counter[bytes], Counter[bytes]]:
    """How often each key came out scored and rejected, once all have; raises if they never do."""
    deadline = time.monotonic() + _AGAIN_SECONDS
    while True:
        scored: Counter[bytes] = Counter()
        rejected: Counter[bytes] = Counter()
        async with open_reader(
            connection, [SCORED.name, REJECTED.name], from_beginning=True, follow=False
        ) as records:
            async for record in records:
                (scored if record.topic == SCORED.name else rejected)[record.key or b""] += 1
        if sent <= set(scored + rejected) or time.monotonic() > deadline:
            return scored, rejected
        await asyncio.sleep(1.0)
