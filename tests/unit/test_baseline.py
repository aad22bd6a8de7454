from __future__ import annotations

from datetime import timedelta

import pytest

from stream.errors import UsageError
from stream.watch.baseline import Baseline
from stream.watch.profile import Group, Prior
from stream.watch.rulebook import SurgeRule
from stream.watch.rules import WatchRules
from stream.watch.seasons import HOURS, Seasons
from stream.watch.tallies import Tally

RULES = WatchRules()
PRIOR = Prior(per_hour=1.0, shape=1.0)
GROUP = Group(1, 1.0, (PRIOR, PRIOR, Prior(per_hour=4.0, shape=1.0)))
QUARTER = 15


def baseline(half_life: float = 168.0, seasons: Seasons | None = None, prior: Prior = PRIOR) -> Baseline:
    group = Group(1, 1.0, (prior, prior, Prior(prior.per_hour * 4, prior.shape)))
    return Baseline(
        group,
        seasons or Seasons.even(),
        bin_seconds=60,
        block=QUARTER,
        half_life=half_life,
        idle=2.0,
        cap=2.0,
        born=0,
    )


def bad(stories: int, negative: int) -> Tally:
    score = -800_000 * negative + 400_000 * (stories - negative)
    return Tally(negative, 0, stories, score, 300_000 * stories)


def teach(of: Baseline, quarters: range, tally: Tally, *, spared: bool = False) -> None:
    for number in quarters:
        of.learn(number * QUARTER, (number + 1) * QUARTER, tally, spared=spared)


def rate(of: Baseline, hours: float) -> float:
    return of.usual(int(hours * 60)).rates[0].per_hour


def test_a_new_series_is_believed_to_be_as_its_group_says() -> None:
    usual = baseline().usual(0)
    assert [each.per_hour for each in usual.rates] == [1.0, 1.0, 4.0]
    assert (usual.mean, usual.stories, usual.weight) == (0.0, 0.0, 10.0)


def test_history_replaces_what_its_group_says() -> None:
    of = baseline()
    teach(of, range(400), bad(4, 2))
    usual = of.usual(400 * QUARTER)
    assert usual.rates[0].per_hour == pytest.approx(8.0, rel=0.05)
    assert usual.rates[2].per_hour == pytest.approx(16.0, rel=0.05)
    assert usual.mean == pytest.approx(-0.2, rel=0.1)


def test_what_was_learned_counts_half_after_the_half_life() -> None:
    of = baseline(half_life=1.0, prior=Prior(4.0, 4.0))
    teach(of, range(1), bad(2, 2))
    shape = of.usual(QUARTER).rates[0].shape - 4.0
    assert of.usual(QUARTER + 60).rates[0].shape - 4.0 == pytest.approx(shape / 2)


def test_silence_that_is_not_credible_is_no_evidence_that_news_is_rare() -> None:
    #  six hours with a story every minute, then silence: two hours of it count, then time stands still
    of = baseline(half_life=12.0)
    teach(of, range(24), bad(15, 15))
    assert 45.0 < rate(of, 6) < 60.0
    assert of.usual(60 * (6 + 2)) == of.usual(60 * (6 + 48))
    # An hour with a story a week is another matter: its silence is what it is.
    rare = baseline(prior=Prior(0.01, 1.0))
    assert rate(rare, 100) < 0.6 * rate(rare, 0)


def test_nights_and_weekends_pass_quickly_by_the_clock_of_the_week() -> None:
    office = Seasons([1.0 if 8 <= hour % 24 < 18 and hour < 120 else 0.0 for hour in range(HOURS)])
    of = baseline(seasons=office)
    tuesday_noon, night = (5 * 24 + 12) * 60, (5 * 24 + 22) * 60
    assert of.hours(tuesday_noon, tuesday_noon + 60) > 100 * of.hours(night, night + 60)
    week = of.hours(0, 7 * 24 * 60)
    assert week == pytest.approx(168.0)


def test_a_surge_teaches_that_it_was_a_surge_and_not_that_surges_are_usual() -> None:
    of = baseline()
    teach(of, range(400), bad(4, 2))
    teach(of, range(400, 402), bad(200, 200))
    assert rate(of, 100.5) < 9.5
    # What goes on for days is the new usual.
    teach(of, range(402, 1200), bad(200, 200))
    assert rate(of, 300) > 20.0


def test_a_surge_teaches_least_while_its_alert_is_open() -> None:
    spared, taught = baseline(), baseline()
    for of in (spared, taught):
        teach(of, range(100), bad(2, 1))
    teach(spared, range(100, 104), bad(40, 40), spared=True)
    teach(taught, range(100, 104), bad(40, 40))
    assert rate(spared, 26) < rate(taught, 26)


def test_stories_that_come_in_bunches_are_told_from_those_that_do_not() -> None:
    even, bunched = baseline(prior=Prior(4.0, 4.0)), baseline(prior=Prior(4.0, 4.0))
    teach(even, range(400), bad(2, 1))
    for number in range(400):
        bunched.learn(number * 15, number * 15 + 15, bad(8, 4) if number % 4 == 0 else Tally(), spared=False)
    tame, wild = (of.usual(6_000).rates[0] for of in (even, bunched))
    assert tame.factor == 1.0 < wild.factor
    assert wild.steadiness(0.25) < tame.steadiness(0.25)


def test_an_emptied_block_teaches_that_nothing_came() -> None:
    of = baseline()
    teach(of, range(1), bad(1, 1))
    of.learn(4 * QUARTER, 5 * QUARTER, Tally(), spared=True)
    assert of.lived == pytest.approx(1.25, rel=0.01)
    assert of.counts[0] < 1.0


def test_a_baseline_comes_back_to_the_last_bit() -> None:
    of, back = baseline(), baseline()
    for number in range(0, 90, 7):
        of.learn(number * 15, number * 15 + 15, bad(3, 1), spared=number > 50)
    back.load(of.dump())
    assert back.usual(2_000) == of.usual(2_000)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bin_seconds", 0),
        ("horizons", ()),
        ("horizons", (timedelta(minutes=5), timedelta(minutes=1))),
        ("horizons", (timedelta(seconds=75),)),
        ("quiet", timedelta(seconds=15)),
        ("grace", RULES.lateness / 2),
        ("memory", RULES.lateness),
        ("forget_after", RULES.memory),
        ("resolve_p", 0.0),
        ("resolve_p", 0.01),
        ("resolve_share", 0.001),
        ("likeness", 0.5),
        ("rush", 0.5),
        ("learn_cap", 0.5),
        ("mood", -0.1),
        ("capacity", 0),
        ("topic_capacity", -1),
        ("market_capacity", 65_537),
    ],
)
def test_rules_that_cannot_work_are_refused_by_name(field: str, value: object) -> None:
    called = {"capacity": "stories", "topic_capacity": "topic_stories", "market_capacity": "market_stories"}
    with pytest.raises(UsageError, match=rf"watch\.{called.get(field, field)} is "):
        WatchRules(**{field: value})  # type: ignore[arg-type]  # one field at a time


@pytest.mark.parametrize("surges", [(), (SurgeRule("a"), SurgeRule("a", "market"))])
def test_every_rule_has_a_name_of_its_own(surges: tuple[SurgeRule, ...]) -> None:
    with pytest.raises(UsageError, match="each with its own name"):
        WatchRules(surges=surges)
