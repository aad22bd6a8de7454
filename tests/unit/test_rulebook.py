from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from stream.errors import UsageError
from stream.watch.baseline import Rate
from stream.watch.budget import Budget
from stream.watch.levels import level_at, level_of, levels_of
from stream.watch.profile import Prior, Profile
from stream.watch.rulebook import BUILT_IN, MOST_LEVEL, SurgeRule, read_rules

WEEKLY = Budget.parse("1/week")
PLAIN = Profile.plain(0.01, 1e6, series=100)
"""A hundred series of each kind, each with a story in 1.68 minutes of a week."""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    return path


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(UsageError) as refused:
        read_rules(written(tmp_path, text))
    return str(refused.value).removeprefix(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "per_day"), [("1/day", 1.0), (" 2 / week", 2 / 7), ("0.5/month", 6 / 365.25), ("24/hour", 576.0)]
)
def test_a_budget_is_a_number_of_alarms_in_a_span(text: str, per_day: float) -> None:
    assert Budget.parse(text).per_day == pytest.approx(per_day)
    assert Budget.parse(text).per_week == pytest.approx(7 * per_day)


def test_a_rule_says_what_to_watch_for_and_leaves_the_rest_to_the_settings(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[[rule]]\nname = "banks"\nseries = "company:*"\ndirection = "positive"\nhorizons = ["1h", "15m"]\n'
        'budget = "1/day"\nseverity = "warning"\nmin_sources = 4\nmin_count = 5\n'
        '[[rule]]\nname = "mood"\ndirection = "shift"\nshare = 2\n[[rule]]\nname = "try"\nlevel = 1e-5\n',
    )
    banks, mood, tried = read_rules(path)
    assert banks == SurgeRule(
        "banks",
        "company:*",
        "positive",
        (timedelta(minutes=15), timedelta(hours=1)),
        Budget(1.0),
        severity="warning",
        min_sources=4,
        min_count=5,
    )
    assert (mood.series, mood.share, mood.budget) == ("*", 2.0, None)
    assert tried.level == 1e-5


