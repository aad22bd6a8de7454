"""NAB's plainest detector, to hold our scoring against what NAB publishes of it, and ours against a plain one.

Counts are taken as drawn from a normal distribution, whose mean and deviation are those of the last 6,400 rows;
the window moves on by a hundred rows at a time. A row is an alarm where a count as far from the mean has a chance
that a double can't tell from none, 1 - p being 1: some eight deviations.

Source: Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms - the Numenta Anomaly Benchmark", 2015,
and the settings by which NAB publishes scores of its `windowedGaussian`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, sqrt

ROWS, STEP = 6400, 100
_ROOT_OF_TWO = 1.4142
"""As NAB's detector has it, to four digits."""
_LEAST = 1e-6


def gaussian_alarms(counts: Sequence[float]) -> list[int]:
    """The rows of `counts` that are alarms, by index."""
    found = []
    mean = deviation = 0.0
    total = squares = 0.0
    first = 0
    for row, count in enumerate(counts):
        if row and 1.0 - 0.5 * erfc(abs(count - mean) / deviation / _ROOT_OF_TWO) >= 1.0:
            found.append(row)
        if row < ROWS:
            total, squares, seen = total + count, squares + count * count, row + 1
        elif (row + 1 - ROWS) % STEP == 0:
            first += STEP
            window = counts[first : first + ROWS]
            total, squares, seen = sum(window), sum(each * each for each in window), ROWS
        else:
            continue
        mean = total / seen
        deviation = sqrt(max(squares / seen - mean * mean, 0.0)) or _LEAST
    return found
