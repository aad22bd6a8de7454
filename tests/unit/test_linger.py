from __future__ import annotations

import asyncio

import pytest

from stream.bus.linger import Linger


def test_a_batch_that_waits_for_a_commit_puts_the_next_poll_off_until_it_no_longer_waits() -> None:
    linger = Linger()
    commit, work = 0.030, 0.005
    for _ in range(20):
        linger.waited(max(commit - work - linger.seconds, 0.0))
    assert 0.018 < linger.seconds <= commit - work


def test_work_that_takes_longer_than_the_commit_is_never_put_off() -> None:
    linger = Linger()
    linger.seconds = 0.05
    for _ in range(40):
        linger.waited(0.0)
    assert linger.seconds < 0.001


def test_a_slow_broker_puts_a_poll_off_within_a_bound() -> None:
    linger = Linger()
    for _ in range(5):
        linger.waited(20.0)
    assert linger.seconds == 0.1


async def test_a_poll_is_put_off_no_longer_than_the_commit_takes() -> None:
    linger = Linger()
    linger.seconds = 3600.0
    over = asyncio.Event()
    commit = asyncio.create_task(_commit(over))
    poll = asyncio.create_task(linger.until(commit))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not poll.done()
    over.set()
    async with asyncio.timeout(10):
        await poll
    with pytest.raises(RuntimeError, match="fenced"):
        await commit


async def test_without_a_commit_under_way_a_poll_is_not_put_off() -> None:
    linger = Linger()
    linger.seconds = 3600.0
    async with asyncio.timeout(10):
        await linger.until(None)


async def _commit(over: asyncio.Event) -> None:
    await over.wait()
    raise RuntimeError("fenced: whoever settles the delivery hears of it, not the poll")
