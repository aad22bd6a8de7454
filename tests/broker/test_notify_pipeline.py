"""The pipeline of NOTIFY by hand: what is written before it is told, and what happens when a transaction fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from alerting import T0, alert, explanation
from monitoring import send
from prometheus_client import CollectorRegistry

from stream.bus import Connection, Outcome, Outgoing, Record, create_topics
from stream.events import Acknowledgement, Alert, Explanation, Notification, Silence
from stream.metrics import Metrics
from stream.notify.owed import Wishes
from stream.notify.pipeline import NotifyPipeline
from stream.notify.settled import Ending, Settled
from stream.topics import GROUPS, SILENCES, UNDELIVERED

SECOND = timedelta(seconds=1)


@dataclass
class FakeSink:
    """Takes what is offered, and settles it when the test says so."""

    wishes: Wishes
    clock: Any
    offered: list[Notification] = field(default_factory=list)
    ended: list[Settled] = field(default_factory=list)
    full: bool = False
    dropped: int = 0
    hangs: bool = False

    @property
    def name(self) -> str:
        return self.wishes.sink

    def offer(self, notification: Notification) -> bool:
        if not self.full:
            self.offered.append(notification)
        return not self.full

    def settled(self) -> list[Settled]:
        ended, self.ended = self.ended, []
        return ended

    async def finish(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        self.end()

    def drop(self) -> None:
        self.dropped += 1

    def end(self, ending: Ending = "delivered") -> None:
        """The one that was offered last ended so."""
        now = self.clock()
        self.ended.append(Settled(self.name, "webhook", self.offered[-1], ending, now, now, 3, "said no"))


@dataclass
class FakeExplainer:
    """Knows what the test gives it, once the test says that it is there."""

    told: Explanation | None = None
    there: bool = False
    asked: list[Alert] = field(default_factory=list)

    def ready(self, lead: Alert) -> bool:
        self.asked.append(lead)
        return self.there

    def of(self, lead: Alert) -> Explanation | None:
        return self.told


class House:
    """A pipeline that owns its partitions, one sink, and a clock that is moved by hand."""

    def __init__(self, connection: Connection, *names: str, explains: FakeExplainer | None = None) -> None:
        self.now = T0 + timedelta(hours=1)
        self.offset = 0
        self.metrics = Metrics(CollectorRegistry())
        self.sinks = [FakeSink(Wishes(each), self.clock) for each in names or ("desk",)]
        self.connection = connection
        self.pipeline = NotifyPipeline(
            connection,
            self.sinks,
            metrics=self.metrics,
            clock=self.clock,
            forget=timedelta(days=7),
            link="https://n.example/{series}?alert={alert_id}&group={group_id}",
            explains=explains,
        )

    @property
    def sink(self) -> FakeSink:
        return self.sinks[0]

    def clock(self) -> datetime:
        return self.now

    async def own(self, *partitions: int) -> None:
        for each in partitions:
            await self.pipeline.restore(each)
        self.now += 2 * SECOND

    def records(self, *alerts: Alert, partition: int = 0, at: datetime | None = None) -> list[Record]:
        made = []
        for each in alerts:
            self.offset += 1
            made.append(
                Record(
                    "news.alerts",
                    partition,
                    self.offset,
                    at or self.now,
                    each.series.encode(),
                    each.to_json(),
                )
            )
        return made

    async def process(self, *alerts: Alert, partition: int = 0) -> Outcome:
        batch = {partition: self.records(*alerts, partition=partition)} if alerts else {}
        return await self.pipeline.process(batch)

    async def commit(self, outcome: Outcome) -> None:
        """Write what the outcome holds, and say so."""
        for partition, records in outcome.outgoing.items():
            await send(self.connection, records)
            self.pipeline.delivered(outcome, partition)

    async def step(self, *alerts: Alert, partition: int = 0) -> Outcome:
        outcome = await self.process(*alerts, partition=partition)
        await self.commit(outcome)
        return outcome

    async def settle(self) -> None:
        """Process until nothing changes any more."""
        for _ in range(4):
            await self.step()

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def of(outcome: Outcome, topic: str, partition: int = 0) -> Sequence[Outgoing]:
    return [each for each in outcome.outgoing.get(partition, ()) if each.topic == topic]


@pytest.fixture
async def connection(embedded: Connection) -> Connection:
    await create_topics(embedded, partitions=2, replication_factor=1)
    return embedded


@pytest.fixture
async def house(connection: Connection) -> House:
    house = House(connection)
    await house.own(0)
    return house


async def test_nothing_is_told_before_it_is_written(house: House) -> None:
    first = await house.process(alert())
    assert len(of(first, GROUPS.name)) == 1
    again = await house.process()
    assert of(again, GROUPS.name) == []  # It is under way.
    assert house.sink.offered == []
    await house.commit(first)
    named = await house.process()
    assert json.loads(of(named, GROUPS.name)[0].value or b"")["named_series"] == "company:AAPL"
    assert house.sink.offered == []
    await house.commit(named)
    await house.process()
    (only,) = house.sink.offered
    assert only.link == f"https://n.example/company%3AAAPL?alert={alert().alert_id}&group={alert().alert_id}"
    await house.process()
    assert len(house.sink.offered) == 1


async def test_what_a_sink_took_is_written_and_not_told_again(house: House) -> None:
    await house.step(alert())
    await house.settle()
    house.sink.end()
    outcome = await house.step()
    told = json.loads(of(outcome, GROUPS.name)[0].value or b"")["told"]["desk"]
    assert (told["status"], told["severity"]) == ("firing", "warning")
    await house.settle()
    assert len(house.sink.offered) == 1
    assert (
        house.metric("newstide_notifications_total", sink="desk", status="firing", outcome="delivered") == 1
    )


async def test_a_full_queue_is_asked_again(house: House) -> None:
    house.sink.full = True
    await house.step(alert())
    await house.settle()
    assert house.sink.offered == []
    house.sink.full = False
    await house.step()
    assert len(house.sink.offered) == 1


async def test_a_dead_letter_goes_with_the_group_that_counts_it_as_told(house: House) -> None:
    await house.step(alert())
    await house.settle()
    house.sink.end("refused")
    outcome = await house.process()
    (letter,) = of(outcome, UNDELIVERED.name)
    assert len(of(outcome, GROUPS.name)) == 1
    body = json.loads(letter.value or b"")
    assert (body["sink"], body["reason"], body["detail"], body["tries"]) == ("desk", "refused", "said no", 3)
    assert body["notification"] == json.loads(house.sink.offered[0].to_json())
    # While its transaction is under way it is not sent again; when that failed, it is.
    assert of(await house.process(), UNDELIVERED.name) == []
    await house.commit(outcome)
    assert of(await house.process(), UNDELIVERED.name) == []


async def test_when_the_last_partition_goes_all_is_forgotten_and_read_back(house: House) -> None:
    await house.step(alert())
    await house.settle()
    house.sink.end()
    await house.settle()
    house.pipeline.forget(0)
    assert house.sink.dropped == 1
    assert (await house.process()).outgoing == {}
    await house.own(0)
    await house.settle()
    assert len(house.sink.offered) == 1
    await house.step(alert(status="resolved"))
    await house.settle()
    assert [each.status for each in house.sink.offered] == ["firing", "resolved"]


async def test_what_was_sent_and_not_written_is_sent_again_under_the_same_key(house: House) -> None:
    """As by a process that dies between the sink's answer and the commit."""
    await house.step(alert())
    await house.settle()
    house.sink.end()
    await house.process()  # It is never committed.
    house.pipeline.forget(0)
    house.now += timedelta(minutes=7)
    await house.own(0)
    await house.settle()
    first, second = house.sink.offered
    assert first.key == second.key


