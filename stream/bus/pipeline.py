"""What a loop does with its records, and who hears of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from stream.bus.records import Outcome, Record


class Pipeline(Protocol):
    """What is done with the records. It decides; the loop reads and writes."""

    async def restore(self, partition: int) -> None:
        """Read back the state of a partition that is now ours alone.

        With its last step the state is in force: the partition's records may come at once.
        """

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
