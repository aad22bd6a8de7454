"""How fast releases are, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from models.scorer import Answer, Places, Scoring
from stream.bench.release import ReleaseSpeed, measure_speeds


class Paced:
    """A scorer that takes as many seconds for each text as its next pace says, on the clock that it holds."""

    release = "paced@1"

    def __init__(self, paces: Sequence[float], each_company: float = 0.0) -> None:
        self.now = 0.0
        self._each_company = each_company
        self._paces = iter(paces)
        self.forgotten = 0

    def forget(self) -> None:
        self.forgotten += 1

    def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> Scoring:
        self.now += next(self._paces) * len(texts) + self._each_company * sum(map(len, spans or ()))
        answer = Answer((1.0, 0.0, 0.0), ())
        return Scoring((answer,) * len(texts), self.release, tokens=10 * len(texts))


def test_of_each_window_the_best_round_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first pass only warms up; then two rounds of two windows, each disturbed once.
    scorer = Paced([9.0, 0.5, 3.0, 2.0, 0.5])
    monkeypatch.setattr("stream.bench.release.time.process_time", lambda: scorer.now)
    texts = [f"text {number}" for number in range(512)]
    assert measure_speeds([scorer], texts, rounds=2) == [ReleaseSpeed("paced@1", 2.0, 10.0)]
    assert scorer.forgotten == 2  # each round meets its words anew


class Counted:
    """Products that take a second for each token and ten for each text, the second time half of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def seconds(self, tokens: int, texts: int) -> float:
        self.asked.append((tokens, texts))
        return (tokens + 10.0 * texts) / (2 if len(self.asked) == 2 else 1)


def test_products_are_measured_beside_the_release_that_they_are_of(monkeypatch: pytest.MonkeyPatch) -> None:
    scorer, other, products = Paced([1.0] * 3), Paced([1.0] * 3), Counted()
    monkeypatch.setattr("stream.bench.release.time.process_time", lambda: scorer.now + other.now)
    texts = [f"text {number}" for number in range(100)]
    speeds = measure_speeds([scorer, other], texts, rounds=2, products=[products, None])
    assert speeds == [ReleaseSpeed("paced@1", 1.0, 10.0, 0.1), ReleaseSpeed("paced@1", 1.0, 10.0)]
    assert products.asked == [(1_000, 100)] * 2


def test_companies_cost_what_a_window_takes_longer_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    # Warming up; then in each round the window alone, and without and with its companies: the best of each counts.
    scorer = Paced([9.0, 1.0, 3.0, 1.0, 1.0, 1.0, 3.0], each_company=0.5)
    monkeypatch.setattr("stream.bench.release.time.process_time", lambda: scorer.now)
    texts = [f"text {number}" for number in range(100)]
    companies = [((0, 4),) if number < 20 else () for number in range(100)]
    (told,) = measure_speeds([scorer], texts, rounds=2, companies=companies)
    assert told.per_s == 1.0
    assert told.companies_cost == pytest.approx(0.1)
    assert scorer.forgotten == 6
