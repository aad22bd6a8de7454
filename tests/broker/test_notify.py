"""NOTIFY on a real broker: people hear of each cause once, whatever restarts and whichever sink is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alerting import alert, evidence, record_of
from monitoring import article, headlines, kept, put_tiny_release, running, send, settings_for, until, value
from sink_server import OK, Reply, SinkServer
from tiny_release import tiny_release

from models.store import ReleaseStore, packaged_release
from stream import app
from stream.app import roles_of
from stream.bus import Connection, Outgoing, create_topics
from stream.events import Alert, Undelivered
from stream.notify.owed import key_of
from stream.releases import announce, make_note
from stream.serving import Serving, open_serving
from stream.settings import Settings
from stream.topics import GROUPS, REJECTED, UNDELIVERED

NOW = datetime.now(UTC).replace(microsecond=0)
SHIPPED = dict(zip(("name", "version"), packaged_release().label.split("@"), strict=True))
TINY = {"name": "tiny", "version": "1.0.0"}


@pytest.fixture(autouse=True)
def _directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this machine is not asked for what lies on loopback."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def webhook(server: SinkServer, path: str = "/hook", **fields: Any) -> dict[str, Any]:
    return {"type": "webhook", "name": path.strip("/"), "url": server.url(path), "secret": "s3cret", **fields}


def settings_to(folder: Path, connection: Connection, *sinks: dict[str, Any], **changes: object) -> Settings:
    quick = {"notify__wait_seconds": 0.3, "notify__poll_ms": 20, "notify__retry_seconds": 0.05}
    return settings_for(folder, connection, notify__sinks=json.dumps(sinks), **(quick | changes))


@pytest.fixture
async def topics(embedded: Connection) -> Connection:
    await create_topics(embedded, partitions=3, replication_factor=1)
    return embedded


def said(server: SinkServer, path: str = "/hook") -> list[tuple[str, str, str]]:
    return [
        (each.json["status"], each.json["severity"], each.json["lead"]["series"]) for each in server.to(path)
    ]


async def settled(connection: Connection, sinks: Iterable[str], status: str) -> None:
    """Wait until the group's record says that each of the sinks was told so."""
    async with asyncio.timeout(20):
        while True:
            records = [json.loads(each.value) for each in await kept(connection, GROUPS.name) if each.value]
            told = records[-1]["told"] if records else {}
            if all(told.get(sink, {}).get("status") == status for sink in sinks):
                return
            await asyncio.sleep(0.05)


async def test_one_cause_in_three_series_is_told_once_and_its_end_once(
    tmp_path: Path, topics: Connection
) -> None:
    async with SinkServer() as server:
        settings = settings_to(tmp_path, topics, webhook(server))
        async with running(settings, topics, ["notify"]) as monitor:
            series = ("market", "topic:legal", "company:AAPL")
            await send(topics, [record_of(alert(each, onset=NOW)) for each in series])
            await server.until(1)
            await send(topics, [record_of(alert(each, "updated", onset=NOW)) for each in series])
            await send(topics, [record_of(alert(each, "resolved", onset=NOW)) for each in series])
            await server.until(2)
            await until(lambda: value(monitor, "newstide_notifications_total") == 2)
            assert value(monitor, "newstide_notify_groups_open") == 0
    assert said(server) == [("firing", "warning", "company:AAPL"), ("resolved", "warning", "company:AAPL")]
    first = server.to()[0].json
    assert [each["series"] for each in first["others"]] == ["topic:legal", "market"]
    assert server.to()[0].headers["idempotency-key"] == first["key"]


