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
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka import errors as kafka

from stream.bus.admin import require_topics
from stream.bus.clients import consumer_options
from stream.bus.connection import Connection, explain, explained
from stream.bus.partition import FENCED, GuardedPartition
from stream.bus.records import Outcome, Record
from stream.errors import NewstideError

log = logging.getLogger(__name__)

_ASK_AFTER_SECONDS = 5.0

_REFUSED = (
    kafka.TopicAuthorizationFailedError,
    kafka.GroupAuthorizationFailedError,
    kafka.TransactionalIdAuthorizationFailed,
    kafka.ClusterAuthorizationFailedError,
)


class Pipeline(Protocol):
    """What is done with the records. It decides; the loop reads and writes."""

    async def restore(self, partition: int) -> None:
        """Read back the state of a partition that is now ours alone."""

    async def process(self, batch: Mapping[int, Sequence[Record]]) -> Outcome:
        """Answer one poll, which may be empty: then only what time alone brings is answered."""

    def forget(self, partition: int) -> None:
        """The partition is no longer ours, or is about to be restored."""

    def delivered(self, outcome: Outcome, partition: int) -> None:
        """The transaction of this partition is committed."""


class LoopWatcher(Protocol):
    """Hears what the loop does: for metrics, health and the watchdog."""

    def assigned(self, partitions: Sequence[int]) -> None:
        """These partitions are ours, and open."""

    def rebalancing(self) -> None:
        """The group is sharing its partitions out anew."""

    def polled(self, records: int) -> None:
        """A poll came back."""

    def committed(self, partition: int, records: int, seconds: float) -> None:
        """A transaction was committed."""

    def aborted(self, partition: int, error: str) -> None:
        """A transaction failed, and its partition is opened anew."""

    def lag(self, partition: int, records: int) -> None:
        """So many records wait in the partition."""


