"""WATCH without Kafka: the state of one partition of `news.signals`, and what it has to say.

**Exactness.** What is said of a series is a function of that series' own sequence of signals and withdrawals:
novelty, lateness, windows, baselines, alerts and their times come from these alone. The partition's clock is
shared by strangers, so `advance` only lets time pass for open alerts, to `clock - grace`, in steps whose results
do not depend on how many calls made them. Therefore the alerts of a series are the same, byte for byte, on any
number of partitions, cut into any batches, with any restarts, and with `advance` called at any moments, provided
that

    no signal or withdrawal has a `published_at` below `clock - grace` for a clock that was already passed to
    `advance`: the disorder ACROSS series (the partition's largest event time, plus the silence that the caller
    added, minus an arriving record's event time) stays within `grace`.

Beyond that bound nothing is dropped for it: the record counts as far as its own series' lateness allows, but an
alert that had been ended in the meantime stays ended, so that its end, and what follows it, may differ from a
replay that knew no such silence. Each such record is counted in `WatchOutput.behind`. Being late, against
`WatchOutput.arrivals`, is another matter: it goes by the series' own largest `published_at` and is exact.

**Bounds.** A series remembers at most `capacity` stories (a topic and the market more), each of at most 32
articles, and `kept_bins` bins; it is forgotten, with its saved records, after `forget_after` of silence. A series
with one story takes about 5 KB, each further story about 1.2 KB. One that was silent for longer than `memory` is
kept as its saved record alone, some hundreds of bytes, until it is spoken of again.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from datetime import datetime

from stream.errors import StateError
from stream.events import MARKET, Signal, Withdrawal
from stream.watch import state
from stream.watch.kinds import kind_of
from stream.watch.novelty import Arrival
from stream.watch.output import Standing, WatchOutput
from stream.watch.recent import Recent
from stream.watch.rules import WatchRules
from stream.watch.series import Series
from stream.watch.sleepers import Sleepers
from stream.watch.surge import Detectors
from stream.watch.taken_back import TakenBack
from stream.watch.times import micros_of, time_of

__all__ = ["WatchOutput", "Watcher"]


class Watcher:
    """All series of one assigned partition of `news.signals`. Pure: no clock, no I/O, not thread-safe.

    First `restore` every record of the partition's state, then `settle`; afterwards `observe` and `withdraw` in
    the order of the partition, `advance` whenever convenient, and `drain` what belongs into the next transaction.
    If that transaction is aborted, the watcher must be thrown away and restored anew.

    Args:
        rules: the thresholds.
    """

    def __init__(self, rules: WatchRules) -> None:
        self._rules = rules
        self._detectors = Detectors(rules)
        self._series: OrderedDict[str, Series] = OrderedDict()
        self._asleep = Sleepers()
        self._taken_back = TakenBack()
        self._saved: dict[str, bytes] = {}
        self._kinds: Counter[str] = Counter()
        self._alarmed: dict[str, None] = {}
        self._dirty: dict[str, None] = {}
        self._deleted: dict[str, None] = {}
        self._packed: dict[str, dict[str, bytes | None]] = {}
        self._told: dict[str, Recent | None] = {}
        self._output = WatchOutput()
        self._clock: int | None = None
        self._advanced_to: int | None = None

    @property
    def clock(self) -> datetime | None:
        """The largest event time seen on this partition, also before a restart; None where nothing was seen."""
        self.settle()
        return None if self._clock is None else time_of(self._clock)

    @property
    def series_count(self) -> int:
        """How many series are held."""
        self.settle()
        return len(self._series) + len(self._asleep)

    @property
    def series_by_kind(self) -> Counter[str]:
        """How many series of each kind are held."""
        self.settle()
        return self._kinds.copy()

    def open_alerts(self) -> list[Standing]:
        """The alerts that are open now."""
        self.settle()
        return [
            Standing(name, self._series[name].kind, life.name, life.open.alert_id, life.open.named)
            for name in self._alarmed
            for life in self._series[name].lives
            if life.open is not None
        ]

    def restore(self, key: str, value: bytes | None) -> None:
        """Take one record of `news.baselines`, in the topic's order; None is a tombstone."""
        if value is None:
            self._saved.pop(key, None)
        else:
            self._saved[key] = value

    def settle(self) -> None:
        """End the restoring. Called by itself before anything else happens.

        A series without an open alert is read back when it is spoken of; a record of it that is damaged within
        shows only then.

        Raises:
            StateError: if a saved record can't be read back; names its key.
        """
        if not self._saved:
            return
        saved = state.sort_out(self._saved)
        self._saved = {}
        for name, core in saved.cores.items():
            chunks = saved.chunks.pop(name, {})
            self._kinds[kind_of(name)] += 1
            high, alarmed = state.glance(name, core)
            if high is not None:
                self._clock = max(high, self._clock or high)
            self._asleep.put(name, core, chunks, high)
            if alarmed:
                self._alarmed[name] = None
        for name in list(self._alarmed):
            if not self._wake(name).alarmed:
                del self._alarmed[name]
        for chunks in saved.chunks.values():
            raise StateError(
                f"state record {next(iter(chunks))!r} belongs to no saved series: restore the topic"
            )
        self._taken_back.restore(saved.control)

    def observe(self, signal: Signal) -> None:
        """Apply one signal."""
        self.settle()
        at = micros_of(signal.published_at)
        self._clock = at if self._clock is None else max(self._clock, at)
        self._note_behind(at)
        series = self._series_for(signal.series, at)
        arrival, story = series.observe(signal, taken_back=signal.news_id in self._taken_back)
        self._output.arrivals[series.kind, arrival] += 1
        if arrival is not Arrival.REPEATED and arrival is not Arrival.WITHDRAWN:
            self._tell(series, story)
        self._collect(series)

    def withdraw(self, withdrawal: Withdrawal) -> None:
        """Apply one withdrawal to every series that remembers the article, and to those that will see it."""
        self.settle()
        at = micros_of(withdrawal.published_at)
        self._note_behind(at)
        self._taken_back.add(withdrawal.withdraws)
        for name in self._asleep.remembering(withdrawal.withdraws):
            self._wake(name)
        for series in self._series.values():
            if series.outlived(at):
                # A tick may have forgotten it already, or not: what is said must not depend on that.
                continue
            story = series.withdraw(withdrawal.withdraws, at)
            if story is not None:
                self._tell(series, story)
                self._collect(series)

    def advance(self, clock: datetime) -> None:
        """Let event time pass to `clock - grace` for what is due by time alone; going back does nothing."""
        self.settle()
        time = micros_of(clock - self._rules.grace)
        if self._advanced_to is not None and time <= self._advanced_to:
            return
        self._advanced_to = time
        for name in list(self._alarmed):
            series = self._series[name]
            series.pass_open(time // self._rules.bin_micros)
            # A step that said nothing is left unsaved: after a restart it is taken again, with the same result.
            if series.said:
                self._collect(series)
        self._put_to_sleep(time)
        for name in self._asleep.older_than(time - self._rules.forget_micros):
            self._forget_asleep(name)

    def drain(self) -> WatchOutput:
        """What came since the last drain; it is handed over and no longer held here."""
        self.settle()
        output, self._output = self._output, WatchOutput()
        for story_id, story in self._told.items():
            if story is None or story.telling is None:
                output.untold.append(story_id)
            else:
                output.stories.append(
                    story.telling.story(story_id, story.headline, story.copies, story.sources)
                )
        written: dict[str, bytes | None] = dict.fromkeys(self._deleted)
        for records in self._packed.values():
            written |= records
        for name in self._dirty:
            if name in self._series:
                written |= _records_of(self._series[name])
        written |= self._taken_back.drain()
        output.state = list(written.items())
        self._told, self._dirty, self._deleted, self._packed = {}, {}, {}, {}
        return output

    def _series_for(self, name: str, at: int) -> Series:
        """The series, new where it is unknown or was silent for too long."""
        series = self._series.get(name)
        if series is None and name in self._asleep:
            series = self._wake(name)
        if series is not None and series.outlived(at):
            series.pass_open(at // self._rules.bin_micros)
            self._collect(series)
            self._forget(series)
            series = None
        if series is None:
            series = Series(name, self._rules, self._detectors.of(name), at // self._rules.bin_micros)
            self._series[name] = series
            self._kinds[series.kind] += 1
        self._series.move_to_end(name)
        return series

    def _collect(self, series: Series) -> None:
        """Take over what a series said, and remember that it changed."""
        self._dirty[series.name] = None
        self._output.alerts += series.said
        series.said = []
        if series.alarmed:
            self._alarmed[series.name] = None
        else:
            self._alarmed.pop(series.name, None)

    def _wake(self, name: str) -> Series:
        core, chunks = self._asleep.take(name)
        series = state.series_from(name, core, chunks, self._rules, self._detectors.of(name))
        self._series[name] = series
        return series

    def _put_to_sleep(self, time: int) -> None:
        """Keep series that were silent for longer than their memory as their saved record only.

        Whatever comes to them later, within the bound of exactness, would find their stories too old: so to let
        go of these now says the same.
        """
        memory = self._rules.memory_micros
        while self._series:
            series = next(iter(self._series.values()))
            if series.alarmed or series.high is None or series.high + memory >= time:
                return
            series.recents.changes.gone |= series.recents.chunks()
            series.recents.changes.written.clear()
            series.recents.age_to(series.high + memory + 1)
            records = _records_of(series)
            self._packed[series.name] = records
            self._dirty.pop(series.name, None)
            self._asleep.put(series.name, records[series.name] or b"", {}, series.high)
            del self._series[series.name]

    def _forget_asleep(self, name: str) -> None:
        _, chunks = self._asleep.take(name)
        self._delete(name, {*chunks, *self._packed.pop(name, {})})

    def _forget(self, series: Series) -> None:
        del self._series[series.name]
        self._dirty.pop(series.name, None)
        changes = series.recents.changes
        chunks = sorted(series.recents.chunks() | changes.gone)
        packed = self._packed.pop(series.name, {})
        self._delete(
            series.name, {*packed, *changes.left, *(state.chunk_key(series.name, chunk) for chunk in chunks)}
        )

    def _delete(self, name: str, keys: set[str]) -> None:
        self._kinds[kind_of(name)] -= 1
        self._deleted[name] = None
        for key in sorted(keys):
            self._deleted[key] = None

    def _tell(self, series: Series, story: Recent | None) -> None:
        if series.name == MARKET and story is not None:
            self._told[story.story_id] = None if story.withdrawn else story

    def _note_behind(self, at: int) -> None:
        if self._advanced_to is not None and at < self._advanced_to:
            self._output.behind += 1


def _records_of(series: Series) -> dict[str, bytes | None]:
    """The records of one series that changed: tombstones first, since the ring may use their keys again."""
    changes = series.recents.changes
    chunks = {number: series.recents.chunk(number) for number in sorted(changes.written)}
    gone = changes.gone | {number for number, stories in chunks.items() if not stories}
    written: dict[str, bytes | None] = dict.fromkeys(sorted(changes.left))
    written |= {state.chunk_key(series.name, number): None for number in sorted(gone)}
    for number, stories in chunks.items():
        if stories:
            written[state.chunk_key(series.name, number)] = state.chunk_of(stories)
    written[series.name] = state.core_of(series)
    changes.written.clear()
    changes.gone.clear()
    changes.left.clear()
    return written