@pytest.mark.parametrize(
    ("pattern", "series", "matches"),
    [
        ("*", "company:A/topic:x", True),
        ("company:*", "company:A", True),
        ("company:*", "company:A/topic:x", False),
        ("company:*/topic:legal", "company:A/topic:legal", True),
        ("company:A*", "company:AAPL", True),
        ("market", "market", True),
        ("topic:*", "market", False),
        ("company:A.B", "company:AxB", False),
    ],
)
def test_a_star_stops_at_a_slash_unless_it_stands_alone(pattern: str, series: str, matches: bool) -> None:  # noqa: FBT001 - a table
    assert SurgeRule("r", pattern).matches(series) is matches


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[rule]]\nname = "A b"\n', "rules.toml:2: name = 'A b': give lower-case letters"),
        ('[[rule]]\nname = "a"\n\nserries = "x"\n', "rules.toml:4: serries = 'x': there is no such key"),
        ('[[rule]]\nname = "a"\nseries = "firm:X"\n', "rules.toml:3: series = 'firm:X': no series can match"),
        ('[[rule]]\nname = "a"\nseries = 7\n', "rules.toml:3: series = 7: give a series or a glob"),
        (
            '[[rule]]\nname = "a"\ndirection = "down"\n',
            "rules.toml:3: direction = 'down': give one of negative",
        ),
        ('[[rule]]\nname = "a"\nhorizons = "1h"\n', "rules.toml:3: horizons = '1h': give a list"),
        ('[[rule]]\nname = "a"\nhorizons = ["2d"]\n', "'2d' is no span from a minute to a day"),
        ('[[rule]]\nname = "a"\nhorizons = [60]\n', "60 is no span"),
        (
            '[[rule]]\nname = "a"\nbudget = "often"\n',
            "rules.toml:3: budget = 'often': the budget 'often' says no",
        ),
        ('[[rule]]\nname = "a"\nbudget = 1\n', 'give a text such as "1/week"'),
        ('[[rule]]\nname = "a"\nshare = 0\n', "give a number above 0"),
        ('[[rule]]\nname = "a"\nlevel = 0.5\n', "give a probability of at most 0.02"),
        ('[[rule]]\nname = "a"\nmin_count = 1.5\n', "give a whole number from 1 to 100,000"),
        ('[[rule]]\nname = "a"\nmin_sources = 1000000\n', "give a whole number from 1 to 100,000"),
        (
            '[[rule]]\nname = "a"\nshare = inf\n',
            "rules.toml:3: share = inf: give a number above 0 and at most",
        ),
        (
            '[[rule]]\nname = "a"\nshare = nan\n',
            "rules.toml:3: share = nan: give a number above 0 and at most",
        ),
        ('[[rule]]\nname = "a"\nbudget = "9999999/day"\n', "give at most 1,000,000/day"),
        ('[[rule]]\nname = "a"\nseries = "company:"\n', "series = 'company:': no series can match"),
        ('[[rule]]\nname = "a"\nseries = "company:A/topic:"\n', "no series can match"),
        ('[[rule]]\nname = "a"\nseries = "topic:a/company:b"\n', "no series can match"),
        ('[[rule]]\nname = "a"\nlevel = 0.01\nbudget = "1/day"\n', "give a budget or a level, not both"),
        (
            '[[rule]]\nname = "a"\n[[rule]]\nname = "a"\n',
            "rules.toml:4: name = 'a': another rule has this name",
        ),
        ('[[rule]]\nseries = "*"\n', "rules.toml:1: the rule has no name: give it one"),
        ("rule = [7]\n", "rules.toml:1: rule = 7: give a table"),
        ('[[rule]]\nname = "a\n', "is not TOML"),
        ("[other]\n", "'other' is no part of a rule file"),
        ("", "holds no rule"),
    ],
)
def test_a_bad_rule_is_refused_with_its_line_and_the_reason(tmp_path: Path, text: str, says: str) -> None:
    assert says in refusal(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: can't be read"):
        read_rules(tmp_path / "none.toml")


def test_the_levels_of_all_looks_add_up_to_half_the_budget() -> None:
    rules = (SurgeRule("one", share=3.0), SurgeRule("two"), SurgeRule("own", budget=Budget.parse("7/day")))
    for rule, allowed in zip(rules, (0.75, 0.25, 49.0), strict=True):
        looks = 100 * 1.68
        spent = sum(looks * level for level in levels_of(rule, rules, WEEKLY, PLAIN, 60).values())
        assert spent == pytest.approx(0.5 * allowed, rel=0.01) or allowed == 49.0


def test_a_rule_for_one_kind_has_the_whole_budget_for_it() -> None:
    rule = SurgeRule("banks", "company:*")
    assert set(levels_of(rule, (rule,), WEEKLY, PLAIN, 60)) == {"company"}
    assert level_of(rule, "company", (rule,), WEEKLY, PLAIN, 60) == pytest.approx(0.5 / 168, rel=0.01)
    one = SurgeRule("bank", "company:BANK")
    assert level_of(one, "company", (one,), WEEKLY, PLAIN, 60) == MOST_LEVEL
    assert level_of(one, "other", (one,), WEEKLY, PLAIN, 60) == MOST_LEVEL


def believed(per_hour: float) -> Rate:
    """A belief as firm as that of `PLAIN`, about another rate."""
    shape = PLAIN.group("company").priors[0].shape
    return Rate(shape, shape / per_hour, 0.0, 0.0, 1.0)


def test_a_rule_for_one_series_shares_its_budget_among_the_looks_of_that_series() -> None:
    rule = SurgeRule("bank", "company:BANK", direction="volume", budget=WEEKLY)
    usual = PLAIN.group("company").priors[0].per_hour
    level = level_of(rule, "company", (rule,), WEEKLY, PLAIN, 60)
    at = level_at(level, rule, "company", PLAIN, 60)
    assert at(believed(usual)) == pytest.approx(level)
    assert at(believed(usual / 100)) == level
    for times in (10.0, 1_000.0, 100_000.0):
        prior = Prior(usual * times, believed(1.0).shape)
        looks = prior.active_bins(PLAIN.seasons, 60)
        assert at(believed(usual * times)) * looks <= 0.5 + 1e-9
    # Of many series the profile says how many looks there are, and a level that is given is taken.
    for other in (SurgeRule("all", "company:*"), SurgeRule("bank", "company:BANK", level=1e-4)):
        fixed = level_at(1e-4, other, "company", PLAIN, 60)
        assert fixed(believed(usual * 1_000.0)) == fixed(believed(usual)) == 1e-4


def test_a_look_at_each_half_minute_costs_a_busy_series_twice_and_a_quiet_one_hardly_more() -> None:
    rule = SurgeRule("banks", "company:*")
    for per_hour, dearer in ((6_000.0, 2.0), (0.01, 1.0)):
        profile = Profile.plain(per_hour, 1_000.0)
        whole, half = (level_of(rule, "company", (rule,), WEEKLY, profile, width) for width in (60, 30))
        assert whole / half == pytest.approx(dearer, rel=0.01)


def test_a_level_that_is_given_is_taken() -> None:
    rule = SurgeRule("r", level=1e-7)
    assert levels_of(rule, (rule, *BUILT_IN), WEEKLY, PLAIN, 60)["market"] == 1e-7


@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [
        ("*", {"market", "topic", "company", "company_topic"}),
        ("m*", {"market"}),
        ("*:*", {"topic", "company"}),
        ("company:*/topic:legal", {"company_topic"}),
    ],
)
def test_a_glob_shares_its_budget_among_the_kinds_that_it_can_match(pattern: str, kinds: set[str]) -> None:
    rule = SurgeRule("r", pattern)
    assert set(levels_of(rule, (rule,), WEEKLY, PLAIN, 60)) == kinds


def test_the_rules_in_the_documents_can_be_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
    example = page.partition("## Rules of your own")[2].partition("```toml")[2].partition("```")[0]
    path = tmp_path / "rules.toml"
    path.write_text(example, encoding="utf-8")
    (rule,) = read_rules(path)
    assert (rule.name, rule.series, rule.severity) == ("bad_news", "company:*", "warning")
    assert rule.matches("company:AAPL")
    assert not rule.matches("company:AAPL/topic:earnings")
