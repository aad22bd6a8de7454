"""Replays recorded news by its own times, at a chosen speed."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from stream.errors import UsageError
from stream.sources.files import BadRow, NewsRow

MAX = math.inf
"""The speed that waits for nothing."""

ORDERED_FROM = 600.0
"""From this speed on a replay keeps to one partition. SCORE answers the partitions of one poll side by side, and a
poll is half a second of the world at most times: of faster news it holds more minutes than WATCH bears in disorder
(`watch.grace_minutes`), and of a file of sparse years weeks."""

MOST_LOADED = 1024 * 1024 * 1024
"""Bytes of news that are held in memory to be sorted, unless told otherwise."""

_SPEED = re.compile(r"(\d+(?:\.\d+)?)x?", re.IGNORECASE)
_SLOWEST, _FASTEST = 0.01, 1_000_000.0
_ROW_OVERHEAD = 400
_BAD_KEPT = 100
_TOGETHER_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Moment:
    """One row, and when it is due, as news counts time."""

    at: datetime
    row: NewsRow


@dataclass(frozen=True, slots=True)
class Recording:
    """News in the order of its times, and what of the file could not be read.

    `bad_count` counts the rows that were not read; `bad` keeps the first hundred of them.
    """

    moments: tuple[Moment, ...]
    bad: tuple[BadRow, ...] = ()
    bad_count: int = 0

    @property
    def lasts(self) -> timedelta:
        """From the first row to the last."""
        return self.moments[-1].at - self.moments[0].at if self.moments else timedelta()


def parse_speed(text: str) -> float:
    """What `60x`, `1.5x` or `max` means: seconds of news for each second; `MAX` for `max`.

    Raises:
        UsageError: if it means nothing, or lies outside 0.01x to 1000000x.
    """
    if text.strip().lower() == "max":
        return MAX
    found = _SPEED.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"--speed is {text!r}: give a factor such as 1x or 60x, or max")
    speed = float(found[1])
    if not _SLOWEST <= speed <= _FASTEST:
        raise UsageError(f"--speed is {text!r}: give a factor from {_SLOWEST:g}x to {_FASTEST:.0f}x, or max")
    return speed


def load_recording(
    rows: Iterable[NewsRow | BadRow],
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
    most_bytes: int = MOST_LOADED,
) -> Recording:
    """All of `rows`, sorted by their times; those of one time stay in the order of the file.

    A row without a time that can be read, such as a record broken on purpose, goes with the row before it. The
    whole recording is held in memory, which takes about 400 bytes a row more than the file.

    Args:
        rows: as `read_news` gives them.
        start: the earliest time to keep, aware.
        end: keep what is earlier than this, aware.
        limit: keep so many rows, the earliest.
        most_bytes: how much may be held.

    Raises:
        UsageError: if `start` is not before `end`, `limit` is under 1, there is more than `most_bytes`, or
            nothing is left to replay.
    """
    if start is not None and end is not None and start >= end:
        raise UsageError(f"--from {start.isoformat()} is not before --to {end.isoformat()}: swap them")
    if limit is not None and limit < 1:
        raise UsageError(f"--limit is {limit}: give 1 or more")
    good: list[NewsRow] = []
    bad: list[BadRow] = []
    size, bad_count = 0, 0
    for row in rows:
        if isinstance(row, BadRow):
            bad_count += 1
            bad += [row] if len(bad) < _BAD_KEPT else []
            continue
        size += len(row.value) + _ROW_OVERHEAD
        if size > most_bytes:
            raise UsageError(
                f"the file holds more than {most_bytes} bytes of news up to line {row.line}, and all of it "
                "must fit into memory to be sorted: split it by time"
            )
        good.append(row)
    moments = sorted(_timed(good), key=lambda moment: moment.at)
    kept = [m for m in moments if (start is None or m.at >= start) and (end is None or m.at < end)][:limit]
    if not kept:
        raise UsageError(
            f"none of the {len(moments)} rows lies between --from and --to: they go from "
            f"{moments[0].at.isoformat()} to {moments[-1].at.isoformat()}"
        )
    return Recording(tuple(kept), tuple(bad), bad_count)


def shift_to_now(recording: Recording, now: datetime, speed: float) -> Recording:
    """`recording` with its times moved as a whole, so that live dashboards and windows show it.

    The distances between articles stay as they are. The last one gets the time at which it will be sent when the
    replay starts at `now`; the others, at any speed above 1x, lie further in the past than when they are sent,
    never in the future. Below 1x it is the first one that gets the time of its sending. Rows whose time can't
    be read keep their bytes, and ids stay the same: replayed twice, an article is the same article.

    Args:
        recording: what to move; it has at least one row.
        now: when the replay will start, aware.
        speed: what it will be replayed at.
    """
    first = recording.moments[0].at
    behind = max(timedelta(), recording.lasts * (1.0 - 1.0 / speed))
    by = now - behind - first
    return replace(recording, moments=tuple(_moved(moment, by) for moment in recording.moments))


async def replay(
    recording: Recording,
    speed: float,
    *,
    batch_rows: int = 500,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[tuple[NewsRow, ...]]:
    """The rows, in batches, each when it is due; rows due within 10 ms of each other come together.

    Where the reader of the batches is slower than the news, what is due comes in fuller batches: the replay
    doesn't drift, and nothing is left out.

    Args:
        recording: what to replay.
        speed: seconds of news for each second, or `MAX`.
        batch_rows: the most rows in a batch.
        monotonic: seconds on a clock that never goes back.
        sleep: waits so many seconds.
    """
    moments = recording.moments
    began, sent = monotonic(), 0
    while sent < len(moments):
        wait = _due(moments, sent, speed) - (monotonic() - began)
        if wait > _TOGETHER_SECONDS:
            await sleep(wait)
            continue
        passed = monotonic() - began + _TOGETHER_SECONDS
        end = sent + 1
        while end < min(len(moments), sent + batch_rows) and _due(moments, end, speed) <= passed:
            end += 1
        yield tuple(moment.row for moment in moments[sent:end])
        sent = end


def _due(moments: Sequence[Moment], index: int, speed: float) -> float:
    """Seconds after the start at which `moments[index]` is due."""
    return (moments[index].at - moments[0].at).total_seconds() / speed


def _timed(rows: Sequence[NewsRow]) -> list[Moment]:
    """Each row with its time, or that of the row before it; the first ones with that of the first that has one.

    Raises:
        UsageError: if none has a time.
    """
    latest = next((row.published_at for row in rows if row.published_at is not None), None)
    if latest is None:
        raise UsageError(
            f"none of the {len(rows)} rows has a `published_at` to go by: send them with `newstide send`"
        )
    moments: list[Moment] = []
    for row in rows:
        latest = row.published_at or latest
        moments.append(Moment(latest, row))
    return moments


def _moved(moment: Moment, by: timedelta) -> Moment:
    row = moment.row
    if row.published_at is None:
        return Moment(moment.at + by, row)
    record = json.loads(row.value.removeprefix(b"\xef\xbb\xbf"))
    record["published_at"] = (row.published_at + by).isoformat()
    value = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return Moment(moment.at + by, replace(row, value=value, published_at=row.published_at + by))
