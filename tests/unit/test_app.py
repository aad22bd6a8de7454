from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from stream import app, supervise
from stream.bus import Connection
from stream.errors import BrokerRefusedError, BrokerUnavailableError, NewstideError
from stream.health import Health, LoopReporter
from stream.metrics import Metrics
from stream.settings import Settings


class FakeLoop:
    """Ends as it is told, one after the other; the last one works until it is told to stop."""

    def __init__(self, *ends: Callable[[], None]) -> None:
        self.ends = list(ends)
        self.runs = 0

    def __call__(self) -> Any:
        return self

    async def run(self, stop: asyncio.Event) -> None:
        self.runs += 1
        if self.runs > len(self.ends):
            await stop.wait()
        else:
            self.ends[self.runs - 1]()


def away() -> None:
    raise BrokerUnavailableError("no broker answers")


@pytest.fixture
def reporter() -> LoopReporter:
    return LoopReporter(
        "score",
        "news.raw",
        metrics=Metrics(CollectorRegistry()),
        health=Health(),
        monotonic=lambda: 0.0,
        unix=lambda: 0.0,
    )


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(supervise, "_LONGEST_WAIT", 0.002)


async def test_a_broker_that_was_never_there_ends_the_monitor(reporter: LoopReporter) -> None:
    with pytest.raises(BrokerUnavailableError):
        await supervise.keep_running("score", FakeLoop(away), reporter, asyncio.Event())


@pytest.mark.usefixtures("short_waits")
async def test_a_loop_whose_broker_went_away_starts_anew(reporter: LoopReporter) -> None:
    def worked_until_away() -> None:
        reporter.assigned([0])
        away()

    loop, stop = FakeLoop(worked_until_away, away, away), asyncio.Event()
    keeping = asyncio.create_task(supervise.keep_running("score", loop, reporter, stop))
    async with asyncio.timeout(10):
        while loop.runs < 4:
            await asyncio.sleep(0)
    stop.set()
    await keeping
    assert loop.runs == 4


async def test_a_monitor_that_waits_for_its_broker_stops_at_once(reporter: LoopReporter) -> None:
    reporter.assigned([0])
    stop = asyncio.Event()
    keeping = asyncio.create_task(supervise.keep_running("score", FakeLoop(away), reporter, stop))
    await asyncio.sleep(0)
    stop.set()
    async with asyncio.timeout(0.5):
        await keeping


async def test_where_one_work_fails_the_others_end_and_its_error_is_raised() -> None:
    ended = []

    async def works() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("works")

    async def fails() -> None:
        raise NewstideError("the state can't be read")

    with pytest.raises(NewstideError, match="the state"):
        await supervise.run_all([works, fails])
    assert ended == ["works"]


class FakeFollower:
    """Fails so often, then follows."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.follows = asyncio.Event()

    async def run(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.follows.set()
        await asyncio.Event().wait()


@pytest.mark.usefixtures("short_waits")
async def test_a_topic_that_can_not_be_followed_now_is_tried_again() -> None:
    follower, stop = (
        FakeFollower(BrokerRefusedError("no topic"), BrokerUnavailableError("away")),
        asyncio.Event(),
    )
    following = asyncio.create_task(supervise.follow(follower, stop))  # type: ignore[arg-type]  # a fake
    async with asyncio.timeout(10):
        await follower.follows.wait()
    stop.set()
    async with asyncio.timeout(10):
        await following


async def test_work_that_ends_by_itself_needs_no_stop() -> None:
    async def work() -> None:
        await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await supervise.until(asyncio.Event(), work())


async def test_the_interpreter_switches_threads_as_before_once_a_monitor_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    within = []

    async def fail(_: app.Monitor) -> None:
        within.append(sys.getswitchinterval())
        raise BrokerUnavailableError("no broker answers")

    monkeypatch.setattr(app.Monitor, "_make_topics", fail)
    before = sys.getswitchinterval()
    with pytest.raises(BrokerUnavailableError):
        await app.Monitor(Settings(), Connection("nowhere:1")).run(asyncio.Event())
    assert sys.getswitchinterval() == before
    assert within[0] < before


def test_what_is_no_longer_used_is_freed_and_the_rest_is_not_gone_through_again() -> None:
    class Series:
        def __init__(self) -> None:
            self.itself = self

    went, stays = Series(), Series()
    gone = weakref.ref(went)
    gc.freeze()
    try:
        del went
        app._keep_what_is_there()
        assert gone() is None
        assert gc.get_freeze_count() > 0
        assert not any(each is stays for each in gc.get_objects())
    finally:
        gc.unfreeze()
