"""A day is played through a monitor, and all that can go wrong on the way is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from monitoring import put_tiny_release, settings_for

from stream.app import Monitor
from stream.bus import Connection, create_topics
from stream.demo import play
from stream.demo.day import DayRecord, make_day
from stream.demo.play import DayResult, play_day
from stream.errors import NewstideError
from stream.events import Alert, ScoredNews


class Spectator:
    """Counts what it sees."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.news = self.alerts = 0
        self.reasons: list[str] = []

    def started(self, metrics_url: str) -> None:
        self.urls.append(metrics_url)

    def scored(self, news: ScoredNews) -> None:
        self.news += 1

    def alerted(self, alert: Alert) -> None:
        self.alerts += 1

    def rejected(self, reason: str) -> None:
        self.reasons.append(reason)


class FakeMonitor:
    """Starts, and then scores nothing, or fails."""

    def __init__(self, connection: Connection, folder: Path, failure: Exception | None = None) -> None:
        self.settings = settings_for(folder, connection)
        self.connection = connection
        self.started = asyncio.Event()
        self.metrics_url = None
        self._failure = failure

    async def run(self, stop: asyncio.Event) -> None:
        if self._failure is not None:
            raise self._failure
        await create_topics(self.connection, partitions=1, replication_factor=1)
        self.started.set()
        await stop.wait()


def morning() -> list[DayRecord]:
    """The first 150 records of the day, and the unreadable and the withdrawing ones."""
    day = make_day()
    return [each for number, each in enumerate(day) if number < 150 or each.note in {"broken", "withdrawal"}]


async def test_all_that_comes_out_of_a_day_is_seen_and_adds_up(tmp_path: Path, embedded: Connection) -> None:
    put_tiny_release(tmp_path)
    day, viewer = morning(), Spectator()
    # Alerts are what the tiny model makes of it; what counts here is that none is missed.
    monitor = Monitor(settings_for(tmp_path, embedded, alerts__budget="100/day"), embedded)
    result = await play_day(monitor, day, viewer, seconds=0.5)
    assert result.adds_up
    assert result.sent == len(day)
    assert result.scored == viewer.news == len(day) - 20
    assert result.rejected.total() == len(viewer.reasons) == 20
    assert len(result.alerts) == viewer.alerts
    assert viewer.urls == [monitor.metrics_url]
    assert 0 < result.latency(0.5) <= result.latency(0.99) <= result.latency(1.0)
    assert result.peak_mb > 50
    assert result.seconds >= 0.5


async def test_a_monitor_that_fails_ends_the_play_with_its_own_error(
    tmp_path: Path, embedded: Connection
) -> None:
    monitor = FakeMonitor(embedded, tmp_path, NewstideError("the port is taken"))
    async with asyncio.timeout(10):
        with pytest.raises(NewstideError, match="the port is taken"):
            await play_day(monitor, morning(), Spectator(), seconds=0.1)  # type: ignore[arg-type]  # a fake


async def test_a_monitor_that_answers_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, embedded: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play, "_PATIENCE_SECONDS", 0.2)
    monitor = FakeMonitor(embedded, tmp_path)
    with pytest.raises(NewstideError, match="only 0 were scored and 0 rejected"):
        await play_day(monitor, morning(), Spectator(), seconds=0.1)  # type: ignore[arg-type]  # a fake


def test_a_day_without_news_has_no_latency() -> None:
    assert DayResult().latency(0.5) == 0.0


@pytest.mark.parametrize(("system", "megabytes"), [("linux", 200.0), ("darwin", 200 / 1024)])
def test_peak_memory_is_told_in_megabytes(
    system: str, megabytes: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        ru_maxrss = 200 * 1024

    monkeypatch.setattr("resource.getrusage", lambda _: Usage)
    monkeypatch.setattr("sys.platform", system)
    assert play._peak_mb() == megabytes
