"""How the loops of a process are kept running: side by side, anew when the broker was away, and ended together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from stream.errors import BrokerRefusedError, BrokerUnavailableError
from stream.follow import ReleaseFollower
from stream.health import LoopReporter

log = logging.getLogger(__name__)

Work = Callable[[], Coroutine[Any, Any, None]]
"""Something to be run, once."""

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0


class Loop(Protocol):
    """What works until it is told to stop."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, and raise `BrokerUnavailableError` where the broker goes away."""
        ...


async def run_all(works: Sequence[Work]) -> None:
    """Run all side by side; where one fails, end the others and raise what it raised."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(work())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from group


async def keep_running(
    role: str, make: Callable[[], Loop], reporter: LoopReporter, stop: asyncio.Event
) -> None:
    """Run a loop, and start it anew when its broker went away: it comes back, and nothing was lost.

    A broker that is not there at the very beginning is a wrong setting more often than not: that is raised.
    """
    wait = _FIRST_WAIT
    clock = asyncio.get_running_loop().time
    while not stop.is_set():
        began = clock()
        try:
            await make().run(stop)
        except BrokerUnavailableError as error:
            if not reporter.worked:
                raise
            wait = _FIRST_WAIT if clock() - began > _LONGEST_WAIT else min(2 * wait, _LONGEST_WAIT)
            reporter.broker_away()
            log.warning("%s waits %.0f s for its broker: %s", role, wait, error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)


async def follow(follower: ReleaseFollower, stop: asyncio.Event) -> None:
    """Follow the releases until `stop`; without a broker, wait for it as the loops do."""
    while not stop.is_set():
        try:
            await until(stop, follower.run())
        except (BrokerUnavailableError, BrokerRefusedError) as error:
            log.warning("the announcements of releases can't be read now: %s", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LONGEST_WAIT)


async def beside(ended: asyncio.Event, work: Work) -> None:
    """Run `work`, which never ends by itself, until `ended`."""
    await until(ended, work())


async def until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends, or cancel it when `stop` is set."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
