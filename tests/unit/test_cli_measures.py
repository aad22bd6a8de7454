"""What `newstide demo` and `newstide bench` make of their results; the results themselves are fakes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from command import Command

from stream.bench import chaos, score
from stream.bench.chaos import ChaosFigures
from stream.bench.score import ScoreFigures
from stream.bus import Connection
from stream.cli import bench, demo
from stream.cli.printing import console
from stream.demo.day import BANK, RUN_STARTS, DaySummary, make_day, summary_of_day
from stream.demo.play import DayResult
from stream.events import Alert, Evidence, ScoredNews, Sentiment

BAD = Sentiment(negative=0.8, neutral=0.1, positive=0.1)
AFTER = RUN_STARTS + timedelta(minutes=40)


day = cache(make_day)


def alert(series: str, onset: datetime, status: str = "firing") -> Alert:
    fields: dict[str, Any] = {
        "alert_id": f"{series}-{onset}",
        "status": status,
        "severity": "critical",
        "series": series,
        "rule": "negative_surge",
        "onset": onset,
        "as_of": onset + timedelta(minutes=3),
        "window_seconds": 900,
        "observed": 9,
        "expected": 0.4,
        "p_value": 1e-9,
        "surprise": 9.0,
        "sources": 4,
        "model": "tide@1",
        "evidence": [
            Evidence(
                news_id="a", published_at=onset, source="Wire", headline="Run on bank", score=-0.9, weight=1
            )
        ],
    }
    return Alert(**fields)


def played(*alerts: Alert, lost: int = 0) -> DayResult:
    return DayResult(
        sent=100,
        scored=98 - lost,
        rejected=Counter(not_json=2),
        alerts=list(alerts),
        seconds=4.0,
        latencies_ms=[5.0, 6.0, 40.0],
        peak_mb=200.4,
    )


BANK_RUN = (alert(f"company:{BANK}", AFTER), alert(f"company:{BANK}", AFTER, "updated"))


@pytest.fixture
def result(monkeypatch: pytest.MonkeyPatch) -> list[DayResult]:
    """What the play gives: put it in."""
    results: list[DayResult] = []
    monkeypatch.setattr(demo, "_play", lambda *_: results[0])
    monkeypatch.setattr("stream.demo.day.make_day", day)
    return results


def test_a_demo_that_saw_what_it_should_ends_well(newstide: Command, result: list[DayResult]) -> None:
    result.append(played(*BANK_RUN))
    ran = newstide("demo", "--json")
    assert ran.code == 0
    told = ran.record()
    assert (told["adds_up"], told["news_per_second"], told["p50_ms"], told["p99_ms"]) == (
        True,
        25.0,
        6.0,
        40.0,
    )
    assert [each["status"] for each in told["alerts"]] == ["firing"]
    ran = newstide("demo")
    assert ran.code == 0
    assert "100 = 98 + 2" in ran.out
    assert "the bank run was seen" in ran.out


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (played(), "no alert on Harrowvale Bank"),
        (played(*BANK_RUN, lost=1), "100 went in, but 97 scored + 2 rejected came out"),
        (
            played(*BANK_RUN, alert("market", RUN_STARTS - timedelta(hours=2))),
            "false alarm on market at 15:00",
        ),
    ],
)
def test_a_demo_that_saw_something_else_fails_and_says_what(
    given: DayResult, fault: str, newstide: Command, result: list[DayResult]
) -> None:
    result.append(given)
    ran = newstide("demo", "--json")
    assert (ran.code, ran.record()["faults"]) == (1, [fault])
    ran = newstide("demo")
    assert ran.code == 1
    assert fault in " ".join(ran.out.split())


def test_the_screen_shows_a_sample_of_the_news_and_every_alert(capsys: pytest.CaptureFixture[str]) -> None:
    screen = demo._Screen(console(), 2_000)
    screen.started("http://127.0.0.1:9")
    for number in range(24):
        screen.scored(
            ScoredNews(
                id=f"n{number}",
                source="Wire",
                published_at=AFTER,
                headline=f"headline {number}",
                model="tide@1",
                sentiment=BAD,
                score=-0.7,
                fingerprint="0" * 128,
                received_at=AFTER,
                scored_at=datetime(2026, 3, 11, tzinfo=UTC),
            )
        )
    for each in BANK_RUN:
        screen.alerted(each)
    screen.rejected("not_json")
    said = capsys.readouterr().out
    assert said.count("headline ") == 2
    assert "http://127.0.0.1:9/metrics" in said
    assert "Run on bank" in said
    assert f"alert on company:{BANK} updated: 9 bad stories, 4 sources" in said
    assert "not_json" in said


def test_the_quiet_screen_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = demo._Quiet()
    quiet.started("")
    quiet.scored(SimpleNamespace())  # type: ignore[arg-type]  # not looked at
    quiet.alerted(BANK_RUN[0])
    quiet.rejected("not_json")
    assert capsys.readouterr().out == ""


def test_the_truth_of_the_day_is_what_the_demo_is_held_against() -> None:
    truth: DaySummary = summary_of_day(day())
    assert demo._faults(played(*BANK_RUN), truth) == []


SCORED = ScoreFigures(plain_per_s=800.0, kafka_per_s=700.0, usual_per_s=100.0, p50_ms=4.2, p99_ms=9.9)


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """Where the measurement was made; what it gives is `SCORED`."""
    seen: list[Connection] = []

    def measured(
        scorer: object, texts: list[str], connection: Connection, *_: object, **how: Any
    ) -> ScoreFigures:
        assert len(texts) == 2_500
        assert how["settings"]["releases.alias"] == "production"
        seen.append(connection)
        return SCORED

    monkeypatch.setattr(score, "measure", measured)
    return seen


def test_the_figures_of_scoring_are_shown_with_their_ratios(
    newstide: Command, connections: list[Connection]
) -> None:
    ran = newstide("bench", "score", "--count", 2500)
    assert ran.code == 0, ran.err
    said = " ".join(ran.out.split())
    for part in ("800", "700", "88% of the plain loop", "8.0 times this", "p50 4 ms, p99 10 ms"):
        assert part in said
    told = newstide("bench", "score", "--count", 2500, "--json").record()
    assert (told["kafka_over_plain"], told["plain_over_usual"], told["p99_ms"]) == (0.875, 8.0, 9.9)
    assert connections[0].group_instance_id == "bench"


def test_without_a_kafka_both_measurements_say_how_to_get_one(
    newstide: Command, monkeypatch: pytest.MonkeyPatch, connections: list[Connection]
) -> None:
    monkeypatch.delenv("KAFKA_HOME", raising=False)
    for words in (("chaos",), ("score", "--broker", "apache", "--count", 2500)):
        ran = newstide("bench", *words)
        assert ran.code == 2
        assert "KAFKA_HOME is not set" in ran.err


@pytest.mark.parametrize(("lost", "code"), [(0, 0), (3, 1)])
def test_a_run_of_chaos_fails_where_something_was_lost(
    lost: int, code: int, newstide: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ran_chaos(*_: object, say: Any, **how: int) -> ChaosFigures:
        say("kill -9 of a worker")
        return ChaosFigures(90, 88 - lost, 2, lost, 0, how["kills"], how["broker_kills"], 0, 12.34)

    monkeypatch.setattr(chaos, "run_chaos", ran_chaos)
    monkeypatch.setattr(bench, "_kafka_home", Path)
    ran = newstide("bench", "chaos", "--kills", 2, "--broker-kills", 1, "--json")
    assert ran.code == code
    assert (ran.record()["lost"], ran.record()["seconds"]) == (lost, 12.3)
    ran = newstide("bench", "chaos")
    assert f"90 sent = {88 - lost} scored + 2 rejected; {lost} lost" in " ".join(ran.out.split())
    assert "kill -9 of a worker" in ran.err
