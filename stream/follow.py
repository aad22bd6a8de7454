"""Follows `models.releases`: brings what is promoted into force between two batches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from pydantic import ValidationError

from models.aliases import ReleaseRef
from models.errors import ModelError
from models.release import Release
from models.slot import ModelSlot
from stream.bus import Connection, Record, open_reader
from stream.events import ReleaseNote
from stream.metrics import Metrics
from stream.topics import RELEASES

log = logging.getLogger(__name__)

RETRY_SECONDS = 30.0
"""How long to wait before a refused release is tried again; twice as long each further time."""

LONGEST_RETRY_SECONDS = 900.0
"""The longest such wait: a release that is unfit for good must not cost its machine a load every half minute."""


class Fetch(Protocol):
    """Brings a release from the store, every file checked; raises ModelError. See `ReleaseStore.fetch`."""

    def __call__(self, name: str, version: str, *, manifest_sha256: str | None = None) -> Release:
        """The release whose manifest is the one announced."""
        ...


class ReleaseFollower:
    """Swaps the model when its alias is given to another release.

    Args:
        connection: where the releases are announced.
        slot: holds the model in force.
        alias: the alias to follow.
        fetch: see `Fetch`.
        history: what an alias stands for in the store, the latest first; see `ReleaseStore.history`. What was
            announced before the follower began comes into force only if the store still says so: it may have been
            changed since without an announcement. None believes all that was announced.
        metrics: where each attempt is counted.
        languages: those that only this release reads; none where it reads all that have no other.
        retry_seconds: see `RETRY_SECONDS`.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        slot: ModelSlot,
        alias: str,
        fetch: Fetch,
        metrics: Metrics,
        history: Callable[[str], Sequence[ReleaseRef]] | None = None,
        languages: Collection[str] = (),
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._languages = languages
        self._connection = connection
        self._slot = slot
        self._alias = alias
        self._fetch = fetch
        self._history = history
        self._metrics = metrics
        self._retry_seconds = retry_seconds
        self._wanted: ReleaseNote | None = None
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled.

        Raises:
            BrokerUnavailableError, BrokerRefusedError: the announcements can't be read.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                tasks.create_task(self._act())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    async def _listen(self) -> None:
        # Compaction is lazy: all that is announced by now is read before anything is done, or a follower that
        # starts would bring one former release after the other into force.
        seen: dict[int, int] = {}
        async with open_reader(
            self._connection, [RELEASES.name], from_beginning=True, follow=False
        ) as records:
            async for record in records:
                seen[record.partition] = record.offset
                self._wanted = self._note(record) or self._wanted
        if self._wanted is not None and await asyncio.to_thread(self._outdated, self._wanted):
            self._wanted = None
        self._changed.set()
        async with open_reader(self._connection, [RELEASES.name], from_beginning=True) as records:
            async for record in records:
                note = self._note(record) if record.offset > seen.get(record.partition, -1) else None
                if note is not None:
                    self._wanted = note
                    self._changed.set()

    def _outdated(self, note: ReleaseNote) -> bool:
        """Whether the store, which is always changed first, stands for another release than was announced last."""
        try:
            history = self._history(self._alias) if self._history is not None else ()
        except ModelError:  # it is away: what was announced is all that is known
            return False
        if not history or history[0].label == f"{note.name}@{note.version}":
            return False
        log.info(
            "%s@%s was announced last, but the store has been changed since: %s is %s there",
            note.name,
            note.version,
            self._alias,
            history[0].label,
        )
        return True

    def _note(self, record: Record) -> ReleaseNote | None:
        if record.value is None or record.key != self._alias.encode():
            return None
        try:
            note = ReleaseNote.model_validate_json(record.value)
        except ValidationError as error:
            log.warning("a record of %s is no release note: %s", RELEASES.name, error.errors()[0]["msg"])
            return None
        return note if note.action in {"promote", "rollback"} else None

    async def _act(self) -> None:
        refused: ReleaseNote | None = None
        wait = self._retry_seconds
        while True:
            await self._changed.wait()
            self._changed.clear()
            note = self._wanted
            if note is None or f"{note.name}@{note.version}" == self._slot.current.release:
                refused = None
                continue
            wait = min(2 * wait, LONGEST_RETRY_SECONDS) if note == refused else self._retry_seconds
            if await asyncio.to_thread(self._bring_in, note):
                refused = None
                continue
            refused = note
            await self._pause(wait)
            self._changed.set()

    async def _pause(self, seconds: float) -> None:
        """Wait before the next try, but not when another release is announced meanwhile."""
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    def _bring_in(self, note: ReleaseNote) -> bool:
        """Fetch, check and swap; returns whether that is done with. The former release stays where it failed."""
        outcome = self._slot.swap_to(
            lambda: self._fetch(note.name, note.version, manifest_sha256=note.manifest_sha256)
        )
        self._metrics.swap(outcome.status.value)
        if outcome.refused:
            wanted = f"{note.name}@{note.version}"
            log.error(
                "%s could not be brought into force, %s stays: %s", wanted, outcome.release, outcome.detail
            )
            return False
        self._metrics.model_in_force(note.name, note.version, self._languages)
        log.info("%s (%s by %s)", outcome.detail, note.action, note.by)
        return True
