"""Short-lived clients: one producer, one reader, one partition read to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition

from stream.bus.admin import require_topics
from stream.bus.connection import Connection, explained, run_whole
from stream.bus.consumer import FETCH_BYTES, PatientConsumer, consumer_options
from stream.bus.records import Outgoing, Record
from stream.errors import BrokerRefusedError

_METADATA_MS = 60_000
"""How old what a producer knows of a topic's partitions may be."""


def producer_options(connection: Connection) -> dict[str, Any]:
    """Keyword arguments of every producer: idempotent, all replicas, records up to the topics' bound."""
    return connection.client_options() | {
        "enable_idempotence": True,
        "acks": "all",
        "max_request_size": FETCH_BYTES,
        "max_batch_size": 256 * 1024,
        "compression_type": "lz4",
        "metadata_max_age_ms": _METADATA_MS,
    }


@asynccontextmanager
async def open_producer(connection: Connection) -> AsyncIterator[AIOKafkaProducer]:
    """An idempotent producer, flushed and closed at the end.

    Raises:
        BrokerRefusedError, BrokerUnavailableError: see `stream.bus.connection.explained`.
    """
    async with explained(connection):
        producer = AIOKafkaProducer(**producer_options(connection))
        try:
            await run_whole(producer.start())
            yield producer
        finally:
            # A client whose start failed must still be stopped, or it warns when it is collected.
            await run_whole(producer.stop())


async def send_all(connection: Connection, producer: AIOKafkaProducer, records: Iterable[Outgoing]) -> int:
    """Write `records` and wait until the broker has acknowledged each; returns how many."""
    waiting = [
        await producer.send(
            connection.named(each.topic),
            value=each.value,
            key=each.key,
            partition=each.partition,
            headers=list(each.headers),
        )
        for each in records
    ]
    await asyncio.gather(*waiting)
    return len(waiting)


@asynccontextmanager
async def open_reader(
    connection: Connection, topics: Sequence[str], *, from_beginning: bool = False, follow: bool = True
) -> AsyncIterator[AsyncIterator[Record]]:
    """Read `topics` outside any group, committed records only.

    Args:
        connection: where to read.
        topics: names of the topics.
        from_beginning: start at the oldest record kept, else at the end as it is now.
        follow: wait for more; else stop at the end as it was on opening.

    Raises:
        BrokerRefusedError: also when a topic does not exist.
        BrokerUnavailableError: no broker answered.
    """
    async with explained(connection):
        consumer = PatientConsumer(**consumer_options(connection))
        try:
            await run_whole(consumer.start())
            partitions = await _partitions(connection, topics)
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            starts = await consumer.beginning_offsets(partitions) if from_beginning else ends
            for partition in partitions:
                consumer.seek(partition, starts[partition])
            yield _records(connection, consumer, None if follow else ends)
        finally:
            await run_whole(consumer.stop())


async def _partitions(connection: Connection, topics: Sequence[str]) -> list[TopicPartition]:
    counts = await require_topics(connection, topics)
    return [TopicPartition(connection.named(topic), n) for topic in topics for n in range(counts[topic])]


async def _records(
    connection: Connection, consumer: PatientConsumer, ends: dict[TopicPartition, int] | None
) -> AsyncIterator[Record]:
    while ends is None or await _before(consumer, ends):
        polled = await consumer.getmany(timeout_ms=100)
        for messages in polled.values():
            for message in messages:
                if ends is None or message.offset < ends[TopicPartition(message.topic, message.partition)]:
                    yield Record.from_kafka(message, connection.topic_prefix)


async def _before(consumer: PatientConsumer, ends: dict[TopicPartition, int]) -> bool:
    for partition, end in ends.items():
        # The position passes control records and aborted ones too, so the end is always reached.
        if await consumer.position(partition) < end:
            return True
    return False


async def read_partition(connection: Connection, topic: str, partition: int) -> AsyncIterator[Record]:
    """Every committed record of one partition, from its beginning to its end as it is now.

    Raises:
        BrokerRefusedError: the topic does not exist, or does not have so many partitions.
    """
    count = (await require_topics(connection, [topic]))[topic]
    if partition >= count:
        raise BrokerRefusedError(
            f"{connection.bootstrap}: {connection.named(topic)} has {count} partitions, but its partition "
            f"{partition} is needed: give it more, as many as its sister topic has"
        )
    consumer = PatientConsumer(**consumer_options(connection))
    try:
        await run_whole(consumer.start())
        where = TopicPartition(connection.named(topic), partition)
        consumer.assign([where])
        ends = await consumer.end_offsets([where])
        await consumer.seek_to_beginning(where)
        async for record in _records(connection, consumer, ends):
            yield record
    finally:
        await run_whole(consumer.stop())
