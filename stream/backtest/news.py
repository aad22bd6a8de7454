"""A span of news through the same code as live: SCORE's pipeline and WATCH's `Watcher`, without a broker.

News is taken in the order of its own times, as `newstide replay` sends it. A record's timestamp is its own
`published_at`, so that nothing depends on when the backtest runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from pydantic import ValidationError

from stream.bus import Outgoing, Record
from stream.errors import UsageError
from stream.events import Alert, ScoredNews, Signal, Withdrawal
from stream.score.pipeline import CONTROL_KEY, ScorePipeline
from stream.score.scoring import signals_of, withdrawal_of
from stream.sources.replay import Moment, Recording
from stream.topics import RAW, REJECTED, SIGNALS
from stream.watch.rules import WatchRules
from stream.watch.watcher import Watcher

Event = Signal | Withdrawal

_POLL = 256
_DRAIN_EVERY = 1_000
_FEW, _SILENCE = 50, timedelta(days=365)
"""Of so many records one may be from beyond such a silence, to be taken for one of a wrong clock."""


@dataclass(frozen=True, slots=True)
class Span:
    """What was said of the series in a span of time, in the order of time.

    `read` counts the records it was made from, `rejected` those that SCORE could not read.
    """

    events: tuple[Event, ...]
    read: int = 0
    rejected: int = 0

    def __add__(self, other: Span) -> Span:
        events = sorted((*self.events, *other.events), key=lambda event: event.published_at)
        return Span(tuple(events), self.read + other.read, self.rejected + other.rejected)

    @property
    def publishers(self) -> int:
        """How many publishers there are."""
        return len({event.source for event in self.events if isinstance(event, Signal)})

    def between(self, start: datetime | None, end: datetime | None) -> Span:
        """The events from `start` to before `end`; None leaves that side open."""
        kept = (
            event
            for event in self.events
            if (start is None or event.published_at >= start) and (end is None or event.published_at < end)
        )
        return Span(tuple(kept), self.read, self.rejected)


class NowIsThen:
    """The clock of SCORE in a backtest: the latest time that the news itself has shown, in seconds."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def __call__(self) -> float:
        """The time now, in seconds since 1970."""
        return self._seconds

    def reach(self, time: datetime) -> None:
        """Go on to `time`, never back."""
        self._seconds = max(self._seconds, time.timestamp())


async def score_news(recording: Recording, pipeline: ScorePipeline, clock: NowIsThen) -> Span:
    """Let SCORE answer recorded news.

    Args:
        recording: the news, in the order of its times.
        pipeline: built as live, with `clock` for its clock.
        clock: is moved to each batch's time.
    """
    events: list[Event] = []
    rejected = 0
    moments = recording.moments
    latest = _latest(moments)
    for first in range(0, len(moments), _POLL):
        poll = moments[first : first + _POLL]
        clock.reach(min(poll[-1].at, latest))
        records = [
            Record(RAW.name, 0, first + n, min(moment.at, latest), moment.row.key, moment.row.value)
            for n, moment in enumerate(poll)
        ]
        outcome = await pipeline.process({0: records})
        if outcome.finish is not None:
            outcome.finish()
        for outgoing in outcome.outgoing[0]:
            rejected += outgoing.topic == REJECTED.name
            if outgoing.topic == SIGNALS.name:
                events.append(_event(outgoing))
    return Span(tuple(events), len(moments), rejected) + Span(())


def _latest(moments: Sequence[Moment]) -> datetime:
    """When the recording was over: live, a few records from beyond a year's silence are from a wrong clock."""
    few = len(moments) // _FEW
    for before, after in pairwise(moments[-few - 1 :]):
        if after.at - before.at > _SILENCE:
            return before.at
    return moments[-1].at


def _event(outgoing: Outgoing) -> Event:
    value = outgoing.value or b""
    if outgoing.key == CONTROL_KEY:
        return Withdrawal.model_validate_json(value)
    return Signal.model_validate_json(value)


def read_scored(path: Path) -> Span:
    """The span that a JSONL file of `news.scored` tells.

    Raises:
        UsageError: if a line is none, naming file and line.
    """
    events: list[Event] = []
    read = 0
    for number, line in _lines(path):
        try:
            scored = ScoredNews.model_validate_json(line)
        except ValidationError as error:
            raise _no_record(path, number, "scored article", error) from error
        read += 1
        events += signals_of(scored)
        withdrawal = withdrawal_of(scored)
        events += [] if withdrawal is None else [withdrawal]
    return Span(tuple(events), read) + Span(())


def read_signals(path: Path) -> Span:
    """The span that a JSONL file of `news.signals` tells.

    Raises:
        UsageError: if a line is none, naming file and line.
    """
    events: list[Event] = []
    for number, line in _lines(path):
        kind: type[Event] = Withdrawal if b'"control"' in line else Signal
        try:
            events.append(kind.model_validate_json(line))
        except ValidationError as error:
            raise _no_record(path, number, "signal", error) from error
    return Span(tuple(events), len(events)) + Span(())


def watch(events: Sequence[Event], rules: WatchRules) -> list[Alert]:
    """What WATCH says of `events`, in the order of event time, until the last of them."""
    watcher = Watcher(rules)
    alerts: list[Alert] = []
    for number, event in enumerate(events, 1):
        take(watcher, event)
        if number % _DRAIN_EVERY == 0 and watcher.clock is not None:
            watcher.advance(watcher.clock)
            alerts += watcher.drain().alerts
    if watcher.clock is not None:
        watcher.advance(watcher.clock)
    alerts += watcher.drain().alerts
    return sorted(alerts, key=lambda alert: (alert.as_of, alert.series, alert.rule))


def take(watcher: Watcher, event: Event) -> None:
    """Apply one event."""
    if isinstance(event, Withdrawal):
        watcher.withdraw(event)
    else:
        watcher.observe(event)


def of_series(events: Iterable[Event], series: str) -> Iterator[Event]:
    """The events that one series hears of: its own signals, and every withdrawal."""
    return (event for event in events if isinstance(event, Withdrawal) or event.series == series)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line


def _no_record(path: Path, number: int, what: str, error: ValidationError) -> UsageError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "record"
    return UsageError(
        f"{str(path)!r}, line {number} is no {what}: `{where}`: {first['msg']}; give the file to `newstide "
        "backtest` as SCORE wrote it, or the news itself"
    )
