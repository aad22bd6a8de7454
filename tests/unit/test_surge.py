from __future__ import annotations

import pytest

from stream.watch.baseline import Usual
from stream.watch.rules import WatchRules
from stream.watch.surge import Judgement, Level, MeanShift, NegativeSurge, Window, detectors_of

RULES = WatchRules()
QUIET = Usual(
    shape=4.0, exposure=240.0, negative=4.0, other=16.0, pace=0.1, mean=0.0, variance=0.2, weight=60.0
)
"""One negative story an hour, one of five."""

BUSY = Usual(
    shape=30.0, exposure=30.0, negative=30.0, other=120.0, pace=5.0, mean=-0.05, variance=0.2, weight=900.0
)
"""One negative story a minute, one of five."""

ALWAYS_BAD = Usual(
    shape=4.0, exposure=240.0, negative=40.0, other=2.0, pace=0.1, mean=-0.6, variance=0.1, weight=60.0
)


def surge(stories: int, negative: int, usual: Usual = QUIET) -> Judgement:
    return NegativeSurge(RULES).judge(Window(15, stories, negative, -0.5 * negative), usual)


def shift(stories: int, mean: float, usual: Usual = BUSY, rules: WatchRules = RULES) -> Judgement:
    return MeanShift(rules).judge(Window(15, stories, 0, mean * stories), usual)


@pytest.mark.parametrize(
    ("stories", "negative", "level"),
    [
        (0, 0, Level.USUAL),
        (3, 3, Level.USUAL),  # too few, however unlikely
        (4, 4, Level.RAISED),
        (5, 5, Level.RAISED),
        (8, 8, Level.ALARMING),
        (40, 40, Level.ALARMING),
    ],
)
def test_a_quiet_series_is_alarming_from_what_chance_does_not_explain(
    stories: int, negative: int, level: Level
) -> None:
    assert surge(stories, negative).level is level


def test_a_count_is_alarming_exactly_where_its_p_value_passes_alpha() -> None:
    levels = [(surge(n, n).p_value <= RULES.alpha, surge(n, n).level is Level.ALARMING) for n in range(4, 20)]
    assert all(passes == alarming for passes, alarming in levels)


def test_a_rush_of_news_with_the_usual_share_of_bad_news_is_no_surge() -> None:
    #   usual: 75 stories, 15 bad     rush: 300 stories, 60 bad
    rush = surge(300, 60, BUSY)
    assert rush.p_value < RULES.alpha
    assert (rush.level, rush.reason) == (Level.USUAL, "more news, no more negative than usual")
    assert surge(300, 85, BUSY).level is Level.RAISED
    assert surge(300, 120, BUSY).level is Level.ALARMING


def test_a_company_whose_news_is_always_bad_can_surge_by_size_alone() -> None:
    assert surge(7, 7, ALWAYS_BAD).level is Level.RAISED
    assert surge(25, 25, ALWAYS_BAD).level is Level.ALARMING


def test_a_judgement_says_what_was_expected_and_how_surprising_it_is() -> None:
    judged = surge(8, 8)
    assert judged.expected == pytest.approx(0.25)
    assert judged.surprise == pytest.approx(7.7, abs=0.1)
    assert judged.reason == "more negative news than chance explains"
    assert surge(4_000, 4_000).surprise == 300.0
    assert surge(0, 0).surprise == 0.0


@pytest.mark.parametrize(
    ("stories", "mean", "level"),
    [
        (0, 0.0, Level.USUAL),
        (7, -0.9, Level.USUAL),  # too few
        (30, -0.05, Level.USUAL),
        (900, -0.2, Level.USUAL),  # beyond chance, but too small to matter
        (12, -0.5, Level.RAISED),
        (60, -0.5, Level.ALARMING),
        (60, 0.5, Level.USUAL),  # good news
    ],
)
def test_the_mean_is_alarming_where_it_fell_far_and_beyond_chance(
    stories: int, mean: float, level: Level
) -> None:
    assert shift(stories, mean).level is level


def test_a_rising_mean_is_a_shift_where_both_ways_are_asked_for() -> None:
    both = WatchRules(shift_both_ways=True)
    assert shift(60, 0.5, rules=both).level is Level.ALARMING
    assert shift(60, 0.5, rules=both).p_value == pytest.approx(2 * shift(60, -0.6).p_value)


def test_a_new_series_knows_too_little_of_its_mean_to_alarm() -> None:
    new = Usual(0.5, 30.0, 1.0, 4.0, pace=0.0, mean=0.0, variance=0.2, weight=10.0)
    assert shift(15, -0.5, new).level is not Level.ALARMING


def test_a_window_gives_stories_away_but_never_below_none() -> None:
    one = Window(15, 1, 1, -0.5)
    assert (one - one - one).stories == 0
    assert Window(15).mean is None
    assert one.mean == -0.5


def test_every_rule_has_its_detector() -> None:
    assert [each.rule for each in detectors_of(RULES)] == ["negative_surge", "mean_shift"]
    assert [each.may_alarm(Window(15, 7, 4)) for each in detectors_of(RULES)] == [True, False]
