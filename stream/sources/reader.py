"""Asks one feed in its host's turn and reads the answer; whatever goes wrong becomes a value."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

import httpx

from stream.sources.entries import FeedPage, read_entries
from stream.sources.feed import Feed
from stream.sources.fetch import NO_VALIDATORS, USUAL_LIMITS, FeedClient, FetchLimits, Validators
from stream.sources.outcome import FeedError, Outcome
from stream.sources.turns import USUAL_MANNERS, HostTurns, Manners


@dataclass(frozen=True, slots=True)
class Answer:
    """What asking a feed gave.

    `page` is None where nothing changed or nothing could be read; `detail` says what went wrong, if anything.
    `validators` are those to ask with next time, once the page is dealt with.
    """

    outcome: Outcome
    seconds: float = 0.0
    page: FeedPage | None = None
    validators: Validators = NO_VALIDATORS
    detail: str = ""


class FeedReader:
    """Reads feeds politely, over connections that it keeps until `close`.

    Where a feed has moved for good is remembered until it can't be read there, or the process ends.

    Args:
        clock: what time it is, aware.
        monotonic: seconds on a clock that never goes back.
        sleep: waits so many seconds.
        limits: what one poll may take.
        manners: how often servers are asked.
        trust_env: whether the usual variables for proxies and authorities are followed.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        limits: FetchLimits = USUAL_LIMITS,
        manners: Manners = USUAL_MANNERS,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        trust_env: bool = True,
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._moved: dict[str, str] = {}
        self._turns = HostTurns(manners, monotonic, sleep)
        self._client = FeedClient(clock, limits, trust_env=trust_env)

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.close()

    async def read(self, feed: Feed, known: Validators) -> Answer:
        """Asks `feed` for what changed since `known`, when its host's turn comes. Never raises for its faults."""
        url = self._moved.get(feed.url, feed.url)
        host = httpx.URL(url).host
        async with self._turns.turn(host):
            began = self._monotonic()
            try:
                answer = await self._ask(feed, url, known)
            except FeedError as error:
                # A feed that moved for good and fails there is looked for at its own address again.
                self._moved.pop(feed.url, None)
                if error.retry_after is not None:
                    self._turns.hold(host, error.retry_after)
                answer = Answer(error.outcome, detail=str(error))
            return replace(answer, seconds=self._monotonic() - began)

    async def _ask(self, feed: Feed, url: str, known: Validators) -> Answer:
        fetched = await self._client.fetch(url, known)
        if fetched.moved_to is not None:
            self._moved[feed.url] = fetched.moved_to
        if fetched.content is None:
            return Answer(Outcome.NOT_MODIFIED, validators=known)
        # Parsing a large feed takes seconds of CPU: in a thread, the loop goes on meanwhile.
        page = await asyncio.to_thread(
            read_entries, fetched.content, fetched.content_type, feed, self._clock()
        )
        if page.flaw is not None:
            # Without validators: an article that was cut off shall not hide behind "not modified".
            return Answer(Outcome.MALFORMED, page=page, detail=page.flaw)
        return Answer(Outcome.OK, page=page, validators=fetched.validators)
