"""Any program that takes JSON: the notification as it is, signed where a secret is set.

The signature is the HMAC-SHA256, in hexadecimal, of the time stamp, a full stop and the body, byte for byte. The
stamp is part of it so that a receiver can refuse what is old: a request that somebody recorded can't be sent again
later.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from stream.events import Notification
from stream.sinks.request import AGENT, HttpRequest, bearer

TIMESTAMP = "X-Newstide-Timestamp"
SIGNATURE = "X-Newstide-Signature"
KEY = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class WebhookSink:
    """Posts each notification to `url`. `Idempotency-Key` is the same whenever the same one is sent again."""

    name: str
    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    kind: str = "webhook"

    def request(self, notification: Notification, now: datetime) -> HttpRequest:
        """The notification as JSON, with its key, the time of this try, and the signature."""
        body, stamp = notification.to_json(), str(int(now.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            KEY: notification.key,
            TIMESTAMP: stamp,
            **bearer(self.token),
        }
        if self.secret is not None:
            headers[SIGNATURE] = f"sha256={sign(self.secret, stamp, body)}"
        return HttpRequest(self.url, body, headers)


def sign(secret: str, stamp: str, body: bytes) -> str:
    """The signature of `body` sent at `stamp` (seconds since 1970, as in its header)."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
