"""Scores alarms as the Numenta Anomaly Benchmark does, with its standard profile.

An alarm inside a labelled window earns the more the earlier it comes, by a sigmoid over the window; only the
best of a window counts. A window without one costs 1. An alarm outside costs up to 0.11, less where a window has
just ended. What falls into the probationary rows at the beginning of a file counts for nothing.

Source: Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms - the Numenta Anomaly Benchmark",
2015, and the definitions of NAB's published scorer, by which the positions are counted. Held against two
detectors whose scores NAB publishes (see `tests/unit/test_nab.py` for what is known without data).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp

MISSED = -1.0
FALSE_ALARM = 0.11
_PROBATION_SHARE, _PROBATION_MOST = 0.15, 750
_FAR = 3.0
_STEEPNESS = 5.0


@dataclass(frozen=True, slots=True)
class Window:
    """A labelled span of time, both ends within it."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class NabScore:
    """The score of one file, or of several together.

    Attributes:
        raw: NAB's score: at most 1 a window.
        windows: labelled windows that lie behind the probationary rows.
        tp: windows in which there was an alarm.
        fp: alarms outside all windows.
        fn: windows without an alarm.
    """

    raw: float
    windows: int
    tp: int
    fp: int
    fn: int

    @property
    def score(self) -> float | None:
        """From 0 (no alarm) to 100 (each window found at its first row, nothing else); None without a window."""
        return 100.0 * (self.raw + self.windows) / (2.0 * self.windows) if self.windows else None

    def __add__(self, other: NabScore) -> NabScore:
        return NabScore(
            self.raw + other.raw,
            self.windows + other.windows,
            self.tp + other.tp,
            self.fp + other.fp,
            self.fn + other.fn,
        )


def probation(rows: int) -> int:
    """How many of the first `rows` are not scored: 15 %, at most 750."""
    return min(int(_PROBATION_SHARE * rows), _PROBATION_MOST)


def position_score(position: float) -> float:
    """What an alarm is worth at a position relative to a window: -1 is its first row, 0 the row behind its last.

    From just under 1 over 0 to -1, which is reached three windows' widths behind the end.
    """
    return -1.0 if position >= _FAR else 2.0 / (1.0 + exp(_STEEPNESS * position)) - 1.0


def score_alarms(times: Sequence[datetime], alarms: Iterable[int], windows: Sequence[Window]) -> NabScore:
    """The score of one file.

    Args:
        times: of its rows, ascending.
        alarms: the rows with an alarm, by index; each counts, so an excursion should alarm once.
        windows: the labelled spans, which don't overlap.
    """
    first = probation(len(times))
    spans = [(bisect_left(times, each.start), bisect_right(times, each.end) - 1) for each in windows]
    spans = sorted((begin, end) for begin, end in spans if begin <= end and end >= first)
    best: dict[tuple[int, int], float] = {}
    lost, false_alarms = 0.0, 0
    for row in sorted(set(alarms)):
        if row < first:
            continue
        inside = next((span for span in spans if span[0] <= row <= span[1]), None)
        if inside is None:
            false_alarms += 1
            lost += FALSE_ALARM * position_score(_past(row, spans))
        else:
            best[inside] = max(best.get(inside, MISSED), _earliness(row, *inside))
    missed = len(spans) - len(best)
    return NabScore(sum(best.values()) + MISSED * missed + lost, len(spans), len(best), false_alarms, missed)


def _earliness(row: int, begin: int, end: int) -> float:
    """1 at the first row of a window, falling to near 0 at its last."""
    return position_score(-(end - row + 1) / (end - begin + 1)) / position_score(-1.0)


def _past(row: int, spans: Sequence[tuple[int, int]]) -> float:
    """How far behind the last window before it a row lies, in widths of that window."""
    ended = [span for span in spans if span[1] < row]
    if not ended:
        return _FAR
    begin, end = ended[-1]
    return (row - end) / (end - begin) if end > begin else _FAR
