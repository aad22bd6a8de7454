from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console, RenderableType

from stream.cli import lines
from stream.cli.rejects import RejectedRecord
from stream.events import (
    Alert,
    EntityScore,
    Evidence,
    NewsItem,
    ScoredNews,
    Sentiment,
    Signal,
    Story,
    TopicScore,
    Withdrawal,
)

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
BAD = Sentiment(negative=0.9, neutral=0.08, positive=0.02)
LONG = "Bank halts withdrawals after a long run on its deposits, and says so at great length in its notice"


def drawn(what: RenderableType, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, emoji=False).print(what)
    return out.getvalue().rstrip("\n")


def company(name: str) -> EntityScore:
    return EntityScore(id=name, name=name, relevance=1.0, sentiment=BAD, score=-0.88)


def scored(**changes: object) -> ScoredNews:
    fields: dict[str, object] = {
        "id": "1",
        "source": "Wire",
        "published_at": AT,
        "headline": LONG,
        "model": "tiny@1",
        "sentiment": BAD,
        "score": -0.88,
        "topics": (TopicScore(label="Financials", probability=0.8),),
        "entities": (company("ACME"),),
        "fingerprint": "0" * 128,
        "received_at": AT,
        "scored_at": AT,
    }
    return ScoredNews.model_validate(fields | changes)


def alert(**changes: object) -> Alert:
    evidence = tuple(
        Evidence(
            news_id=str(n),
            published_at=AT + timedelta(minutes=n),
            source=f"Wire {n}",
            headline=f"[red]Run {n}[/red] " + LONG,
            score=-0.9,
            weight=1.0,
        )
        for n in range(7)
    )
    fields: dict[str, object] = {
        "alert_id": "a1",
        "status": "firing",
        "severity": "critical",
        "series": "company:ACME",
        "rule": "negative_surge",
        "onset": AT,
        "as_of": AT + timedelta(minutes=9),
        "window_seconds": 900,
        "observed": 14,
        "expected": 0.25,
        "p_value": 1e-9,
        "surprise": 9.0,
        "mean_score": -0.7,
        "baseline_score": -0.05,
        "sources": 6,
        "evidence": evidence,
        "model": "tiny@1",
    }
    return Alert.model_validate(fields | changes)


def test_a_scored_item_is_one_line_with_its_figures_kept_and_its_headline_cut() -> None:
    line = drawn(lines.scored_line(scored(), 80))
    assert line.startswith("14:30:00 ████  -0.88 [ACME] Bank halts")
    assert line.endswith("…")
    assert len(line) == 80


def test_the_topic_gives_way_to_the_headline_unless_there_is_room_for_both() -> None:
    wide = drawn(lines.scored_line(scored(), 120), 120)
    assert wide.endswith("Financials")
    assert len(wide) <= 120
    for width in (40, 80):
        assert "Financials" not in drawn(lines.scored_line(scored(), width), width)


def test_what_was_corrected_says_so_and_many_companies_are_counted() -> None:
    many = tuple(company(f"C{n}") for n in range(6))
    item = scored(status="corrected", revises="0", entities=many, topics=(), headline="Short")
    assert (
        drawn(lines.scored_line(item, 80)) == "14:30:00 ████  -0.88 [C0] [C1] [C2] [C3] +2 CORRECTED: Short"
    )


@pytest.mark.parametrize(
    ("score", "bar"),
    [(1.0, "█████ +1.00"), (-0.5, "██    -0.50"), (0.02, "·     +0.02"), (0.25, "█     +0.25")],
)
def test_the_score_is_a_bar_and_a_figure(score: float, bar: str) -> None:
    assert lines.mood(score).plain == bar + " "


def test_a_signal_shows_its_series_and_weight() -> None:
    signal = Signal(
        series="company:ACME/topic:legal",
        news_id="1",
        published_at=AT,
        source="Wire",
        weight=0.5,
        fingerprint="0" * 128,
        sentiment=BAD,
        score=-0.88,
        headline=LONG,
        model="tiny@1",
    )
    line = drawn(lines.signal_line(signal, 80))
    assert line.startswith("14:30:00 ████  -0.88 company:ACME/topic:legal (0.50) Bank")
    assert len(line) == 80


def test_a_withdrawal_names_what_was_taken_back() -> None:
    withdrawal = Withdrawal(news_id="2", withdraws="1", published_at=AT)
    assert drawn(lines.withdrawal_line(withdrawal, 80)) == "14:30:00 withdrawn 1"


@pytest.mark.parametrize(("copies", "sources"), [(1, ("A",)), (12, ("A", "B", "C"))])
def test_a_story_shows_its_copies_and_sources(copies: int, sources: tuple[str, ...]) -> None:
    story = Story(
        story_id="1",
        headline="Run on Acme",
        first_seen_at=AT,
        last_seen_at=AT,
        copies=copies,
        sources=sources,
        companies=("ACME",),
        sentiment=BAD,
        novelty=1.0,
    )
    line = drawn(lines.story_line(story, 80))
    assert line == f"14:30:00 ████  -0.88 {copies}x {len(sources)} src [ACME] Run on Acme"


def test_a_raw_item_shows_its_source() -> None:
    item = NewsItem(id="1", source="Wire", published_at=AT, headline="Up\n\x1b[2Jdown")
    assert drawn(lines.news_line(item, 80)) == "14:30:00 Wire Up [2Jdown"


def test_a_reject_shows_reason_origin_and_detail() -> None:
    reject = RejectedRecord("not_json", "it ends early", "news.raw", 1, 7, AT, None, b"{", ())
    assert drawn(lines.reject_line(reject, 80)) == "14:30:00 not_json news.raw/1/7 it ends early"


def test_an_alert_is_a_panel_with_its_evidence() -> None:
    panel = drawn(lines.alert_panel(alert(), 80))
    assert "CRITICAL company:ACME firing" in panel
    assert "14 bad stories in 15 min, 0.25 expected   surprise 9.0   6 sources" in panel
    assert "mean score -0.70, usually -0.05" in panel
    assert "since 2026-03-02 14:30, as of 14:39 UTC   rule negative_surge" in panel
    assert panel.count("████") == 5
    assert "[red]Run 0[/red]" in panel
    assert "and 2 more" in panel
    assert {len(line) for line in panel.splitlines()} == {80}


@pytest.mark.parametrize("status", ["resolved", "retracted"])
def test_an_alert_without_mean_or_evidence_is_still_a_panel(status: str) -> None:
    panel = drawn(lines.alert_panel(alert(status=status, mean_score=None, evidence=()), 80))
    assert f"company:ACME {status}" in panel
    assert "mean score" not in panel
    assert "more" not in panel


def test_an_alert_without_a_usual_score_shows_only_its_own() -> None:
    panel = drawn(lines.alert_panel(alert(baseline_score=None), 80))
    assert "mean score -0.70" in panel
    assert "usually" not in panel
