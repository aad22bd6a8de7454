"""NAB's scoring, held against what its paper says of it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import Command

from stream.backtest.nab import NabScore, Window, position_score, probation, score_alarms
from stream.bench.gaussian import ROWS, STEP, gaussian_alarms

START = datetime(2015, 2, 26, 21, 42, 53, tzinfo=UTC)
TIMES = [START + timedelta(minutes=5 * row) for row in range(6_000)]
ONE = [Window(TIMES[2_000], TIMES[2_399])]


def score(*alarms: int, windows: list[Window] = ONE) -> NabScore:
    return score_alarms(TIMES, alarms, windows)


def test_a_detector_that_never_alarms_scores_minus_one_for_each_window_and_0_of_100() -> None:
    windows = [Window(TIMES[row], TIMES[row + 99]) for row in (1_000, 2_000, 3_000)]
    silent = score(windows=windows)
    assert (silent.raw, silent.tp, silent.fp, silent.fn, silent.score) == (-3.0, 0, 0, 3, 0.0)


def test_a_detector_that_alarms_at_the_first_row_of_each_window_scores_100() -> None:
    windows = [Window(TIMES[row], TIMES[row + 99]) for row in (1_000, 2_000, 3_000)]
    perfect = score(1_000, 2_000, 3_000, windows=windows)
    assert perfect.raw == pytest.approx(3.0)
    assert perfect.score == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("position", "worth"),
    [(-1.0, 0.98661), (-0.5, 0.84828), (0.0, 0.0), (1.0, -0.98661), (3.0, -1.0), (9.0, -1.0)],
)
def test_the_sigmoid_has_the_values_that_the_paper_gives(position: float, worth: float) -> None:
    assert position_score(position) == pytest.approx(worth, abs=1e-5)


def test_an_alarm_in_the_middle_of_a_window_is_worth_less_than_one_at_its_beginning() -> None:
    assert score(2_200).raw == pytest.approx(0.84828 / 0.98661, abs=1e-5)
    assert 0.0 < score(2_399).raw < 0.01


def test_of_several_alarms_in_a_window_only_the_best_counts() -> None:
    assert score(2_200, 2_201, 2_300) == score(2_200)


def test_an_alarm_far_from_any_window_costs_0_11() -> None:
    assert score(2_000, 1_000).raw == pytest.approx(1.0 - 0.11)
    assert score(2_000, 5_900).raw == pytest.approx(1.0 - 0.11)


def test_an_alarm_just_behind_a_window_costs_little_and_more_with_every_row() -> None:
    costs = [1.0 - score(2_000, row).raw for row in (2_400, 2_450, 2_600, 2_798, 3_700)]
    assert costs == sorted(costs)
    assert costs[0] < 0.002
    assert costs[3] == pytest.approx(0.11 * 0.98661, abs=1e-5)


def test_each_row_alarms_for_itself_but_never_twice() -> None:
    assert score(1_000, 1_001, 1_001).fp == 2


def test_the_first_rows_are_not_scored_15_percent_and_at_most_750() -> None:
    assert (probation(1_000), probation(4_999), probation(5_000), probation(16_000)) == (150, 749, 750, 750)
    assert score(0, 749, 2_000).raw == pytest.approx(1.0)
    assert score(750, 2_000).fp == 1


def test_a_window_within_the_probation_is_not_there_and_one_across_its_end_counts_by_what_is_left() -> None:
    windows = [Window(TIMES[100], TIMES[700]), Window(TIMES[740], TIMES[839])]
    assert score(200, 745, windows=windows) == NabScore(-1.0, 1, 0, 0, 1)
    assert score(750, windows=windows).tp == 1


def test_windows_that_lie_outside_the_rows_are_not_there() -> None:
    before = START - timedelta(days=9)
    assert score(windows=[Window(before, before + timedelta(hours=1))]).windows == 0


def test_a_window_of_one_row_is_found_there_and_leaves_no_grace_behind_it() -> None:
    single = [Window(TIMES[2_000], TIMES[2_000])]
    assert score(2_000, windows=single).raw == pytest.approx(1.0)
    assert score(2_000, 2_001, windows=single).raw == pytest.approx(0.89)


def test_without_windows_there_is_no_score_of_100() -> None:
    assert score(1_000, windows=[]).score is None


def test_files_add_up() -> None:
    whole = score(2_000) + score(1_000)
    assert (whole.windows, whole.tp, whole.fp, whole.fn) == (2, 1, 1, 1)
    assert whole.score == pytest.approx(100 * (1.0 - 1.11 + 2) / 4)


def write_series(folder: Path, name: str, *, labelled: bool = True) -> None:
    rows = [
        f"{at:%Y-%m-%d %H:%M:%S},{3000 if 3_000 <= row < 3_012 else 20 + row % 7}"
        for row, at in enumerate(TIMES)
    ]
    path = folder / f"{name}.csv"
    path.write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    if labelled:
        window = f'{{"start": "{TIMES[2_900]:%Y-%m-%d %H:%M:%S.%f}", "end": "{TIMES[3_100]:%Y-%m-%d %H:%M:%S.%f}"}}\n'
        path.with_name(f"{name}.windows.jsonl").write_text(window)


def test_the_benchmark_tells_the_score_of_each_file_and_of_all(newstide: Command, tmp_path: Path) -> None:
    write_series(tmp_path, "ONE")
    write_series(tmp_path, "TWO")
    write_series(tmp_path, "UNLABELLED", labelled=False)
    record = newstide("bench", "nab", tmp_path, "--json").record()
    assert list(record["files"]) == ["ONE", "TWO"]
    one = record["files"]["ONE"]
    assert (one["tp"], one["fp"], one["fn"], one["windows"]) == (1, 0, 0, 1)
    assert record["score"] == one["score"] > 90
    plain = record["windowed_gaussian"]
    assert (plain["windows"], plain["tp"], plain["fp"]) == (2, 2, 0)
    shown = newstide("bench", "nab", tmp_path)
    assert "false alarms" in shown.out
    assert "all, by NAB's windowedGaussian" in shown.out


def later(counts: list[float]) -> list[int]:
    """Its alarms behind the first rows, of which two alike are a deviation of nothing."""
    return [row for row in gaussian_alarms(counts) if row > 10]


def test_the_plain_detector_alarms_where_a_double_sees_no_chance_left() -> None:
    draw = random.Random(5)
    counts = [draw.gauss(50, 5) for _ in range(9_000)]
    assert later(counts) == []
    for row, away in ((4_000, 8.0), (5_000, 8.6), (8_000, -9.0)):
        counts[row] = 50 + away * 5
    assert later(counts) == [5_000, 8_000]


def test_the_plain_detector_forgets_what_its_window_has_left() -> None:
    early, late = [10.0 + row % 3 for row in range(ROWS)], [40.0 + row % 3 for row in range(2 * ROWS)]
    alarms = later([*early, *late])
    assert alarms[0] == ROWS
    assert len(alarms) < STEP + 1, "a hundred rows later the new level is part of the window"
    assert gaussian_alarms([5.0] * 50) == []


def test_a_folder_without_labels_is_refused(newstide: Command, tmp_path: Path) -> None:
    ran = newstide("bench", "nab", tmp_path)
    assert ran.code == 2
    assert "windows.jsonl" in ran.err
