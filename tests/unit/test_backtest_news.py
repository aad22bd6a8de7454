"""News of the past through SCORE and WATCH, dealt anew, and drawn."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tiny_release import tiny_release
from watching import BANK, START, drawn, good, play, signal, told, withdrawal

from models.scorer import OnnxScorer
from stream.backtest.band import Bar, bars_around, direction_of
from stream.backtest.drawing import Mark, draw
from stream.backtest.figures import lives_of
from stream.backtest.news import Event, NowIsThen, Span, read_scored, read_signals, score_news, watch
from stream.backtest.null import null_counts, null_news
from stream.backtest.report import news_report
from stream.backtest.tables import CountTable
from stream.backtest.whole import backtest_counts, backtest_news, null_of_news
from stream.errors import UsageError
from stream.events import MARKET, ScoredNews, Signal
from stream.metrics import Metrics
from stream.score.entities import CompanyTagger
from stream.score.pipeline import ScorePipeline
from stream.sources.files import read_news
from stream.sources.replay import load_recording
from stream.watch.budget import Budget
from stream.watch.rulebook import SurgeRule
from stream.watch.rules import WatchRules
from stream.watch.watcher import Watcher

RULES = WatchRules(surges=(SurgeRule("bad_news", level=1e-5),), budget=Budget(1.0))
QUIET = "." * 240 + "1" + "." * 119 + "o" + "." * 119
SURGE = QUIET + "22332322" + "." * 600 + "o"


def of_all(signals: list[Signal]) -> list[Signal]:
    """Each article also for the market, where stories are told apart."""
    both = []
    for each in signals:
        both += [each.model_copy(update={"series": MARKET}), each]
    return both


def item(number: int, minute: float, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"i{number}",
        "source": "wire",
        "published_at": (START + timedelta(minutes=minute)).isoformat(),
        "headline": f"Apple Inc. shares fall {number}",
    } | fields


def span_of(records: list[dict[str, Any]], folder: Path) -> Span:
    file = folder / "news.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    clock = NowIsThen()
    scorer = OnnxScorer.load(tiny_release(folder / "release"))
    pipeline = ScorePipeline(
        model=lambda: scorer,
        tagger=CompanyTagger.default(),
        metrics=Metrics(CollectorRegistry()),
        clock=clock,
    )
    try:
        return asyncio.run(score_news(load_recording(read_news(file)), pipeline, clock))
    finally:
        pipeline.close()


def test_recorded_news_becomes_the_signals_that_score_would_have_sent(tmp_path: Path) -> None:
    records = [item(number, number) for number in range(300)]
    records.append(item(300, 300, status="withdrawn", revises="i7"))
    records.append(item(301, 301) | {"headline": ""})
    span = span_of(records, tmp_path)
    kinds = Counter(type(event).__name__ for event in span.events)
    assert (span.read, span.rejected) == (302, 1)
    assert kinds["Withdrawal"] == 1
    assert {event.series for event in span.events if isinstance(event, Signal)} >= {MARKET, "company:AAPL"}
    assert [event.published_at for event in span.events] == sorted(e.published_at for e in span.events)


def test_a_record_of_a_wrong_clock_is_rejected_as_it_is_live(tmp_path: Path) -> None:
    records = [item(number, number) for number in range(60)]
    records.append(item(60, 0) | {"published_at": "2999-12-31T00:00:00Z"})
    span = span_of(records, tmp_path)
    assert span.rejected == 1
    assert max(event.published_at for event in span.events) == START + timedelta(minutes=59)


def test_spans_are_put_together_and_cut_by_time() -> None:
    early, late = signal(minute=1), signal(minute=9)
    whole = Span((late,), 1) + Span((early,), 2, 1)
    assert (whole.events, whole.read, whole.rejected) == ((early, late), 3, 1)
    assert whole.between(START + timedelta(minutes=2), None).events == (late,)
    assert whole.between(None, START + timedelta(minutes=9)).events == (early,)


def test_signals_that_were_written_are_read_back(tmp_path: Path) -> None:
    file = tmp_path / "signals.jsonl"
    events = [signal(minute=2), withdrawal("n1", 1)]
    file.write_bytes(b"\n".join(event.to_json() for event in events) + b"\n\n")
    assert read_signals(file).events == (events[1], events[0])


def test_scored_news_that_was_written_is_read_back(tmp_path: Path) -> None:
    one = signal(minute=3)
    scored = ScoredNews(
        id="s1",
        source="wire",
        published_at=one.published_at,
        headline="x",
        model="m@1",
        sentiment=one.sentiment,
        score=one.score,
        fingerprint=one.fingerprint,
        received_at=START,
        scored_at=START,
    )
    taken = scored.model_copy(update={"id": "s2", "status": "withdrawn", "revises": "s1"})
    file = tmp_path / "scored.jsonl"
    file.write_bytes(scored.to_json() + b"\n" + taken.to_json() + b"\n")
    assert [type(event).__name__ for event in read_scored(file).events] == ["Signal", "Withdrawal"]
    assert read_scored(file).read == 2


@pytest.mark.parametrize("read", [read_signals, read_scored])
def test_a_line_that_is_no_record_is_refused_with_its_number(tmp_path: Path, read: Any) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"series": "market"}\n')
    with pytest.raises(UsageError, match="line 1 is no "):
        read(file)


def test_a_backtest_says_what_a_live_watcher_says() -> None:
    signals = drawn(SURGE)
    said = watch(signals, RULES)
    assert said[0].status == "firing"
    live = Watcher(RULES)
    assert [alert.to_json() for alert in said] == [alert.to_json() for alert in play(live, signals)]


def test_a_long_span_says_the_same_as_a_short_one_with_nothing_behind_it() -> None:
    signals = drawn(SURGE)
    more = [good(f"company:C{n % 50}", 2_000 + n) for n in range(2_500)]
    first = [alert for alert in watch([*signals, *more], RULES) if alert.series == BANK]
    assert told(first)[:1] == ["firing"]
    assert first[0] == watch(signals, RULES)[0]


def test_a_backtest_writes_the_same_bytes_again(tmp_path: Path) -> None:
    events: list[Event] = [*drawn(SURGE), withdrawal("n1", 2_000)]
    for name in ("one", "two"):
        backtest_news(events, RULES, read=30, rejected=2).write(tmp_path / name)
    for file in ("alerts.jsonl", "figures.json", "report.html"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    figures = json.loads((tmp_path / "one" / "figures.json").read_text())
    assert figures["alarms"] == 1
    assert figures["rejected"] == 2
    assert figures["budget_per_day"] == 1.0
    assert figures["detection_delay_seconds"]["from"] == "onset"
    assert (tmp_path / "one" / "alerts.jsonl").read_text().count("\n") >= 1


def test_the_page_shows_the_evidence_and_needs_nothing_else() -> None:
    hostile = [
        each.model_copy(
            update={"headline": f"<script>{each.news_id}</script>" + 200 * "x", "url": "javascript:alert(1)"}
        )
        for each in drawn(SURGE)
    ]
    page = backtest_news(hostile, RULES, read=1, rejected=0).page
    assert "<script" not in page
    assert "javascript:" not in page
    assert "&lt;script&gt;" in page
    assert BANK in page
    assert 'class="expected"' in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_link_of_the_web_is_kept() -> None:
    linked = [each.model_copy(update={"url": "https://example.com/?a=1&b=2"}) for each in drawn(SURGE)]
    assert 'href="https://example.com/?a=1&amp;b=2"' in backtest_news(linked, RULES, read=1, rejected=0).page


def test_a_span_of_which_nothing_is_said_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing was said"):
        backtest_news([withdrawal("n1", 0)], RULES, read=1, rejected=0)


def test_a_folder_that_can_t_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't be written"):
        backtest_news(drawn("1"), RULES, read=1, rejected=0).write(tmp_path / "file")


def test_the_bars_around_an_alert_count_novel_stories_of_its_direction_beside_what_was_expected() -> None:
    signals = drawn(SURGE)
    copied = [
        each.model_copy(update={"news_id": f"copy of {each.news_id}", "source": "copier"})
        for each in signals[-8:]
    ]
    events = sorted([*signals, *copied, good("company:X", 3)], key=lambda each: each.published_at)
    (life,) = lives_of(watch(events, RULES))
    bars, bucket = bars_around(events, life, RULES)
    assert bucket % timedelta(minutes=1) == timedelta()
    shown = [bar for bar in bars if life[0].onset - bucket < bar.at <= signals[-2].published_at]
    assert sum(bar.counted for bar in shown) == 19
    assert sum(bar.copies for bar in bars) == 7 or sum(bar.copies for bar in bars) == 8
    assert all(bar.expected is not None and bar.most is not None and bar.most > bar.expected for bar in shown)
    assert direction_of(life[0], RULES) == "negative"


def test_before_a_series_is_known_nothing_is_expected_of_it() -> None:
    signals = drawn("..5555")
    rules = WatchRules(surges=(SurgeRule("all", direction="volume", level=0.001),), budget=Budget(1.0))
    life = watch(signals, rules)[:1]
    assert life
    bars, _ = bars_around(signals, life, rules)
    assert bars[0].expected is None
    assert "<svg" in draw(bars, timedelta(minutes=1), caption="x")


@pytest.mark.parametrize(
    ("direction", "counted"), [("negative", "negative"), ("positive", "positive"), ("shift", "volume")]
)
def test_a_rule_s_direction_says_what_is_drawn(direction: Any, counted: str) -> None:
    alert = watch(drawn(SURGE), RULES)[0]
    assert direction_of(alert, WatchRules(surges=(SurgeRule("bad_news", direction=direction),))) == counted


def test_good_news_is_drawn_for_a_rule_on_good_news() -> None:
    signals = [good(minute=600 + n / 4) for n in range(24)]
    rules = WatchRules(surges=(SurgeRule("cheer", direction="positive", level=0.001),), budget=Budget(1.0))
    (life,) = lives_of(watch(signals, rules))
    assert sum(bar.counted for bar in bars_around(signals, life, rules)[0]) == 24


def test_a_chart_of_many_buckets_keeps_the_highest_of_them() -> None:
    bars = [Bar(START + n * timedelta(minutes=5), float(n == 999), 0.0, 1.0, 2.0) for n in range(4_000)]
    marks = [Mark(START, "alarm", "<here>")]
    picture = draw(bars, timedelta(minutes=5), marks, [(START, START + timedelta(days=1))], caption='"x"')
    assert picture.count('class="counted"') == 1
    assert "&lt;here&gt;" in picture
    assert 'class="window"' in picture
    assert len(picture) < 60_000


def test_a_chart_without_a_baseline_shows_what_was_counted() -> None:
    picture = draw([Bar(START, 3.0)], timedelta(minutes=5), caption="x")
    assert 'class="counted"' in picture
    assert 'class="band"' not in picture
    assert 'class="expected"' not in picture


def test_counts_of_odd_buckets_are_named_in_seconds() -> None:
    rows = tuple((START + n * timedelta(seconds=90), 4.0) for n in range(30))
    page = backtest_counts([CountTable("T", rows, timedelta(seconds=90))], 1.0).page
    assert "counted in 90 seconds" in page


def test_an_alert_without_evidence_has_a_chart_all_the_same() -> None:
    signals = drawn(SURGE)
    bare = [alert.model_copy(update={"evidence": ()}) for alert in watch(signals, RULES)]
    figures = backtest_news(signals, RULES, read=1, rejected=0).figures
    page = news_report(figures, bare, signals, RULES)
    assert "Evidence" not in page
    assert 'class="chart"' in page


def weeks(count: int) -> list[Signal]:
    """Four stories in each working hour, one of them with a copy; and one evening a surge of a bank."""
    made = []
    for day in range(7 * count):
        for hour in range(14, 20):
            for n in range(4):
                minute = (day * 24 + hour - 14) * 60 + 7 * n
                made.append(signal(f"company:C{(day + hour + n) % 9}", minute, text=(day, hour, n)))
            made.append(
                signal(
                    made[-1].series,
                    minute + 3,
                    text=(day, hour, 3),
                    news_id=f"copy {day} {hour}",
                    source="copier",
                )
            )
    made += [signal(BANK, (9 * 24 + 3) * 60 + n / 3) for n in range(40)]
    return sorted(of_all(made), key=lambda each: each.published_at)


def test_news_dealt_anew_keeps_its_week_its_copies_and_its_companies_but_no_surge() -> None:
    events = weeks(3)
    dealt = null_news(events, RULES, days=28, seed=4)
    assert dealt == null_news(events, RULES, days=28, seed=4)
    assert dealt != null_news(events, RULES, days=28, seed=5)
    market = [each for each in dealt if each.series == MARKET]
    assert {each.published_at.hour for each in market} <= set(range(14, 20))
    assert len({each.news_id for each in market}) == len(market)
    prints = Counter(each.fingerprint for each in market)
    assert max(prints.values()) == 2
    hours = Counter((e.published_at.date(), e.published_at.hour) for e in dealt if e.series == BANK)
    assert max(hours.values()) < 20
    live = Counter((e.published_at.date(), e.published_at.hour) for e in events if e.series == BANK)
    assert max(live.values()) == 40


def test_a_busier_feed_is_dealt_so_many_times_over() -> None:
    events = weeks(3)
    once, tenfold = (
        len({each.news_id for each in null_news(events, RULES, days=7, seed=4, times=times)})
        for times in (1, 10)
    )
    assert 8 < tenfold / once < 12


def test_what_is_raised_on_news_dealt_anew_is_false_and_its_rate_has_an_interval() -> None:
    null = null_of_news(weeks(3), RULES, days=10, seed=1).figures["null"]
    low, high = null["ci95"]
    assert low <= null["false_alarms_per_day"] <= high
    assert null["false_alarms"] == null["false_alarms_per_day"] * 10
    assert null["within_budget"] == (null["false_alarms_per_day"] <= null["budget_per_day"])


def test_a_correction_is_dealt_with_what_it_corrects_or_as_news() -> None:
    first = signal(minute=1, text="a", news_id="a")
    kept = signal(minute=2, text="a", news_id="b", status="corrected", revises="a")
    alone = signal(minute=5, text="c", news_id="c", status="corrected", revises="lost")
    dealt = null_news(of_all([first, kept, alone]), RULES, days=2, seed=1)
    revising = [each for each in dealt if each.revises]
    assert revising
    ids = {each.news_id for each in dealt}
    assert all(each.revises in ids for each in revising)
    assert all(each.status == "normal" for each in dealt if not each.revises)


def test_of_nothing_nothing_is_dealt() -> None:
    assert null_news([withdrawal("n1", 0)], RULES, days=3, seed=1) == ()


def counted(days: int) -> CountTable:
    rows = tuple(
        (START + n * timedelta(minutes=5), 5_000.0 if n == 2_000 else float(10 + n % 5 + (n // 12) % 24))
        for n in range(days * 288)
    )
    return CountTable("T", rows, timedelta(minutes=5))


def test_counts_dealt_anew_keep_their_day_without_what_stands_out() -> None:
    null = null_counts(counted(28), days=14, seed=2)
    assert null == null_counts(counted(28), days=14, seed=2)
    assert len(null.rows) == 14 * 288
    assert max(count for _, count in null.rows) < 100.0
    assert all(
        later[0] - earlier[0] == null.bucket for earlier, later in zip(null.rows, null.rows[1:], strict=False)
    )


def test_a_few_counts_are_dealt_as_they_are() -> None:
    rows = ((datetime(2026, 3, 2, 0, 0, tzinfo=UTC), 3.0), (datetime(2026, 3, 2, 1, 0, tzinfo=UTC), 9.0))
    null = null_counts(CountTable("T", rows, timedelta(hours=1)), days=1, seed=1)
    assert {count for _, count in null.rows} <= {3.0, 9.0}


def test_the_page_of_count_series_names_labels_only_where_there_are_some() -> None:
    page = backtest_counts([counted(9)], 1.0).page
    assert "labelled" not in page
    assert "counted in 5 minutes" in page
