"""A worker in a process of its own, to be killed: copies `news.raw` to `news.scored`.

    python copying_worker.py BOOTSTRAP PREFIX copy|hang

With `hang` it stops for ever in the middle of its first transaction: all is sent, nothing is committed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaProducer

from stream.bus import BatchLoop, Connection, Outcome, Outgoing, Record
from stream.topics import RAW, SCORED


class Copier:
    """Copies each record; `committed` counts those whose transaction ended well."""

    def __init__(self) -> None:
        self.restored: list[int] = []
        self.committed = 0

    async def restore(self, partition: int) -> None:
        self.restored.append(partition)

    async def process(self, batch: Mapping[int, Sequence[Record]]) -> Outcome:
        return Outcome(
            outgoing={p: [Outgoing(SCORED.name, r.key, r.value) for r in batch[p]] for p in batch},
            done={p: len(batch[p]) for p in batch},
        )

    def forget(self, partition: int) -> None: ...

    def delivered(self, outcome: Outcome, partition: int) -> None:
        self.committed += outcome.done.get(partition, 0)


class Ear:
    """Hears the loop, and remembers it."""

    def __init__(self) -> None:
        self.owned: list[int] = []
        self.lags: dict[int, int] = {}
        self.aborts: list[str] = []

    def assigned(self, partitions: Sequence[int]) -> None:
        self.owned = list(partitions)
        sys.stdout.write(f"assigned {self.owned}\n")
        sys.stdout.flush()

    def rebalancing(self) -> None:
        self.owned = []

    def polled(self, records: int) -> None: ...

    def committed(self, partition: int, records: int, seconds: float) -> None: ...

    def aborted(self, partition: int, error: str) -> None:
        self.aborts.append(error)

    def lag(self, partition: int, records: int) -> None:
        self.lags[partition] = records


def copying_loop(connection: Connection, copier: Copier, ear: Ear) -> BatchLoop:
    """The loop that both the tests and this program run."""
    return BatchLoop("copy", RAW.name, connection=connection, group="copy", pipeline=copier, watcher=ear)


async def _hang(producer: AIOKafkaProducer) -> None:
    await producer.flush()
    sys.stdout.write("in mid-transaction\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    bootstrap, prefix, how = sys.argv[1:]
    if how == "hang":
        AIOKafkaProducer.commit_transaction = _hang
    where = Connection(bootstrap=bootstrap, topic_prefix=prefix, session_timeout_ms=6_000)
    asyncio.run(copying_loop(where, Copier(), Ear()).run(asyncio.Event()))
