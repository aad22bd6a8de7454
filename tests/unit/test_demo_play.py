"""Playing the demo's day, without a broker."""

from __future__ import annotations

import asyncio

import pytest

from stream.demo.play import _first


async def test_what_is_being_sent_ends_before_the_command_does_after_ctrl_c() -> None:
    """Left to itself it would close its client once the loop is gone, and asyncio would complain on the terminal."""
    ended = asyncio.Event()

    async def send() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    running = asyncio.create_task(asyncio.sleep(60))
    playing = asyncio.create_task(_first(running, send()))
    await asyncio.sleep(0.01)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert ended.is_set()
    running.cancel()


async def test_where_the_monitor_fails_its_reason_is_told_and_nothing_goes_on() -> None:
    ended = asyncio.Event()

    async def send() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fail() -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        await _first(asyncio.create_task(fail()), send())
    assert ended.is_set()
