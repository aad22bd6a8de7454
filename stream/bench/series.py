"""What many series cost: bytes for each, time for a signal, and seconds to restore them."""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from stream.bench.invented import MONDAY
from stream.events import Sentiment, Signal
from stream.watch.rules import WatchRules
from stream.watch.times import time_of
from stream.watch.watcher import Watcher

ACTIVE = 100_000
_WARMED, _TIMED = 5_000, 20_000
_STATM = Path("/proc/self/statm")
_START = time_of(MONDAY * 86_400 * 1_000_000)
_DAY = timedelta(days=1)
_PRINT = 63


@dataclass(frozen=True, slots=True)
class Size:
    """So many series, of which `active` had news within the day."""

    series: int
    active: int
    bytes_per_series: float
    bytes_per_active: float
    us_per_signal: float
    restore_seconds: float


def measure_series(sizes: Sequence[int], say: Callable[[str], None] = lambda _: None) -> list[Size]:
    """Hold so many series at a time, and measure. Times are of the processor, not of the clock on the wall."""
    dice = np.random.default_rng(1)
    asleep = _silent_core(dice)
    return [_measure(size, asleep, dice, say) for size in sizes]


def _measure(size: int, asleep: bytes, dice: np.random.Generator, say: Callable[[str], None]) -> Size:
    active = min(size, ACTIVE)
    say(f"{size} series, {active} of them active")
    gc.collect()
    before = _held()
    watcher = Watcher(WatchRules())
    for number in range(active, size):
        watcher.restore(f"company:S{number}", asleep)
    watcher.settle()
    silent = _held()
    state: dict[str, bytes] = {}
    for number, signal in enumerate(_signals(range(active), _START + _DAY, dice)):
        watcher.observe(signal)
        if number % _WARMED == 0:
            _keep(watcher, state)
    _keep(watcher, state)
    held = _held() - sum(len(key) + len(value) for key, value in state.items())
    per_signal = _per_signal(watcher, active, dice)
    del watcher
    return Size(
        size,
        active,
        max(0.0, held - before) / size,
        max(0.0, held - silent) / active,
        per_signal,
        _restored(size, active, asleep, state),
    )


def _per_signal(watcher: Watcher, active: int, dice: np.random.Generator) -> float:
    """Microseconds for a signal to one of the active series, taken at random, its state drained with it."""
    rest = _signals(dice.integers(active, size=_WARMED + _TIMED).tolist(), _START + 1.1 * _DAY, dice)
    signals = list(rest)
    for signal in signals[:_WARMED]:
        watcher.observe(signal)
    watcher.drain()
    began = time.process_time()
    for number, signal in enumerate(signals[_WARMED:]):
        watcher.observe(signal)
        if number % 500 == 0:
            watcher.drain()
    watcher.drain()
    return 1e6 * (time.process_time() - began) / _TIMED


def _restored(size: int, active: int, asleep: bytes, state: dict[str, bytes]) -> float:
    began = time.process_time()
    watcher = Watcher(WatchRules())
    for number in range(active, size):
        watcher.restore(f"company:S{number}", asleep)
    for key, value in state.items():
        watcher.restore(key, value)
    watcher.settle()
    return time.process_time() - began


def _silent_core(dice: np.random.Generator) -> bytes:
    """The saved record of a series that had news for a day and then fell silent."""
    watcher = Watcher(WatchRules())
    for hour in range(6):
        for signal in _signals([0], _START + timedelta(hours=hour), dice):
            watcher.observe(signal)
    watcher.advance(_START + 3 * _DAY)
    return next(value for key, value in watcher.drain().state if key == "company:S0" and value is not None)


def _signals(numbers: Sequence[int], start: datetime, dice: np.random.Generator) -> Iterator[Signal]:
    mood = Sentiment(negative=0.8, neutral=0.15, positive=0.05)
    for place, number in enumerate(numbers):
        yield Signal.model_construct(
            series=f"company:S{number}",
            news_id=f"n{start}{place}",
            published_at=start + timedelta(milliseconds=place),
            source="wire",
            status="normal",
            revises=None,
            weight=1.0,
            fingerprint=dice.bytes(_PRINT).hex() + "02",
            sentiment=mood,
            score=-0.75,
            headline=f"company {number} has news of no great length, number {place}",
            url=None,
            model="invented@1",
            companies=(),
            topics=(),
        )


def _keep(watcher: Watcher, state: dict[str, bytes]) -> None:
    state |= {key: value for key, value in watcher.drain().state if value is not None}


def _held() -> float:
    """Bytes that this process holds; where the system does not tell, the most it ever held."""
    gc.collect()
    if _STATM.exists():
        return float(_STATM.read_text().split()[1]) * resource.getpagesize()
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (
        1 if sys.platform == "darwin" else 1024
    )
