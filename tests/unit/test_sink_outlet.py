"""What waits for one sink, on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from alerting import T0, notification

from stream.events import Notification
from stream.notify.owed import Wishes
from stream.sinks import HttpRequest, Outlet, Patience, WebhookSink
from stream.sinks.post import Answer

TAKEN, DOWN = Answer("taken", "ok"), Answer("again", "server_error", "it answered 500")
REFUSED = Answer("refused", "client_error", "it answered 400: no")


def slow_down(seconds: float) -> Answer:
    return Answer("again", "throttled", "it answered 429", seconds)


@dataclass
class Post:
    """Stands at both ends: the server's answers, one after the other, and the clock."""

    answers: list[Answer]
    seconds: float = 0.0
    keys: list[str] = field(default_factory=list)
    tried: Counter[str] = field(default_factory=Counter)
    depth: int = 0

    async def __call__(self, request: HttpRequest) -> Answer:
        self.keys.append(request.headers["Idempotency-Key"])
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def notification_tried(self, sink: str, outcome: str) -> None:
        self.tried[outcome] += 1

    def notification_queue(self, sink: str, depth: int) -> None:
        self.depth = depth

    def outlet(self, patience: Patience | None = None, capacity: int = 100) -> Outlet:
        return Outlet(
            WebhookSink("desk", "https://example.com"),
            Wishes("desk"),
            post=self,
            clock=lambda: T0 + timedelta(seconds=self.seconds),
            monotonic=lambda: self.seconds,
            gauge=self,
            patience=patience or Patience(first=1.0, longest=8.0, give_up=60.0),
            capacity=capacity,
            chance=lambda: 1.0,
        )


def said(key: str = "k1") -> Notification:
    return notification().model_copy(update={"key": key})


async def waits_of(post: Post, outlet: Outlet, tries: int) -> list[float]:
    """The waits between so many tries; the clock goes on by each."""
    waits = []
    for _ in range(tries):
        await outlet.step()
        wait = await outlet.step() or 0.0
        waits.append(wait)
        post.seconds += wait
    return waits


async def test_what_is_taken_is_settled_once() -> None:
    post = Post([TAKEN])
    outlet = post.outlet()
    assert outlet.offer(said())
    assert (outlet.waiting, post.depth) == (1, 1)
    assert await outlet.step() == 0.0
    assert await outlet.step() is None
    (ended,) = outlet.settled()
    assert (ended.ending, ended.tries, ended.at, ended.sink) == ("delivered", 1, T0, "desk")
    assert outlet.settled() == []
    assert post.depth == 0


async def test_a_sink_that_fails_is_tried_at_growing_intervals() -> None:
    post = Post([DOWN])
    outlet = post.outlet()
    outlet.offer(said())
    assert await waits_of(post, outlet, 5) == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert set(post.keys) == {"k1"}
    assert post.tried == {"server_error": 5}


async def test_after_the_time_that_is_set_it_is_given_up() -> None:
    post = Post([DOWN])
    outlet = post.outlet(Patience(first=1.0, longest=8.0, give_up=10.0))
    outlet.offer(said())
    await waits_of(post, outlet, 4)
    (ended,) = outlet.settled()
    assert (ended.ending, ended.tries, ended.detail) == ("gave_up", 4, "it answered 500")
    assert ended.first_tried_at == T0
    assert ended.at == T0 + timedelta(seconds=7)


async def test_what_is_refused_is_not_tried_again() -> None:
    post = Post([REFUSED])
    outlet = post.outlet()
    outlet.offer(said())
    await outlet.step()
    (ended,) = outlet.settled()
    assert (ended.ending, ended.tries, ended.detail) == ("refused", 1, "it answered 400: no")


async def test_one_that_fails_does_not_hold_up_the_next() -> None:
    post = Post([DOWN, TAKEN])
    outlet = post.outlet()
    outlet.offer(said("k1"))
    outlet.offer(said("k2"))
    await outlet.step()
    await outlet.step()
    assert [each.notification.key for each in outlet.settled()] == ["k2"]
    assert await outlet.step() == 1.0


async def test_a_sink_that_asks_for_a_pause_gets_it_for_all() -> None:
    post = Post([slow_down(30.0), TAKEN])
    outlet = post.outlet()
    outlet.offer(said("k1"))
    outlet.offer(said("k2"))
    await outlet.step()
    assert await outlet.step() == 30.0
    assert post.keys == ["k1"]
    post.seconds = 30.0
    await outlet.step()
    await outlet.step()
    assert post.keys == ["k1", "k2", "k1"]


async def test_a_pause_longer_than_our_patience_is_the_end() -> None:
    post = Post([slow_down(3600.0)])
    outlet = post.outlet()
    outlet.offer(said())
    await outlet.step()
    assert [each.ending for each in outlet.settled()] == ["gave_up"]


def test_the_queue_has_a_bound() -> None:
    outlet = Post([TAKEN]).outlet(capacity=2)
    assert [outlet.offer(said(str(n))) for n in range(3)] == [True, True, False]


async def test_what_is_dropped_while_it_is_sent_is_not_settled() -> None:
    sending, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Post):
        async def __call__(self, request: HttpRequest) -> Answer:
            sending.set()
            await go_on.wait()
            return TAKEN

    post = Slow([TAKEN])
    outlet = post.outlet()
    outlet.offer(said())
    step = asyncio.create_task(outlet.step())
    await sending.wait()
    outlet.drop()
    go_on.set()
    await step
    assert (outlet.settled(), outlet.waiting, post.depth) == ([], 0, 0)


async def test_to_finish_is_to_wait_for_what_is_being_sent_and_to_begin_nothing_more() -> None:
    sending, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Post):
        async def __call__(self, request: HttpRequest) -> Answer:
            sending.set()
            await go_on.wait()
            return TAKEN

    outlet = Slow([TAKEN]).outlet()
    outlet.offer(said("k1"))
    outlet.offer(said("k2"))
    step = asyncio.create_task(outlet.step())
    await sending.wait()
    finishing = asyncio.create_task(outlet.finish())
    await asyncio.sleep(0)
    assert not finishing.done()
    go_on.set()
    await finishing
    await step
    assert [each.notification.key for each in outlet.settled()] == ["k1"]
    assert await outlet.step() is None
    assert outlet.waiting == 1


async def test_it_wakes_for_what_comes() -> None:
    post = Post([TAKEN])
    outlet = post.outlet()
    running = asyncio.create_task(outlet.run())
    for n in range(3):
        outlet.offer(said(str(n)))
        async with asyncio.timeout(10):
            while outlet.waiting:
                await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert post.keys == ["0", "1", "2"]


async def test_the_log_says_once_that_a_sink_fails_and_once_that_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "stream.sinks.outlet")
    post = Post([DOWN, DOWN, TAKEN, TAKEN])
    outlet = post.outlet()
    outlet.offer(said("k1"))
    await waits_of(post, outlet, 3)
    outlet.offer(said("k2"))
    await outlet.step()
    assert caplog.messages == [
        "sink desk fails, and is tried again: it answered 500",
        "sink desk takes notifications again",
    ]


def test_many_that_failed_together_do_not_come_back_together() -> None:
    patience = Patience(first=2.0, longest=120.0)
    assert patience.wait(1, 0.0) == 1.0
    assert patience.wait(1, 1.0) == 2.0
    assert patience.wait(99, 1.0) == 120.0
    assert patience.wait(1, 1.0, retry_after=9.0) == 9.0
