"""Alerts as WATCH would raise them, for what is told of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from stream.bus import Outgoing
from stream.events import Alert, Evidence, Explanation, MovedWord, Notification, RelatedAlert
from stream.topics import ALERTS

T0 = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
NOTED = T0 + timedelta(minutes=5)


def evidence(*news_ids: str, at: datetime = T0) -> tuple[Evidence, ...]:
    """Articles with these ids, each with a headline of its own."""
    return tuple(
        Evidence(
            news_id=each,
            published_at=at,
            source="Own Wire",
            headline=f"Girderson stops withdrawals, says {each}",
            score=-0.8,
            weight=1.0,
            url=f"https://news.example/{each}",
        )
        for each in news_ids
    )


def alert(
    series: str = "company:AAPL",
    status: str = "firing",
    *,
    articles: Iterable[str] = ("n1", "n2", "n3"),
    severity: str = "warning",
    onset: datetime = T0,
    **fields: Any,
) -> Alert:
    """An alert; its id follows from its series, rule and onset."""
    rule = fields.pop("rule", "negative_surge")
    body = {
        "alert_id": sha256(f"{series} {rule} {onset}".encode()).hexdigest()[:24],
        "status": status,
        "severity": severity,
        "series": series,
        "rule": rule,
        "onset": onset,
        "as_of": onset + timedelta(minutes=3),
        "window_seconds": 900,
        "observed": 7.0,
        "expected": 0.4,
        "p_value": 1e-8,
        "surprise": 8.0,
        "mean_score": -0.6,
        "baseline_score": 0.05,
        "sources": 5,
        "evidence": evidence(*articles),
        "model": "newstide-en@1.0.0",
    }
    return Alert.model_validate(body | fields)


def record_of(one: Alert, partition: int | None = None) -> Outgoing:
    """The record of `news.alerts` that holds it."""
    return Outgoing(ALERTS.name, one.series.encode(), one.to_json(), partition=partition)


def notification(status: str = "firing", **fields: Any) -> Notification:
    """What is told of a company, of which the market refers to it."""
    lead = fields.pop("lead", alert())
    body = {
        "key": "k1",
        "group_id": "g1",
        "status": status,
        "severity": "warning",
        "why": "first",
        "at": NOTED,
        "opened_at": T0,
        "named_series": "market",
        "named_rule": "negative_surge",
        "lead": lead,
        "others": (
            RelatedAlert(
                alert_id="m", series="market", rule="mean_shift", status="firing", severity="warning"
            ),
        ),
    }
    return Notification.model_validate(body | fields)


def explanation(**fields: Any) -> Explanation:
    """What moved the score of the first article of `alert()`."""
    moved = (MovedWord(word="stops", shift=-0.41), MovedWord(word="withdrawals", shift=-0.224))
    body = {"news_id": "n1", "towards": "AAPL", "score": -0.82, "words": moved, "model": "newstide-en@1.1.0"}
    return Explanation.model_validate(body | fields)
