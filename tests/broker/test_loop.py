"""The loop on a real broker: every record once, in one transaction with its offset, whoever dies."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from copying_worker import Copier, Ear, copying_loop

from stream.bench.apache import ApacheKafka
from stream.bus import Connection, Outgoing, Record, create_topics, open_producer, open_reader, send_all
from stream.bus.partition import GuardedPartition
from stream.errors import BrokerRefusedError
from stream.topics import RAW, SCORED

BROKERS = ["embedded", pytest.param("apache", marks=pytest.mark.kafka)]
WORKER = Path(__file__).parents[1] / "copying_worker.py"


async def write(connection: Connection, numbers: range) -> None:
    async with open_producer(connection) as producer:
        records = [Outgoing(RAW.name, str(n).encode(), b"v%d" % n) for n in numbers]
        assert await send_all(connection, producer, records) == len(records)


async def read_all(connection: Connection, topic: str = SCORED.name) -> list[Record]:
    async with open_reader(connection, [topic], from_beginning=True, follow=False) as records:
        return [record async for record in records]


async def run_until(connection: Connection, copier: Copier, count: int, ear: Ear | None = None) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(copying_loop(connection, copier, ear or Ear()).run(stop))
    async with asyncio.timeout(60):
        while copier.committed < count and not task.done():
            await asyncio.sleep(0.01)
    stop.set()
    await task


@pytest.mark.parametrize("broker", BROKERS)
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
    assert ear.aborts == []


@pytest.mark.parametrize("broker", BROKERS)
async def test_the_marker_behind_a_transaction_is_no_work_that_waits(
    broker: str, request: pytest.FixtureRequest
) -> None:
    connection: Connection = request.getfixturevalue(broker)
    await create_topics(connection, partitions=1, replication_factor=1)
    writer = GuardedPartition(connection, "writer", TopicPartition("unused", 0), "writer")
    await writer.open()
    for n in range(3):
        await writer.deliver([Outgoing(RAW.name, b"k", b"%d" % n)], None)
    await writer.close()
    copier, ear, stop = Copier(), Ear(), asyncio.Event()
    task = asyncio.create_task(copying_loop(connection, copier, ear).run(stop))
    async with asyncio.timeout(60):
        while copier.committed < 3 or ear.lags != {0: 0}:
            await asyncio.sleep(0.01)
    stop.set()
    await task


def start_worker(connection: Connection, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WORKER), connection.bootstrap, connection.topic_prefix, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def wait_for(worker: subprocess.Popen[str], word: str) -> None:
    assert worker.stdout is not None
    for line in worker.stdout:
        if word in line:
            return
    raise AssertionError(f"the worker ended before it said {word!r}")


def kill(worker: subprocess.Popen[str]) -> None:
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert worker.stdout is not None
    worker.stdout.close()


@pytest.mark.kafka
async def test_what_a_worker_killed_in_mid_transaction_left_open_is_never_seen(apache: Connection) -> None:
    await create_topics(apache, partitions=2, replication_factor=1)
    await write(apache, range(300))
    worker = start_worker(apache, "hang")
    await asyncio.to_thread(wait_for, worker, "in mid-transaction")
    kill(worker)
    await run_until(apache, Copier(), 300)
    values = [record.value for record in await read_all(apache)]
    assert sorted(values, key=str) == sorted((b"v%d" % n for n in range(300)), key=str)


@pytest.mark.kafka
async def test_a_second_worker_takes_over_what_a_killed_one_owned(apache: Connection) -> None:
    await create_topics(apache, partitions=2, replication_factor=1)
    worker = start_worker(apache, "copy")
    await asyncio.to_thread(wait_for, worker, "assigned [0, 1]")
    await write(apache, range(100))
    copier, ear, stop = Copier(), Ear(), asyncio.Event()
    task = asyncio.create_task(copying_loop(apache, copier, ear).run(stop))
    await asyncio.to_thread(wait_for, worker, "assigned [")
    kill(worker)
    await write(apache, range(100, 400))
    async with asyncio.timeout(60):
        while ear.owned != [0, 1] or any(ear.lags.values()) or len(await read_all(apache)) < 400:
            await asyncio.sleep(0.1)
    stop.set()
    await task
    values = [record.value for record in await read_all(apache)]
    assert len(values) == len(set(values)) == 400


@pytest.mark.kafka
async def test_a_worker_that_lost_its_partition_cannot_write(apache: Connection) -> None:
    await create_topics(apache, partitions=1, replication_factor=1)
    old, old_ear = Copier(), Ear()
    stop = asyncio.Event()
    task = asyncio.create_task(copying_loop(apache, old, old_ear).run(stop))
    await write(apache, range(50))
    async with asyncio.timeout(60):
        while old.committed < 50:
            await asyncio.sleep(0.01)
        where = TopicPartition(apache.named(RAW.name), 0)
        # Not in the group, so the former owner hears of it only when it wants to write.
        usurper = GuardedPartition(apache, "copy", where, "another")
        await usurper.open()
        await write(apache, range(50, 80))
        while not old_ear.aborts:
            await asyncio.sleep(0.01)
        assert old_ear.aborts[0] in {"ProducerFenced", "InvalidProducerEpoch"}
        assert old.committed == 50
        assert len(await read_all(apache)) == 50
        # Nobody took the partition in the group: it is still its own, so it opens it once more.
        await usurper.close()
        while old.committed < 80:
            await asyncio.sleep(0.01)
    stop.set()
    await task
    assert len(await read_all(apache)) == 80


@pytest.mark.kafka
async def test_a_record_that_the_broker_refuses_keeps_its_batch_from_being_committed(
    apache: Connection,
) -> None:
    small = replace(SCORED, extra={"max.message.bytes": "2000"})
    await create_topics(apache, partitions=1, replication_factor=1, topics=[RAW, small])
    async with open_producer(apache) as producer:
        values = [b"v0", random.Random(1).randbytes(5_000), b"v2"]
        await send_all(apache, producer, [Outgoing(RAW.name, b"k", value) for value in values])
    copier = Copier()
    with pytest.raises(BrokerRefusedError, match=r"max\.message\.bytes"):
        await run_until(apache, copier, 3)
    assert copier.committed == 0
    assert await read_all(apache) == []


@pytest.mark.kafka
async def test_state_may_take_longer_to_read_than_a_session_lasts(apache: Connection) -> None:
    class Slow(Copier):
        async def restore(self, partition: int) -> None:
            await asyncio.sleep(8)
            await super().restore(partition)

    await create_topics(apache, partitions=1, replication_factor=1)
    await write(apache, range(10))
    slow = Slow()
    await run_until(apache, slow, 10)
    assert slow.restored == [0]


@pytest.mark.kafka
async def test_a_loop_can_be_stopped_while_its_broker_is_away(
    tmp_path: Path, apache_broker: ApacheKafka
) -> None:
    with ApacheKafka(apache_broker.home, tmp_path) as broker:
        connection = Connection(bootstrap=broker.bootstrap, session_timeout_ms=6_000)
        await create_topics(connection, partitions=1, replication_factor=1)
        await write(connection, range(2000))
        copier, stop = Copier(), asyncio.Event()
        task = asyncio.create_task(copying_loop(connection, copier, Ear()).run(stop))
        async with asyncio.timeout(60):
            while not copier.committed:
                await asyncio.sleep(0.001)
        await asyncio.to_thread(broker.kill)
        stop.set()
        await asyncio.wait({task}, timeout=40)
        assert task.done()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.kafka
async def test_a_broker_killed_under_load_loses_and_doubles_nothing(
    tmp_path: Path, apache_broker: ApacheKafka
) -> None:
    with ApacheKafka(apache_broker.home, tmp_path) as broker:
        connection = Connection(bootstrap=broker.bootstrap, session_timeout_ms=6_000)
        await create_topics(connection, partitions=2, replication_factor=1)
        copier, stop = Copier(), asyncio.Event()
        task = asyncio.create_task(copying_loop(connection, copier, Ear()).run(stop))
        async with asyncio.timeout(90), open_producer(connection) as producer:
            for burst in range(30):
                records = [
                    Outgoing(RAW.name, None, b"v%d" % n) for n in range(burst * 100, burst * 100 + 100)
                ]
                await send_all(connection, producer, records)
                if burst == 10:
                    await asyncio.to_thread(broker.kill)
                    await asyncio.to_thread(broker.start)
            while len(await read_all(connection)) < 3000:
                await asyncio.sleep(0.2)
        stop.set()
        await task
        values = [record.value for record in await read_all(connection)]
    assert len(values) == len(set(values)) == 3000