async def test_a_partition_that_is_opened_anew_loses_nothing_that_another_wrote(
    connection: Connection,
) -> None:
    """Partition 1's transaction fails; what both partitions know of the group was written by partition 0."""
    house = House(connection)
    await house.own(0, 1)
    company, market = alert(), alert("market")
    batch = {0: house.records(company), 1: house.records(market, partition=1)}
    outcome = await house.pipeline.process(batch)
    assert [len(of(outcome, GROUPS.name, n)) for n in (0, 1)] == [1, 1]
    await send(connection, outcome.outgoing[0])
    house.pipeline.delivered(outcome, 0)
    house.pipeline.forget(1)
    assert house.sink.dropped == 0
    await house.own(1)
    await house.commit(await house.pipeline.process({1: batch[1]}))  # It comes again.
    await house.settle()
    (only,) = house.sink.offered
    assert [each.series for each in only.others] == ["market"]


async def test_what_a_failed_transaction_held_is_written_by_the_next(connection: Connection) -> None:
    house = House(connection)
    await house.own(0, 1)
    await house.step(alert())
    await house.settle()
    house.sink.end("gave_up")
    lost = await house.process()
    assert len(of(lost, UNDELIVERED.name)) == 1
    house.pipeline.forget(0)
    outcome = await house.process()
    assert len(of(outcome, UNDELIVERED.name, 1)) == 1
    assert len(of(outcome, GROUPS.name, 1)) == 1


