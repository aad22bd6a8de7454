"""A plain count series: what is expected of it, when it alarms, and when that ends."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

import pytest

from stream.backtest.counts import CountWatch, Judged, judge
from stream.backtest.tables import CountTable
from stream.backtest.volume import watch_counts
from stream.errors import UsageError

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
FIVE = timedelta(minutes=5)
PER_DAY = 288

Rows = list[tuple[datetime, float]]


def ordinary(days: int, *, seed: int = 1, mean: float = 20.0) -> Rows:
    """A daily rhythm, with the scatter of a Poisson count."""
    dice = random.Random(seed)
    rows = []
    for row in range(days * PER_DAY):
        rate = mean * (1.0 + 0.6 * math.sin(2 * math.pi * row / PER_DAY))
        rows.append((MONDAY + row * FIVE, float(max(0, round(dice.gauss(rate, math.sqrt(rate)))))))
    return rows


def surge(rows: Rows, day: float, minutes: int, times: float) -> Rows:
    first = round(day * PER_DAY)
    return [
        (at, count * times if first <= row < first + minutes // 5 else count)
        for row, (at, count) in enumerate(rows)
    ]


def alarms(judged: list[Judged]) -> list[int]:
    return [row for row, each in enumerate(judged) if each.alarm]


def test_an_ordinary_series_alarms_no_oftener_than_its_budget() -> None:
    found = [len(alarms(judge(ordinary(56, seed=seed), FIVE, 1.0))) for seed in range(3)]
    assert sum(found) <= 3 * 8


def test_a_larger_budget_alarms_at_least_as_often() -> None:
    rows = ordinary(28)
    assert len(alarms(judge(rows, FIVE, 0.1))) <= len(alarms(judge(rows, FIVE, 5.0)))


def test_a_surge_alarms_once_within_its_first_minutes_and_ends_after_it_calms() -> None:
    judged = judge(surge(ordinary(20), 15.5, 60, 10.0), FIVE, 0.2)
    first = round(15.5 * PER_DAY)
    (alarm,) = [row for row in alarms(judged) if first <= row < first + PER_DAY]
    assert alarm - first <= 1
    assert judged[alarm].raised
    assert not judged[first + 2 * PER_DAY].raised


def test_an_alarm_that_stands_is_told_again_when_its_surprise_has_doubled() -> None:
    rows = surge(surge(ordinary(20), 15.5, 120, 2.5), 15.53, 60, 20.0)
    first = round(15.5 * PER_DAY)
    told = [each for each in judge(rows, FIVE, 0.2)[first : first + 60] if each.told]
    assert [each.alarm for each in told[:2]] == [True, False]
    assert told[1].surprise >= 2.0 * told[0].surprise


def test_a_surge_does_not_teach_that_surges_are_usual() -> None:
    quiet, loud = ordinary(20), surge(ordinary(20), 15.5, 120, 50.0)
    after = round(15.5 * PER_DAY) + 100
    assert judge(loud, FIVE, 1.0)[after].expected < 1.5 * judge(quiet, FIVE, 1.0)[after].expected


def test_the_hours_of_the_day_are_learned() -> None:
    judged = judge(ordinary(20), FIVE, 1.0)
    morning, evening = judged[-PER_DAY + 72].expected, judged[-PER_DAY + 216].expected
    assert morning > 2.0 * evening


def test_nothing_alarms_before_a_day_was_seen() -> None:
    rows = surge(ordinary(2), 0.5, 60, 100.0)
    assert all(row >= PER_DAY - 1 for row in alarms(judge(rows, FIVE, 1.0)))


def test_the_same_counts_give_the_same_judgements() -> None:
    rows = surge(ordinary(10), 8.0, 30, 5.0)
    assert judge(rows, FIVE, 1.0) == judge(rows, FIVE, 1.0)


def test_a_bucket_says_nothing_of_those_behind_it() -> None:
    rows = surge(ordinary(10), 8.0, 30, 5.0)
    assert judge(rows, FIVE, 1.0)[: 5 * PER_DAY] == judge(rows[: 5 * PER_DAY], FIVE, 1.0)


def test_buckets_that_are_missing_were_empty() -> None:
    rows = ordinary(10)
    gone = range(5 * PER_DAY, 5 * PER_DAY + 12)
    left_out = [each for row, each in enumerate(rows) if row not in gone]
    empty = [(at, 0.0 if row in gone else count) for row, (at, count) in enumerate(rows)]
    assert judge(left_out, FIVE, 1.0)[-1] == judge(empty, FIVE, 1.0)[-1]


def test_a_silent_series_is_not_surprising() -> None:
    judged = judge([(MONDAY + row * FIVE, 0.0) for row in range(2 * PER_DAY)], FIVE, 1.0)
    assert not alarms(judged)
    assert judged[-1].expected > 0.0
    assert judged[-1].usual_most > judged[-1].expected


@pytest.mark.parametrize("bucket", [timedelta(), timedelta(hours=2)])
def test_buckets_of_no_width_or_of_hours_are_refused(bucket: timedelta) -> None:
    with pytest.raises(UsageError, match="every hour or less"):
        CountWatch(bucket)


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="more than 0"):
        CountWatch(FIVE, 0.0)


def test_alarms_become_alerts_that_fire_and_resolve_under_one_id() -> None:
    rows = surge(ordinary(20), 15.5, 60, 10.0)
    run = watch_counts(CountTable("T", tuple(rows), FIVE), 0.2)
    onset = rows[alarms(list(run.judged))[-1]][0]
    fired, *between, resolved = (alert for alert in run.alerts if alert.onset == onset)
    assert (fired.status, resolved.status) == ("firing", "resolved")
    assert all(alert.status == "updated" for alert in between)
    assert fired.alert_id == resolved.alert_id
    assert fired.as_of == onset + FIVE
    assert fired.observed > 5 * fired.expected
    assert run.nab is None


def test_an_alarm_that_grew_is_updated_under_its_id() -> None:
    rows = surge(surge(ordinary(20), 15.5, 120, 2.5), 15.53, 60, 20.0)
    alerts = watch_counts(CountTable("T", tuple(rows), FIVE), 0.2).alerts
    grown = next(alert for alert in alerts if alert.status == "updated")
    assert [each.status for each in alerts if each.alert_id == grown.alert_id][:2] == ["firing", "updated"]
