"""Politeness: how often one host is asked, and how long a feed that fails is left alone."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

_MOST_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Manners:
    """How newstide behaves towards servers.

    Between two requests to one host there are at least `host_seconds`, whichever feeds they are for. After the
    n-th failure in a row a feed rests `every * 2**(n - 1)`, at most `longest_rest_seconds` (but never less than
    `every`), lengthened by up to the share `jitter` so that feeds which failed together don't come back
    together. `at_once` bounds the requests under way, and with them the memory.
    """

    host_seconds: float = 2.0
    longest_rest_seconds: float = 3600.0
    jitter: float = 0.25
    at_once: int = 8

    def rest(self, every: float, failures: int, chance: float) -> float:
        """Seconds until a feed is asked again; `chance` is drawn from [0, 1)."""
        if failures == 0:
            return every
        doubled = every * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
        return max(every, min(doubled, self.longest_rest_seconds)) * (1.0 + self.jitter * chance)


USUAL_MANNERS = Manners()


class HostTurns:
    """Gives each host's feeds their turns, first come, first served.

    Args:
        manners: see `Manners`.
        monotonic: seconds on a clock that never goes back.
        sleep: waits so many seconds by that clock.
    """

    def __init__(
        self, manners: Manners, monotonic: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._gap = manners.host_seconds
        self._monotonic = monotonic
        self._sleep = sleep
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._free_at: dict[str, float] = {}
        self._at_once = asyncio.Semaphore(manners.at_once)

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Waits until `host` may be asked; the request goes inside."""
        async with self._locks[host]:
            while (wait := self._free_at.get(host, 0.0) - self._monotonic()) > 0:
                await self._sleep(wait)
            await self._at_once.acquire()
            self._free_at[host] = self._monotonic() + self._gap
        try:
            yield
        finally:
            self._at_once.release()

    def hold(self, host: str, seconds: float) -> None:
        """Leaves `host` alone for `seconds` from now, as its server asked."""
        self._free_at[host] = max(self._free_at.get(host, 0.0), self._monotonic() + seconds)
