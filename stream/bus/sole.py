"""A loop for what only one process may do: one member of the group has all partitions, the others stand by.

What concerns several series lies on several partitions, so whoever joins it must read them all. The group still
does what it does for the other loops: it notices a member that died and gives the partitions to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from stream.bus.connection import Connection
from stream.bus.loop import BatchLoop, LoopLimits
from stream.bus.pipeline import LoopWatcher, Pipeline


class SoleAssignor(AbstractPartitionAssignor):  # type: ignore[misc] # the library has no types
    """Gives every partition to the first member by its id."""

    name = "newstide-sole"
    version = 0

    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """All partitions of what the first member reads are its own; nobody else has any."""
        sole = min(members)
        topics = sorted(
            (topic, sorted(cluster.partitions_for_topic(topic) or ())) for topic in members[sole].subscription
        )
        return {
            member: ConsumerProtocolMemberAssignment(cls.version, topics if member == sole else [], b"")
            for member in members
        }

    @classmethod
    def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What a member says of itself when it joins."""
        return ConsumerProtocolMemberMetadata(cls.version, list(topics), b"")

    @classmethod
    def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Nothing is remembered between two assignments."""


class SolePipeline(Pipeline, Protocol):
    """A pipeline with work of its own beside the polls."""

    async def finish(self) -> None:
        """The loop was told to stop: begin nothing more. What this brings about is asked for once more."""


class SoleLoop(BatchLoop):
    """A `BatchLoop` of which at most one process has any partition at a time."""

    def __init__(
        self,
        name: str,
        topic: str,
        *,
        connection: Connection,
        group: str,
        pipeline: SolePipeline,
        watcher: LoopWatcher,
        limits: LoopLimits | None = None,
    ) -> None:
        super().__init__(
            name, topic, connection=connection, group=group, pipeline=pipeline, watcher=watcher, limits=limits
        )
        self._finish = pipeline.finish

    async def _steps(self) -> None:
        await super()._steps()
        await self._finish()
        await self._step()
        await self._settle()

    def _make_consumer(self) -> Any:
        consumer = super()._make_consumer()
        # The client reads this when it subscribes; the loop's own options name no strategy.
        consumer._partition_assignment_strategy = (SoleAssignor,)  # noqa: SLF001 - as said above
        return consumer