async def test_while_old_alerts_come_nothing_is_told(house: House) -> None:
    old = house.now - timedelta(minutes=10)
    await house.commit(await house.pipeline.process({0: house.records(alert(), at=old)}))
    await house.settle()
    assert house.sink.offered == []
    await house.commit(await house.pipeline.process({0: house.records(alert(status="retracted"), at=old)}))
    house.now += 2 * SECOND
    await house.settle()
    assert house.sink.offered == []
    assert house.metric("newstide_notify_groups_open") == 0


async def test_silences_and_acknowledgements_are_heeded_as_they_come(house: House) -> None:
    heeding = asyncio.create_task(house.pipeline.heed())
    silence = Silence(
        silence_id="s", series="company:*", starts_at=T0, ends_at=house.now + timedelta(hours=1), by="ada"
    )
    ack = Acknowledgement(alert_id=alert("market").alert_id, at=T0, by="bob")
    try:
        await send(house.connection, [Outgoing(SILENCES.name, b"what", b"{}")])
        await send(house.connection, [Outgoing(SILENCES.name, b"silence/s", silence.to_json())])
        await send(house.connection, [Outgoing(SILENCES.name, f"ack/{ack.alert_id}".encode(), ack.to_json())])
        async with asyncio.timeout(20):
            while house.metric("newstide_silences_active") != 1:
                await house.step()
                await asyncio.sleep(0.02)
        await house.step(alert(), alert("market", articles=("other",)))
        async with asyncio.timeout(20):
            while not house.sink.offered or house.sink.offered[0].acknowledged_by != "bob":
                house.sink.offered.clear()
                house.pipeline._offered.clear()
                await house.step()
                await asyncio.sleep(0.02)
    finally:
        heeding.cancel()
        await asyncio.gather(heeding, return_exceptions=True)
    assert {each.lead.series for each in house.sink.offered} == {"market"}
    assert house.metric("newstide_notify_groups_silenced") == 1


async def test_silences_are_known_before_anything_is_told_and_old_ones_are_deleted(
    connection: Connection,
) -> None:
    house = House(connection)
    for name, ends in (("old", house.now - timedelta(days=30)), ("new", house.now + timedelta(hours=1))):
        said = Silence(silence_id=name, series="*", starts_at=T0 - timedelta(days=60), ends_at=ends, by="ada")
        await send(connection, [Outgoing(SILENCES.name, f"silence/{name}".encode(), said.to_json())])
    await house.own(0)
    outcome = await house.step(alert())
    assert [(each.key, each.value) for each in of(outcome, SILENCES.name)] == [(b"silence/old", None)]
    await house.settle()
    assert house.sink.offered == []
    house.now += timedelta(hours=2)
    await house.settle()
    assert len(house.sink.offered) == 1


