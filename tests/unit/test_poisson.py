from __future__ import annotations

import pytest

from stream.backtest.poisson import poisson_interval


@pytest.mark.parametrize(
    ("events", "low", "high"),
    [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904), (100, 81.3640, 121.6268)],
)
def test_the_exact_interval_is_that_of_the_tables(events: int, low: float, high: float) -> None:
    assert list(poisson_interval(events)) == pytest.approx([low, high], abs=2e-4)


def test_less_confidence_gives_a_narrower_interval() -> None:
    low, high = poisson_interval(7)
    narrow_low, narrow_high = poisson_interval(7, 0.5)
    assert low < narrow_low < 7 < narrow_high < high
