"""The loop on a real broker: every record once, in one transaction with its offset."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from stream.bus import (
    BatchLoop,
    Connection,
    Outcome,
    Outgoing,
    Record,
    create_topics,
    open_producer,
    open_reader,
    send_all,
)
from stream.topics import RAW, SCORED


class Copier:
    """Copies every record to `news.scored`; remembers what the loop told it."""

    def __init__(self) -> None:
        self.restored: list[int] = []
        self.forgotten: list[int] = []
        self.committed = 0

    async def restore(self, partition: int) -> None:
        self.restored.append(partition)

    async def process(self, batch: Mapping[int, Sequence[Record]]) -> Outcome:
        return Outcome(
            outgoing={p: [Outgoing(SCORED.name, r.key, r.value) for r in records] for p, records in batch.items()},
            done={p: len(records) for p, records in batch.items()},
        )

    def forget(self, partition: int) -> None:
        self.forgotten.append(partition)

    def delivered(self, outcome: Outcome, partition: int) -> None:
        self.committed += outcome.done.get(partition, 0)


class Ear:
    """Hears the loop."""

    def __init__(self) -> None:
        self.owned: list[int] = []
        self.lags: dict[int, int] = {}
        self.aborts: list[str] = []

    def assigned(self, partitions: Sequence[int]) -> None:
        self.owned = list(partitions)

    def rebalancing(self) -> None:
        self.owned = []

    def polled(self, records: int) -> None: ...

    def committed(self, partition: int, records: int, seconds: float) -> None: ...

    def aborted(self, partition: int, error: str) -> None:
        self.aborts.append(error)

    def lag(self, partition: int, records: int) -> None:
        self.lags[partition] = records


async def write(connection: Connection, numbers: range) -> None:
    async with open_producer(connection) as producer:
        records = [Outgoing(RAW.name, str(n).encode(), b"v%d" % n) for n in numbers]
        assert await send_all(connection, producer, records) == len(records)


async def read_all(connection: Connection, topic: str = SCORED.name) -> list[Record]:
    async with open_reader(connection, [topic], from_beginning=True, follow=False) as records:
        return [record async for record in records]


async def run_until(connection: Connection, copier: Copier, count: int, ear: Ear | None = None) -> None:
    loop = BatchLoop(
        "copy", RAW.name, connection=connection, group="copy", pipeline=copier, watcher=ear or Ear()
    )
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    async with asyncio.timeout(60):
        while copier.committed < count and not task.done():
            await asyncio.sleep(0.01)
    stop.set()
    await task


@pytest.mark.parametrize("broker", ["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
async def test_a_restarted_loop_copies_each_record_once(broker: str, request: pytest.FixtureRequest) -> None:
    connection: Connection = request.getfixturevalue(broker)
    created = await create_topics(connection, partitions=3, replication_factor=1)
    assert RAW.name in created
    assert await create_topics(connection, partitions=3, replication_factor=1) == []
    await write(connection, range(500))
    ear = Ear()
    await run_until(connection, Copier(), 500, ear)
    await write(connection, range(500, 700))
    copier = Copier()
    await run_until(connection, copier, 200)
    assert copier.committed == 200
    assert sorted(copier.restored) == [0, 1, 2]
    values = [record.value for record in await read_all(connection)]
    assert len(values) == 700
    assert len(set(values)) == 700
    assert set(ear.lags) == {0, 1, 2}
    assert ear.aborts == []
