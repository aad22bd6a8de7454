"""What waits for one sink: a bounded queue, and the tries.

Each sink has an outlet of its own, so that one which is slow or away holds up no other, and nothing else. Within
it a notification that fails waits for its next try while the others go on; a sink that asks for a pause gets it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stream.events import Notification
from stream.notify.owed import Wishes
from stream.notify.settled import Ending, Settled
from stream.sinks.backoff import Patience
from stream.sinks.post import Answer
from stream.sinks.request import HttpRequest, Sink

log = logging.getLogger(__name__)


class SinkGauge(Protocol):
    """Hears what the outlets do."""

    def notification_tried(self, sink: str, outcome: str) -> None:
        """One try ended so."""

    def notification_queue(self, sink: str, depth: int) -> None:
        """So many notifications wait for the sink."""


@dataclass(slots=True, eq=False)
class _Job:
    notification: Notification
    due: float
    began: float | None = None
    began_at: datetime | None = None
    tries: int = 0


class Outlet:
    """The way to one sink.

    Args:
        sink: makes the requests.
        wishes: what the sink wants to be told.
        post: sends a request, once; never raises.
        clock: what time it is.
        monotonic: seconds on a clock that never goes back.
        gauge: hears of tries and of the queue.
        patience: how a sink that fails is treated.
        capacity: how many notifications may wait.
        chance: draws from [0, 1), for jitter.
    """

    def __init__(
        self,
        sink: Sink,
        wishes: Wishes,
        *,
        post: Callable[[HttpRequest], Awaitable[Answer]],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        gauge: SinkGauge,
        patience: Patience | None = None,
        capacity: int = 100,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.wishes = wishes
        self._sink = sink
        self._post = post
        self._clock = clock
        self._monotonic = monotonic
        self._gauge = gauge
        self._patience = patience or Patience()
        self._capacity = capacity
        self._chance = chance
        self._jobs: list[_Job] = []
        self._settled: list[Settled] = []
        self._held_until = float("-inf")
        self._failing = False
        self._news = asyncio.Event()
        self._finishing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._show()

    @property
    def name(self) -> str:
        """The sink's."""
        return self._sink.name

    @property
    def waiting(self) -> int:
        """How many notifications wait, the one that is being sent included."""
        return len(self._jobs)

    def offer(self, notification: Notification) -> bool:
        """Take it, or say that the queue is full."""
        if len(self._jobs) >= self._capacity:
            return False
        self._jobs.append(_Job(notification, self._monotonic()))
        self._show()
        self._news.set()
        return True

    def settled(self) -> list[Settled]:
        """What ended since this was asked last."""
        ended, self._settled = self._settled, []
        return ended

    async def finish(self) -> None:
        """Begin nothing more, and wait until what is being sent has ended."""
        self._finishing = True
        await self._idle.wait()

    def drop(self) -> None:
        """Forget what waits and what ended: somebody else tells the sink now."""
        self._jobs, self._settled = [], []
        self._show()

    async def run(self) -> None:
        """Send what comes until cancelled."""
        while True:
            wait = await self.step()
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait)

    async def step(self) -> float | None:
        """Try what is due first, if something is; returns the seconds until the next is, None if nothing waits."""
        job = min(self._jobs, key=lambda each: each.due, default=None)
        if job is None or self._finishing:
            return None
        now = self._monotonic()
        wait = max(job.due, self._held_until) - now
        if wait > 0:
            return wait
        if job.began is None or job.began_at is None:
            job.began, job.began_at = now, self._clock()
        job.tries += 1
        self._idle.clear()
        try:
            answer = await self._post(self._sink.request(job.notification, self._clock()))
        finally:
            self._idle.set()
        self._gauge.notification_tried(self.name, answer.trial)
        if job in self._jobs:  # Else it was dropped meanwhile.
            self._judge(job, job.began, job.began_at, answer)
        return 0.0

    def _judge(self, job: _Job, began: float, began_at: datetime, answer: Answer) -> None:
        if answer.verdict == "taken":
            self._say_it_is_back()
            self._end(job, began_at, "delivered", "")
            return
        if answer.verdict == "refused":
            self._end(job, began_at, "refused", answer.detail)
            return
        now = self._monotonic()
        wait = self._patience.wait(job.tries, self._chance(), answer.retry_after)
        if now + wait - began > self._patience.give_up:
            self._end(job, began_at, "gave_up", answer.detail)
            return
        job.due = now + wait
        if answer.retry_after is not None:
            self._held_until = now + answer.retry_after
        if not self._failing:
            self._failing = True
            log.warning("sink %s fails, and is tried again: %s", self.name, answer.detail)

    def _say_it_is_back(self) -> None:
        if self._failing:
            self._failing = False
            log.info("sink %s takes notifications again", self.name)

    def _end(self, job: _Job, began_at: datetime, ending: Ending, detail: str) -> None:
        self._jobs.remove(job)
        self._show()
        if ending != "delivered":
            log.error(
                "sink %s: notification %s was not delivered (%s after %d tries): %s",
                *(self.name, job.notification.key, ending.replace("_", " "), job.tries, detail),
            )
        self._settled.append(
            Settled(
                self.name,
                self._sink.kind,
                job.notification,
                ending,
                self._clock(),
                began_at,
                job.tries,
                detail,
            )
        )

    def _show(self) -> None:
        self._gauge.notification_queue(self.name, len(self._jobs))