async def test_a_restart_tells_nothing_twice_and_forgets_no_open_group(
    tmp_path: Path, topics: Connection
) -> None:
    async with SinkServer() as server:
        settings = settings_to(tmp_path, topics, webhook(server))
        async with running(settings, topics, ["notify"]):
            await send(topics, [record_of(alert(onset=NOW))])
            await server.until(1)
            await settled(topics, ["hook"], "firing")
        async with running(settings, topics, ["notify"]) as monitor:
            await until(lambda: value(monitor, "newstide_notify_groups_open") == 1)
            await send(topics, [record_of(alert("market", onset=NOW))])
            await send(topics, [record_of(alert("company:AAPL", "updated", severity="critical", onset=NOW))])
            await server.until(2)
            await settled(topics, ["hook"], "updated")
        async with running(settings, topics, ["notify"]):
            await send(
                topics, [record_of(alert(each, "resolved", onset=NOW)) for each in ("market", "company:AAPL")]
            )
            await server.until(3)
    assert [status for status, _, _ in said(server)] == ["firing", "updated", "resolved"]
    assert len({each.json["group_id"] for each in server.to()}) == 1


async def test_a_sink_that_is_away_holds_up_no_other_and_is_told_after_a_restart(
    tmp_path: Path, topics: Connection
) -> None:
    async with SinkServer() as server:
        server.on("/away", Reply(503))
        settings = settings_to(tmp_path, topics, webhook(server, "/away"), webhook(server, "/here"))
        async with running(settings, topics, ["notify"]) as monitor:
            await send(topics, [record_of(alert(onset=NOW))])
            await server.until(1, "/here")
            await server.until(2, "/away")
            await settled(topics, ["here"], "firing")
            assert value(monitor, "newstide_notification_queue_depth", {"sink": "away"}) == 1
        tried = {each.headers["idempotency-key"] for each in server.to("/away")}
        server.on("/away", OK)
        before = len(server.to("/away"))
        async with running(settings, topics, ["notify"]):
            await server.until(before + 1, "/away")
            await settled(topics, ["away", "here"], "firing")
    assert {server.to("/away")[-1].headers["idempotency-key"]} == tried
    assert len(server.to("/here")) == 1


async def test_what_a_sink_refuses_is_kept_with_its_reason_and_the_others_are_told(
    tmp_path: Path, topics: Connection
) -> None:
    async with SinkServer() as server:
        server.on("/no", Reply(404, body=b"no such hook"))
        server.on("/slow", Reply(500))
        settings = settings_to(
            tmp_path,
            topics,
            *(webhook(server, path) for path in ("/no", "/slow", "/yes")),
            notify__give_up_minutes=0.05,
        )
        async with running(settings, topics, ["notify"]) as monitor:
            await send(topics, [record_of(alert(onset=NOW))])
            await until(lambda: value(monitor, "newstide_notifications_total") == 3)
            await settled(topics, ["no", "slow", "yes"], "firing")
    letters = {
        each.sink: each
        for each in (
            Undelivered.model_validate_json(r.value or b"") for r in await kept(topics, UNDELIVERED.name)
        )
    }
    assert set(letters) == {"no", "slow"}
    assert letters["no"].reason == "refused"
    assert letters["no"].detail == "it answered 404 Said: no such hook"
    assert letters["slow"].reason == "gave_up"
    assert letters["slow"].tries > 1
    assert letters["no"].notification.key == server.to("/yes")[0].json["key"]


async def test_what_is_no_alert_goes_to_the_rejects(tmp_path: Path, topics: Connection) -> None:
    async with SinkServer() as server:
        settings = settings_to(tmp_path, topics, webhook(server))
        async with running(settings, topics, ["notify"]):
            broken = record_of(alert(onset=NOW))
            await send(
                topics, [type(broken)(broken.topic, b"x", b"{}"), type(broken)(broken.topic, b"y", None)]
            )
            await send(topics, [record_of(alert(onset=NOW))])
            await server.until(1)
    (reject,) = await kept(topics, REJECTED.name)
    assert "only WATCH may write to this topic" in (reject.header("newstide_detail") or "")


