"""How it ended with a notification and a sink."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from stream.events import Notification, Undelivered

Ending = Literal["delivered", "refused", "gave_up"]


@dataclass(frozen=True, slots=True)
class Settled:
    """A sink took a notification, refused it for good, or could not be reached for too long.

    `at` is when; `first_tried_at` when it was tried first; `detail` says what the last try came to.
    """

    sink: str
    kind: str
    notification: Notification
    ending: Ending
    at: datetime
    first_tried_at: datetime
    tries: int = 1
    detail: str = ""

    def letter(self) -> Undelivered:
        """What is kept of a notification that its sink did not take."""
        return Undelivered(
            sink=self.sink,
            kind=self.kind,
            reason="refused" if self.ending == "refused" else "gave_up",
            detail=self.detail,
            tries=self.tries,
            first_tried_at=self.first_tried_at,
            given_up_at=self.at,
            notification=self.notification,
        )
