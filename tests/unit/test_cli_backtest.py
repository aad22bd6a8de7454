"""`newstide backtest` as a user runs it, with the release that ships."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import Command
from watching import drawn

START = datetime(2026, 3, 2, tzinfo=UTC)
RULES = '[[rule]]\nname = "bad_news"\ndirection = "negative"\nlevel = 1e-5\n'
SURGE = "." * 240 + "1" + "." * 119 + "o" + "." * 119 + "22332322" + "." * 300 + "o"


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    path = tmp_path / "T.csv"
    rows = [
        f"{START + n * timedelta(minutes=5):%Y-%m-%d %H:%M:%S},{900 if 4_000 <= n < 4_012 else 20 + n % 7}"
        for n in range(6_000)
    ]
    path.write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def signals(tmp_path: Path) -> Path:
    path = tmp_path / "signals.jsonl"
    path.write_bytes(b"".join(each.to_json() + b"\n" for each in drawn(SURGE)))
    return path


def test_news_is_scored_and_watched_and_the_same_file_gives_the_same_bytes(
    newstide: Command, tmp_path: Path
) -> None:
    news = tmp_path / "news.csv"
    lines = [
        f"2026-03-02T14:{n:02}:00Z,AAPL,Apple shares plunge as regulators open case number {n}"
        for n in range(8)
    ]
    news.write_text("published_at,ticker,text\n" + "\n".join(lines) + "\nsoon,AAPL,unreadable\n")
    for name in ("one", "two"):
        ran = newstide("backtest", news, "--out", name)
        assert ran.code == 0, ran.err
        assert "line 10" in ran.err
    for file in ("alerts.jsonl", "figures.json", "report.html"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    figures = json.loads((tmp_path / "one" / "figures.json").read_text())
    assert figures["records"] == 8
    assert figures["series"] >= 2


def test_signals_are_watched_by_the_rules_that_are_given(
    newstide: Command, signals: Path, tmp_path: Path
) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    record = newstide(
        "backtest", signals, "--rules", "rules.toml", "--out", "out", "--budget", "2/day", "--json"
    ).record()
    assert record["alarms_by_rule"] == {"bad_news": 1}
    assert record["budget_per_day"] == 2.0
    assert (tmp_path / "out" / "report.html").exists()


def test_it_is_told_where_no_alarm_can_come_because_there_are_too_few_publishers(
    newstide: Command, tmp_path: Path
) -> None:
    path = tmp_path / "one.jsonl"
    one = (each.model_copy(update={"source": "wire"}) for each in drawn(SURGE))
    path.write_bytes(b"".join(each.to_json() + b"\n" for each in one))
    ran = newstide("backtest", path, "--out", "out")
    assert "all of it is from 1 publisher, and every rule asks for" in " ".join(ran.err.split())


def test_a_part_of_the_time_is_taken(newstide: Command, signals: Path) -> None:
    record = newstide(
        "backtest",
        signals,
        "--from",
        "2026-03-10T19:00:00",
        "--to",
        "2026-03-10T22:30:00",
        "--out",
        "out",
        "--json",
    ).record()
    assert record["from"] >= "2026-03-10T19:00"
    assert record["to"] < "2026-03-10T22:30"


def test_news_dealt_anew_needs_no_folder_and_tells_the_false_alarms_beside_the_budget(
    newstide: Command, signals: Path
) -> None:
    record = newstide("backtest", signals, "--null", "--days", 3, "--seed", 7, "--json").record()
    assert record["null"]["days"] == 3
    assert record["null"]["seed"] == 7
    assert len(record["null"]["ci95"]) == 2
    assert "nothing in it is unusual" in newstide("backtest", signals, "--null", "--days", 1).out


def test_a_count_series_with_labels_gets_nab_s_score(newstide: Command, counts: Path, tmp_path: Path) -> None:
    begin, end = START + timedelta(minutes=5 * 3_900), START + timedelta(minutes=5 * 4_100)
    counts.with_name("T.windows.jsonl").write_text(json.dumps({"start": str(begin), "end": str(end)}) + "\n")
    ran = newstide("backtest", counts, "--out", "out")
    assert ran.code == 0, ran.err
    assert "NAB score" in ran.out
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert figures["nab"]["tp"] == 1
    assert figures["detection_delay_seconds"]["from"] == "start of the labelled window"
    assert 'class="window"' in (tmp_path / "out" / "report.html").read_text()


def test_what_could_not_be_read_is_told_beside_what_was_found(newstide: Command, tmp_path: Path) -> None:
    good = {"id": "a", "source": "w", "published_at": START.isoformat(), "headline": "Acme gains"}
    (tmp_path / "three.jsonl").write_text(
        "".join([json.dumps(good), "\n{broken\n", json.dumps(good | {"id": "b"})])
    )
    ran = newstide("backtest", "three.jsonl", "--out", "out")
    assert ran.code == 0, ran.err
    assert "1 more records could not be read, and are left out" in " ".join(ran.out.split())


def test_counts_dealt_anew_keep_the_budget(newstide: Command, counts: Path) -> None:
    record = newstide("backtest", counts, "--null", "--days", 20, "--budget", "1/day", "--json").record()
    assert record["null"]["within_budget"]
    assert record["null"]["budget_per_day"] == pytest.approx(1.0)


def test_a_profile_that_was_learned_takes_the_place_of_the_one_in_force(
    newstide: Command, signals: Path
) -> None:
    ran = newstide("backtest", signals, "--profile", "none.json", "--out", "out")
    assert ran.code == 2
    assert "none.json" in ran.err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("T.csv",), "--out is missing"),
        (("T.csv", "signals.jsonl", "--out", "out"), "one kind at a time"),
        (("none.csv", "--out", "out"), "can't be opened"),
        (("T.csv", "--out", "out", "--budget", "often"), "often"),
        (("T.csv", "--out", "out", "--days", "3"), "--days is of --null"),
        (("signals.jsonl", "--out", "out", "--seed", "3"), "--seed is of --null"),
        (("T.csv", "--out", "out", "--rules", "r.toml"), "--rules is of news"),
        (("T.csv", "--null", "--times", "5"), "--times is of news"),
        (("T.csv", "--out", "out", "--from", "2026-01-01"), "--from is of news"),
        (("news.csv", "--out", "out", "--format", "xml"), "--format is 'xml'"),
        (("news.csv", "--out", "out", "--timezone", "Nowhere/City"), "--timezone is"),
    ],
)
def test_wrong_use_is_told(
    newstide: Command, counts: Path, signals: Path, tmp_path: Path, flags: tuple[str, ...], said: str
) -> None:
    (tmp_path / "news.csv").write_text("published_at,text\n2026-03-02T14:00:00Z,x\n")
    ran = newstide("backtest", *flags)
    assert ran.code == 2
    assert said in " ".join(ran.err.split())
    assert "Traceback" not in ran.err
