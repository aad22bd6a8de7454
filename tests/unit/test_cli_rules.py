"""`newstide rules` and `newstide profile`, on the release that ships."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import Command

START = datetime(2026, 3, 10, 14, tzinfo=UTC)
RULE = '[[rule]]\nname = "bank"\nseries = "market"\nlevel = 0.01\n'
BAD = (
    "fraud charges", "heavy losses", "a profit warning", "mass layoffs", "a bankruptcy filing", "a data breach",
    "a failed drug trial", "a regulator's fine", "a factory fire", "a credit downgrade",
)  # fmt: skip


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """Ten bad stories within five minutes of a Tuesday, before which there was one an hour."""
    stories = [
        {
            "id": f"n{number}",
            "source": f"wire{number % 4}",
            "published_at": (START + timedelta(seconds=30 * number)).isoformat(),
            "headline": f"Company number {number} plunges after {what}, shares collapse",
        }
        for number, what in enumerate(BAD)
    ]
    path = tmp_path / "news.jsonl"
    path.write_text("".join(json.dumps(story) + "\n" for story in stories))
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULE)
    return path


def test_rules_that_are_right_are_shown_with_their_levels(newstide: Command, rules: Path) -> None:
    ran = newstide("rules", "check", str(rules))
    assert ran.code == 0
    assert "1 rules, all right" in ran.out
    told = newstide("rules", "check", str(rules), "--json").record()
    assert (told["rule"], told["levels"]) == ("bank", {"market": 0.01})


def test_a_rule_that_is_wrong_is_refused_with_its_line(newstide: Command, rules: Path) -> None:
    rules.write_text(RULE + 'colour = "red"\n')
    ran = newstide("rules", "check", str(rules))
    assert ran.code == 2
    assert "rules.toml:5: colour = 'red': there is no such key" in ran.err.replace("\n", "")


def test_a_horizon_that_no_number_holds_is_refused(newstide: Command, rules: Path) -> None:
    rules.write_text(RULE + 'horizons = ["99999999999999999999d"]\n')
    ran = newstide("rules", "check", str(rules))
    assert ran.code == 2
    assert "no span from a minute to a day" in ran.err.replace("\n", " ")


def test_rules_that_nest_without_end_are_no_toml(newstide: Command, rules: Path) -> None:
    rules.write_text("a = " + "[" * 5_000)
    assert newstide("rules", "check", str(rules)).code == 2


def test_news_that_can_not_be_read_is_no_quiet_day(newstide: Command, rules: Path, news: Path) -> None:
    whole = news.read_text()
    news.write_text("[" * 100_000 + "\n")
    ran = newstide("rules", "test", str(rules), str(news))
    assert (ran.code, ran.out) == (2, "")
    assert "none of its 1 rows can be read and has a time" in ran.err
    news.write_text(whole + '{"headline": "no time"}\n')
    ran = newstide("rules", "test", str(rules), str(news))
    assert ran.code == 0
    assert "left out 1 of 11 rows" in ran.err


def test_a_file_whose_name_tells_no_format_is_read_as_the_one_that_is_given(
    newstide: Command, rules: Path, news: Path
) -> None:
    plain = news.rename(news.with_name("recorded"))
    for words in (("rules", "test", str(rules)), ("profile", "learn", "-o", str(news.with_name("p.json")))):
        refused = newstide(*words, str(plain))
        assert refused.code == 2
        assert "give --format jsonl or --format csv" in refused.err.replace("\n", " ")
        read = newstide(*words, str(plain), "--format", "jsonl")
        assert read.code == 0 or "the history holds 20 stories" in read.err
        folder = newstide(*words, str(news.parent))
        assert folder.code == 2
        assert "is a folder: give a file of news in it" in folder.err.replace("\n", " ")


def test_rules_are_tried_on_recorded_news(newstide: Command, rules: Path, news: Path) -> None:
    rules.write_text('[[rule]]\nname = "bank"\nseries = "market"\nlevel = 0.02\nmin_count = 3\n')
    ran = newstide("rules", "test", str(rules), str(news))
    assert ran.code == 0
    assert "alerts: bank" in ran.out
    fired = newstide("rules", "test", str(rules), str(news), "--json").records()
    assert all(alert["rule"] == "bank" and alert["status"] == "firing" for alert in fired)


def test_a_profile_is_learned_from_recorded_news(newstide: Command, news: Path, tmp_path: Path) -> None:
    short = newstide("profile", "learn", str(news), "-o", str(tmp_path / "p.json"))
    assert short.code == 2
    assert "give at least 100" in short.err
    lines = [json.loads(line) for line in news.read_text().splitlines()]
    more = [
        json.dumps(
            line
            | {
                "id": f"{line['id']}-{day}",
                "headline": f"{line['headline']}, day {day} of {1000 + 7 * day}",
                "published_at": (
                    datetime.fromisoformat(line["published_at"]) + timedelta(days=day)
                ).isoformat(),
            }
        )
        for day in range(12)
        for line in lines
    ]
    news.write_text("\n".join(more))
    learned = newstide("profile", "learn", str(news), "-o", str(tmp_path / "p.json"), "--json")
    assert learned.code == 0
    assert learned.record()["learned"]["stories"] >= 100
    shown = newstide("profile", "show", str(tmp_path / "p.json"))
    assert "company_topic" in shown.out
    there = newstide("profile", "learn", str(news), "-o", str(tmp_path / "none" / "p.json"))
    assert there.code == 1
    assert "can't be written" in there.err


def test_the_profile_in_force_is_shown(newstide: Command) -> None:
    assert newstide("profile", "show", "--json").record()["profile"] == "newstide-default"
