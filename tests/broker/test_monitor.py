"""The whole monitor on a real broker: broken input, restarts, withdrawals, probes, and a broker that dies."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from monitoring import (
    alerts_of,
    article,
    headlines,
    kept,
    put_tiny_release,
    running,
    send,
    settings_for,
    until,
    value,
)

from models.scorer import OnnxScorer
from stream.bench.apache import ApacheKafka
from stream.bus import Connection, Outgoing, Record, create_topics, open_producer
from stream.demo.broken import break_records
from stream.events import RejectReason, Signal, Story
from stream.topics import MAX_RECORD_BYTES, RAW, REJECTED, SCORED, SIGNALS, STORIES

NOW = datetime.now(UTC).replace(microsecond=0)
TEN_KINDS = {
    RejectReason.NOT_JSON,
    RejectReason.BAD_ENCODING,
    RejectReason.MISSING_FIELD,
    RejectReason.NAIVE_TIME,
    RejectReason.FUTURE_TIME,
    RejectReason.TOO_LARGE,
    RejectReason.EMPTY_TEXT,
    RejectReason.CONTROL_CHARACTER,
    RejectReason.WRONG_TYPE,
    RejectReason.TOO_DEEP,
}


@pytest.fixture
def scorer(tmp_path: Path) -> OnnxScorer:
    """The model in force; its release is in the store."""
    return put_tiny_release(tmp_path)


def good_news(count: int, name: str = "good") -> list[Outgoing]:
    return [article(f"{name}-{n}", NOW, f"{name} number {n} of the quarter") for n in range(count)]


def origin_of(reject: Record) -> tuple[str, int, int]:
    topic, partition, offset = (
        reject.header(f"newstide_origin_{part}") or "" for part in ("topic", "partition", "offset")
    )
    return topic, int(partition), int(offset)


async def test_broken_records_are_kept_byte_for_byte_with_their_reason_and_the_stream_goes_on(
    tmp_path: Path, embedded: Connection, scorer: OnnxScorer
) -> None:
    broken = list(break_records("Girderson opens a bridge", NOW))
    assert {reason for reason, _ in broken} == TEN_KINDS
    good = good_news(60)
    mixed: list[Outgoing] = []
    for number, (_, whole) in enumerate(broken):
        mixed += [Outgoing(RAW.name, b"bad-%d" % number, whole), *good[3 * number : 3 * number + 3]]
    async with running(settings_for(tmp_path, embedded), embedded) as monitor:
        await send(embedded, mixed)
        await until(lambda: value(monitor, "newstide_news_in_total") == len(mixed))
        came_in = {(each.topic, each.partition, each.offset): each for each in await kept(embedded, RAW.name)}
        rejected = await kept(embedded, REJECTED.name)
        scored = await kept(embedded, SCORED.name)
        assert value(monitor, "newstide_news_scored_total") == len(good)
        assert value(monitor, "newstide_news_rejected_total") == len(broken)
        for reason, count in Counter(reason for reason, _ in broken).items():
            assert value(monitor, "newstide_news_rejected_total", {"reason": reason.value}) == count
    assert Counter((r.value, r.header("newstide_reason")) for r in rejected) == Counter(
        (whole, reason.value) for reason, whole in broken
    )
    for each in rejected:
        origin = came_in[origin_of(each)]
        assert (each.key, each.value) == (origin.key, origin.value)
        assert each.header("newstide_detail")
    assert sorted(record.key or b"" for record in scored) == sorted(record.key or b"" for record in good)


async def test_a_record_as_large_as_the_topic_takes_is_rejected_and_the_stream_goes_on(
    tmp_path: Path, embedded: Connection, scorer: OnnxScorer
) -> None:
    # Bytes that do not compress: with its headers the reject is larger than the topic of the news would take.
    largest = random.Random(1).randbytes(MAX_RECORD_BYTES - 128)
    async with running(settings_for(tmp_path, embedded), embedded) as monitor:
        async with AIOKafkaProducer(
            bootstrap_servers=embedded.bootstrap, max_request_size=2 * MAX_RECORD_BYTES
        ) as producer:
            await producer.send_and_wait(RAW.name, largest)
        await send(embedded, good_news(3))
        await until(lambda: value(monitor, "newstide_news_in_total") == 4)
    (reject,) = await kept(embedded, REJECTED.name)
    assert reject.value == largest
    assert reject.header("newstide_reason") == "too_large"


async def test_a_restart_in_the_middle_loses_and_doubles_nothing(
    tmp_path: Path, embedded: Connection, scorer: OnnxScorer
) -> None:
    settings = settings_for(tmp_path, embedded, score__max_poll_records=16)
    news = good_news(400, "item")
    async with running(settings, embedded) as monitor:
        await send(embedded, news)
        await until(lambda: value(monitor, "newstide_news_in_total") >= 48)
    first = value(monitor, "newstide_news_in_total")
    assert first < len(news)
    async with running(settings, embedded) as monitor:
        await send(embedded, good_news(20, "later"))
        await until(lambda: first + value(monitor, "newstide_news_in_total") >= len(news) + 20)
    assert first + value(monitor, "newstide_news_in_total") == len(news) + 20
    scored = [record.key for record in await kept(embedded, SCORED.name)]
    signals = Counter(
        Signal.model_validate_json(record.value or b"").news_id
        for record in await kept(embedded, SIGNALS.name)
        if record.key == b"market"
    )
    assert len(scored) == len(set(scored)) == len(news) + 20
    assert set(signals.values()) == {1}
    assert len(signals) == len(news) + 20


async def test_after_an_outage_the_news_of_all_partitions_comes_side_by_side_in_time(
    tmp_path: Path, embedded: Connection, scorer: OnnxScorer
) -> None:
    # Sixteen hours of a dozen articles an hour; WATCH finds late what is ten minutes behind its series.
    backlog = {n: NOW - timedelta(minutes=5 * (200 - n)) for n in range(200)}
    await create_topics(embedded, partitions=3, replication_factor=1)
    async with open_producer(embedded) as producer:
        for n, at in backlog.items():
            news = article(f"slow-{n}", at, f"slow number {n}")
            came = int(at.timestamp() * 1000)
            await producer.send(news.topic, key=news.key, value=news.value, timestamp_ms=came)
    async with running(settings_for(tmp_path, embedded), embedded) as monitor:
        await until(lambda: value(monitor, "newstide_news_in_total") == len(backlog))
        signals = len(await kept(embedded, SIGNALS.name))
        await until(lambda: value(monitor, "newstide_records_processed_total", {"loop": "watch"}) == signals)
    assert value(monitor, "newstide_late_signals_total") == 0


async def test_an_open_alert_is_known_after_a_restart_and_resolves_under_its_id(
    tmp_path: Path, embedded: Connection, scorer: OnnxScorer
) -> None:
    def story(number: int, mood: str, minutes: float, text: str) -> Outgoing:
        at = NOW - timedelta(hours=8) + timedelta(minutes=minutes)
        return article(f"{mood}-{number}", at, text, source=f"Wire {number % 5}", tickers=("AAPL",))

    good, bad = headlines(scorer, bad=False, count=30), headlines(scorer, bad=True, count=14)
    quiet = [story(n, "calm", 12 * n, text) for n, text in enumerate(good[:20])]
    surge = [story(n, "bad", 245 + n, text) for n, text in enumerate(bad)]
    after = [story(n, "after", 400 + n, text) for n, text in enumerate(good[20:])]
    settings = settings_for(tmp_path, embedded, topics__partitions=1)

    async with running(settings, embedded) as monitor:
        await send(embedded, [*quiet, *surge])
        await until(lambda: value(monitor, "newstide_open_alerts") >= 1)
    fired = [each for each in await alerts_of(embedded) if each.status == "firing"]
    assert ("company:AAPL", "negative_surge") in {(each.series, each.rule) for each in fired}

    async with running(settings, embedded) as monitor:
        await until(lambda: value(monitor, "newstide_open_alerts") == len(fired))
        await send(embedded, after)
        await until(lambda: value(monitor, "newstide_open_alerts") == 0)
    said = await alerts_of(embedded)
    assert {each.alert_id for each in said if each.status == "resolved"} == {each.alert_id for each in fired}


async def test_metrics_health_and_readiness_are_served_while_it_runs(
    tmp_path: Path, embedded: Connection, scorer: OnnxScorer
) -> None:
    async with (
        running(settings_for(tmp_path, embedded), embedded) as monitor,
        httpx.AsyncClient(base_url=monitor.metrics_url or "", trust_env=False) as web,
    ):
        await send(embedded, good_news(5))
        await until(lambda: value(monitor, "newstide_news_in_total") == 5)
        await until(lambda: value(monitor, "newstide_ready") == 1)
        ready, alive, metrics = await asyncio.gather(*map(web.get, ("/readyz", "/healthz", "/metrics")))
    assert ready.status_code == alive.status_code == metrics.status_code == 200
    names = {check["name"] for check in json.loads(ready.text)["checks"]}
    loops = {f"{loop}.{what}" for loop in ("score", "watch") for what in ("assigned", "poll", "commit")}
    assert names == {*loops, "score.model"}
    assert "newstide_news_scored_total 5.0" in metrics.text
    assert 'newstide_model_info{name="tiny",version="1.0.0"} 1.0' in metrics.text
    assert 'newstide_assigned_partitions{loop="watch"} 3.0' in metrics.text


async def test_a_withdrawal_reaches_every_partition_and_takes_the_story_back(
    tmp_path: Path, embedded: Connection, scorer: OnnxScorer
) -> None:
    async with running(settings_for(tmp_path, embedded, topics__partitions=4), embedded) as monitor:
        await send(embedded, good_news(2, "hoax"))
        await until(lambda: value(monitor, "newstide_stories_total") == 2)
        taken_back = article("no-hoax", NOW, "WITHDRAWN", revises="hoax-0", status="withdrawn")
        await send(embedded, [taken_back])
        await until(lambda: value(monitor, "newstide_news_in_total") == 3)
        withdrawals = [each for each in await kept(embedded, SIGNALS.name) if each.key == b"control"]
        assert sorted(each.partition for each in withdrawals) == [0, 1, 2, 3]
        assert len({each.value for each in withdrawals}) == 1
        signals = len(await kept(embedded, SIGNALS.name))
        await until(lambda: value(monitor, "newstide_records_processed_total", {"loop": "watch"}) == signals)
    stories: dict[bytes | None, bytes | None] = {}
    for each in await kept(embedded, STORIES.name):
        stories[each.key] = each.value
    assert stories[b"hoax-0"] is None
    assert Story.model_validate_json(stories[b"hoax-1"] or b"").copies == 1


async def test_a_strangers_record_among_the_signals_is_rejected_and_watching_goes_on(
    tmp_path: Path, embedded: Connection, scorer: OnnxScorer
) -> None:
    async with running(settings_for(tmp_path, embedded), embedded) as monitor:
        strangers = [
            Outgoing(SIGNALS.name, b"market", b'{"series":"market"}'),
            Outgoing(SIGNALS.name, b"market", b"\xff\xfe"),
            Outgoing(SIGNALS.name, b"market", None),
            Outgoing(SIGNALS.name, b"control", b"[]"),
        ]
        await send(embedded, [*strangers, *good_news(3)])
        await until(lambda: value(monitor, "newstide_stories_total") == 3)
        rejected = await kept(embedded, REJECTED.name)
        assert value(monitor, "newstide_news_rejected_total") == 0, "in = scored + rejected is about news.raw"
    assert Counter(each.value for each in rejected) == Counter(each.value for each in strangers)
    assert {each.header("newstide_origin_topic") for each in rejected} == {SIGNALS.name}
    assert {each.header("newstide_reason") for each in rejected} == {"invalid_value"}


@pytest.mark.kafka
async def test_a_broker_that_dies_and_comes_back_is_waited_for(
    tmp_path: Path, apache_broker: ApacheKafka, scorer: OnnxScorer
) -> None:
    (tmp_path / "kafka").mkdir()
    with ApacheKafka(apache_broker.home, tmp_path / "kafka") as broker:
        connection = Connection(bootstrap=broker.bootstrap, session_timeout_ms=6_000)
        await create_topics(connection, partitions=2, replication_factor=1)
        async with running(settings_for(tmp_path, connection), connection) as monitor:
            await send(connection, good_news(50, "before"))
            await until(lambda: value(monitor, "newstide_news_in_total") >= 20)
            await asyncio.to_thread(broker.kill)
            await asyncio.to_thread(broker.start)
            await send(connection, good_news(50, "after"))
            await until(lambda: value(monitor, "newstide_news_in_total") == 100, 90)
            await until(lambda: value(monitor, "newstide_ready") == 1)
        scored = [record.key for record in await kept(connection, SCORED.name)]
    assert len(scored) == len(set(scored)) == 100
