"""The loop that SCORE and WATCH share: poll, process, deliver with the offsets; one poll is one batch.

For each assigned partition, in this order: open its transactional producer (which fences the former owner), read
the committed offset, let the pipeline restore its state, then poll. A batch's outputs and its offset are one
transaction; the next batch may be processed while that commits, and is committed after it, never before.

A partition whose transaction fails is opened anew: its producer, its offset, its state. Nothing of the failed
batch is kept, so it is processed again and counted once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka import errors as kafka

from stream.bus.admin import require_topics
from stream.bus.connection import Connection, explain, explained
from stream.bus.consumer import PatientConsumer, consumer_options
from stream.bus.linger import Linger
from stream.bus.merge import TimeMerge
from stream.bus.ownership import REFUSED, Ownership
from stream.bus.partition import GuardedPartition
from stream.bus.pipeline import LoopWatcher, Pipeline
from stream.bus.records import Outcome, Record
from stream.errors import BrokerUnavailableError

_LAG_EVERY_SECONDS = 1.0
_ASK_AFTER_SECONDS = 5.0
_DELIVERY_SECONDS = 45.0
"""How long a transaction may take. Longer than `kafka.request_timeout_ms` by default, so that the client rides
out a restart of the broker, and shorter than the watchdog's bound, so that waiting is not taken for a stall."""
_STOP_SECONDS = 10.0
"""How long what is under way may go on once the loop was told to stop."""


@dataclass(frozen=True, slots=True)
class LoopLimits:
    """How much one poll may bring, how long it may wait and what time it may span, in milliseconds."""

    max_records: int = 256
    poll_ms: int = 100
    span_ms: int | None = None
    max_poll_interval_ms: int = 300_000
    heartbeat_ms: int = 2_000


