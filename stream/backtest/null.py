"""A span in which nothing is unusual, made from one that is real: what the rules raise on it is false.

News: stories keep their copies, their companies and their words, and are dealt anew. How many begin in an hour
is drawn from the real hours of the same hour of the week, with what stands out cut; which ones, from all that
began at that hour of the day, at their own minute, each by itself. So the week keeps its shape, a busy market
stays busy, a much-copied story much copied, but no cause brings several stories of one company together.

Counts: each hour is a real one of the same hour of the week, its buckets in their order, with what stands out cut.

Source: the block bootstrap (Künsch 1989, Annals of Statistics 17:1217), with hours of the week for its blocks as
the seasonal block bootstrap has them (Politis 2001).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from statistics import fmean, pstdev, quantiles

from stream.backtest.news import Event
from stream.backtest.tables import CountTable
from stream.events import MARKET, Signal
from stream.watch.rules import WatchRules
from stream.watch.watcher import Watcher

_HOUR = timedelta(hours=1)
_LEAST_HOURS, _LEAST_POOL = 4, 14
_SIGMAS = 3.0
_FENCE = 3.0
_QUARTILES = 4

Keys = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Story:
    """A story with all its articles: those of all series, and when it began."""

    at: datetime
    signals: tuple[Signal, ...]


def null_news(
    events: Sequence[Event], rules: WatchRules, *, days: int, seed: int, times: int = 1
) -> tuple[Signal, ...]:
    """`days` of news in which nothing is unusual; the same for the same seed.

    Withdrawals are left out, and a correction stays one only where the story it corrects is dealt with it. For a
    feed that is `times` as busy as the recorded one, each hour is dealt so many times over.
    """
    dice = Random(seed)  # noqa: S311 - a simulation, no secret
    stories = _stories(events, rules)
    if not stories:
        return ()
    began = _cells(story.at for story in stories)
    sizes = _sizes(began)
    pools = _pools(stories)
    start = _hour(stories[0].at)
    dealt: list[Signal] = []
    number = 0
    for hour in range(24 * days):
        at = start + hour * _HOUR
        pool = pools.get(at.hour) or stories
        sizes_here = _first(sizes, at)
        for _ in range(sum(dice.choice(sizes_here) for _ in range(times))):
            story = dice.choice(pool)
            dealt += _anew(story, at + (story.at - _hour(story.at)), number, dice)
            number += 1
    return tuple(sorted(dealt, key=lambda signal: signal.published_at))


def null_counts(table: CountTable, *, days: int, seed: int) -> CountTable:
    """`days` of counts in which nothing is unusual; the same for the same seed."""
    dice = Random(f"{seed}/{table.name}")  # noqa: S311 - a simulation, no secret
    hours: dict[datetime, list[float]] = {}
    for at, count in table.rows:
        hours.setdefault(_hour(at), []).append(count)
    cells: dict[Keys, list[list[float]]] = {}
    for at, counts in hours.items():
        for key in _keys(at):
            cells.setdefault(key, []).append(counts)
    fences = {key: _fence([count for block in blocks for count in block]) for key, blocks in cells.items()}
    first = min(hours)
    buckets = max(1, _HOUR // table.bucket)
    rows: list[tuple[datetime, float]] = []
    for hour in range(24 * days):
        at = first + hour * _HOUR
        key = next(key for key in _keys(at) if len(cells.get(key, ())) >= _LEAST_HOURS or key == ())
        block = dice.choice(cells[key])
        rows += [
            (at + place * table.bucket, min(block[place % len(block)], fences[key]))
            for place in range(buckets)
        ]
    return CountTable(table.name, tuple(rows), table.bucket)


def _stories(events: Sequence[Event], rules: WatchRules) -> list[_Story]:
    """The stories in the order in which they began, as the market's novelty tells them apart."""
    watcher = Watcher(rules)
    of_article: dict[str, list[Signal]] = {}
    story_of: dict[str, str] = {}
    for event in events:
        if not isinstance(event, Signal):
            continue
        of_article.setdefault(event.news_id, []).append(event)
        if event.series == MARKET:
            watcher.observe(event)
            told = watcher.drain().stories
            story_of[event.news_id] = told[0].story_id if told else event.news_id
    members: dict[str, list[Signal]] = {}
    for article, signals in of_article.items():
        members.setdefault(story_of.get(article, article), []).extend(signals)
    stories = [_Story(min(s.published_at for s in signals), tuple(signals)) for signals in members.values()]
    return sorted(stories, key=lambda story: story.at)