async def test_a_group_that_can_not_be_read_is_named_and_left_out(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await send(
        connection,
        [
            Outgoing(GROUPS.name, b"g", b"{}"),
            Outgoing(GROUPS.name, b"h", b"{}"),
            Outgoing(GROUPS.name, b"h", None),
        ],
    )
    house = House(connection)
    await house.own(0)
    assert caplog.text.count("can't be read") == 1
    await house.step(alert())
    await house.settle()
    assert len(house.sink.offered) == 1


async def test_what_has_ended_and_is_settled_goes_from_the_topic(house: House) -> None:
    await house.step(alert(), alert(status="resolved"))
    await house.settle()
    house.sink.end()
    await house.settle()
    house.now += timedelta(hours=2)
    assert all(each.value for each in of(await house.step(), GROUPS.name))  # It is owed its end.
    await house.settle()
    house.sink.end()
    await house.settle()
    house.now += timedelta(hours=2)
    outcome = await house.step()
    assert [each.value for each in of(outcome, GROUPS.name)] == [None]


async def test_each_sink_is_told_what_it_is_owed_and_no_more(connection: Connection) -> None:
    house = House(connection, "one", "two")
    await house.own(0)
    await house.step(alert())
    await house.settle()
    house.sinks[0].end()
    await house.step(alert(status="updated", severity="critical"))
    await house.settle()
    assert [each.status for each in house.sinks[0].offered] == ["firing", "updated"]
    assert [each.status for each in house.sinks[1].offered] == ["firing"]
    house.sinks[1].end()
    await house.settle()
    assert [each.status for each in house.sinks[1].offered] == ["firing", "updated"]
    assert house.sinks[0].offered[-1].key == house.sinks[1].offered[-1].key


async def test_heeding_waits_for_a_broker_that_is_away(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("stream.notify.pipeline._AGAIN_SECONDS", 0.01)
    house = House(Connection(bootstrap="127.0.0.1:1"))
    heeding = asyncio.create_task(house.pipeline.heed())
    async with asyncio.timeout(20):
        while caplog.text.count("silences can't be read now") < 2:
            await asyncio.sleep(0.01)
    heeding.cancel()
    await asyncio.gather(heeding, return_exceptions=True)


async def test_what_is_sent_when_it_is_told_to_end_is_written_and_nothing_more_is_begun(house: House) -> None:
    await house.step(alert())
    await house.settle()
    await house.pipeline.finish()
    outcome = await house.step(alert("topic:other", articles=("x",)))
    told = [json.loads(each.value or b"")["told"] for each in of(outcome, GROUPS.name)]
    assert [each.get("desk", {}).get("status") for each in told] == [None, "firing"]
    await house.settle()
    assert len(house.sink.offered) == 1


async def test_a_sink_that_does_not_end_is_not_waited_for_for_ever(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.notify.pipeline._FINISH_SECONDS", 0.01)
    house.sink.hangs = True
    async with asyncio.timeout(10):
        await house.pipeline.finish()


async def explained(connection: Connection, explainer: FakeExplainer, *names: str) -> House:
    house = House(connection, *names, explains=explainer)
    await house.own(0)
    return house


async def test_a_notification_waits_for_its_explanation_and_has_the_key_it_has_without(
    connection: Connection, house: House
) -> None:
    explainer = FakeExplainer()
    waiting = await explained(connection, explainer)
    for each in (house, waiting):
        await each.step(alert("market"), alert())
        await each.settle()
    assert waiting.sink.offered == []
    assert {each.series for each in explainer.asked} == {"company:AAPL"}
    explainer.there, explainer.told = True, explanation()
    await waiting.step()
    (only,), (without,) = waiting.sink.offered, house.sink.offered
    assert (only.explanation, without.explanation) == (explanation(), None)
    assert only.key == without.key
    assert only.link is not None


async def test_what_can_not_be_explained_is_told_without(connection: Connection) -> None:
    house = await explained(connection, FakeExplainer(there=True))
    await house.step(alert())
    await house.settle()
    (only,) = house.sink.offered
    assert only.explanation is None


async def test_an_end_never_waits_and_what_was_taken_back_is_not_explained(connection: Connection) -> None:
    explainer = FakeExplainer(explanation(), there=True)
    house = await explained(connection, explainer)
    await house.step(alert(), alert("market", articles=("other",)))
    await house.settle()
    for offered in house.sink.offered:
        now = house.clock()
        house.sink.ended.append(Settled("desk", "webhook", offered, "delivered", now, now))
    await house.settle()
    explainer.there = False
    await house.step(alert(status="resolved"), alert("market", "retracted", articles=("other",)))
    await house.settle()
    ends = {each.status: each.explanation for each in house.sink.offered[2:]}
    assert ends == {"resolved": explanation(), "retracted": None}


async def test_a_sink_that_must_hear_in_time_that_an_alert_is_open_hears_it_without_the_explanation(
    connection: Connection,
) -> None:
    explainer = FakeExplainer(there=True)
    house = await explained(connection, explainer)
    house.sink.wishes = Wishes("desk", refresh=timedelta(minutes=1))
    await house.step(alert())
    await house.settle()
    house.sink.end()
    await house.settle()
    explainer.there = False
    house.now += timedelta(minutes=1)
    await house.settle()
    assert [each.why for each in house.sink.offered] == ["first", "refresh"]


async def test_a_surge_whose_first_article_changes_all_the_time_is_put_off_once(
    connection: Connection,
) -> None:
    explainer = FakeExplainer()
    house = await explained(connection, explainer)
    await house.step(alert())
    await house.settle()
    for number in range(4):
        house.now += SECOND
        await house.step(alert(status="updated", articles=(f"m{number}",)))
        await house.settle()
    assert house.sink.offered == []
    house.now += SECOND
    await house.step(alert(status="updated", articles=("m9",)))
    await house.settle()
    (only,) = house.sink.offered
    assert (only.why, only.explanation) == ("first", None)


async def test_of_what_is_gone_nothing_is_kept(connection: Connection) -> None:
    explainer = FakeExplainer()
    house = await explained(connection, explainer)
    await house.step(alert())
    await house.settle()
    assert len(house.pipeline._put_off) == 1
    await house.step(alert(status="retracted"))
    house.now += timedelta(hours=2)
    await house.settle()
    house.now += timedelta(hours=2)
    await house.settle()
    assert house.pipeline._put_off == {}
