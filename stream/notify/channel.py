"""The way to one sink, as the pipeline sees it."""

from __future__ import annotations

from typing import Protocol

from stream.events import Notification
from stream.notify.owed import Wishes
from stream.notify.settled import Settled


class Channel(Protocol):
    """The way to one sink; `stream.sinks.Outlet` is one."""

    wishes: Wishes

    @property
    def name(self) -> str:
        """The sink's."""
        ...

    def offer(self, notification: Notification) -> bool:
        """Take it, or say that the queue is full. Never waits."""
        ...

    def settled(self) -> list[Settled]:
        """What ended since this was asked last."""
        ...

    async def finish(self) -> None:
        """Begin nothing more, and wait until what is being sent has ended."""
        ...

    def drop(self) -> None:
        """Forget what waits and what ended."""
        ...