def _anew(story: _Story, at: datetime, number: int, dice: Random) -> Iterator[Signal]:
    """The story told again at another time, as a story of its own: with other ids and another fingerprint."""
    by, mask = at - story.at, dice.randbytes(len(bytes.fromhex(story.signals[0].fingerprint)))
    ids = {
        name: f"null-{number}-{n}" for n, name in enumerate(dict.fromkeys(s.news_id for s in story.signals))
    }
    for signal in story.signals:
        revises = ids.get(signal.revises or "")
        # What two prints have in common they keep under one mask, so copies of this telling stay copies of it.
        yield signal.model_copy(
            update={
                "news_id": ids[signal.news_id],
                "published_at": signal.published_at + by,
                "revises": revises,
                "status": signal.status if revises else "normal",
                "fingerprint": bytes(
                    a ^ b for a, b in zip(bytes.fromhex(signal.fingerprint), mask, strict=True)
                ).hex(),
            }
        )


def _cells(times: Iterator[datetime] | Sequence[datetime]) -> dict[datetime, int]:
    """How many stories began in each hour from the first to the last."""
    counted: dict[datetime, int] = {}
    for time in times:
        counted[_hour(time)] = counted.get(_hour(time), 0) + 1
    first, last = min(counted), max(counted)
    return {first + n * _HOUR: counted.get(first + n * _HOUR, 0) for n in range((last - first) // _HOUR + 1)}


def _sizes(began: dict[datetime, int]) -> dict[Keys, list[int]]:
    """The sizes of the hours of each cell, what stands out by three standard deviations cut to that."""
    cells: dict[Keys, list[int]] = {}
    for at, count in began.items():
        for key in _keys(at):
            cells.setdefault(key, []).append(count)
    return {key: _cut(sizes) for key, sizes in cells.items()}


def _cut(sizes: list[int]) -> list[int]:
    most = round(fmean(sizes) + _SIGMAS * pstdev(sizes))
    return [min(size, most) for size in sizes]


def _pools(stories: Sequence[_Story]) -> dict[int, list[_Story]]:
    """What began at each hour of the day, where there are enough days to deal from."""
    pools: dict[int, list[_Story]] = {}
    for story in stories:
        pools.setdefault(story.at.hour, []).append(story)
    days = (stories[-1].at - stories[0].at) / timedelta(days=1)
    return pools if days >= _LEAST_POOL else {}


def _first(sizes: dict[Keys, list[int]], at: datetime) -> list[int]:
    """The sizes of the narrowest cell that has enough hours."""
    return next(sizes[key] for key in _keys(at) if len(sizes.get(key, ())) >= _LEAST_HOURS or key == ())


def _keys(at: datetime) -> tuple[Keys, ...]:
    """The cells of an hour, from the narrowest: hour of the week, of a work day or not, of the day, any."""
    weekend = at.weekday() >= 5  # noqa: PLR2004 - Saturday
    return (at.weekday(), at.hour), (weekend, at.hour, "kind of day"), (at.hour,), ()


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _fence(counts: Sequence[float]) -> float:
    """Tukey's outer fence: beyond it a count stands far out."""
    if len(counts) < _QUARTILES:
        return max(counts)
    low, _, high = quantiles(counts, n=_QUARTILES)
    return high + _FENCE * max(high - low, 1.0)
