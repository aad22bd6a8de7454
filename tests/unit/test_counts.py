from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from watching import told

from stream.watch.counts import CountSeries, count_rules
from stream.watch.profile import Profile
from stream.watch.rulebook import SurgeRule
from stream.watch.rules import WatchRules
from stream.watch.surge import Level

START = datetime(2026, 3, 9, tzinfo=UTC)
BUCKET = timedelta(minutes=5)


def day_and_a_half(series: CountSeries, seed: int = 1) -> list[Level]:
    """About twenty in each bucket, an hour of a hundred on the second day, and twenty again."""
    dice = random.Random(seed)
    levels = []
    for number in range(432):
        mean = 100 if 300 <= number < 312 else 20
        count = sum(dice.random() < mean / 1_000 for _ in range(1_000))
        levels.append(series.observe(START + number * BUCKET, count).level)
    return levels


def test_a_count_series_is_judged_as_news_is() -> None:
    series = CountSeries(count_rules(level=1e-6))
    levels = day_and_a_half(series)
    assert Level.ALARMING not in levels[100:300]
    assert levels[300] is Level.ALARMING
    surge = [alert for alert in series.alerts if alert.as_of > START + 300 * BUCKET]
    assert (told(surge)[0], told(surge)[-1]) == ("firing", "resolved")
    first = surge[0]
    assert (first.rule, first.series, first.evidence) == ("volume_surge", "company:counts", ())
    assert first.onset <= first.as_of <= START + 301 * BUCKET
    assert first.observed >= 80


def test_the_same_counts_give_the_same_judgements() -> None:
    one, other = CountSeries(count_rules()), CountSeries(count_rules())
    assert day_and_a_half(one) == day_and_a_half(other)
    assert one.alerts == other.alerts


def test_buckets_that_are_left_out_were_empty() -> None:
    given, left_out = CountSeries(count_rules()), CountSeries(count_rules())
    for number in range(200):
        count = 30 if number % 5 == 0 else 0
        judged = given.observe(START + number * BUCKET, count)
        if count:
            assert left_out.observe(START + number * BUCKET, count) == judged


def test_a_busy_series_that_has_just_begun_is_not_taken_for_a_quiet_one() -> None:
    #  five stories a minute, as the profile says, from the first minute on: the first quarter of an hour is learned
    #  only when the last of its minutes has left the hour that is tested
    rules = WatchRules(
        profile=Profile.plain(300.0, 2.0, series=500, sway=0.2, burst=0.1),
        surges=(SurgeRule("volume", direction="volume"),),
    )
    series = CountSeries(rules)
    dice = random.Random(5)
    for minute in range(150):
        series.watch_bin(1_000_005 + minute, 3 + dice.randrange(5))
    assert [alert.status for alert in series.alerts] == []


def test_a_series_that_begins_on_a_busy_day_is_given_time_to_learn_what_is_usual_for_it() -> None:
    #  the profile believes eight stories a minute, and little is known of a new series: this one has about thirty
    rules = WatchRules(
        profile=Profile.plain(480.0, 2.0, series=40, sway=0.2, burst=0.1),
        surges=(SurgeRule("volume", direction="volume"),),
    )
    series = CountSeries(rules)
    dice = random.Random(5)
    for minute in range(60):
        series.watch_bin(1_000_005 + minute, 25 + dice.randrange(11))
    assert [alert.status for alert in series.alerts] == []