@dataclass(frozen=True, slots=True)
class LoopLimits:
    """How much one poll may bring and how long it may wait, in milliseconds."""

    max_records: int = 256
    poll_ms: int = 100
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
        self._topic_name = topic
        self._topic = connection.named(topic)
        self._connection = connection
        self._group = connection.topic_prefix + group
        self._pipeline = pipeline
        self._watcher = watcher
        self._limits = limits or LoopLimits()
        self._open: dict[int, GuardedPartition] = {}
        self._seeked: set[int] = set()
        self._quiet_since = 0.0
        self._delivery: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._consumer: Any = None
        self._closing = False

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish what is under way.

        Raises:
            NewstideError: the broker can't be reached or refuses, or the pipeline failed.
        """
        # Without rights on its topic a consumer is given no partition and waits for ever: ask first.
        await require_topics(self._connection, [self._topic_name])
        async with explained(self._connection):
            self._consumer = self._make_consumer()
            try:
                await self._consumer.start()
                self._consumer.subscribe([self._topic], listener=_Rebalance(self))
                while not stop.is_set():
                    await self._step()
                await self._settle()
            finally:
                await self._close()

    def _make_consumer(self) -> Any:
        limits = self._limits
        session_ms = self._connection.session_timeout_ms
        return AIOKafkaConsumer(
            **consumer_options(self._connection),
            group_id=self._group,
            group_instance_id=self._connection.group_instance_id
            and f"{self._connection.group_instance_id}-{self._name}",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(limits.heartbeat_ms, session_ms // 3),
            max_poll_interval_ms=limits.max_poll_interval_ms,
        )

    async def _step(self) -> None:
        polled = await self._consumer.getmany(
            timeout_ms=self._limits.poll_ms, max_records=self._limits.max_records
        )
        self._raise_failure()
        batch: dict[int, list[Record]] = {}
        for where, messages in polled.items():
            owner = self._open.get(where.partition)
            # Records fetched before the partition was open may be behind the true offset: they come again.
            if owner is not None and owner.ready and messages:
                batch[where.partition] = [
                    Record.from_kafka(each, self._connection.topic_prefix) for each in messages
                ]
        owners = {number: owner for number, owner in self._open.items() if owner.ready}
        self._watcher.polled(sum(map(len, batch.values())))
        await self._report_lag(polled=bool(batch))
        outcome = await self._pipeline.process(batch)
        await self._settle()
        ends = {number: records[-1].offset + 1 for number, records in batch.items()}
        if ends or any(outcome.outgoing.values()):
            self._delivery = asyncio.create_task(self._deliver(outcome, ends, owners))

    async def _deliver(
        self, outcome: Outcome, ends: Mapping[int, int], owners: Mapping[int, GuardedPartition]
    ) -> None:
        numbers = sorted({*ends, *(number for number, out in outcome.outgoing.items() if out)})
        await asyncio.gather(
            *(
                self._deliver_one(owners[number], outcome, ends.get(number))
                for number in numbers
                if number in owners
            )
        )

    async def _deliver_one(self, owner: GuardedPartition, outcome: Outcome, end: int | None) -> None:
        if self._open.get(owner.number) is not owner or not owner.ready:
            return
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            await owner.deliver(outcome.outgoing.get(owner.number, ()), end)
        except FENCED as error:
            log.warning("%s: partition %d has another owner now: %r", self._name, owner.number, error)
            self._watcher.aborted(owner.number, type(error).__name__)
            await self._shut(owner)
        except _REFUSED:
            raise
        except (kafka.KafkaError, kafka.ConsumerStoppedError) as error:
            log.warning("%s: partition %d is opened anew after %r", self._name, owner.number, error)
            self._watcher.aborted(owner.number, type(error).__name__)
            await self._reopen(owner)
        else:
            self._pipeline.delivered(outcome, owner.number)
            self._watcher.committed(owner.number, outcome.done.get(owner.number, 0), clock() - started)

    async def _settle(self) -> None:
        """Wait until the last delivery has ended, and raise what it could not mend."""
        delivery = self._delivery
        if delivery is None:
            return
        # The rebalance listener may wait for the same delivery: whoever is first takes its result.
        await asyncio.wait({delivery})
        if self._delivery is delivery:
            self._delivery = None
            delivery.result()

    async def take(self, partitions: Sequence[TopicPartition]) -> None:
        """Open newly assigned partitions, side by side."""
        try:
            await asyncio.gather(*(self._take_one(each) for each in partitions))
            self._watcher.assigned(sorted(self._open))
        except Exception as error:  # noqa: BLE001 - aiokafka only logs what a listener raises: the loop raises it
            self._failure = error

    async def _take_one(self, where: TopicPartition) -> None:
        former = self._open.pop(where.partition, None)
        if former is not None:
            await former.close()
        owner = GuardedPartition(self._connection, self._name, where, self._group)
        self._open[where.partition] = owner
        try:
            await owner.open()
        except BaseException:
            self._open.pop(where.partition, None)
            await owner.close()
            raise
        self._pipeline.forget(where.partition)
        await self._pipeline.restore(where.partition)
        committed = await self._consumer.committed(where)
        if committed is None:
            committed = (await self._consumer.beginning_offsets([where]))[where]
        # No await between these two: whatever is polled from here on is from the true offset.
        if where in self._consumer.assignment():
            self._consumer.seek(where, committed)
            self._seeked.add(where.partition)
            owner.ready = True

    async def give_up(self) -> None:
        """Finish what is under way and close every partition: the group shares them out anew."""
        self._watcher.rebalancing()
        try:
            await self._settle()
        except (kafka.KafkaError, NewstideError) as error:
            self._failure = error
        await asyncio.gather(*(self._shut(owner) for owner in list(self._open.values())))

    async def _shut(self, owner: GuardedPartition) -> None:
        if self._open.get(owner.number) is owner:
            del self._open[owner.number]
            self._seeked.discard(owner.number)
            self._pipeline.forget(owner.number)
        await owner.close()

    async def _reopen(self, owner: GuardedPartition) -> None:
        await self._shut(owner)
        where = TopicPartition(self._topic, owner.number)
        if not self._closing and where in self._consumer.assignment():
            await self._take_one(where)

    async def _report_lag(self, *, polled: bool) -> None:
        """Say how many records wait, by what the last fetch knew; ask the broker itself after a silence.

        A consumer that is stuck fetches nothing, so what it knows of the ends does not move either: only a
        question of its own shows that there is work which it does not see.
        """
        now = asyncio.get_running_loop().time()
        if polled:
            self._quiet_since = now
        where = {number: TopicPartition(self._topic, number) for number in self._seeked}
        ends = {number: self._consumer.last_stable_offset(each) for number, each in where.items()}
        if now - self._quiet_since >= _ASK_AFTER_SECONDS:
            self._quiet_since = now
            with contextlib.suppress(kafka.KafkaError, TimeoutError):
                asked = await asyncio.wait_for(
                    self._consumer.end_offsets(list(where.values())), timeout=_ASK_AFTER_SECONDS
                )
                ends |= {each.partition: end for each, end in asked.items()}
        for number, end in ends.items():
            # Not the last record's offset: a transaction leaves a marker behind it, which is no record, and
            # only the position passes that.
            with contextlib.suppress(kafka.KafkaError):
                position = await self._consumer.position(where[number])
                if end is not None and number in self._seeked:
                    self._watcher.lag(number, max(0, end - position))

    def _raise_failure(self) -> None:
        if self._failure is None:
            return
        failure, self._failure = self._failure, None
        if isinstance(failure, kafka.KafkaError):
            raise explain(failure, self._connection, []) from failure
        raise failure

    async def _close(self) -> None:
        self._closing = True
        if self._delivery is not None:
            self._delivery.cancel()
            with contextlib.suppress(asyncio.CancelledError, kafka.KafkaError, NewstideError):
                await self._delivery
        # The broker may be away, and the client then raises CancelledError of its own from stop().
        with contextlib.suppress(asyncio.CancelledError, kafka.KafkaError, TimeoutError):
            await asyncio.wait_for(self._consumer.stop(), timeout=15)
        await asyncio.gather(*(owner.close() for owner in list(self._open.values())))
        self._open.clear()


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc] # the library has no types
    def __init__(self, loop: BatchLoop) -> None:
        self._loop = loop

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:  # noqa: ARG002 - its signature
        await self._loop.give_up()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        await self._loop.take(list(assigned))