async def test_of_two_notifiers_one_works_and_the_other_takes_over(
    tmp_path: Path, apache: Connection
) -> None:
    await create_topics(apache, partitions=3, replication_factor=1)
    series = [f"company:A{n}" for n in range(6)]
    async with SinkServer() as server:
        settings = settings_to(tmp_path, apache, webhook(server))
        async with running(settings, apache, ["notify"]) as second:
            async with running(settings, apache, ["notify"]) as first:
                both = (first, second)
                await until(
                    lambda: sorted(value(each, "newstide_assigned_partitions") for each in both) == [0, 3]
                )
                await send(apache, [record_of(alert(each, onset=NOW, articles=(each,))) for each in series])
                await server.until(6)
            await until(lambda: value(second, "newstide_assigned_partitions") == 3)
            await send(
                apache, [record_of(alert(each, "resolved", onset=NOW, articles=(each,))) for each in series]
            )
            await until(lambda: len({each.json["key"] for each in server.to("/hook")}) == 2 * len(series))
            await until(lambda: value(second, "newstide_notify_groups_open") == 0)
    # What was told just as the partitions went over may be told again, under the same key.
    told = {
        each.json["key"]: (each.json["status"], each.json["lead"]["series"]) for each in server.to("/hook")
    }
    assert sorted(told.values()) == sorted(
        (status, each) for status in ("firing", "resolved") for each in series
    )


async def test_old_alerts_that_are_over_are_not_told_at_the_first_start(
    tmp_path: Path, topics: Connection
) -> None:
    old = NOW - timedelta(days=3)
    await send(
        topics, [record_of(alert("company:OLD", status, onset=old)) for status in ("firing", "retracted")]
    )
    async with SinkServer() as server:
        settings = settings_to(tmp_path, topics, webhook(server))
        async with running(settings, topics, ["notify"]):
            await send(topics, [record_of(alert("company:NEW", onset=NOW, articles=("x",)))])
            await server.until(1)
    assert said(server) == [("firing", "warning", "company:NEW")]


async def test_where_all_runs_in_one_process_a_surge_of_bad_news_is_told_once_and_its_end_once(
    tmp_path: Path, embedded: Connection
) -> None:
    scorer = put_tiny_release(tmp_path)

    def story(number: int, mood: str, minutes: float, text: str) -> Outgoing:
        at = NOW - timedelta(hours=8) + timedelta(minutes=minutes)
        return article(f"{mood}-{number}", at, text, source=f"Wire {number % 5}", tickers=("AAPL",))

    good, bad = headlines(scorer, bad=False, count=30), headlines(scorer, bad=True, count=14)
    news = [story(n, "calm", 12 * n, text) for n, text in enumerate(good[:20])]
    news += [story(n, "bad", 245 + n, text) for n, text in enumerate(bad)]
    after = [story(n, "after", 400 + n, text) for n, text in enumerate(good[20:])]
    async with SinkServer() as server:
        settings = settings_to(
            tmp_path, embedded, webhook(server), topics__partitions=1, notify__wait_seconds=2
        )
        assert roles_of(settings) == ("score", "watch", "notify")
        async with running(settings, embedded, roles_of(settings)) as monitor:
            await send(embedded, news)
            await server.until(1)
            await send(embedded, after)
            await until(lambda: value(monitor, "newstide_notify_groups_open") == 0)
            await until(lambda: {words[-1] for words in by_group(server).values()} == {"resolved"})
    assert server.to()[0].json["lead"]["series"].startswith("company:AAPL")
    (words,) = by_group(server).values()
    assert words in (["firing", "resolved"], ["firing", "updated", "resolved"])


def about(headline: str, series: str = "company:TSLA", news_id: str = "n1") -> Alert:
    (one,) = evidence(news_id, at=NOW)
    return alert(series, onset=NOW).model_copy(
        update={"evidence": (one.model_copy(update={"headline": headline}),)}
    )


