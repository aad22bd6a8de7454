"""What many series cost: bytes for each, time for a signal, and seconds to restore them.

A signal costs more where its series has much to remember and where an alert is open. So that sizes can be
compared, each signal that is timed finds the same: a series at random, with one story, some hours ago. Signals are
timed by the thousand, the sizes in turn, and the median says what one takes: other work on the machine slows some.
The mean has everything in it, also what Python takes to collect its garbage.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean, median

import numpy as np

from stream.bench.articles import invented_signal
from stream.bench.invented import MONDAY
from stream.events import Sentiment, Signal
from stream.watch.rules import WatchRules
from stream.watch.times import time_of
from stream.watch.watcher import Watcher

ACTIVE = 100_000
_TIMED = 20_000
_ROUND = 1_000
_AT_ONCE = 500
"""How many signals are drained together, as a poll would."""
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
    us_per_signal_mean: float
    restore_seconds: float


@dataclass(slots=True)
class _Held:
    """So many series in memory, what they cost there, and what signals to them took so far."""

    size: int
    active: int
    watcher: Watcher
    bytes_in_all: float
    bytes_active: float
    state: dict[str, bytes]
    unspoken: list[int] = field(default_factory=list)
    took: list[float] = field(default_factory=list)


def measure_series(sizes: Sequence[int], say: Callable[[str], None] = lambda _: None) -> list[Size]:
    """Hold so many series at a time, and measure. Times are of the processor, not of the clock on the wall."""
    dice = np.random.default_rng(1)
    asleep = _silent_core(dice)
    held = [_hold(size, asleep, dice, say) for size in sizes]
    say("timing signals, a thousand to each in turn")
    gc.freeze()  # as serving does with what it restored
    try:
        for _ in range(_TIMED // _ROUND):
            for each in held:
                each.took.append(_time_round(each, asleep, dice))
    finally:
        gc.unfreeze()
    return [_figures(each, asleep) for each in held]


def _hold(size: int, asleep: bytes, dice: np.random.Generator, say: Callable[[str], None]) -> _Held:
    active = min(size, ACTIVE)
    say(f"{size} series, {active} of them active")
    before = _held()
    watcher = _asleep(size - active, active, asleep)
    silent = _held()
    state = _wake(watcher, active, dice)
    held = _held() - sum(len(key) + len(value) for key, value in state.items())
    return _Held(size, active, watcher, max(0.0, held - before), max(0.0, held - silent), state)


def _figures(held: _Held, asleep: bytes) -> Size:
    return Size(
        held.size,
        held.active,
        held.bytes_in_all / held.size,
        held.bytes_active / held.active,
        1e6 * median(held.took),
        1e6 * fmean(held.took),
        _restored(held.size, held.active, asleep, held.state),
    )


def _asleep(silent: int, first: int, core: bytes) -> Watcher:
    """A watcher that holds so many silent series, numbered from `first` on."""
    watcher = Watcher(WatchRules())
    for number in range(first, first + silent):
        watcher.restore(f"company:S{number}", core)
    watcher.settle()
    return watcher


def _wake(watcher: Watcher, active: int, dice: np.random.Generator) -> dict[str, bytes]:
    """Give each active series its story; the state that is saved."""
    state: dict[str, bytes] = {}
    for number, signal in enumerate(_signals(range(active), _START + _DAY, dice)):
        watcher.observe(signal)
        if number % _AT_ONCE == 0:
            _keep(watcher, state)
    _keep(watcher, state)
    return state


def _time_round(held: _Held, asleep: bytes, dice: np.random.Generator) -> float:
    """Seconds for a signal to a series at random, none of which had one before."""
    wanted = min(_ROUND, held.active)
    if len(held.unspoken) < wanted:
        if held.took:
            held.watcher = _asleep(held.size - held.active, held.active, asleep)
            _wake(held.watcher, held.active, dice)
        held.unspoken = dice.permutation(held.active).tolist()
    numbers, held.unspoken = held.unspoken[:wanted], held.unspoken[wanted:]
    signals = list(_signals(numbers, _START + 1.1 * _DAY, dice))
    began = time.process_time()
    for number, signal in enumerate(signals, 1):
        held.watcher.observe(signal)
        if number % _AT_ONCE == 0:
            held.watcher.drain()
    held.watcher.drain()
    return (time.process_time() - began) / len(signals)


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
        yield invented_signal(
            f"company:S{number}",
            f"n{start}{place}",
            start + timedelta(milliseconds=place),
            source="wire",
            fingerprint=dice.bytes(_PRINT),
            mood=mood,
            headline=f"company {number} has news of no great length, number {place}",
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
