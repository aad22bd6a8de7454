"""Passes what one loop does on to the metrics and to `Health`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stream.health.progress import Health
from stream.metrics import Metrics
from stream.metrics.loops import Loop


class LoopReporter:
    """A `stream.bus.LoopWatcher` for one loop and its input topic; shows what `/readyz` answers as a metric.

    Args:
        monotonic: the clock of `health`.
        unix: the clock of the metrics, in Unix time.
        once_assigned: called whenever all partitions that are ours are open, and their state is restored.

    Attributes:
        worked: whether the loop ever was given its partitions, or was told that there are none left for it.
    """

    def __init__(
        self,
        loop: Loop,
        topic: str,
        *,
        metrics: Metrics,
        health: Health,
        monotonic: Callable[[], float],
        unix: Callable[[], float],
        once_assigned: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = loop
        self._topic = topic
        self._metrics = metrics
        self._health = health
        self._monotonic = monotonic
        self._unix = unix
        self._once_assigned = once_assigned
        self._owned: frozenset[int] = frozenset()
        self.worked = False
        metrics.ready_by(lambda: health.ready(monotonic()).ok)
        metrics.start_loop(loop)
        health.expect(loop, monotonic())

    def assigned(self, partitions: Sequence[int]) -> None:
        """These partitions are ours, and open."""
        self.worked = True
        self._own(frozenset(partitions))
        self._metrics.rebalanced(self._loop, len(partitions))
        self._once_assigned()
        self._health.assigned(self._loop, len(partitions), self._monotonic())

    def rebalancing(self) -> None:
        """The group is sharing its partitions out anew."""
        self._own(frozenset())
        self._health.rebalancing(self._loop, self._monotonic())

    def broker_away(self) -> None:
        """The broker is gone, and the loop waits for it before it starts anew."""
        self._own(frozenset())
        self._health.broker_away(self._loop, self._monotonic())

    def polled(self, records: int) -> None:
        """A poll came back. With nothing to do, that alone is progress."""
        self._health.polled(self._loop, records, self._monotonic())
        if not self._health.has_work(self._loop):
            self._metrics.progress(self._loop, self._unix())

    def committed(self, partition: int, records: int, seconds: float) -> None:  # noqa: ARG002 - the loop's signature
        """A transaction was committed."""
        self._health.committed(self._loop, self._monotonic())
        self._metrics.processed(self._loop, records)
        self._metrics.transaction(self._loop, "committed")
        self._metrics.progress(self._loop, self._unix())
        if self._loop == "score":
            self._metrics.stage_seconds("produce", seconds)

    def aborted(self, partition: int, error: str) -> None:  # noqa: ARG002 - the loop's signature, and it logs them
        """A transaction failed, and its partition is opened anew."""
        self._metrics.transaction(self._loop, "aborted")

    def lag(self, partition: int, records: int) -> None:
        """So many records wait in the partition."""
        if partition not in self._owned:
            return
        self._metrics.lag(self._topic, partition, records)
        self._health.waiting(self._loop, partition, records, self._monotonic())

    def _own(self, partitions: frozenset[int]) -> None:
        for lost in self._owned - partitions:
            self._metrics.revoked(self._topic, lost)
        self._owned = partitions
