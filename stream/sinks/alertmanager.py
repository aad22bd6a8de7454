"""Alertmanager, by its API v2: `POST /api/v2/alerts`.

An alert there is known by its labels. They are the names under which the group was told first, its id and its
severity; when the severity rises, the former alert ends in the same request that begins the next. An open alert
is to be sent again before its `endsAt`, or Alertmanager takes it for resolved; so `endsAt` lies four intervals
ahead, as Prometheus does it (`sendAlerts` in its `cmd/prometheus/main.go`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stream.events import Notification, Severity
from stream.notify.wording import cut, explanation_of, link_of, others_of, sentence_of, source_of, title_of
from stream.sinks.request import HttpRequest, bearer, json_request

_INTERVALS = 4
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class AlertmanagerSink:
    """Posts to the Alertmanager whose web page is at `url`.

    `resend` is how often an open alert is sent again; whoever drives the sink must see to that.
    """

    name: str
    url: str = field(repr=False)
    resend: timedelta = timedelta(minutes=1)
    token: str | None = field(default=None, repr=False)
    kind: str = "alertmanager"

    def request(self, notification: Notification, now: datetime) -> HttpRequest:
        """The alert as it stands, and the end of what it was before where its severity rose."""
        ended = notification.status in {"resolved", "retracted"}
        ends = now if ended else now + _INTERVALS * self.resend
        alerts = [self._alert(notification, notification.severity, ends, now)]
        before = notification.before
        if before is not None and before != notification.severity:
            alerts.append(self._alert(notification, before, now, now))
        return json_request(f"{self.url.rstrip('/')}/api/v2/alerts", alerts, bearer(self.token))

    def _alert(
        self, notification: Notification, severity: Severity, ends: datetime, now: datetime
    ) -> dict[str, object]:
        lead = notification.lead
        # Alertmanager refuses an alert that ends before it starts, as one may whose news is dated ahead.
        starts = min(lead.onset, now)
        alert: dict[str, object] = {
            "labels": {
                "alertname": notification.named_rule,
                "series": notification.named_series,
                "severity": severity,
                "cause": notification.group_id,
                "source": "newstide",
            },
            "annotations": _annotations(notification),
            "startsAt": starts.isoformat(),
            "endsAt": ends.isoformat(),
        }
        link = link_of(notification)
        return alert | ({"generatorURL": link} if link else {})


def _annotations(notification: Notification) -> dict[str, str]:
    articles = "\n".join(f"{each.headline} ({source_of(each)})" for each in notification.lead.evidence)
    texts = {
        "summary": title_of(notification),
        "description": sentence_of(notification),
        "evidence": articles,
        "explanation": explanation_of(notification) or "",
        "others": "\n".join(others_of(notification)),
        "lead": notification.lead.series,
        "alert_id": notification.lead.alert_id,
        "acknowledged_by": notification.acknowledged_by or "",
    }
    # An empty annotation is none to Alertmanager.
    return {
        name: "\n".join(cut(line, _LONGEST) for line in text.split("\n"))
        for name, text in texts.items()
        if text
    }
