"""Recorded news through SCORE without a broker: what WATCH would be told of it, in the order of its times."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial
from itertools import islice
from pathlib import Path

from prometheus_client import CollectorRegistry

from models.scorer import Scorer
from models.slot import ModelSlot
from stream.bus import Outcome, Outgoing, Record
from stream.errors import UsageError
from stream.events import Signal, Withdrawal
from stream.metrics import Metrics
from stream.parts import tagger_of
from stream.score.pipeline import ScorePipeline
from stream.serving import by_language, open_serving
from stream.settings import Settings
from stream.sources.files import Format, NewsRow, read_news
from stream.topics import RAW, SIGNALS

_CHUNK = 256
_CONTROL = b"control"


def recorded_signals(
    settings: Settings,
    files: Sequence[Path],
    *,
    source: str | None = None,
    timezone: tzinfo | None = None,
    format: Format | None = None,  # noqa: A002  (what the flag is called)
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Signal | Withdrawal]:
    """Score the news in `files` as SCORE does live, by the order of their times; what can't be read is left out.

    Args:
        settings: which releases, and which companies.
        files: recorded news.
        source: the publisher of CSV rows that name none.
        timezone: the zone of times that name none.
        format: of the files; None goes by their names.
        say: is told of what was left out.

    Raises:
        UsageError: if a file can't be read at all, or none of it has a time; names it.
        ModelError: if a release can't be used.
    """
    rows = [row for file in files for row in _timed(file, source, timezone, format, say)]
    rows.sort(key=lambda row: (row.published_at or datetime.min.replace(tzinfo=UTC), row.key or b""))
    serving = open_serving(settings)
    slots = {language: partial(_current, slot) for language, slot in by_language(serving).items()}
    pipeline = ScorePipeline(
        model=partial(_current, serving[0].slot),
        by_language=slots,
        tagger=tagger_of(settings),
        metrics=Metrics(CollectorRegistry()),
    )
    try:
        rest = iter(rows)
        while chunk := list(islice(rest, _CHUNK)):
            for out in _answered(pipeline, chunk):
                if out.topic == SIGNALS.name and out.value is not None:
                    kind = Withdrawal if out.key == _CONTROL else Signal
                    yield kind.model_validate_json(out.value)
    finally:
        pipeline.close()


def _timed(
    file: Path,
    source: str | None,
    timezone: tzinfo | None,
    written_in: Format | None,
    say: Callable[[str], None],
) -> list[NewsRow]:
    """The rows of `file` that have a time."""
    read = list(read_news(file, written_in, source=source, timezone=timezone))
    timed = [row for row in read if isinstance(row, NewsRow) and row.published_at is not None]
    if read and not timed:
        raise UsageError(
            f"{file}: none of its {len(read)} rows can be read and has a time: give records with"
            " published_at, such as 2026-03-02T14:30:00Z"
        )
    if len(timed) < len(read):
        say(
            f"{file}: left out {len(read) - len(timed)} of {len(read)} rows, which have no time or can't be read"
        )
    return timed


def _answered(pipeline: ScorePipeline, rows: Sequence[NewsRow]) -> Sequence[Outgoing]:
    """What SCORE writes of these records. Each is received when it was published, so a replay says the same."""
    records = [
        Record(RAW.name, 0, number, row.published_at or datetime.now(UTC), row.key, row.value)
        for number, row in enumerate(rows)
    ]
    outcome: Outcome = asyncio.run(pipeline.process({0: records}))
    if outcome.finish is not None:
        outcome.finish()
    return outcome.outgoing[0]


def _current(slot: ModelSlot) -> Scorer:
    return slot.current
