from __future__ import annotations

from math import atan, pi, tan

import pytest

from stream.watch.baseline import Rate, Usual
from stream.watch.chances import Look, combined, count_p, count_p_after, most_telling, weight_of
from stream.watch.rulebook import SurgeRule
from stream.watch.rules import WatchRules
from stream.watch.surge import CountSurge, Detectors, Judgement, Level, MeanShift
from stream.watch.tallies import Tally, Window

RULES = WatchRules(bin_seconds=60)
EVERY = frozenset({1, 15, 60})
ONE_AN_HOUR = Rate(50.0, 50.0, 0.0, 0.0, 1.0)
FIVE_AN_HOUR = Rate(50.0, 10.0, 0.0, 0.0, 1.0)
QUIET = Usual((ONE_AN_HOUR, ONE_AN_HOUR, FIVE_AN_HOUR), 250.0, 0.0, 0.2, 260.0)
"""One negative story an hour, one positive, five in all; all of it well known."""

BUSY = Usual(
    (Rate(900.0, 15.0, 0.0, 0.0, 1.0), ONE_AN_HOUR, Rate(4_500.0, 15.0, 0.0, 0.0, 1.0)),
    4_500.0,
    -0.05,
    0.2,
    900.0,
)
"""A negative story each minute, one of five."""


def look(
    bins: int, negative: int = 0, stories: int | None = None, score: float = 0.0, positive: int = 0
) -> Look:
    stories = max(negative, positive) if stories is None else stories
    tally = Tally(negative, positive, stories, round(score * 1_000_000 * stories))
    return Look(Window(100 - bins + 1, 100, tally), bins / 60, 1 / 60)


def surge(*looks: Look, usual: Usual = QUIET, level: float = 1e-4, **more: object) -> Judgement:
    rule = SurgeRule("surge", **more)  # type: ignore[arg-type]  # passed on
    return CountSurge(rule, RULES, lambda _: level, EVERY).judge(looks, usual)


def shift(*looks: Look, rules: WatchRules = RULES, level: float = 1e-5) -> Judgement:
    return MeanShift(SurgeRule("shift", direction="shift"), rules, lambda _: level, EVERY).judge(looks, BUSY)


@pytest.mark.parametrize(
    ("negative", "level"),
    [(0, Level.USUAL), (2, Level.USUAL), (3, Level.RAISED), (4, Level.RAISED), (6, Level.ALARMING)],
)
def test_a_quiet_series_is_alarming_from_what_chance_does_not_explain(negative: int, level: Level) -> None:
    assert surge(look(15, negative)).level is level


def test_the_chance_is_that_of_a_minute_which_brings_a_story_at_all() -> None:
    #  a Poisson rate of one an hour: three or more in 15 minutes, given one in the last of them
    steady = Rate(1e9, 1e9, 0.0, 0.0, 1.0)
    p = count_p(3, steady, look(15, 3))
    others = 14 / 60
    at_least_two = 1 - 2.718281828459045**-others * (1 + others)
    # The first story of the window is a little likelier to be in an earlier minute where there are many.
    assert p == pytest.approx(at_least_two, rel=0.1)
    assert count_p(1, steady, look(15, 1)) == count_p(0, steady, look(15)) == 0.5
    assert count_p(3, steady, look(1, 3)) == pytest.approx((1 / 60) ** 2 / 6, rel=0.02)


def test_bursts_and_sways_widen_the_tail() -> None:
    steady, bursty = ONE_AN_HOUR, ONE_AN_HOUR._replace(burst=0.2)
    swaying, surprising = ONE_AN_HOUR._replace(sway=1.0), ONE_AN_HOUR._replace(factor=2.0)
    plain = count_p(5, steady, look(15, 5))
    assert all(count_p(5, each, look(15, 5)) > 3 * plain for each in (bursty, swaying, surprising))


def test_p_values_of_all_horizons_become_one() -> None:
    assert combined([0.01]) == 0.01
    assert combined([0.5, 0.5, 0.5]) == pytest.approx(0.5)
    assert combined([1e-12, 0.5]) == pytest.approx(2e-12)
    assert combined([0.01, 0.2]) == pytest.approx(_cauchy(0.01, 0.2))
    assert combined([1e-300, 1e-300]) >= 1e-300


def _cauchy(*values: float) -> float:
    return 0.5 - atan(sum(tan((0.5 - p) * pi) for p in values) / len(values)) / pi


def test_a_horizon_that_sees_late_what_shorter_ones_see_gets_little_of_the_level() -> None:
    #  stories that are usual in it:   a few    a hundred    a day of a busy series
    assert [round(weight_of(each), 4) for each in (0.5, 100.0, 7_200.0)] == [1.0, 0.5, 0.0002]
    assert combined([1e-9, 0.5], [1.0, 0.01]) == pytest.approx(1.01e-9)
    assert combined([1e-9, 0.5], [0.01, 1.0]) == pytest.approx(1.01e-7)
    assert combined([1e-4, 1e-3], [0.5, 0.5]) == pytest.approx(combined([1e-4, 1e-3]))


def test_the_horizon_that_adds_most_to_the_whole_leads() -> None:
    assert most_telling([1e-9, 1e-8], [1.0, 1.0]) == 0
    assert most_telling([1e-9, 1e-8], [0.01, 1.0]) == 1
    assert most_telling([0.5, 0.5, 0.5], [1.0, 1.0, 0.001]) == 2


