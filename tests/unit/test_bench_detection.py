from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import Command

from stream.bench import budget as budget_bench
from stream.bench import power as power_bench
from stream.bench import series as series_bench
from stream.bench.articles import BAD, signals_of_days
from stream.bench.budget import BUDGETS, BudgetFigures, interval, measure_budget
from stream.bench.invented import Habits, counted_bins, names_of, story_times
from stream.bench.power import WITHIN, best_possible, counted_where_it_sways, measure_power
from stream.bench.series import measure_series
from stream.events import Signal
from stream.watch.kinds import kind_of
from stream.watch.learning import History
from stream.watch.profile import Profile
from stream.watch.rules import WatchRules


@pytest.mark.usefixtures("uncounted")
def test_the_budget_is_kept_on_days_on_which_nothing_happens() -> None:
    figures = measure_budget(days=5.0, series=60, seed=3)
    assert figures.stories > 500
    assert [each.budget for each in figures.settings] == list(BUDGETS)
    for each in figures.settings:
        assert each.false_alarms_per_day * 5.0 <= each.budget_per_day * 5.0 + 1.0
        assert each.ci95[0] <= each.false_alarms_per_day <= each.ci95[1]


def test_articles_are_copied_by_others_and_are_bad_good_or_plain() -> None:
    def told() -> list[Signal]:
        dice = np.random.default_rng(1)
        return list(signals_of_days(dice, "company:A", 3.0, Profile.plain(3.0, 1.0), 14.0, 20_535, Habits()))

    signals = told()
    assert signals == told()
    times = [each.published_at for each in signals]
    assert times == sorted(times)
    stories = {each.headline for each in signals}
    assert len(signals) / len(stories) == pytest.approx(2.5, rel=0.1)
    assert len(stories) == pytest.approx(14 * 24 * 3.0 / BAD, rel=0.2)
    bad = {each.headline for each in signals if each.score < -0.5}
    good = {each.headline for each in signals if each.score > 0.5}
    assert len(bad) / len(stories) == pytest.approx(BAD, abs=0.07)
    assert len(good) / len(stories) == pytest.approx(BAD, abs=0.07)
    history = History(WatchRules())
    history.take(signals)
    counted = history.profile("p", Profile.plain(3.0, 1.0)).learned["stories"]
    # Reworded copies pass for new: 3 of 100, of one and a half for each story. All others are recognised.
    assert counted == pytest.approx(len(stories) * (1.0 + 1.5 * 0.03), rel=0.02)


@pytest.mark.usefixtures("uncounted")
def test_the_budget_is_kept_where_copies_must_be_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_bench, "_LEARNED_DAYS", 2.0)
    figures = measure_budget(days=1.0, series=10, seed=3, articles=True)
    assert figures.stories > 1_000
    assert all(each.false_alarms <= 1 for each in figures.settings)


@pytest.mark.usefixtures("uncounted")
def test_busy_series_keep_the_budget_too() -> None:
    figures = measure_budget(days=2.0, series=10, seed=3, rate=5.0)
    assert figures.stories == pytest.approx(2 * 1_440 * 5 * 10 * 1.045, rel=0.15)
    assert all(each.false_alarms <= 1 for each in figures.settings)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (20, 12.217, 30.888)]
)
def test_the_interval_of_a_rate_is_the_exact_one(count: int, low: float, high: float) -> None:
    assert interval(count, 1.0) == pytest.approx((low, high), abs=2e-3)


@pytest.mark.usefixtures("uncounted")
def test_a_busy_series_with_a_surge_of_ten_times_is_found_within_a_minute() -> None:
    figures = measure_power([30.0], cases=5, series=60, seed=1)
    assert [(row.times, row.copies) for row in figures.rows] == [
        (times, copies) for times in WITHIN for copies in (False, True)
    ]
    assert all(row.newstide == 1.0 for row in figures.rows if row.times == 10)
    assert figures.z_alarms_per_day["30"] > 60 / 7, "z >= 3 knows no budget"


