from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry
from watching import BANK, START, drawn, signal, withdrawal

from stream.bus import Connection, Outcome, Outgoing, Record
from stream.errors import StateError
from stream.events import MARKET, Alert, Signal, Story, Withdrawal
from stream.metrics import Metrics
from stream.watch import pipeline as room
from stream.watch.pipeline import TICK_SECONDS, WatchPipeline
from stream.watch.profile import Profile
from stream.watch.rules import WatchRules


class Bench:
    """A pipeline, the clock it reads, and the state that its topic holds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.saved: list[Outgoing] = []
        self.metrics = Metrics(CollectorRegistry())
        self.pipeline = WatchPipeline(
            Connection("nowhere:1"), WatchRules(), metrics=self.metrics, clock=lambda: self.now
        )

    async def read(self, connection: Connection, topic: str, partition: int) -> AsyncIterator[Record]:
        for each in self.saved:
            if (each.topic, each.partition) == (topic, partition):
                yield Record(topic, partition, 0, START, each.key, each.value)

    async def process(self, *records: Record, partition: int = 0) -> Outcome:
        return await self.pipeline.process({partition: records} if records else {})

    async def committed(self, *records: Record, partition: int = 0) -> Sequence[Outgoing]:
        """What is written for `records`, once it is committed."""
        outcome = await self.process(*records, partition=partition)
        outgoing = outcome.outgoing.get(partition, ())
        self.saved += [each for each in outgoing if each.topic == "news.baselines"]
        self.pipeline.delivered(outcome, partition)
        return outgoing

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    def open_alerts(self) -> float:
        return sum(
            self.value("newstide_open_alerts", severity=each) or 0.0
            for each in ("info", "warning", "critical")
        )


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    bench = Bench()
    monkeypatch.setattr(room, "read_partition", bench.read)
    yield bench
    bench.pipeline.close()


def records(signals: Sequence[Signal | Withdrawal], partition: int = 0) -> list[Record]:
    return [
        Record(
            "news.signals",
            partition,
            offset,
            START,
            each.series.encode() if isinstance(each, Signal) else b"control",
            each.to_json(),
        )
        for offset, each in enumerate(signals)
    ]


def of_topic(outgoing: Sequence[Outgoing], topic: str) -> list[Outgoing]:
    return [each for each in outgoing if each.topic == topic]


SURGE = records(drawn("o....o...1.o....o..." * 6 + "22333"))


async def test_a_surge_writes_an_alert_with_its_state_in_one_outcome(bench: Bench) -> None:
    await bench.pipeline.restore(0)
    outgoing = await bench.committed(*SURGE)
    first = Alert.model_validate_json(of_topic(outgoing, "news.alerts")[0].value or b"")
    assert (first.series, first.status) == (BANK, "firing")
    states = of_topic(outgoing, "news.baselines")
    assert BANK.encode() in {each.key for each in states}
    assert {each.partition for each in states} == {0}
    assert bench.value("newstide_alerts_total", rule="negative_surge", status="firing") == 1
    assert bench.open_alerts() >= 1
    assert bench.value("newstide_watched_series") == 1


async def test_what_is_not_committed_is_not_counted(bench: Bench) -> None:
    await bench.pipeline.restore(0)
    await bench.process(*SURGE)
    assert bench.open_alerts() == 0
    assert bench.value("newstide_alerts_total", rule="negative_surge", status="firing") is None


async def test_what_was_open_is_shown_as_soon_as_its_partition_is_restored(bench: Bench) -> None:
    await bench.pipeline.restore(0)
    await bench.committed(*SURGE)
    opened = bench.open_alerts()
    bench.pipeline.forget(0)
    assert bench.open_alerts() == bench.value("newstide_watched_series") == 0
    await bench.pipeline.restore(0)
    assert bench.open_alerts() == opened
    assert bench.value("newstide_watched_series") == 1


async def test_time_alone_ends_an_alert(bench: Bench) -> None:
    await bench.pipeline.restore(0)
    await bench.committed(*SURGE)
    bench.now = TICK_SECONDS / 2
    assert (await bench.process()).outgoing == {}, "it is not yet time to look"
    bench.now = timedelta(hours=2).total_seconds()
    (resolved,) = of_topic(await bench.committed(), "news.alerts")
    assert Alert.model_validate_json(resolved.value or b"").status == "resolved"
    assert bench.open_alerts() == 0


async def test_time_passes_for_a_partition_only_once_it_saw_something(bench: Bench) -> None:
    await bench.pipeline.restore(0)
    bench.now = 10.0
    assert not any((await bench.process()).outgoing.values())


async def test_a_story_is_told_and_its_record_deleted_when_it_is_taken_back(bench: Bench) -> None:
    await bench.pipeline.restore(0)
    told, taken = records([signal(MARKET, news_id="hoax")]), records([withdrawal("hoax", 1)])
    (story,) = of_topic(await bench.committed(*told), "news.stories")
    assert Story.model_validate_json(story.value or b"").story_id == "hoax"
    assert bench.value("newstide_stories_total") == 1
    (untold,) = of_topic(await bench.committed(*taken), "news.stories")
    assert (untold.key, untold.value) == (b"hoax", None)


@pytest.mark.parametrize("value", [b"[]", b"\xff", None, b"[" * 9_000])
@pytest.mark.parametrize("key", [b"market", b"control"])
async def test_a_strangers_record_is_rejected_and_those_around_it_count(
    bench: Bench, key: bytes, value: bytes | None
) -> None:
    await bench.pipeline.restore(0)
    before, after = records([signal(MARKET), signal(MARKET)])
    stranger = Record("news.signals", 0, 7, START, key, value)
    outgoing = await bench.committed(before, stranger, after)
    (reject,) = of_topic(outgoing, "news.rejected")
    assert (reject.key, reject.value) == (key, value)
    assert dict(reject.headers)["newstide_origin_offset"] == b"7"
    assert len(of_topic(outgoing, "news.stories")) == 2
    assert bench.value("newstide_news_rejected_total", reason="invalid_value") == 0


async def test_state_that_can_not_be_read_back_is_named(bench: Bench) -> None:
    bench.saved = [Outgoing("news.baselines", BANK.encode(), b"{", partition=0)]
    with pytest.raises(StateError, match=BANK):
        await bench.pipeline.restore(0)


async def test_the_outcome_of_a_partition_that_went_meanwhile_does_not_show_it_again(bench: Bench) -> None:
    await bench.pipeline.restore(0)
    outcome = await bench.process(*SURGE)
    bench.pipeline.forget(0)
    bench.pipeline.delivered(outcome, 0)
    bench.pipeline.delivered(outcome, 5)
    bench.pipeline.delivered(Outcome({}), 0)
    assert bench.open_alerts() == 0


async def test_more_series_than_the_profile_knows_are_shown_and_told_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    rules = WatchRules(profile=Profile.plain(1.0, 1.0, series=2))
    bench.pipeline = WatchPipeline(
        Connection("nowhere:1"), rules, metrics=bench.metrics, clock=lambda: bench.now
    )
    await bench.pipeline.restore(0)
    await bench.committed(*records([signal(f"company:C{n}") for n in range(2)]))
    assert bench.value("newstide_series_beyond_profile", series_kind="company") == 0
    await bench.committed(*records([signal(f"company:D{n}") for n in range(3)]))
    await bench.committed(*records([signal("company:E")]))
    assert bench.value("newstide_series_beyond_profile", series_kind="company") == 4
    assert bench.value("newstide_series_beyond_profile", series_kind="topic") == 0
    assert caplog.text.count("more series of the kind company than the profile knows (2)") == 1
