"""What a sink is: something that makes one HTTP request of a notification."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from stream.events import Notification
from stream.version import VERSION

AGENT = f"newstide/{VERSION}"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A POST. Any part of it may hold a secret, so `repr` shows none."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Sink(Protocol):
    """Where notifications go."""

    @property
    def name(self) -> str:
        """What its settings call it."""
        ...

    @property
    def kind(self) -> str:
        """Which protocol it speaks."""
        ...

    def request(self, notification: Notification, now: datetime) -> HttpRequest:
        """What to send. The same notification may be sent again later, at another `now`."""
        ...


def json_request(url: str, document: object, headers: Mapping[str, str] | None = None) -> HttpRequest:
    """A request with a JSON body."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return HttpRequest(
        url, body, {"Content-Type": "application/json", "User-Agent": AGENT, **(headers or {})}
    )


def bearer(token: str | None) -> dict[str, str]:
    """The header that signs in with `token`; none without one."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}