def test_a_rate_that_has_hardly_had_time_to_move_is_held_against_a_minute_sharply() -> None:
    usual, lately = Rate(900.0, 15.0, 0.2, 0.0, 1.0), Rate(300.0, 5.0, 0.0, 0.0, 1.0)
    held, perhaps, moved = (count_p_after(20, usual, lately, look(5, 20), each) for each in (0.0, 0.2, 1.0))
    assert held < perhaps < moved
    assert perhaps == pytest.approx(0.8 * held + 0.2 * moved)
    steadier = usual._replace(sway=0.0)
    assert count_p_after(20, steadier, lately, look(5, 20), 1.0) == count_p(20, steadier, look(5, 20))


def test_of_how_news_clusters_in_a_quarter_of_an_hour_a_minute_sees_less() -> None:
    bursty = BUSY.rates[0]._replace(burst=0.4)
    detector = CountSurge(SurgeRule("v", direction="volume"), RULES, lambda _: 1e-9, EVERY)
    hour = look(60, 0, 60)
    seen = [detector._lately(bursty, look(bins, 0, bins), hour).burst for bins in (1, 15)]
    assert seen == [pytest.approx(0.4 * (1 / 15) ** 0.5), 0.4]


def test_the_horizon_that_says_most_leads_and_among_equals_the_longest() -> None:
    judged = surge(look(1, 1), look(15, 7), look(60, 7))
    assert judged.look.window.bins == 15
    assert judged.observed == 7
    assert judged.expected == pytest.approx(0.25)
    nothing = surge(look(1), look(15), look(60))
    assert (nothing.look.window.bins, nothing.p_value, nothing.surprise) == (60, 1.0, 0.0)


def test_a_busy_hour_is_no_surge_but_a_jump_in_it_is() -> None:
    #  a story a minute is usual: in both there were 60 more in the hour, once evenly, once in the last minutes
    even = (look(15, 0, 30), look(60, 0, 120))
    jump = (look(15, 0, 75), look(60, 0, 120))
    usual = Usual((ONE_AN_HOUR, ONE_AN_HOUR, BUSY.rates[0]._replace(sway=0.3)), 900.0, 0.0, 0.2, 900.0)
    detector = CountSurge(SurgeRule("v", direction="volume"), RULES, lambda _: 1e-9, EVERY)
    lately = [detector._lately(usual.rates[2], each[0], each[1]).per_hour for each in (even, jump)]
    assert lately == [pytest.approx(120.0, rel=0.1), pytest.approx(60.0, rel=0.1)]
    assert detector.judge(jump, usual).p_value < detector.judge(even, usual).p_value


def test_a_rush_of_news_with_the_usual_share_of_bad_news_is_no_surge() -> None:
    #  usual: 75 stories in 15 minutes, 15 of them bad     rush: 300 stories, 60 bad
    rush = surge(look(15, 60, 300), usual=BUSY)
    assert rush.p_value < 1e-4
    assert (rush.level, rush.reason) == (Level.USUAL, "more news, no more negative than usual")
    assert surge(look(15, 100, 300), usual=BUSY).level is not Level.USUAL
    assert surge(look(15, 150, 300), usual=BUSY).level is Level.ALARMING
    assert surge(look(15, 0, 300), usual=BUSY, direction="volume").level is Level.ALARMING


def test_good_news_has_its_own_direction() -> None:
    good = look(15, positive=8)
    assert surge(good).level is Level.USUAL
    judged = surge(good, direction="positive")
    assert (judged.level, judged.reason) == (Level.ALARMING, "more positive news than chance explains")


def test_a_rule_may_ask_for_more_stories() -> None:
    rule = SurgeRule("many", min_count=9)
    detector = CountSurge(rule, RULES, lambda _: 1e-4, EVERY)
    assert detector.judge([look(15, 8)], QUIET).reason == "too few negative stories"
    assert not detector.may_alarm([look(15, 8).window])
    assert detector.may_alarm([look(15, 9).window])


@pytest.mark.parametrize(
    ("stories", "mean", "level"),
    [
        (0, 0.0, Level.USUAL),
        (7, -0.9, Level.USUAL),  # too few
        (30, -0.05, Level.USUAL),
        (900, -0.2, Level.USUAL),  # beyond chance, but too small to matter
        (10, -0.45, Level.RAISED),
        (60, -0.5, Level.ALARMING),
        (60, 0.5, Level.USUAL),  # good news
    ],
)
def test_the_mean_is_alarming_where_it_fell_far_and_beyond_chance(
    stories: int, mean: float, level: Level
) -> None:
    assert shift(look(15, 0, stories, mean)).level is level


def test_a_rising_mean_is_a_shift_where_both_ways_are_asked_for() -> None:
    both = WatchRules(shift_both_ways=True)
    assert shift(look(15, 0, 60, 0.5), rules=both).level is Level.ALARMING
    fall, rise = shift(look(15, 0, 60, -0.6)).p_value, shift(look(15, 0, 60, 0.5), rules=both).p_value
    assert rise == pytest.approx(2 * fall)


def test_a_shift_needs_stories() -> None:
    detector = MeanShift(SurgeRule("shift", direction="shift"), RULES, lambda _: 1e-5, EVERY)
    assert detector.may_alarm([look(15, 0, 8).window])
    assert not detector.may_alarm([look(15, 0, 7).window])


def test_series_of_one_kind_under_the_same_rules_share_their_detectors() -> None:
    rules = WatchRules(
        surges=(
            SurgeRule("bank", "company:BANK"),
            SurgeRule("all", "company:*"),
            SurgeRule("mood", "market", "shift"),
        )
    )
    detectors = Detectors(rules)
    assert [each.rule.name for each in detectors.of("company:BANK")] == ["bank", "all"]
    assert [each.rule.name for each in detectors.of("company:A")] == ["all"]
    assert detectors.of("company:A") is detectors.of("company:B")
    assert [each.rule.name for each in detectors.of("market")] == ["mood"]
    assert detectors.of("topic:x") == detectors.of("company:A/topic:x") == ()
