"""When to poll, while the last batch is still being committed."""

from __future__ import annotations

import asyncio

_LONGEST_SECONDS = 0.1
_IN_TIME_SECONDS = 0.002


class Linger:
    """Puts a poll off, so that its batch is ready about when the one before it is committed.

    A batch that is ready earlier waits for that commit with what it has, and what comes meanwhile waits for a
    whole batch more: the shorter the work and the longer the commit, the more. Where the work takes longer than
    the commit there is nothing to put off.

    Attributes:
        seconds: how long the next poll is put off at most.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def waited(self, seconds: float) -> None:
        """The last batch was ready so long before the commit that it had to wait for."""
        if seconds > _IN_TIME_SECONDS:
            self.seconds = min(self.seconds + seconds / 2, _LONGEST_SECONDS)
        else:
            self.seconds *= 0.9

    async def until(self, committed: asyncio.Task[None] | None) -> None:
        """Wait as long as it is worth, and no longer than the commit takes."""
        if committed is not None and self.seconds > _IN_TIME_SECONDS:
            await asyncio.wait({committed}, timeout=self.seconds)