@pytest.mark.parametrize(
    ("rate", "times", "best"),
    [(1.0, 3, 0.159), (2.0, 10, 0.960), (3.0, 5, 0.946), (4.0, 3, 0.980), (10.0, 3, 1.0)],
)
def test_no_test_that_keeps_the_budget_finds_more_than_the_best(rate: float, times: int, best: float) -> None:
    assert best_possible(rate, times, WITHIN[times], 500) == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("rate", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("times", WITHIN)
def test_a_rate_that_moves_leaves_less_to_find_the_farther_and_the_longer_unheard(
    rate: float, times: int
) -> None:
    def most(**how: float) -> float:
        return counted_where_it_sways(rate, times, WITHIN[times], 500, **how)

    steady = best_possible(rate, times, WITHIN[times], 500)
    assert most(sway=0.0) == pytest.approx(steady, abs=1e-6)
    assert steady >= most(unheard=0.0) >= most() >= most(unheard=20.0) > 0.0
    assert most(sway=0.05) >= most(sway=0.3)
    with pytest.raises(ValueError, match="an hour at most"):
        most(unheard=59.5)


def test_at_five_stories_a_minute_a_surge_of_three_times_is_hardly_to_be_told_from_a_move_of_the_rate() -> (
    None
):
    assert counted_where_it_sways(5.0, 3, 5.0, 500) == pytest.approx(0.822, abs=1e-3)


def test_more_series_leave_each_of_them_less_to_find() -> None:
    assert best_possible(2.0, 5, 2.0, 5_000) < best_possible(2.0, 5, 2.0, 50)


@pytest.mark.usefixtures("uncounted")
def test_five_stories_a_minute_are_enough_to_see_most_surges_of_five_times_within_two_minutes() -> None:
    figures = measure_power([5.0], cases=30, series=500, seed=1)
    found = {row.times: row.newstide for row in figures.rows if not row.copies}
    assert found[5] >= 0.75
    assert found[10] >= 0.95
    assert all(row.newstide <= row.best + 0.05 for row in figures.rows)


def test_invented_news_has_the_rate_it_says_and_comes_in_bursts() -> None:
    profile = Profile.plain(10.0, 1.0)
    even = story_times(np.random.default_rng(1), 10.0, profile, 100.0, Habits(0.0, 0.0, 0.0, 0.0))
    assert len(even) == pytest.approx(24_000, rel=0.03)
    wild = story_times(np.random.default_rng(1), 10.0, profile, 100.0, Habits(0.5, 0.3, 3.0, 0.1))
    counts = [np.bincount((times // 900).astype(int)).var() for times in (even, wild)]
    assert counts[1] > 1.5 * counts[0]
    assert sum(count for _, count in counted_bins(even, 30)) == len(even)


def test_series_are_of_all_kinds() -> None:
    kinds = [kind_of(name) for name in names_of(500)]
    assert [kinds.count(kind) for kind in ("market", "topic", "company")] == [1, 20, 479]


def test_the_cost_of_series_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_bench, "ACTIVE", 20)
    monkeypatch.setattr(series_bench, "_TIMED", 200)
    monkeypatch.setattr(series_bench, "_ROUND", 20)
    few, many = measure_series([20, 200])
    assert (few.series, few.active, many.series, many.active) == (20, 20, 200, 20)
    assert few.us_per_signal > 0.0
    assert few.us_per_signal_mean > 0.0
    assert many.restore_seconds > 0.0


def once(measure: Callable[..., Any]) -> Callable[..., Any]:
    """`measure`, which keeps what it said when it was asked the same."""
    said: dict[str, Any] = {}

    def asked(*given: Any, **options: Any) -> Any:
        key = repr((given, options))
        if key not in said:
            said[key] = measure(*given, **options)
        return said[key]

    return asked


def test_the_commands_print_their_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    newstide = Command(tmp_path, monkeypatch, capsys)
    # What is printed for people is the same measurement; making it twice would only take as long again.
    for module, name in ((budget_bench, "measure_budget"), (power_bench, "measure_power")):
        monkeypatch.setattr(module, name, once(getattr(module, name)))
    monkeypatch.setattr(budget_bench, "_LEARNED_DAYS", 7.0)
    monkeypatch.setattr(power_bench, "_QUIET_DAYS", 7.0)
    monkeypatch.setattr(power_bench, "_PAST_DAYS", 1.0)
    few = ("bench", "budget", "--days", "1", "--series", "20")
    told = newstide(*few, "--json").record()
    assert [each["budget"] for each in told["settings"]] == list(BUDGETS)
    assert set(told["settings"][0]) >= {"budget_per_day", "false_alarms_per_day", "ci95"}
    assert "1/week" in newstide(*few).out
    monkeypatch.setattr(budget_bench, "_measure_articles", lambda *_: BudgetFigures(1.0, 10, 123, ()))
    assert newstide("bench", "budget", "--articles", "--json").record()["articles"] == 123
    ran = newstide("bench", "budget", "--articles", "--rate", "2")
    assert (ran.code, "--rate means nothing beside --articles" in ran.err) == (2, True)
    surges = ("bench", "power", "--rate", "30", "--cases", "1", "--series", "20")
    assert len(newstide(*surges, "--json").record()["surges"]) == 6
    shown = newstide(*surges).out
    assert "z >= 3 is false" in shown
    assert "at most" in shown
    monkeypatch.setattr(series_bench, "_TIMED", 100)
    monkeypatch.setattr(series_bench, "_ROUND", 50)
    assert newstide("bench", "series", "--size", "50", "--json").record()["sizes"][0]["series"] == 50
    assert "us a signal" in newstide("bench", "series", "--size", "50").out
