from __future__ import annotations

import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from stream.events import RejectReason
from stream.metrics import OTHER, FirstSeen, Metrics, bounded
from stream.metrics.sources import FEED_OUTCOMES
from stream.metrics.watch import series_kind
from stream.sources.outcome import Outcome


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), topics=("earnings", "legal"), version="1.2.3")


def value(metrics: Metrics, name: str, /, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def total(metrics: Metrics, name: str) -> float:
    return sum(
        sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == name
    )


def test_two_sets_of_metrics_live_side_by_side_since_none_is_made_on_import() -> None:
    first, second = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    first.records_in(3)
    assert value(first, "newstide_news_in_total") == 3
    assert value(second, "newstide_news_in_total") == 0


def test_in_is_scored_plus_rejected(metrics: Metrics) -> None:
    metrics.records_in(10)
    metrics.scored(7)
    metrics.rejected(RejectReason.NOT_JSON, 2)
    metrics.rejected("naive_time")
    counted = total(metrics, "newstide_news_scored_total") + total(metrics, "newstide_news_rejected_total")
    assert value(metrics, "newstide_news_in_total") == counted
    assert value(metrics, "newstide_news_rejected_total", reason="not_json") == 2


def test_every_reason_is_shown_before_it_occurs_so_that_the_first_one_is_an_increase(
    metrics: Metrics,
) -> None:
    for reason in RejectReason:
        assert value(metrics, "newstide_news_rejected_total", reason=reason.value) == 0


def test_a_value_outside_the_allowed_ones_counts_as_other(metrics: Metrics) -> None:
    assert bounded("legal", {"legal"}) == "legal"
    assert bounded("x", {"legal"}) == OTHER
    metrics.rejected("no such reason")
    metrics.swap("no such outcome")
    metrics.copies("no such kind")
    metrics.alert("surge", "no such status")
    metrics.feed("no such outcome", "wire")
    assert value(metrics, "newstide_news_rejected_total", reason=OTHER) == 1
    assert value(metrics, "newstide_model_swaps_total", outcome=OTHER) == 1
    assert value(metrics, "newstide_copies_total", series_kind=OTHER) == 1
    assert value(metrics, "newstide_alerts_total", rule="surge", status=OTHER) == 1
    assert value(metrics, "newstide_feed_polls_total", feed="wire", outcome=OTHER) == 1


def test_topics_beyond_the_ninety_sixth_are_other(metrics: Metrics) -> None:
    for number in range(100):
        metrics.sentiment(f"topic {number}", 1.0, 0.0, 0.0)
    assert value(metrics, "newstide_news_sentiment_total", topic=OTHER, sentiment="negative") == 6


def test_a_rule_that_is_named_is_shown_before_its_first_alert() -> None:
    metrics = Metrics(CollectorRegistry(), rules=("negative_surge",))
    assert value(metrics, "newstide_alerts_total", rule="negative_surge", status="firing") == 0


def test_only_the_first_values_up_to_the_capacity_keep_their_names() -> None:
    label = FirstSeen(2)
    assert [label(name) for name in ("a", "b", "c", "a", "b")] == ["a", "b", OTHER, "a", "b"]


def test_a_thousand_feeds_make_a_hundred_and_one_names(metrics: Metrics) -> None:
    for number in range(1000):
        metrics.feed_items(1, f"feed {number}")
    text = generate_latest(metrics.registry).decode()
    assert len(re.findall(r"^newstide_feed_items_total\{", text, re.MULTILINE)) == 101
    assert value(metrics, "newstide_feed_items_total", feed=OTHER) == 900


def test_each_way_a_feed_can_answer_keeps_its_name(metrics: Metrics) -> None:
    assert set(FEED_OUTCOMES) == {outcome.value for outcome in Outcome}
    for outcome in FEED_OUTCOMES:
        metrics.feed(outcome)
        assert value(metrics, "newstide_feed_polls_total", feed="unnamed", outcome=outcome) == 1


def test_a_revoked_partition_shows_no_stale_lag(metrics: Metrics) -> None:
    metrics.lag("news.raw", 0, 12)
    metrics.lag("news.raw", 1, 5)
    metrics.revoked("news.raw", 0)
    metrics.revoked("news.raw", 7)
    assert value(metrics, "newstide_consumer_lag_records", topic="news.raw", partition="0") is None
    assert value(metrics, "newstide_consumer_lag_records", topic="news.raw", partition="1") == 5


def test_exactly_one_model_is_in_force(metrics: Metrics) -> None:
    metrics.model_in_force("newstide-en", "1.0.0")
    metrics.model_in_force("newstide-en", "1.1.0")
    metrics.swap("swapped")
    assert value(metrics, "newstide_model_info", name="newstide-en", version="1.1.0") == 1
    assert total(metrics, "newstide_model_info") == 1
    assert value(metrics, "newstide_model_swaps_total", outcome="swapped") == 1


def test_sentiment_adds_up_to_the_articles_and_gives_the_mean_score(metrics: Metrics) -> None:
    metrics.sentiment("legal", 0.7, 0.2, 0.1)
    metrics.sentiment("legal", 0.5, 0.2, 0.3)
    metrics.sentiment(None, 0.0, 1.0, 0.0)
    negative, neutral, positive = (
        value(metrics, "newstide_news_sentiment_total", topic="legal", sentiment=each) or 0.0
        for each in ("negative", "neutral", "positive")
    )
    assert negative + neutral + positive == pytest.approx(2)
    assert (positive - negative) / 2 == pytest.approx(-0.4)
    assert value(metrics, "newstide_news_sentiment_total", topic="none", sentiment="neutral") == 1


def test_times_before_their_start_count_as_zero_since_clocks_differ(metrics: Metrics) -> None:
    metrics.stage_seconds("queue", -1)
    metrics.from_receipt(-1)
    metrics.end_to_end_from_published(-1)
    assert value(metrics, "newstide_stage_duration_seconds_bucket", stage="queue", le="0.0005") == 1
    assert value(metrics, "newstide_received_to_scored_seconds_sum") == 0
    assert value(metrics, "newstide_published_to_scored_seconds_count") == 1


def test_padding_waste_can_be_computed_from_the_tokens(metrics: Metrics) -> None:
    metrics.batch(rows=64, tokens=1500, padded_tokens=2000, model_batches=6)
    assert value(metrics, "newstide_tokens_total") == 1500
    assert value(metrics, "newstide_padded_tokens_total") == 2000
    assert value(metrics, "newstide_model_batches_total") == 6
    assert value(metrics, "newstide_batch_rows_bucket", le="64.0") == 1
    assert value(metrics, "newstide_batch_rows_bucket", le="32.0") == 0


def test_a_loop_is_shown_from_its_start_and_the_other_is_not(metrics: Metrics) -> None:
    metrics.start_loop("score")
    metrics.rebalanced("score", 3)
    metrics.processed("score", 10)
    metrics.transaction("score", "committed")
    metrics.progress("score", 1_700_000_000.5)
    assert value(metrics, "newstide_assigned_partitions", loop="score") == 3
    assert value(metrics, "newstide_rebalances_total", loop="score") == 1
    assert value(metrics, "newstide_records_processed_total", loop="score") == 10
    assert value(metrics, "newstide_transactions_total", loop="score", outcome="committed") == 1
    assert value(metrics, "newstide_transactions_total", loop="score", outcome="aborted") == 0
    assert value(metrics, "newstide_last_progress_timestamp_seconds", loop="score") == 1_700_000_000.5
    assert value(metrics, "newstide_records_processed_total", loop="watch") is None


def test_open_alerts_of_a_severity_that_is_not_named_are_none(metrics: Metrics) -> None:
    metrics.open_alerts({"critical": 2, "warning": 1})
    metrics.open_alerts({"critical": 1})
    assert value(metrics, "newstide_open_alerts", severity="critical") == 1
    assert value(metrics, "newstide_open_alerts", severity="warning") == 0


def test_the_watch_counts_stories_late_signals_and_series(metrics: Metrics) -> None:
    metrics.stories(3)
    metrics.late_signals()
    metrics.watched_series(120)
    metrics.copies("market", 2)
    metrics.alert("negative_surge", "firing")
    assert value(metrics, "newstide_stories_total") == 3
    assert value(metrics, "newstide_late_signals_total") == 1
    assert value(metrics, "newstide_watched_series") == 120
    assert value(metrics, "newstide_copies_total", series_kind="market") == 2
    assert value(metrics, "newstide_alerts_total", rule="negative_surge", status="firing") == 1


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        ("company:AAPL", "company"),
        ("topic:legal", "topic"),
        ("company:AAPL/topic:legal", "company_topic"),
        ("market", "market"),
    ],
)
def test_the_kind_of_a_series_is_read_from_its_name(series: str, kind: str) -> None:
    assert series_kind(series) == kind


def test_names_follow_the_conventions_of_prometheus(metrics: Metrics) -> None:
    families = list(text_string_to_metric_families(generate_latest(metrics.registry).decode()))
    own = [family for family in families if family.name.startswith("newstide_")]
    assert {family.name.split("_")[0] for family in families} == {"newstide", "process", "python"}
    for family in own:
        assert family.documentation, family.name
        assert not family.name.endswith(("_ms", "_milliseconds", "_count", "_created")), family.name
        if family.type == "histogram":
            assert family.name.endswith(("_seconds", "_rows")), family.name
    assert value(metrics, "newstide_build_info", version="1.2.3") == 1
