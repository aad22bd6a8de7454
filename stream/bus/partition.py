"""One assigned input partition and the transactional producer that guards it.

The producer's transactional id is that of the partition, not of the worker: whoever opens it fences the former
owner and aborts what that one left open. aiokafka's offset commits carry no group generation, so this is what
keeps a worker that lost the partition from writing (promise 2).
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Sequence
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka import errors as kafka
from aiokafka.producer.message_accumulator import MessageAccumulator

from stream.bus.clients import producer_options
from stream.bus.connection import Connection
from stream.bus.records import EVERY, Outgoing

TRANSACTION_TIMEOUT_MS = 60_000
_CLOSE_SECONDS = 5.0
_MOMENT_SECONDS = 0.05

FENCED = (kafka.ProducerFenced, kafka.InvalidProducerEpoch, kafka.TransactionCoordinatorFenced)
"""The broker says that another worker has opened the same partition."""


class _Producer(AIOKafkaProducer):  # type: ignore[misc] # the library has no types
    """aiokafka's producer, which does not send again what it has given up already.

    Where the producer fails for good while a record waits to be sent again, the library fails the record, then
    tries to put it back among those that wait, and raises KeyError where nobody looks or from `stop`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        accumulator = self._message_accumulator
        # Weakly, or what a closed producer holds would stay until the next collection.
        accumulator.reenqueue = partial(_put_back, weakref.proxy(accumulator))


def _put_back(accumulator: Any, batch: Any) -> None:
    if not batch.future.done():
        MessageAccumulator.reenqueue(accumulator, batch)


class GuardedPartition:
    """An input partition of which this process is the one writer, until it is fenced.

    Attributes:
        number: the partition.
        ready: whether its records may be processed: its producer is open and its state is restored.
    """

    def __init__(self, connection: Connection, loop: str, where: TopicPartition, group: str) -> None:
        self.number: int = where.partition
        self.ready = False
        self._where = where
        self._group = group
        self._named = connection.named
        self._producer = _Producer(
            **producer_options(connection),
            transactional_id=f"newstide-{loop}-{where.topic}-{where.partition}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        )

    async def open(self) -> None:
        """Fence the former owner. Only what is committed after this is the partition's true offset."""
        try:
            await self._producer.start()
        except AssertionError as error:
            # So the library says that a broker which is just starting knows of no broker, not even itself.
            raise kafka.NodeNotReadyError(str(error)) from error

    @property
    def topic(self) -> str:
        """The input topic, by its name on the broker."""
        return str(self._where.topic)

    async def deliver(self, records: Sequence[Outgoing], next_offset: int | None) -> None:
        """Write `records` and the offset in one transaction: all of it is seen, or none.

        Raises:
            KafkaError: nothing was committed, or it is not known; the partition must be opened anew.
        """
        producer = self._producer
        waiting: list[asyncio.Future[object]] = []
        try:
            await producer.begin_transaction()
            for each in records:
                topic = self._named(each.topic)
                every = each.partition == EVERY
                for partition in await producer.partitions_for(topic) if every else (each.partition,):
                    future = await producer.send(
                        topic, value=each.value, key=each.key, partition=partition, headers=list(each.headers)
                    )
                    waiting.append(future)
            if next_offset is not None:
                offset = producer.send_offsets_to_transaction({self._where: next_offset}, self._group)
                waiting.append(asyncio.ensure_future(offset))
            # aiokafka commits a transaction although the broker refused some of its records: ask each of them
            # first.
            await asyncio.gather(*waiting)
            await producer.commit_transaction()
        except kafka.KafkaError:
            if waiting:
                # Where one failed the others fail for the same cause, a moment later.
                await asyncio.wait(waiting, timeout=_MOMENT_SECONDS)
            raise
        finally:
            # asyncio complains of a failure that nobody looked at.
            for future in waiting:
                if not future.done():
                    future.cancel()
                elif not future.cancelled():
                    future.exception()

    async def close(self) -> None:
        """Let go. What is open is left to the next owner, who aborts it at once."""
        self.ready = False
        producer = self._producer
        try:
            await asyncio.wait_for(producer.stop(), timeout=_CLOSE_SECONDS)
        except (kafka.KafkaError, TimeoutError):
            # It waits for records that can't be sent any more; end its task and its sockets without them.
            for end in (producer._sender.close, producer.client.close):  # noqa: SLF001 - no public way to give up
                with contextlib.suppress(kafka.KafkaError, TimeoutError):
                    async with asyncio.timeout(_CLOSE_SECONDS):
                        await end()