class BatchLoop:
    """Reads one topic in a group and answers it through a pipeline, exactly once."""

    def __init__(
        self,
        name: str,
        topic: str,
        *,
        connection: Connection,
        group: str,
        pipeline: Pipeline,
        watcher: LoopWatcher,
        limits: LoopLimits | None = None,
    ) -> None:
        self._name = name
        self._topic = topic
        self._connection = connection
        self._group = connection.topic_prefix + group
        self._pipeline = pipeline
        self._watcher = watcher
        self._limits = limits or LoopLimits()
        self._owned = Ownership(name, connection, self._group, pipeline, watcher, settle=self._settle)
        self._delivery: asyncio.Task[None] | None = None
        self._linger = Linger()
        self._consumer: Any = None
        self._merge: TimeMerge
        self._stopping = False
        self._lag_at = 0.0
        self._quiet_since = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish what is under way, within a bound.

        Raises:
            NewstideError: the broker can't be reached or refuses, or the pipeline failed.
        """
        # Without rights on its topic a consumer is given no partition and waits for ever: ask first.
        await require_topics(self._connection, [self._topic])
        self._consumer = self._make_consumer()
        self._owned.attach(self._consumer)
        self._merge = TimeMerge(
            self._consumer,
            self._owned.ready,
            max_records=self._limits.max_records,
            poll_ms=self._limits.poll_ms,
            span_ms=self._limits.span_ms,
            held_back=lambda: self._owned.opening,
        )
        try:
            async with explained(self._connection):
                await self._consumer.start()
            self._consumer.subscribe([self._connection.named(self._topic)], listener=self._owned)
            await self._work(stop)
        except kafka.KafkaError as error:
            # Of a broker that let us in, the log tells no cause: it only speaks of connections that were closed.
            raise explain(error, self._connection, []) from error
        finally:
            await self._close()

    def _make_consumer(self) -> Any:
        limits = self._limits
        session_ms = self._connection.session_timeout_ms
        member = self._connection.group_instance_id
        return PatientConsumer(
            **consumer_options(self._connection),
            group_id=self._group,
            group_instance_id=member and f"{member}-{self._name}",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(limits.heartbeat_ms, session_ms // 3),
            max_poll_interval_ms=limits.max_poll_interval_ms,
        )

    async def _work(self, stop: asyncio.Event) -> None:
        """Step until told to stop. A step may hang where the broker is away, so it does not look for itself."""
        stepping, stopping = asyncio.create_task(self._steps()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stepping, stopping}, return_when=asyncio.FIRST_COMPLETED)
            self._stopping = True
            await asyncio.wait({stepping}, timeout=_STOP_SECONDS)
            if stepping.done():
                await stepping
        finally:
            stepping.cancel()
            stopping.cancel()
            await asyncio.gather(stepping, stopping, return_exceptions=True)

    async def _steps(self) -> None:
        while not self._stopping:
            await self._step()
        await self._settle()

    async def _step(self) -> None:
        self._owned.raise_failure()
        if self._owned.opening:
            self._watcher.polled(0)
            await asyncio.sleep(self._limits.poll_ms / 1000)
            return
        await self._linger.until(self._delivery)
        polled = await self._merge.poll()
        self._owned.raise_failure()
        owners = self._owned.ready()
        prefix = self._connection.topic_prefix
        batch = {
            where.partition: [Record.from_kafka(each, prefix) for each in messages]
            for where, messages in polled.items()
            if messages and where.partition in owners
        }
        self._watcher.polled(sum(map(len, batch.values())))
        await self._report_lag(polled=bool(batch))
        outcome = await self._pipeline.process(batch)
        clock = asyncio.get_running_loop().time
        ready = clock()
        await self._settle()
        self._linger.waited(clock() - ready)
        ends = {number: records[-1].offset + 1 for number, records in batch.items()}
        if ends or any(outcome.outgoing.values()):
            self._delivery = asyncio.create_task(self._deliver(outcome, ends, owners))

    async def _deliver(
        self, outcome: Outcome, ends: Mapping[int, int], owners: Mapping[int, GuardedPartition]
    ) -> None:
        if outcome.finish is not None:
            await asyncio.to_thread(outcome.finish)
        numbers = sorted({*ends, *(number for number, out in outcome.outgoing.items() if out)} & set(owners))
        ended = await asyncio.gather(
            *(self._deliver_one(owners[number], outcome, ends.get(number)) for number in numbers),
            return_exceptions=True,
        )
        for each in ended:
            if isinstance(each, BaseException):
                raise each

    async def _deliver_one(self, owner: GuardedPartition, outcome: Outcome, end: int | None) -> None:
        if not self._owned.holds(owner):
            return
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            await owner.deliver(outcome.outgoing.get(owner.number, ()), end)
        except REFUSED:
            raise
        except kafka.KafkaError as error:
            await self._owned.reopen(owner, error)
        else:
            self._owned.committed(owner)
            self._pipeline.delivered(outcome, owner.number)
            self._watcher.committed(owner.number, outcome.done.get(owner.number, 0), clock() - started)

    async def _settle(self) -> None:
        """Wait until the last delivery has ended, and raise what it could not mend.

        Raises:
            BrokerUnavailableError: it did not end in time.
        """
        delivery = self._delivery
        if delivery is None:
            return
        # The rebalance listener may wait for the same delivery: whoever is first takes its result.
        done, _ = await asyncio.wait({delivery}, timeout=_DELIVERY_SECONDS)
        if self._delivery is not delivery:
            return
        self._delivery = None
        if not done:
            delivery.cancel()
            raise BrokerUnavailableError(
                f"{self._connection.bootstrap} did not confirm a transaction within {_DELIVERY_SECONDS:.0f} s"
            )
        delivery.result()

    async def _report_lag(self, *, polled: bool) -> None:
        """Say how many records wait, by what the last fetch knew; ask the broker itself after a silence.

        A consumer that is stuck fetches nothing, so what it knows of the ends does not move either: only a
        question of its own shows that there is work which it does not see.
        """
        now = asyncio.get_running_loop().time()
        if polled:
            self._quiet_since = now
        if now - self._lag_at < _LAG_EVERY_SECONDS:
            return
        self._lag_at = now
        ask, partitions = now - self._quiet_since >= _ASK_AFTER_SECONDS, self._consumer.assignment()
        if ask:
            self._quiet_since = now
        with contextlib.suppress(kafka.KafkaError, TimeoutError):
            async with asyncio.timeout(_ASK_AFTER_SECONDS):
                ends = await self._consumer.end_offsets(list(partitions)) if ask and partitions else {}
                for where in partitions:
                    end = ends.get(where) or self._consumer.last_stable_offset(where)
                    await self._report_lag_of(where, end)

    async def _report_lag_of(self, where: TopicPartition, end: int | None) -> None:
        if end is not None and end >= 0:
            # Not the last record's offset: a transaction leaves a marker behind it, which is no record, and
            # only the position passes that.
            position = await self._consumer.position(where)
            self._watcher.lag(where.partition, max(0, end - position + self._merge.held(where)))

    async def _close(self) -> None:
        if self._delivery is not None:
            self._delivery.cancel()
            await asyncio.gather(self._delivery, return_exceptions=True)
        await self._owned.close()
        # The broker may be away, and the client then raises CancelledError of its own from stop().
        with contextlib.suppress(asyncio.CancelledError, kafka.KafkaError, TimeoutError):
            await asyncio.wait_for(self._consumer.stop(), timeout=_STOP_SECONDS)
