"""PagerDuty, by its Events API v2: `trigger`, `acknowledge`, `resolve`, all under the group's `dedup_key`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from stream.events import Notification
from stream.notify.wording import cut, explanation_of, others_of, sentence_of, source_of, title_of, web_link
from stream.sinks.request import HttpRequest, json_request

EVENTS_URL = "https://events.pagerduty.com/v2/enqueue"
_SUMMARY, _LINE = 1024, 500
_ACTIONS = {"resolved": "resolve", "retracted": "resolve", "acknowledged": "acknowledge"}


@dataclass(frozen=True, slots=True)
class PagerDutySink:
    """Opens, acknowledges and resolves incidents of the service that `routing_key` belongs to."""

    name: str
    routing_key: str = field(repr=False)
    url: str = EVENTS_URL
    kind: str = "pagerduty"

    def request(self, notification: Notification, now: datetime) -> HttpRequest:  # noqa: ARG002 - a sink's signature
        """An event. What was told before under the same `dedup_key` is updated by it, not opened once more."""
        event: dict[str, object] = {
            "routing_key": self.routing_key,
            "event_action": _ACTIONS.get(notification.status, "trigger"),
            "dedup_key": notification.group_id,
            "client": "newstide",
            "payload": _payload(notification),
            "links": _links(notification),
        }
        if notification.link is not None:
            event["client_url"] = notification.link
        return json_request(self.url, event)


def _payload(notification: Notification) -> dict[str, object]:
    lead, explanation = notification.lead, explanation_of(notification)
    return {
        "summary": cut(f"{title_of(notification)}. {sentence_of(notification)}", _SUMMARY),
        "source": "newstide",
        # Three of PagerDuty's four severities have the names of ours; its `error` is not used.
        "severity": notification.severity,
        "timestamp": lead.onset.isoformat(),
        "component": lead.series,
        "group": notification.named_series,
        "class": lead.rule,
        "custom_details": {
            "alert_id": lead.alert_id,
            "observed": lead.observed,
            "expected": lead.expected,
            "sources": lead.sources,
            "p_value": lead.p_value,
            "evidence": [cut(f"{each.headline} ({source_of(each)})", _LINE) for each in lead.evidence],
            "others": [cut(line, _LINE) for line in others_of(notification)],
            **({"explanation": cut(explanation, _LINE)} if explanation else {}),
        },
    }


def _links(notification: Notification) -> list[dict[str, str]]:
    found = [(web_link(each.url), each.headline) for each in notification.lead.evidence]
    links = [{"href": url, "text": cut(headline, _LINE)} for url, headline in found if url]
    return [*([{"href": notification.link, "text": "newstide"}] if notification.link else []), *links]
