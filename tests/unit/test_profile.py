from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
from watching import START, at, good, signal

from stream.errors import UsageError
from stream.watch.learning import History
from stream.watch.profile import Profile, default_profile, parse_profile, read_profile
from stream.watch.rules import WatchRules
from stream.watch.seasons import HOURS, Seasons

DAY = timedelta(days=1)


def test_a_profile_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(default_profile().to_json())
    again = read_profile(path)
    assert again.groups == default_profile().groups
    assert again.seasons.shape == pytest.approx(default_profile().seasons.shape, abs=1e-3)


def test_the_default_profile_knows_busier_hours() -> None:
    shape = default_profile().seasons.shape
    tuesday_afternoon, sunday_night = 24 + 15, 6 * 24 + 3
    assert shape[tuesday_afternoon] > 5 * shape[sunday_night]
    assert sum(shape) == pytest.approx(HOURS)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"profile": 9}, "is of version 9"),
        ({"profile": None}, "is of version None"),
        ({"hour_of_week": [1.0]}, "give 168"),
        ({"hour_of_week": [0.0] * HOURS}, "give 168"),
        ({"groups": {}}, "is damaged"),
    ],
)
def test_a_profile_that_is_wrong_is_refused(change: dict[str, object], says: str) -> None:
    body = json.loads(default_profile().to_json()) | change
    with pytest.raises(UsageError, match=says):
        parse_profile(json.dumps(body), "mine.json")


@pytest.mark.parametrize(("name", "value"), [("series", 0), ("share", 0.0)])
def test_a_group_without_series_or_share_is_refused(name: str, value: float) -> None:
    body = json.loads(default_profile().to_json())
    body["groups"]["company"][name] = value
    with pytest.raises(UsageError, match=r"groups\.company"):
        parse_profile(json.dumps(body), "mine.json")


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_what_is_no_number_is_refused(number: float) -> None:
    body = json.loads(default_profile().to_json())
    body["learned"] = {"by": number}
    with pytest.raises(UsageError, match="is no number"):
        parse_profile(json.dumps(body), "mine.json")
    body = json.loads(default_profile().to_json())
    body["groups"]["market"]["negative"]["shape"] = "inf"
    with pytest.raises(UsageError, match="must be finite"):
        parse_profile(json.dumps(body), "mine.json")


def test_a_rate_of_nothing_is_refused() -> None:
    body = json.loads(default_profile().to_json())
    body["groups"]["topic"]["negative"]["per_hour"] = 0
    with pytest.raises(UsageError, match=r"groups\.topic\.negative"):
        parse_profile(json.dumps(body), "mine.json")


def test_what_is_no_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no profile"):
        parse_profile("[]", "mine.json")
    with pytest.raises(UsageError, match="can't be read"):
        read_profile(tmp_path / "none.json")


def test_a_profile_is_sized_to_the_companies_that_are_watched() -> None:
    sized = default_profile().sized(50)
    assert sized.groups["company"].series == 50
    assert sized.groups["company_topic"].series == 400
    assert sized.groups["market"] == default_profile().groups["market"]
    assert sized.group("weather") is sized.groups["company"]


def history(rules: WatchRules | None = None) -> History:
    """Four weeks: a busy company, ten quiet ones, each story copied once, in hours of business only."""
    dice = random.Random(3)
    of = History(rules or WatchRules())
    told = []
    for day in range(28):
        for company in range(11):
            for _ in range(40 if company == 0 else 2):
                minute = day * 1_440 + dice.uniform(0.0, 360.0)
                told.append((minute, f"company:C{company}", dice.random()))
    for minute, series, text in sorted(told):
        story = signal if text < 0.3 else good
        of.take([story(series, minute, text=text), story(series, minute + 1, text=text)])
    return of


def test_a_profile_is_learned_from_history() -> None:
    learned = history().profile("mine", Profile.plain(1.0, 1.0))
    group = learned.groups["company"]
    assert group.series == 11
    stories = 28 * (40 + 10 * 2)
    assert learned.learned["stories"] == stories
    assert learned.learned["signals"] == 2 * stories
    hours = 27 * 24 + 6
    assert group.priors[2].per_hour == pytest.approx(stories / 11 / hours, rel=0.1)
    assert group.priors[0].per_hour == pytest.approx(0.3 * group.priors[2].per_hour, rel=0.15)
    assert group.priors[1].per_hour == pytest.approx(0.7 * group.priors[2].per_hour, rel=0.15)
    assert group.priors[2].shape < 1.0, "series differ much"
    # The hours of business are busy, whatever the day; what the history does not show is believed as before.
    assert learned.seasons.shape[24 + 15] > 2.0
    assert learned.seasons.shape[24 + 3] < 1.0
    assert learned.groups["market"] == Profile.plain(1.0, 1.0).groups["market"]


def test_a_surge_in_history_does_not_teach_that_surges_are_usual() -> None:
    calm, surged = history(), history()
    for number in range(60):
        surged.take([signal("company:C1", 20 * 1_440 + 60 + number / 10)])
    burst = [
        of.profile("p", Profile.plain(1.0, 1.0)).groups["company"].priors[0].burst for of in (calm, surged)
    ]
    assert burst[1] < burst[0] + 0.1


def test_an_article_that_hardly_concerns_its_series_teaches_nothing() -> None:
    of = history()
    before = of.profile("p", default_profile()).learned["stories"]
    of.take([signal("company:C9", 28 * 1_440, weight=0.05)])
    assert of.profile("p", default_profile()).learned["stories"] == before


def test_a_kind_without_such_news_keeps_what_was_believed() -> None:
    of = History(WatchRules())
    of.take(good("topic:x", minute) for minute in range(0, 6_000, 50))
    learned = of.profile("p", default_profile())
    assert learned.groups["topic"].priors[0] == default_profile().groups["topic"].priors[0]
    assert learned.groups["topic"].priors[1].per_hour > 0.5


def test_a_history_that_is_too_short_is_refused() -> None:
    with pytest.raises(UsageError, match="holds 0 stories of 0 series"):
        History(WatchRules()).profile("p", default_profile())


def test_the_clock_of_the_week_goes_on_from_week_to_week() -> None:
    of = Seasons(default_profile().shape)
    second = int(START.timestamp())
    assert of.clock(second + 7 * 86_400) - of.clock(second) == pytest.approx(168.0)
    assert of.clock(second + 1_800) - of.clock(second) == pytest.approx(of.shape[24 + 14] / 2)
    assert at(0) + DAY > START
