"""From `news.alerts` to a real Alertmanager, and from there to its own receiver."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alerting import alert, record_of
from alertmanager_server import AlertmanagerServer
from monitoring import running, send, settings_for
from sink_server import SinkServer

from models.explain import explain
from models.packaged import packaged_release
from models.scorer import OnnxScorer
from stream.bus import Connection, create_topics
from stream.settings import Settings
from stream.sinks import HttpRequest, Poster

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def _directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this machine is not asked for what lies on loopback."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def settings_to(folder: Path, connection: Connection, server: AlertmanagerServer, **more: object) -> Settings:
    sinks = [{"type": "alertmanager", "url": server.url, "resend_seconds": 1}]
    changes = {"notify__wait_seconds": 0.3, "notify__poll_ms": 20}
    return settings_for(folder, connection, notify__sinks=json.dumps(sinks), **(changes | more))


async def until_alerts(
    server: AlertmanagerServer, fits: Callable[[list[dict[str, Any]]], bool]
) -> list[dict[str, Any]]:
    async with asyncio.timeout(30):
        while not fits(found := await asyncio.to_thread(server.alerts)):
            await asyncio.sleep(0.1)
    return found


async def test_an_alert_opens_grows_is_kept_alive_and_ends_in_a_real_alertmanager(
    tmp_path: Path, embedded: Connection
) -> None:
    await create_topics(embedded, partitions=3, replication_factor=1)
    async with SinkServer() as receiver:
        with AlertmanagerServer(tmp_path / "alertmanager", receiver.url()) as server:
            settings = settings_to(tmp_path, embedded, server)
            async with running(settings, embedded, ["notify"]):
                await send(
                    embedded, [record_of(alert(each, onset=NOW)) for each in ("market", "company:AAPL")]
                )
                (first,) = await until_alerts(server, bool)
                assert first["labels"] == {
                    "alertname": "negative_surge",
                    "series": "company:AAPL",
                    "severity": "warning",
                    "cause": first["labels"]["cause"],
                    "source": "newstide",
                }
                assert datetime.fromisoformat(first["startsAt"]) == NOW
                assert first["annotations"]["summary"] == "[FIRING] warning: company:AAPL, negative surge"
                assert "Girderson stops withdrawals, says n1" in first["annotations"]["evidence"]
                assert first["annotations"]["others"] == "market, negative surge: warning, firing"
                assert first["generatorURL"] == "https://news.example/n1"

                # It is sent again before Alertmanager would take it for resolved, which is after four seconds.
                (again,) = await until_alerts(server, lambda found: found[0]["endsAt"] > first["endsAt"])
                assert again["fingerprint"] == first["fingerprint"]
                assert datetime.fromisoformat(again["endsAt"]) - datetime.fromisoformat(
                    first["endsAt"]
                ) >= timedelta(seconds=1)

                await send(embedded, [record_of(alert(status="updated", severity="critical", onset=NOW))])
                (graver,) = await until_alerts(
                    server, lambda found: [each["labels"]["severity"] for each in found] == ["critical"]
                )
                assert graver["labels"] | {"severity": "warning"} == first["labels"]

                ends = [
                    alert(each, "resolved", severity="critical", onset=NOW)
                    for each in ("market", "company:AAPL")
                ]
                await send(embedded, [record_of(each) for each in ends])
                await until_alerts(server, lambda found: not found)
                async with asyncio.timeout(30):
                    while not receiver.to() or receiver.to()[-1].json["status"] != "resolved":
                        await asyncio.sleep(0.1)
    told = [(each.json["status"], each.json["groupLabels"]["cause"]) for each in receiver.to()]
    assert told[0][0] == "firing"
    assert {cause for _, cause in told} == {first["labels"]["cause"]}


async def test_an_explanation_reaches_alertmanager_as_an_annotation_and_stays_to_the_end(
    tmp_path: Path, embedded: Connection
) -> None:
    await create_topics(embedded, partitions=3, replication_factor=1)
    async with SinkServer() as receiver:
        with AlertmanagerServer(tmp_path / "alertmanager", receiver.url()) as server:
            settings = settings_to(tmp_path, embedded, server, notify__explain=True)
            async with running(settings, embedded, ["notify"]):
                await send(embedded, [record_of(alert(onset=NOW))])
                # Where the model was not loaded yet, the alert has it when it is sent again.
                (first,) = await until_alerts(
                    server, lambda found: bool(found) and "explanation" in found[0]["annotations"]
                )
                await send(embedded, [record_of(alert(status="resolved", onset=NOW))])
                async with asyncio.timeout(30):
                    while not receiver.to() or receiver.to()[-1].json["status"] != "resolved":
                        await asyncio.sleep(0.1)
    told = first["annotations"]["explanation"]
    assert told.startswith("Words that moved the score of the first article (-")
    # The words are those that the release that ships gives for that article.
    found = explain(OnnxScorer.load(packaged_release()), "Girderson stops withdrawals, says n1")
    listed = told.rpartition("): ")[2].split(", ")
    words = found.strongest(len(listed))
    assert listed == [f"{each.word.rstrip(',')} {each.shift:+.2f}" for each in words]
    assert len(listed) >= 2
    assert receiver.to()[-1].json["alerts"][0]["annotations"]["explanation"] == told


async def test_what_alertmanager_refuses_is_told_by_its_own_words(tmp_path: Path) -> None:
    with AlertmanagerServer(tmp_path / "alertmanager") as server:
        poster = Poster(lambda: NOW, trust_env=False)
        body = json.dumps([{"labels": {}}]).encode()
        answer = await poster.post(
            HttpRequest(f"{server.url}/api/v2/alerts", body, {"Content-Type": "application/json"})
        )
        await poster.close()
    assert answer.verdict == "refused"
    assert "at least one label pair required" in answer.detail
