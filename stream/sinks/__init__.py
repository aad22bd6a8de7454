"""Where notifications go: Alertmanager, webhooks, Slack, PagerDuty.

`request.py` says what a sink is: something that makes an HTTP request of a notification, without sending it.
`alertmanager.py`, `webhook.py`, `slack.py` and `pagerduty.py` are such. `post.py` sends one request and says how
it ended; `outlet.py` keeps what waits for one sink, and tries again for as long as it may (`backoff.py`).
"""

from __future__ import annotations

from stream.sinks.alertmanager import AlertmanagerSink
from stream.sinks.backoff import Patience
from stream.sinks.outlet import Outlet
from stream.sinks.pagerduty import PagerDutySink
from stream.sinks.post import Poster
from stream.sinks.request import HttpRequest, Sink
from stream.sinks.slack import SlackSink
from stream.sinks.webhook import WebhookSink, sign

__all__ = [
    "AlertmanagerSink",
    "HttpRequest",
    "Outlet",
    "PagerDutySink",
    "Patience",
    "Poster",
    "Sink",
    "SlackSink",
    "WebhookSink",
    "sign",
]
