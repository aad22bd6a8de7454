"""Reads several partitions side by side in time, so that none runs ahead of the others.

A consumer hands out what it has of one partition to its end before it turns to the next. After an outage SCORE
would send hours of one partition before the first minute of another, and WATCH, which goes by event time, would
find most of it late. What is held here is at most one poll for each partition.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

_NEWER_MS = 10
"""How long a poll that has some looks for newer ones: an answer of the broker that takes longer brings little."""

_FIRST_WORD_MS = 1_000
"""How long records wait for what the broker has of another partition, which may be older."""


@dataclass(slots=True)
class _Held:
    """Records that were fetched for `owner`, and not handed out yet; never empty while it is kept."""

    owner: object
    messages: deque[Any] = field(default_factory=deque)


class TimeMerge:
    """Polls a consumer and hands out the oldest records of all its partitions first.

    By the records' own timestamps, as far as they are fetched; those of one partition stay in their order.

    Args:
        consumer: an aiokafka consumer.
        owners: who owns each partition that is open now. What was fetched for another owner, or for none, is
            dropped: the next one seeks it anew.
        max_records: how many one poll hands out at most.
        poll_ms: how long one waits where nothing is there.
        span_ms: how much time one poll may span, since what it brings is written in no order across partitions.
            None where that does not matter.
        held_back: whether nothing may be handed out now, because partitions of ours are not open yet.
    """

    def __init__(
        self,
        consumer: Any,
        owners: Callable[[], Mapping[int, object]],
        *,
        max_records: int,
        poll_ms: int,
        span_ms: int | None = None,
        held_back: Callable[[], bool] = lambda: False,
    ) -> None:
        self._consumer = consumer
        self._owners = owners
        self._max_records = max_records
        self._poll_ms = poll_ms
        self._span_ms = math.inf if span_ms is None else span_ms
        self._held_back = held_back
        self._held: dict[TopicPartition, _Held] = {}

    async def poll(self) -> dict[TopicPartition, list[Any]]:
        """The next records of each partition that has some."""
        self._drop_strangers()
        stale = await self._top_up()
        room = self._max_records - sum(len(held.messages) for held in self._held.values())
        # The consumer fetched those when the last poll ended, and asks for no more until it is rid of them: what
        # came while the last batch was processed still lies with the broker, and would wait for one batch more.
        if not self._held or (stale and room > 0):
            wait = min(_NEWER_MS, self._poll_ms) if self._held else self._poll_ms
            self._hold(await self._consumer.getmany(timeout_ms=wait, max_records=room))
            await self._top_up()
        waited = 0
        while self._held and waited < _FIRST_WORD_MS:
            # Looked up before what came is taken over: whoever is heard of has its records among it.
            unheard = await self._unheard()
            await self._top_up()
            if not unheard:
                break
            self._hold(
                await self._consumer.getmany(*unheard, timeout_ms=_NEWER_MS, max_records=self._max_records)
            )
            waited += _NEWER_MS
        self._drop_strangers()
        # While this poll waited, partitions may have been dealt of which only some are open by now.
        return {} if self._held_back() else self._take()

    async def _top_up(self) -> bool:
        """Take over what is fetched, up to one poll for each partition; returns whether that was anything."""
        found = False
        for where in self._consumer.assignment():
            room = self._max_records - self.held(where)
            if room > 0:
                polled = await self._consumer.getmany(where, timeout_ms=0, max_records=room)
                found = found or bool(polled)
                self._hold(polled)
        return found

    async def _unheard(self) -> list[TopicPartition]:
        """The partitions of which nothing is here, although there is something, or that is not known yet.

        So it is after an assignment, and after a partition was opened anew: what was fetched before is gone then.
        """
        owners = self._owners()
        found = []
        for where in self._consumer.assignment():
            if where.partition in owners and not self.held(where):
                # Of transactions that are still open there is nothing to wait for.
                end = self._consumer.last_stable_offset(where)
                if end is None or await self._consumer.position(where) < end:
                    found.append(where)
        return found

    def held(self, where: TopicPartition) -> int:
        """How many records of a partition were fetched and not handed out yet."""
        held = self._held.get(where)
        return 0 if held is None else len(held.messages)

    def _hold(self, polled: Mapping[TopicPartition, Iterable[Any]]) -> None:
        self._drop_strangers()
        owners = self._owners()
        for where, messages in polled.items():
            if where.partition in owners:
                held = self._held.setdefault(where, _Held(owners[where.partition]))
                held.messages.extend(messages)

    def _drop_strangers(self) -> None:
        owners = self._owners()
        self._held = {
            where: held
            for where, held in self._held.items()
            if held.messages and owners.get(where.partition) is held.owner
        }

    def _take(self) -> dict[TopicPartition, list[Any]]:
        taken: dict[TopicPartition, list[Any]] = {}
        # Of records with the same time, the partition comes first of which least was taken.
        fronts = [(held.messages[0].timestamp, 0, where) for where, held in self._held.items()]
        heapq.heapify(fronts)
        latest = fronts[0][0] + self._span_ms if fronts else 0
        for _ in range(self._max_records):
            if not fronts or fronts[0][0] > latest:
                break
            _, count, where = fronts[0]
            messages = self._held[where].messages
            taken.setdefault(where, []).append(messages.popleft())
            if messages:
                heapq.heapreplace(fronts, (messages[0].timestamp, count + 1, where))
            else:
                heapq.heappop(fronts)
                del self._held[where]
        return taken
