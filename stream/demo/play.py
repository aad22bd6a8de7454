"""Plays a day through a running monitor, watches what comes out, and adds it up."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from stream.app import Monitor
from stream.bus import Connection, Record, open_producer, open_reader
from stream.demo.day import DayRecord
from stream.errors import NewstideError
from stream.events import Alert, ScoredNews
from stream.notify.board import Board
from stream.notify.group import Group
from stream.score.scoring import signals_of, withdrawal_of
from stream.topics import ALERTS, RAW, REJECTED, SCORED

_SLICE_SECONDS = 0.05
_PATIENCE_SECONDS = 60.0


class Viewer(Protocol):
    """Sees what comes out, as it comes."""

    def started(self, metrics_url: str) -> None:
        """The monitor runs, and its metrics are there."""

    def scored(self, news: ScoredNews) -> None:
        """An article was scored."""

    def alerted(self, alert: Alert) -> None:
        """An alert was raised, or changed."""

    def rejected(self, reason: str) -> None:
        """A record could not be read."""


@dataclass(slots=True)
class DayResult:
    """What became of the day. Latencies are in milliseconds, from receipt on `news.raw` to being readable."""

    sent: int = 0
    scored: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    alerts: list[Alert] = field(default_factory=list)
    signals: int = 0
    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    peak_mb: float = 0.0

    @property
    def adds_up(self) -> bool:
        """Whether in = scored + rejected."""
        return self.sent == self.scored + sum(self.rejected.values())

    def firing(self) -> list[Alert]:
        """The alerts as they first fired, in order."""
        return [alert for alert in self.alerts if alert.status == "firing"]

    def causes(self) -> list[Group]:
        """The alerts by what caused them, as NOTIFY puts them together."""
        board = Board(timedelta(days=1))
        for number, alert in enumerate(self.alerts):
            board.hear(alert, partition=0, offset=number, at=alert.as_of)
        return list(board)

    def latency(self, share: float) -> float:
        """The latency that this share of the articles did not exceed."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


async def play_day(
    monitor: Monitor, day: Sequence[DayRecord], viewer: Viewer, *, seconds: float
) -> DayResult:
    """Send `day` within about `seconds`, at the pace of its own times, and wait until all of it is answered.

    Raises:
        NewstideError: the monitor failed, or did not answer all in time.
    """
    stop, result = asyncio.Event(), DayResult()
    running = asyncio.create_task(monitor.run(stop))
    try:
        await _first(running, monitor.started.wait())
        viewer.started(monitor.metrics_url or "")
        async with open_reader(
            monitor.connection, [SCORED.name, REJECTED.name, ALERTS.name], from_beginning=True
        ) as out:
            looking = asyncio.create_task(_look(out, monitor, len(day), result, viewer))
            try:
                began = time.monotonic()
                await _first(running, _send(monitor.connection, day, seconds))
                result.sent = len(day)
                await _first(running, asyncio.wait_for(asyncio.shield(looking), _PATIENCE_SECONDS))
                result.seconds = time.monotonic() - began
            except TimeoutError:
                raise NewstideError(
                    f"of {len(day)} records only {result.scored} were scored and {result.rejected.total()} "
                    f"rejected within {_PATIENCE_SECONDS:.0f} s of the last: the machine may be too busy"
                ) from None
            finally:
                looking.cancel()
                with suppress(asyncio.CancelledError):
                    await looking
    finally:
        stop.set()
        await running
    result.peak_mb = _peak_mb()
    return result


async def _first(running: asyncio.Task[None], work: Coroutine[Any, Any, object]) -> None:
    """Await `work`, but not longer than the monitor runs: where that fails, raise what it raised."""
    doing = asyncio.create_task(work)
    try:
        await asyncio.wait({running, doing}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            await running
    finally:
        # After Ctrl-C too: what is left to itself here would close its client when the loop is gone.
        if not doing.done():
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)
    await doing


async def _send(connection: Connection, day: Sequence[DayRecord], seconds: float) -> None:
    times = [record.published_at for record in day if record.published_at is not None]
    opens, span = min(times), (max(times) - min(times)).total_seconds()
    began, due = time.monotonic(), 0.0
    async with open_producer(connection) as producer:
        for record in day:
            if record.published_at is not None:
                due = max(due, (record.published_at - opens).total_seconds() / span * seconds)
            ahead = due - (time.monotonic() - began)
            if ahead > _SLICE_SECONDS:
                await asyncio.sleep(ahead)
            await producer.send(connection.named(RAW.name), key=record.key, value=record.value)


async def _look(
    out: AsyncIterator[Record], monitor: Monitor, expected: int, result: DayResult, viewer: Viewer
) -> None:
    """Take in what comes out until every record is answered and every alert of theirs was seen."""
    partitions = monitor.settings.topics.partitions
    async for record in out:
        _take(record, result, viewer, partitions)
        if result.scored + result.rejected.total() < expected:
            continue
        # What is left is WATCH: its alerts are all here once it has seen each signal.
        await _watched(monitor.registry, result.signals)
        if len(result.alerts) >= _total(monitor.registry, "newstide_alerts_total"):
            return


async def _watched(registry: CollectorRegistry, signals: int) -> None:
    """Wait until WATCH has committed so many signals. Its counter is all it shows, so it is looked at."""
    while _value(registry, "newstide_records_processed_total", loop="watch") < signals:  # noqa: ASYNC110 - see above
        await asyncio.sleep(_SLICE_SECONDS)


def _take(record: Record, result: DayResult, viewer: Viewer, signal_partitions: int) -> None:
    if record.topic == SCORED.name:
        news = ScoredNews.model_validate_json(record.value or b"")
        result.scored += 1
        withdrawals = 0 if withdrawal_of(news) is None else signal_partitions
        result.signals += len(signals_of(news)) + withdrawals
        result.latencies_ms.append(1000 * (time.time() - news.received_at.timestamp()))
        viewer.scored(news)
    elif record.topic == ALERTS.name:
        alert = Alert.model_validate_json(record.value or b"")
        result.alerts.append(alert)
        viewer.alerted(alert)
    else:
        reason = record.header("newstide_reason") or "unknown"
        result.rejected[reason] += 1
        viewer.rejected(reason)


def _value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return registry.get_sample_value(name, labels) or 0.0


def _total(registry: CollectorRegistry, name: str) -> float:
    return sum(
        sample.value for metric in registry.collect() for sample in metric.samples if sample.name == name
    )


def _peak_mb() -> float:
    """The most memory this process held. The system gives kilobytes, on macOS bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)
