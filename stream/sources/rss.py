"""Follows RSS and Atom feeds and hands each new article on, once."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from stream.errors import NewstideError, UsageError
from stream.events import NewsItem
from stream.sources.entries import FeedPage
from stream.sources.feed import Feed
from stream.sources.fetch import USUAL_LIMITS, FetchLimits
from stream.sources.memory import FeedMemory, MemoryFolder
from stream.sources.outcome import Outcome
from stream.sources.reader import Answer, FeedReader
from stream.sources.turns import USUAL_MANNERS, Manners

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

Sink = Callable[[Sequence[NewsItem]], Awaitable[None]]
"""Takes articles and returns when they are safe. Where it raises, they are handed over again later."""


class FeedGauge(Protocol):
    """Is told how each poll ended; a metric, say."""

    def feed_polled(self, feed: str, outcome: str, items: int, seconds: float) -> None:
        """`feed` was asked, which took `seconds` and brought `items` new articles.

        `feed` is its name, fit to be shown; `outcome` is one of `Outcome`.
        """


@dataclass(frozen=True, slots=True)
class Polled:
    """How one poll ended.

    `items` articles were new and are safe; `skipped` entries had no text. `failed` says that the feed gave
    nothing at all, so that it is better left alone for longer.
    """

    outcome: Outcome
    items: int = 0
    skipped: int = 0
    detail: str = ""
    failed: bool = False


class FeedPoller:
    """Asks each feed at its interval, and hands what is new to `sink`.

    An article counts as sent once `sink` has returned; then, and only then, that is written down. So a crash in
    between sends again, under the same ids, and loses nothing. A feed that fails is named in the log and told
    to `gauge`; the others go on. An async context manager, which closes its connections.

    Args:
        feeds: what to follow.
        sink: see `Sink`. A `NewstideError` of it that can be retried leaves the articles for the next poll;
            anything else ends `run`.
        clock: what time it is, aware.
        state_dir: where it is kept what was sent, for the next start. One process at a time may use it.
        gauge: is told how each poll ended.
        limits: what one poll may take.
        manners: how often servers are asked.
        monotonic: seconds on a clock that never goes back.
        sleep: waits so many seconds.
        chance: draws from [0, 1), for jitter.
        trust_env: whether the usual variables for proxies and authorities are followed.

    Raises:
        UsageError: if there are no feeds, one stands twice, or `state_dir` can't be written to.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        sink: Sink,
        *,
        clock: Callable[[], datetime],
        state_dir: Path,
        gauge: FeedGauge,
        limits: FetchLimits = USUAL_LIMITS,
        manners: Manners = USUAL_MANNERS,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        trust_env: bool = True,
    ) -> None:
        _refuse_none_and_doubles(feeds)
        self._feeds = tuple(feeds)
        self._sink = sink
        self._gauge = gauge
        self._manners = manners
        self._monotonic = monotonic
        self._sleep = sleep
        self._chance = chance
        self._folder = MemoryFolder(state_dir)
        self._memories: dict[str, FeedMemory] = {feed.url: self._folder.load(feed) for feed in feeds}
        self._last: dict[str, Outcome] = {}
        self._reader = FeedReader(
            clock, limits=limits, manners=manners, monotonic=monotonic, sleep=sleep, trust_env=trust_env
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._reader.close()

    async def run(self, stop: asyncio.Event) -> None:
        """Follows all feeds until `stop` is set. What is being handed to the sink then is finished first.

        Raises:
            NewstideError: from the sink, where trying again can't help.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for feed in self._feeds:
                    group.create_task(self._follow(feed, stop), name=f"feed {feed.name}")
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    async def poll_once(self, feed: Feed) -> Polled:
        """Asks `feed`, one of the feeds given, when its host's turn comes, and hands on what is new.

        Never raises for the feed's faults; only what the sink raises and can't be retried.
        """
        return await self._deliver(feed, await self._reader.read(feed, self._memories[feed.url].validators))

    async def _follow(self, feed: Feed, stop: asyncio.Event) -> None:
        failures = 0
        while not stop.is_set():
            answer = await _unless(stop, self._reader.read(feed, self._memories[feed.url].validators))
            if answer is None:
                return
            began = self._monotonic()
            polled = await self._deliver(feed, answer)
            failures = failures + 1 if polled.failed else 0
            rest = self._manners.rest(feed.every.total_seconds(), failures, self._chance())
            taken = answer.seconds + self._monotonic() - began
            await _unless(stop, self._rest(rest if polled.failed else rest - taken))

    async def _rest(self, seconds: float) -> None:
        await self._sleep(max(0.0, seconds))

    async def _deliver(self, feed: Feed, answer: Answer) -> Polled:
        began = self._monotonic()
        if answer.page is None:
            failed = answer.outcome is not Outcome.NOT_MODIFIED
            polled = Polled(answer.outcome, detail=answer.detail, failed=failed)
        else:
            polled = await self._hand_on(feed, answer, answer.page)
        self._tell(feed, polled)
        seconds = answer.seconds + self._monotonic() - began
        self._gauge.feed_polled(feed.name, polled.outcome, polled.items, seconds)
        return polled

    async def _hand_on(self, feed: Feed, answer: Answer, page: FeedPage) -> Polled:
        memory = self._memories[feed.url]
        news = memory.news_in(page.items)
        try:
            if news:
                await self._sink(news)
        except NewstideError as error:
            if not error.retriable:
                raise
            return Polled(Outcome.SINK_FAILED, detail=str(error), failed=True)
        if memory.remember(page.items, answer.validators):
            await self._save(feed, memory)
        return Polled(answer.outcome, len(news), page.skipped, answer.detail)

    async def _save(self, feed: Feed, memory: FeedMemory) -> None:
        try:
            await asyncio.to_thread(self._folder.save, feed, memory.to_json())
        except OSError as error:
            _log.warning(
                "feed %s: it can't be kept what was sent, so a restart sends it again: %s", feed.name, error
            )

    def _tell(self, feed: Feed, polled: Polled) -> None:
        before = self._last.get(feed.url, Outcome.OK)
        self._last[feed.url] = polled.outcome
        if polled.failed or (polled.detail and polled.outcome is not before):
            _log.warning("feed %s: %s: %s", feed.name, polled.outcome, polled.detail)
        else:
            _log.debug("feed %s: %s, %d new", feed.name, polled.outcome, polled.items)


def _refuse_none_and_doubles(feeds: Sequence[Feed]) -> None:
    if not feeds:
        raise UsageError(
            "there is no feed to follow: give one with --feed URL, or list them under ingest.feeds"
        )
    urls = [feed.url for feed in feeds]
    for feed in feeds:
        if urls.count(feed.url) > 1:
            raise UsageError(f"feed {feed.name} stands {urls.count(feed.url)} times: name it once")


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, _T]) -> _T | None:
    """What `work` returns, or None where `stop` is set first, which cancels it."""
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for ended in (task, stopped):
            ended.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)
