"""What one partition's transaction writes, and what its reader costs, on a real broker."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.protocol.fetch import FetchRequest

from stream.bus import Connection, Outgoing, Record, create_topics, open_reader
from stream.bus.consumer import PatientConsumer, consumer_options
from stream.bus.partition import GuardedPartition
from stream.bus.records import EVERY
from stream.topics import RAW, SIGNALS

BROKERS = ["embedded", pytest.param("apache", marks=pytest.mark.kafka)]


async def add_partitions(connection: Connection, topic: str, count: int) -> None:
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    try:
        await admin.create_partitions({connection.named(topic): NewPartitions(count)})
    finally:
        await admin.close()


async def read_all(connection: Connection, topic: str) -> list[Record]:
    async with open_reader(connection, [topic], from_beginning=True, follow=False) as records:
        return [record async for record in records]


@pytest.mark.parametrize("broker", BROKERS)
async def test_what_concerns_every_partition_goes_to_those_added_meanwhile_too(
    broker: str, request: pytest.FixtureRequest
) -> None:
    connection: Connection = request.getfixturevalue(broker)
    await create_topics(connection, partitions=2, replication_factor=1)
    owner = GuardedPartition(connection, "score", TopicPartition(connection.named(RAW.name), 0), "score")
    await owner.open()
    try:
        await owner.deliver([Outgoing(SIGNALS.name, b"control", b"before", partition=EVERY)], None)
        await add_partitions(connection, SIGNALS.name, 3)
        producer = owner._producer
        async with asyncio.timeout(30):
            while len(await producer.partitions_for(connection.named(SIGNALS.name))) < 3:
                # What the client does by itself once a minute.
                await producer.client.force_metadata_update()
        await owner.deliver([Outgoing(SIGNALS.name, b"control", b"after", partition=EVERY)], None)
    finally:
        await owner.close()
    found = sorted((record.value, record.partition) for record in await read_all(connection, SIGNALS.name))
    assert found == [(b"after", 0), (b"after", 1), (b"after", 2), (b"before", 0), (b"before", 1)]


async def test_a_reader_that_waits_asks_the_embedded_broker_no_more_than_it_must(
    embedded: Connection,
) -> None:
    await create_topics(embedded, partitions=1, replication_factor=1)
    consumer = PatientConsumer(**consumer_options(embedded))
    send, asked = consumer._send_now, []

    async def counted(node: int, request: Any, **options: Any) -> Any:
        asked.append(isinstance(request, FetchRequest))
        return await send(node, request, **options)

    consumer._send_now = counted
    await consumer.start()
    try:
        consumer.assign([TopicPartition(RAW.name, 0)])
        await consumer.seek_to_beginning(TopicPartition(RAW.name, 0))
        began = time.monotonic()
        while time.monotonic() - began < 0.5:
            assert await consumer.getmany(timeout_ms=50) == {}
            await asyncio.sleep(0)
        passed = time.monotonic() - began
    finally:
        await consumer.stop()
    assert 2 < sum(asked) <= passed / 0.02 + 6, (
        "the embedded broker answers at once, some thousand times a second"
    )
