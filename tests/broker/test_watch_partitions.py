"""Promise 4 on the wire: the same signals give the same alerts of each series, byte for byte, however they are dealt."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from copying_worker import Ear
from monitoring import kept, send, until
from prometheus_client import CollectorRegistry
from watching import BANK, at, drawn, withdrawal

from stream.bus import BatchLoop, Connection, Outgoing, create_topics
from stream.events import MARKET, Signal, Withdrawal
from stream.metrics import Metrics
from stream.topics import ALERTS, SIGNALS
from stream.watch.pipeline import WatchPipeline
from stream.watch.rules import WatchRules
from stream.watch.watcher import Watcher

LATER = timedelta(hours=3)
Alerts = dict[str, list[bytes]]


def day() -> list[Signal | Withdrawal]:
    """Quiet series, two of which surge in the third hour and calm down; one story of the surge is taken back."""
    calm, surge, after = "o....o...1.o....o..." * 9, "1223324332", "o....o...o" * 6
    signals = [each for series in (BANK, MARKET) for each in drawn(calm + surge + after, series)]
    for number in range(10):
        signals += drawn(calm + after, f"company:C{number}", start=number / 20)
        signals += drawn(calm, f"company:C{number}/topic:legal", start=3 + number / 20)
    wrong = next(each for each in signals if each.series == BANK and each.published_at > at(183))
    records: list[Signal | Withdrawal] = [*signals, withdrawal(wrong.news_id, 187.5)]
    return sorted(records, key=lambda each: each.published_at)


DAY = day()


def wired(records: Sequence[Signal | Withdrawal], partitions: int) -> list[Outgoing]:
    """The records as SCORE writes them: signals by their key, withdrawals to every partition."""
    wire: list[Outgoing] = []
    for each in records:
        if isinstance(each, Signal):
            wire.append(Outgoing(SIGNALS.name, each.series.encode(), each.to_json()))
        else:
            wire += [Outgoing(SIGNALS.name, b"control", each.to_json(), (), n) for n in range(partitions)]
    return wire


def truth() -> Alerts:
    """What one watcher says of the whole day, without Kafka."""
    watcher, alerts = Watcher(WatchRules()), defaultdict(list)
    for each in DAY:
        if isinstance(each, Signal):
            watcher.observe(each)
        else:
            watcher.withdraw(each)
    watcher.advance(DAY[-1].published_at + LATER)
    for alert in watcher.drain().alerts:
        alerts[alert.series].append(alert.to_json())
    return dict(alerts)


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Member(Ear):
    """One WATCH process of the group; counts what it committed and how often it polled."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        super().__init__()
        self.records = self.polls = 0
        self._stop = asyncio.Event()
        self._pipeline = WatchPipeline(
            connection, WatchRules(), metrics=Metrics(CollectorRegistry()), clock=clock
        )
        loop = BatchLoop(
            "watch",
            SIGNALS.name,
            connection=connection,
            group="watch",
            pipeline=self._pipeline,
            watcher=self,
        )
        self._task = asyncio.create_task(loop.run(self._stop))

    async def end(self) -> None:
        self._stop.set()
        await self._task
        self._pipeline.close()

    async def polls_again(self) -> None:
        """Wait until what is known now has been answered."""
        before = self.polls
        await until(lambda: self.polls >= before + 3)

    def polled(self, records: int) -> None:
        self.polls += 1

    def committed(self, partition: int, records: int, seconds: float) -> None:
        self.records += records


async def watched(connection: Connection, *, partitions: int, members: int) -> Alerts:
    """The alerts of the day, watched by so many members, the first of which is restarted in the middle."""
    await create_topics(connection, partitions=partitions, replication_factor=1)
    clock, ended = Clock(), 0
    half = len(DAY) // 2 + 40
    parts = wired(DAY[:half], partitions), wired(DAY[half:], partitions)
    async with AsyncExitStack() as stack:
        group = [Member(connection, clock) for _ in range(members)]
        stack.push_async_callback(lambda: asyncio.gather(*(each.end() for each in group)))
        await until(lambda: sum(len(each.owned) for each in group) == partitions)
        await send(connection, parts[0])
        await until(lambda: ended + sum(each.records for each in group) == len(parts[0]))
        await group[0].end()
        ended += group[0].records
        group[0] = Member(connection, clock)
        await send(connection, parts[1])
        await until(lambda: ended + sum(each.records for each in group) == len(DAY) + partitions - 1)
        # A partition that was just restored learns on its first tick what time it is, and on the next it goes on.
        for seconds in (1.0, LATER.total_seconds()):
            await until(lambda: sum(len(each.owned) for each in group) == partitions)
            clock.now += seconds
            await asyncio.gather(*(each.polls_again() for each in group))
    alerts = defaultdict(list)
    for record in await kept(connection, ALERTS.name):
        alerts[(record.key or b"").decode()].append(record.value or b"")
    return dict(alerts)


def test_the_day_opens_updates_retracts_and_ends_alerts() -> None:
    alerts = b"".join(value for values in truth().values() for value in values)
    for status in (b"firing", b"updated", b"resolved"):
        assert b'"status":"%s"' % status in alerts
    assert set(truth()) == {BANK, MARKET}


@pytest.mark.parametrize("partitions", [1, 3, 12])
async def test_one_process_says_the_same_on_any_number_of_partitions(
    partitions: int, embedded: Connection
) -> None:
    assert await watched(embedded, partitions=partitions, members=1) == truth()


@pytest.mark.kafka
@pytest.mark.parametrize("partitions", [1, 3, 12])
async def test_two_processes_that_share_the_partitions_say_the_same(
    partitions: int, apache: Connection
) -> None:
    assert await watched(apache, partitions=partitions, members=2) == truth()
