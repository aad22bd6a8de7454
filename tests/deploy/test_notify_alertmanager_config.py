"""The Alertmanager of deploy/alertmanager.yml takes what NOTIFY sends, and groups it by its cause."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from alerting import alert, notification
from alertmanager_server import AlertmanagerServer

from stream.sinks import AlertmanagerSink

CONFIG = Path(__file__).parents[2] / "deploy" / "alertmanager.yml"


def groups_of(server: AlertmanagerServer) -> dict[str, Any]:
    answer = httpx.get(f"{server.url}/api/v2/alerts/groups", timeout=10, trust_env=False)
    return {
        each["receiver"]["name"]
        + " "
        + ",".join(f"{k}={v}" for k, v in sorted(each["labels"].items())): each["alerts"]
        for each in answer.json()
    }


def test_alerts_of_one_cause_are_one_group_for_the_receiver_of_news(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with AlertmanagerServer(tmp_path, config=CONFIG) as server:
        sink = AlertmanagerSink("am", server.url)
        for cause, severity, before in (
            ("one", "warning", None),
            ("one", "critical", "warning"),
            ("two", "info", None),
        ):
            said = notification(
                lead=alert(onset=now), group_id=cause, severity=severity, before=before, at=now, opened_at=now
            )
            request = sink.request(said, now)
            answer = httpx.post(
                request.url, content=request.body, headers=dict(request.headers), timeout=10, trust_env=False
            )
            assert answer.status_code == httpx.codes.OK, answer.text
        own = [{"labels": {"alertname": "NewstideAbsent", "instance": "a"}, "startsAt": now.isoformat()}]
        httpx.post(f"{server.url}/api/v2/alerts", json=own, timeout=10, trust_env=False).raise_for_status()
        groups = groups_of(server)
    assert set(groups) == {"news cause=one", "news cause=two", "nobody alertname=NewstideAbsent,instance=a"}
    assert [each["labels"]["severity"] for each in groups["news cause=one"]] == ["critical"]
