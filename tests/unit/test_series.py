from __future__ import annotations

import pytest
from watching import BANK, at, drawn, good, signal

from stream.watch.kinds import kind_of
from stream.watch.novelty import Arrival
from stream.watch.rules import WatchRules
from stream.watch.series import Series
from stream.watch.surge import Detectors

RULES = WatchRules(bin_seconds=60)


def series(name: str = BANK) -> Series:
    return Series(name, RULES, Detectors(RULES).of(name), int(at(0).timestamp()) // 60)


def arrivals(of: Series, *signals: object) -> list[Arrival]:
    return [of.observe(each, taken_back=False)[0] for each in signals]  # type: ignore[arg-type]  # all signals


def counted(of: Series) -> list[tuple[int, int, int]]:
    first = int(at(0).timestamp()) // 60
    return [(number - first, each.stories, each.negative) for number, each in sorted(of.bins.items())]


def test_stories_are_counted_in_the_minute_they_were_published() -> None:
    of = series()
    #                          0123
    arrivals(of, *drawn("2.o1"))
    assert counted(of) == [(0, 2, 2), (2, 1, 0), (3, 1, 1)]


def test_an_article_behind_its_own_series_by_more_than_the_lateness_is_late_and_not_counted() -> None:
    #  minute   0 ........... 10 ...... 20
    #           late by 10'02 |         the series' largest time
    #                         in time
    of = series()
    assert arrivals(of, signal(minute=20), signal(minute=10), signal(minute=9.9)) == [
        Arrival.NOVEL,
        Arrival.NOVEL,
        Arrival.LATE,
    ]
    assert counted(of) == [(10, 1, 1), (20, 1, 1)]


def test_a_story_whose_first_article_was_late_counts_with_its_first_copy_in_time() -> None:
    of = series()
    late = signal(minute=2, text="hoax")
    assert arrivals(of, signal(minute=20), late, signal(minute=19, text="hoax")) == [
        Arrival.NOVEL,
        Arrival.LATE,
        Arrival.COPY,
    ]
    assert counted(of) == [(19, 1, 1), (20, 1, 1)]


def test_an_article_older_than_the_memory_is_late_and_leaves_nothing() -> None:
    of = series()
    assert of.observe(signal(minute=0), taken_back=False)[1] is not None
    assert of.observe(signal(minute=-25 * 60), taken_back=False) == (Arrival.LATE, None)
    assert len(of.recents) == 1


def test_an_article_that_hardly_concerns_the_series_is_remembered_but_not_counted() -> None:
    of = series()
    assert arrivals(of, signal(weight=0.1, text="a"), signal(weight=0.9, text="a", minute=1)) == [
        Arrival.NOVEL,
        Arrival.COPY,
    ]
    assert counted(of) == []


@pytest.mark.parametrize(
    ("negative", "positive", "is_negative"), [(0.5, 0.45, 1), (0.42, 0.11, 1), (0.4, 0.15, 0), (0.1, 0.8, 0)]
)
def test_a_story_is_negative_by_its_probability_or_by_its_score(
    negative: float, positive: float, is_negative: int
) -> None:
    of = series()
    arrivals(of, signal(negative=negative, positive=positive))
    assert counted(of) == [(0, 1, is_negative)]


def test_a_minute_teaches_the_baseline_only_when_it_can_neither_be_tested_nor_changed() -> None:
    #  minute 0 ....... 15            60              75   84
    #         |--block--|
    #         3 stories |--- an hour ---|---lateness--|
    #                                                 learned here
    of = series()
    arrivals(of, *drawn("3"))
    of.pass_to(of.now + 14 + 70 - 1)
    assert of.baseline.counts == [0.0, 0.0, 0.0]
    of.pass_to(of.now + 1)
    assert of.baseline.learned_to * 60 == int(at(15).timestamp())
    # Three at once are more than is plausible here, so they teach a little less.
    assert 2.0 <= of.baseline.counts[0] < of.baseline.counts[2] == 3.0
    assert of.bins == {}


def test_time_that_passes_in_many_steps_passes_as_in_one() -> None:
    whole, steps = series(), series()
    signals = drawn("1..2 o.1. .9.9 9....")
    for of in (whole, steps):
        arrivals(of, *signals)
    end = whole.now + 300
    whole.pass_to(end)
    for each in (3, 4, 11, 40, 41, 200, 300):
        steps.pass_to(end - 300 + each)
    assert steps.baseline.dump() == whole.baseline.dump()
    assert steps.said == whole.said
    assert [alert.status for alert in whole.said][-1] == "resolved"


def test_time_waits_with_the_clock_of_strangers_unless_an_alert_is_open() -> None:
    of = series()
    arrivals(of, *drawn("1"))
    before = of.now
    of.pass_open(before + 100)
    assert of.now == before


def test_a_correction_moves_the_count_where_the_story_stands() -> None:
    of = series()
    arrivals(of, signal(news_id="first", minute=1))
    assert arrivals(of, good(news_id="second", revises="first", status="corrected", minute=5)) == [
        Arrival.CORRECTION
    ]
    assert counted(of) == [(1, 1, 0)]


def test_a_correction_of_a_story_long_learned_counts_nothing_anew() -> None:
    of = series()
    arrivals(of, signal(news_id="first"), good(minute=90))
    arrivals(of, signal(news_id="second", revises="first", status="corrected", minute=91))
    assert counted(of) == [(90, 1, 0)]
    assert of.baseline.weight == pytest.approx(1.0)


def test_a_correction_that_no_longer_concerns_the_series_takes_the_story_out() -> None:
    of = series()
    arrivals(of, signal(news_id="first"))
    arrivals(of, signal(news_id="second", revises="first", status="corrected", minute=1, weight=0.05))
    assert counted(of) == [(0, 0, 0)]


def test_evidence_of_one_minute_is_bounded() -> None:
    of = series("market")
    arrivals(of, *(signal("market", minute=n / 1000) for n in range(300)))
    assert counted(of) == [(0, 300, 300)]
    assert len(next(iter(of.bins.values())).members) == 256
    last = of.recents.next - 1
    story = of.recents.get(last)
    assert story is not None
    of.withdraw(story.news_id, int(at(1).timestamp() * 1e6))
    assert counted(of) == [(0, 299, 299)]


@pytest.mark.parametrize(
    ("name", "kind", "group"),
    [
        ("market", "market", "market"),
        ("company:AAPL", "company", "company"),
        ("topic:earnings", "topic", "topic"),
        ("company:AAPL/topic:legal", "company_topic", "company_topic"),
        ("weather", "other", "company"),
    ],
)
def test_a_series_is_of_the_kind_its_name_says(name: str, kind: str, group: str) -> None:
    assert kind_of(name) == kind
    assert RULES.profile.group(kind) is RULES.profile.groups[group]
