"""Which input partitions are ours, and how one becomes ready: fenced, positioned, restored.

aiokafka sends no heartbeats while a rebalance listener works, so the listener only notes what came and went.
Each partition is opened in a task of its own, however long its state takes to read, and paused until then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka import errors as kafka

from stream.bus.connection import Connection, explain
from stream.bus.partition import FENCED, GuardedPartition
from stream.bus.pipeline import LoopWatcher, Pipeline

log = logging.getLogger(__name__)

REFUSED = (
    kafka.TopicAuthorizationFailedError,
    kafka.GroupAuthorizationFailedError,
    kafka.TransactionalIdAuthorizationFailed,
    kafka.ClusterAuthorizationFailedError,
    kafka.MessageSizeTooLargeError,
    kafka.RecordListTooLargeError,
)
"""What trying again does not mend: somebody has to change a right or a setting."""

_ASK_SECONDS = 30.0
_GIVE_UP_SECONDS = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_FENCED_PAUSE = 5.0
"""After being fenced: by then a worker that lost the partition has heard of it from its group."""


class Ownership(ConsumerRebalanceListener):  # type: ignore[misc] # the library has no types
    """The partitions of one loop.

    Args:
        name: of the loop, for its transactional ids and its log.
        connection: the broker.
        group: the consumer group.
        pipeline: restores and forgets the state of a partition.
        watcher: hears what is ours.
        settle: waits for the delivery that is under way; may raise what that raised.
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        group: str,
        pipeline: Pipeline,
        watcher: LoopWatcher,
        *,
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._name = name
        self._connection = connection
        self._group = group
        self._pipeline = pipeline
        self._watcher = watcher
        self._settle = settle
        self._consumer: Any = None
        self._open: dict[int, GuardedPartition] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._failures: dict[int, int] = {}
        self._dealt = False
        self._closing = False
        self._failure: BaseException | None = None

    def attach(self, consumer: Any) -> None:
        """The consumer whose partitions these are."""
        self._consumer = consumer

    @property
    def opening(self) -> bool:
        """Whether the partitions were dealt and not all of them are open yet.

        Until they are, none is polled: the first would run ahead of the others in time.
        """
        return self._dealt

    def ready(self) -> dict[int, GuardedPartition]:
        """The partitions whose records may be processed now."""
        return {number: owner for number, owner in self._open.items() if owner.ready}

    def holds(self, owner: GuardedPartition) -> bool:
        """Whether `owner` still is the one that may write."""
        return owner.ready and self._open.get(owner.number) is owner

    def committed(self, owner: GuardedPartition) -> None:
        """A transaction went well: a later failure is a first one again."""
        self._failures.pop(owner.number, None)

    def raise_failure(self) -> None:
        """Raise what failed where nobody could catch it: in a listener or while opening."""
        failure, self._failure = self._failure, None
        if isinstance(failure, kafka.KafkaError):
            raise explain(failure, self._connection, []) from failure
        if failure is not None:
            raise failure

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - all of them
        """Finish what is under way and let everything go: the group shares its partitions out anew."""
        self._watcher.rebalancing()
        try:
            await self._settle()
        except Exception as error:  # noqa: BLE001 - aiokafka only logs what a listener raises: the loop raises it
            self._failure = self._failure or error
        finally:
            await self._let_go()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Begin to open what is ours now."""
        await self._let_go()
        partitions = list(assigned)
        self._dealt = True
        self._consumer.pause(*partitions)
        for where in partitions:
            self._begin(where, 0.0)
        self._say_when_all_are_open()

    async def reopen(self, owner: GuardedPartition, error: Exception) -> None:
        """A transaction of `owner` failed: begin again from what is committed, after a pause that grows."""
        number = owner.number
        await self._shut(owner)
        self._watcher.aborted(number, type(error).__name__)
        where = TopicPartition(owner.topic, number)
        if self._closing or number in self._opening or where not in self._consumer.assignment():
            return
        self._consumer.pause(where)
        failures = self._failures[number] = self._failures.get(number, 0) + 1
        pause = min(_FIRST_PAUSE * 2 ** (failures - 1), _LONGEST_PAUSE)
        if isinstance(error, FENCED):
            pause = max(pause, _FENCED_PAUSE)
            log.warning(
                "%s: partition %d was opened by another worker; if it is still ours in %.0f s it is opened anew "
                "(two deployments on one broker need a kafka.topic_prefix each)",
                *(self._name, number, pause),
            )
        else:
            log.warning(
                "%s: partition %d is opened anew in %.1f s after %r", self._name, number, pause, error
            )
        self._begin(where, pause)

    def _begin(self, where: TopicPartition, pause: float) -> None:
        self._opening[where.partition] = asyncio.create_task(self._open_when_possible(where, pause))

    async def _open_when_possible(self, where: TopicPartition, pause: float) -> None:
        number = where.partition
        clock = asyncio.get_running_loop().time
        give_up_at = clock() + pause + _GIVE_UP_SECONDS
        try:
            while True:
                await asyncio.sleep(pause)
                try:
                    await self._open_one(where)
                    break
                except REFUSED:
                    raise
                except (kafka.KafkaError, TimeoutError) as error:
                    if clock() > give_up_at:
                        raise
                    pause = min(max(2 * pause, _FIRST_PAUSE), _LONGEST_PAUSE)
                    log.warning("%s: partition %d can't be opened yet: %r", self._name, number, error)
        except TimeoutError:
            self._failure = self._failure or kafka.KafkaTimeoutError("the committed offset could not be read")
        except Exception as error:  # noqa: BLE001 - nobody awaits this task: the loop raises it
            self._failure = self._failure or error
        finally:
            if self._opening.get(number) is asyncio.current_task():
                del self._opening[number]
        self._say_when_all_are_open()

    async def _open_one(self, where: TopicPartition) -> None:
        owner = GuardedPartition(self._connection, self._name, where, self._group)
        try:
            await owner.open()
            # Only what is committed after the former owner was fenced is the partition's true offset.
            offset = await asyncio.wait_for(self._consumer.committed(where), _ASK_SECONDS)
            if offset is None:
                offset = (await self._consumer.beginning_offsets([where]))[where]
            self._pipeline.forget(where.partition)
            await self._pipeline.restore(where.partition)
        except BaseException:
            await owner.close()
            raise
        # No await from the restored state to here: nothing is polled, and no time passes, between.
        self._consumer.seek(where, offset)
        self._consumer.resume(where)
        owner.ready = True
        self._open[where.partition] = owner

    def _say_when_all_are_open(self) -> None:
        if self._dealt and not self._opening and self._failure is None:
            self._dealt = False
            self._watcher.assigned(sorted(self._open))

    async def _let_go(self) -> None:
        opening, self._opening = self._opening, {}
        for task in opening.values():
            task.cancel()
        await asyncio.gather(*opening.values(), return_exceptions=True)
        await asyncio.gather(*(self._shut(owner) for owner in list(self._open.values())))
        self._failures.clear()

    async def _shut(self, owner: GuardedPartition) -> None:
        if self._open.get(owner.number) is owner:
            del self._open[owner.number]
            self._pipeline.forget(owner.number)
        await owner.close()

    async def close(self) -> None:
        """Let everything go, for good."""
        self._closing = True
        await self._let_go()
