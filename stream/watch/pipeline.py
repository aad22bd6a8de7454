"""WATCH, whole: one poll of `news.signals` becomes stories, alerts and the state to recover them from.

Each assigned partition has a `Watcher` of its own, read back from the partition of `news.baselines` with the
same number. What a poll changed is drained into one transaction: alerts, stories, state, offsets.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import ValidationError

from stream.bus import Connection, Outcome, Outgoing, Record, read_partition
from stream.bus.records import cloud_event
from stream.bus.rejects import reject_record
from stream.events import Reject, RejectReason, Signal, Withdrawal
from stream.metrics import Metrics
from stream.topics import ALERTS, BASELINES, STORIES
from stream.watch.rules import WatchRules
from stream.watch.watcher import Watcher, WatchOutput

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
"""How often time alone is looked at: what it closes is minutes old, so more often would only cost."""


@dataclass(slots=True)
class _Ticking:
    """A watcher, and since when its partition's event clock has stood still."""

    watcher: Watcher
    clock: datetime | None = None
    since: float = 0.0
    ticked: float = 0.0


@dataclass(frozen=True, slots=True)
class _Held:
    """What a watcher holds, as figures: it may be at work in its thread when they are shown."""

    series: int
    kinds: Counter[str]
    open_alerts: Counter[str]

    @classmethod
    def by(cls, watcher: Watcher) -> _Held:
        severities = Counter[str](alert.severity for alert in watcher.open_alerts())
        return cls(watcher.series_count, watcher.series_by_kind, severities)


@dataclass(frozen=True, slots=True)
class _Watched(Outcome):
    """An outcome with what its metrics need once it is committed."""

    drained: dict[int, WatchOutput] = field(default_factory=dict)
    held: dict[int, _Held] = field(default_factory=dict)


class WatchPipeline:
    """Watches the series of the assigned partitions.

    Args:
        connection: where the state is read back from.
        rules: the thresholds.
        metrics: where it is counted.
        clock: monotonic seconds. While nothing comes, a partition's event clock goes on at its pace, so that
            what is due is sent; what is said does not depend on it.
    """

    def __init__(
        self, connection: Connection, rules: WatchRules, *, metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        self._connection = connection
        self._rules = rules
        self._metrics = metrics
        self._clock = clock
        self._watchers: dict[int, _Ticking] = {}
        self._held: dict[int, _Held] = {}
        self._told: set[str] = set()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="watch")

    async def restore(self, partition: int) -> None:
        """Read the partition's state back; called when no one else can write it any more."""
        watcher = Watcher(self._rules)
        async for record in read_partition(self._connection, BASELINES.name, partition):
            watcher.restore((record.key or b"").decode(), record.value)
        held = await asyncio.get_running_loop().run_in_executor(self._thread, _Held.by, watcher)
        self._watchers[partition] = _Ticking(watcher)
        self._show({partition: held})

    def forget(self, partition: int) -> None:
        """Drop the partition's state: it is another's, or will be read back."""
        self._watchers.pop(partition, None)
        self._held.pop(partition, None)
        self._show({})

    def close(self) -> None:
        """End the worker thread."""
        self._thread.shutdown()

    async def process(self, batch: Mapping[int, Sequence[Record]]) -> Outcome:
        """Apply every signal of `batch` in order, and what time alone brings."""
        now = self._clock()
        due = {
            n: each for n, each in self._watchers.items() if n in batch or now - each.ticked >= TICK_SECONDS
        }
        if not due:
            return Outcome({})
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._apply, due, batch, now)

    def _apply(
        self, due: Mapping[int, _Ticking], batch: Mapping[int, Sequence[Record]], now: float
    ) -> Outcome:
        outgoing: dict[int, list[Outgoing]] = {}
        drained: dict[int, WatchOutput] = {}
        held: dict[int, _Held] = {}
        for number, ticking in due.items():
            records = batch.get(number, ())
            rejects = [out for record in records if (out := _observe(ticking.watcher, record)) is not None]
            _tick(ticking, now)
            output = ticking.watcher.drain()
            outgoing[number] = [*rejects, *_records_of(output, number)]
            drained[number] = output
            held[number] = _Held.by(ticking.watcher)
        done = {number: len(records) for number, records in batch.items()}
        return _Watched(outgoing=outgoing, done=done, drained=drained, held=held)

    def delivered(self, outcome: Outcome, partition: int) -> None:
        """Count what is committed, and only that."""
        if not isinstance(outcome, _Watched) or partition not in outcome.drained:
            return
        output, metrics = outcome.drained[partition], self._metrics
        for kind, count in output.copies.items():
            metrics.copies(kind, count)
        metrics.late_signals(sum(output.late.values()))
        metrics.disordered_signals(output.behind)
        metrics.stories(output.novel.get("market", 0))
        for alert in output.alerts:
            metrics.alert(alert.rule, alert.status)
        if partition in self._watchers:
            self._show({partition: outcome.held[partition]})

    def _show(self, held: Mapping[int, _Held]) -> None:
        """Show what all partitions together hold, those in `held` as it says."""
        self._held |= held
        self._metrics.watched_series(sum(each.series for each in self._held.values()))
        self._metrics.open_alerts(sum((each.open_alerts for each in self._held.values()), Counter()))
        kinds = sum((each.kinds for each in self._held.values()), Counter[str]())
        known = {kind: group.series for kind, group in self._rules.profile.groups.items()}
        beyond = {kind: held - known[kind] for kind, held in kinds.items() if held > known.get(kind, held)}
        self._metrics.series_beyond_profile(beyond)
        for kind in beyond.keys() - self._told:
            self._told.add(kind)
            log.warning(
                "more series of the kind %s than the profile knows (%d): more false alarms than the budget says "
                "may come; set alerts.companies, or learn a new profile",
                kind,
                known[kind],
            )


def _observe(watcher: Watcher, record: Record) -> Outgoing | None:
    """Apply one record; returns the reject where it is none of ours."""
    value = record.value or b""
    try:
        if record.key == b"control":
            watcher.withdraw(Withdrawal.model_validate_json(value))
        else:
            watcher.observe(Signal.model_validate_json(value))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "record"
        detail = f"no signal: `{where}`: {first['msg']}; only SCORE may write to this topic"
        return reject_record(record, Reject(RejectReason.INVALID_VALUE, detail))
    return None


def _tick(ticking: _Ticking, now: float) -> None:
    """Let the partition's event clock go on by the time that passed since it last moved."""
    clock = ticking.watcher.clock
    if clock is None:
        return
    if clock != ticking.clock:
        ticking.clock, ticking.since = clock, now
    ticking.ticked = now
    ticking.watcher.advance(clock + timedelta(seconds=now - ticking.since))


def _records_of(output: WatchOutput, partition: int) -> list[Outgoing]:
    records = [
        Outgoing(
            ALERTS.name,
            alert.series.encode(),
            alert.to_json(),
            cloud_event("newstide.news.alert", f"{alert.alert_id}/{alert.status}", alert.as_of),
        )
        for alert in output.alerts
    ]
    records += [
        Outgoing(
            STORIES.name,
            story.story_id.encode(),
            story.to_json(),
            cloud_event("newstide.news.story", story.story_id, story.last_seen_at),
        )
        for story in output.stories
    ]
    # A story that was taken back goes from the compacted topic too.
    records += [Outgoing(STORIES.name, story_id.encode(), None) for story_id in output.untold]
    records += [
        Outgoing(BASELINES.name, key.encode(), value, partition=partition) for key, value in output.state
    ]
    return records
