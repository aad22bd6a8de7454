"""`newstide ingest`: follows RSS and Atom feeds, and writes what is new to news.raw."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from stream.cli import INTERRUPTED
from stream.cli.connect import connection_of, require_topic, run_on
from stream.cli.invocation import settings_of
from stream.cli.printing import Json, counted, print_json, remarks
from stream.topics import RAW

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from stream.bus import Connection
    from stream.events import NewsItem
    from stream.metrics import Metrics
    from stream.settings import Settings
    from stream.sources.feed import Feed
    from stream.sources.rss import Sink


class Poll(NamedTuple):
    """How one poll of a feed ended."""

    feed: str
    outcome: str
    items: int
    seconds: float


class PollLog:
    """Is told how each poll ended: counts it, shows it with `--json`, and keeps it."""

    def __init__(self, metrics: Metrics, *, as_json: bool) -> None:
        self._metrics = metrics
        self._as_json = as_json
        self.polls = 0
        self.items = 0

    def feed_polled(self, feed: str, outcome: str, items: int, seconds: float) -> None:
        """See `stream.sources.rss.FeedGauge`."""
        self.polls += 1
        self.items += items
        self._metrics.feed(outcome, feed)
        self._metrics.feed_items(items, feed)
        if self._as_json:
            print_json(Poll(feed, outcome, items, round(seconds, 3))._asdict())


def ingest(
    ctx: typer.Context,
    *,
    feed: Annotated[
        list[str] | None,
        typer.Option("--feed", metavar="URL", help="A feed, instead of those in ingest.feeds."),
    ] = None,
    every: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=1, help="How often --feed is asked [default: 60].")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Ask each feed once, and end.")] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(metavar="PORT", min=0, help="Serve /metrics and /healthz there (0: any free one)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Follow RSS and Atom feeds: write each new article to news.raw, once."""
    from prometheus_client import CollectorRegistry

    from stream.logs import configure_logging
    from stream.metrics import Metrics

    settings = settings_of(ctx, {"metrics.port": metrics_port})
    configure_logging(settings.log.format, settings.log.level)
    # It tells every request with its whole address, which may hold a key.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    feeds = _feeds(settings, feed or (), every)
    connection = connection_of(settings)
    metrics = Metrics(CollectorRegistry())
    polls = PollLog(metrics, as_json=as_json)
    with _served(settings, metrics) if metrics_port is not None else nullcontext():
        stopped_by = run_on(connection, _follow(connection, feeds, settings, polls, once=once))
    _end(polls, len(feeds), stopped_by, as_json=as_json)


def _end(polls: PollLog, feeds: int, stopped_by: int | None, *, as_json: bool) -> None:
    """Sum up, and end as the signal says that stopped it."""
    if not as_json:
        asked = f"{counted(polls.polls, 'poll')} of {counted(feeds, 'feed')}"
        remarks().print(f"{asked}, {counted(polls.items, 'new article')} to {RAW.name}")
    if stopped_by == signal.SIGINT:
        raise typer.Exit(INTERRUPTED)


def _feeds(settings: Settings, urls: Sequence[str], every: float | None) -> list[Feed]:
    from stream.sources.feed import Feed

    if urls:
        return [Feed(url, every=timedelta(seconds=60 if every is None else every)) for url in urls]
    return [
        Feed(each.url, each.source, timedelta(seconds=each.every_seconds)) for each in settings.ingest.feeds
    ]


@contextmanager
def _served(settings: Settings, metrics: Metrics) -> Iterator[None]:
    from stream.health import Health, HealthServer

    server: AbstractContextManager[Any] = HealthServer(
        metrics.registry,
        Health(),
        clock=time.monotonic,
        host=settings.metrics.host,
        port=settings.metrics.port,
    )
    with server as running:
        remarks().print(f"metrics at {running.url}/metrics")
        yield


async def _follow(
    connection: Connection, feeds: Sequence[Feed], settings: Settings, polls: PollLog, *, once: bool
) -> int | None:
    """Follow the feeds until a signal comes; returns which, or None."""
    from stream.sources.rss import FeedPoller

    await require_topic(connection, RAW.name)
    poller = FeedPoller(
        feeds,
        _sink_to(connection),
        clock=lambda: datetime.now(UTC),
        state_dir=settings.ingest_dir,
        gauge=polls,
    )
    async with poller:
        if once:
            await asyncio.gather(*(poller.poll_once(each) for each in feeds))
            return None
        with _stop_on_signal() as (stop, caught):
            await poller.run(stop)
        return caught[0] if caught else None


def _sink_to(connection: Connection) -> Sink:
    """Write articles to news.raw and return once the broker has them.

    A producer for each delivery: they are minutes apart, and one that outlives a crash of the broker is of no use.
    """
    from stream.bus import Outgoing, open_producer, send_all
    from stream.bus.records import cloud_event

    async def sink(items: Sequence[NewsItem]) -> None:
        async with open_producer(connection) as producer:
            records = (
                Outgoing(
                    RAW.name,
                    item.id.encode(),
                    item.to_json(),
                    cloud_event("newstide.news.item", item.id, item.published_at),
                )
                for item in items
            )
            await send_all(connection, producer, records)

    return sink


@contextmanager
def _stop_on_signal() -> Iterator[tuple[asyncio.Event, list[int]]]:
    """An event that the first SIGINT or SIGTERM sets; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stop, caught = asyncio.Event(), list[int]()
    signals = (signal.SIGINT, signal.SIGTERM)

    def heard(number: int) -> None:
        caught.append(number)
        stop.set()
        for each in signals:
            loop.remove_signal_handler(each)

    # Where a loop knows no signals (Windows), Ctrl-C ends the process instead.
    with contextlib.suppress(NotImplementedError):
        for each in signals:
            loop.add_signal_handler(each, heard, each)
    try:
        yield stop, caught
    finally:
        with contextlib.suppress(NotImplementedError):
            for each in signals:
                loop.remove_signal_handler(each)