async def test_people_are_told_what_moved_the_score_by_the_release_that_ships(
    tmp_path: Path, topics: Connection
) -> None:
    async with SinkServer() as server:
        settings = settings_to(tmp_path, topics, webhook(server), notify__explain=True)
        async with running(settings, topics, ["notify"]) as monitor:
            await until(lambda: value(monitor, "newstide_model_info", SHIPPED) == 1)
            await send(topics, [record_of(about("Tesla plunges after recall, Apple soars on record profit"))])
            await server.until(1)
    body = server.to()[0].json
    told = body["explanation"]
    shifts = {each["word"]: each["shift"] for each in told["words"]}
    assert (told["news_id"], told["towards"], told["model"]) == ("n1", "TSLA", packaged_release().label)
    assert told["score"] < 0
    assert shifts["plunges"] < 0
    assert 1 <= len(shifts) <= 5
    assert body["key"] == key_of(body["group_id"], "firing", "warning", 0)


async def test_the_scorer_of_the_process_explains_where_there_is_one(
    tmp_path: Path, topics: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, opened = put_tiny_release(tmp_path), []

    def open_and_count(settings: Settings) -> tuple[Serving, ...]:
        opened.append(settings)
        return open_serving(settings)

    (bad,) = headlines(scorer, bad=True, count=1)
    monkeypatch.setattr(app, "open_serving", open_and_count)
    async with SinkServer() as server:
        settings = settings_to(tmp_path, topics, webhook(server), notify__explain=True)
        async with running(settings, topics, ["score", "notify"]):
            await send(topics, [record_of(about(bad, "market"))])
            await server.until(1)
    assert server.to()[0].json["explanation"]["model"] == scorer.release
    assert len(opened) == 1


async def test_a_notifier_explains_by_what_was_promoted_last(tmp_path: Path, topics: Connection) -> None:
    scorer = put_tiny_release(tmp_path)
    store = ReleaseStore(str(tmp_path / "releases"), cache=tmp_path / "cache")
    second = tiny_release(tmp_path / "second", "2", seed=2)
    texts = headlines(scorer, bad=True, count=2)
    async with SinkServer() as server:
        settings = settings_to(tmp_path, topics, webhook(server), notify__explain=True, releases__follow=True)
        async with running(settings, topics, ["notify"]) as monitor:
            await until(lambda: value(monitor, "newstide_model_info", TINY) == 1)
            await send(topics, [record_of(about(texts[0], "topic:legal", "n0"))])
            await server.until(1)
            store.publish(second)
            store.set_alias("production", "tiny", "2")
            note = make_note(second, alias="production", action="promote", by="ada", at=NOW)
            await announce(topics, note)
            await until(lambda: value(monitor, "newstide_model_info", TINY | {"version": "2"}) == 1)
            await send(topics, [record_of(about(texts[1], "topic:earnings", "n1"))])
            await server.until(2)
    assert [each.json["explanation"]["model"] for each in server.to()] == ["tiny@1.0.0", "tiny@2"]


async def test_without_a_model_people_are_told_all_the_same(
    tmp_path: Path, topics: Connection, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is loaded as soon as the store is there."""
    monkeypatch.setattr(app, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(app, "LONGEST_RETRY_SECONDS", 0.1)
    store = tmp_path / "store"
    store.write_text("no folder")
    async with SinkServer() as server:
        settings = settings_to(
            tmp_path, topics, webhook(server), notify__explain=True, releases__store=str(store)
        )
        async with running(settings, topics, ["notify"]) as monitor:
            await until(lambda: "notifications go without explanations" in caplog.text)
            await send(topics, [record_of(about("Tesla plunges after recall"))])
            await server.until(1)
            store.unlink()
            await until(lambda: value(monitor, "newstide_model_info", SHIPPED) == 1)
            await send(topics, [record_of(about("Apple plunges after recall", "company:AAPL", "n2"))])
            await server.until(2)
    first, second = (each.json for each in server.to())
    assert "explanation" not in first
    assert second["explanation"]["towards"] == "AAPL"


def by_group(server: SinkServer) -> dict[str, list[str]]:
    """What was said of each group, in order."""
    groups: dict[str, list[str]] = {}
    for each in server.to():
        groups.setdefault(each.json["group_id"], []).append(each.json["status"])
    return groups
