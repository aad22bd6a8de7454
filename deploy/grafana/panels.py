"""What the dashboard shows: its rows, its panels and their queries, in the order of a record's way."""
# ruff: noqa: INP001 - a script's part, not a part of a package

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

HERE: Final = 'instance=~"$instance"'
Kind = Literal["lines", "stack", "number", "table"]


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression, and how the legend names each of its series."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: what it shows, in what unit, and what it is good for."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    says: str
    kind: Kind = "lines"
    width: int = 8
    alarm_above: float | None = None


def rate(metric: str, by: str = "", labels: str = "") -> str:
    """The increase per second of a counter, added up over the chosen processes."""
    grouping = f" by ({by})" if by else ""
    chosen = f"{HERE}, {labels}" if labels else HERE
    return f"sum{grouping} (rate({metric}{{{chosen}}}[$__rate_interval]))"


def quantiles(metric: str, by: str = "") -> tuple[Query, ...]:
    """The median and the 99th percentile of a histogram."""
    grouping = f"le, {by}" if by else "le"
    prefix = f"{{{{{by}}}}} " if by else ""
    return tuple(
        Query(f"histogram_quantile({share}, {rate(f'{metric}_bucket', grouping)})", f"{prefix}{name}")
        for share, name in ((0.5, "p50"), (0.99, "p99"))
    )


SENTIMENT: Final = "newstide_news_sentiment_total"
POSITIVE: Final = rate(SENTIMENT, "topic", 'sentiment="positive"')
NEGATIVE: Final = rate(SENTIMENT, "topic", 'sentiment="negative"')
MEAN_SCORE: Final = f"({POSITIVE} - {NEGATIVE}) / {rate(SENTIMENT, 'topic')}"

ROWS: Final[tuple[tuple[str, tuple[Panel, ...]], ...]] = (
    (
        "Now",
        (
            Panel(
                "Ready",
                "none",
                (Query(f"sum(newstide_ready{{{HERE}}})", "ready"),),
                "Processes whose /readyz answers 200.",
                "number",
                4,
            ),
            Panel(
                "News, in this range",
                "short",
                (Query(f"sum(increase(newstide_news_in_total{{{HERE}}}[$__range]))", "in"),),
                "Records of news.raw that were committed.",
                "number",
                4,
            ),
            Panel(
                "Unaccounted for",
                "short",
                (
                    Query(
                        f"sum(newstide_news_in_total{{{HERE}}}) - sum(newstide_news_scored_total{{{HERE}}})"
                        f" - sum(newstide_news_rejected_total{{{HERE}}})",
                        "in - scored - rejected",
                    ),
                ),
                "Always 0 but for the moment of a scrape: every record is scored or rejected, once.",
                "number",
                4,
                alarm_above=1,
            ),
            Panel(
                "Waiting",
                "short",
                (Query(f"sum(newstide_consumer_lag_records{{{HERE}}})", "records"),),
                "Records that are written and not yet read, in all input topics.",
                "number",
                4,
            ),
            Panel(
                "Open alerts",
                "short",
                (Query(f"sum by (severity) (newstide_open_alerts{{{HERE}}})", "{{severity}}"),),
                "Surges that go on.",
                "number",
                8,
                alarm_above=1,
            ),
        ),
    ),
    (
        "News",
        (
            Panel(
                "News per second",
                "ops",
                (
                    Query(rate("newstide_news_in_total"), "in"),
                    Query(rate("newstide_news_scored_total"), "scored"),
                    Query(rate("newstide_news_rejected_total"), "rejected"),
                    Query(rate("newstide_news_language_total", "language"), "scored in {{language}}"),
                ),
                "In is what scored and rejected add up to. The language chooses the release.",
            ),
            Panel(
                "Rejected, by reason",
                "ops",
                (Query(rate("newstide_news_rejected_total", "reason"), "{{reason}}"),),
                "See them by: newstide rejected list",
                "stack",
            ),
            Panel(
                "Stories and copies",
                "ops",
                (
                    Query(rate("newstide_stories_total"), "stories"),
                    Query(rate("newstide_copies_total", "series_kind"), "copies in {{series_kind}}"),
                    Query(rate("newstide_late_signals_total"), "late"),
                    Query(rate("newstide_disordered_signals_total"), "out of order beyond the grace"),
                ),
                "A copy counts for no alert; a late signal missed its window.",
            ),
        ),
    ),
    (
        "Keeping up",
        (
            Panel(
                "Lag",
                "short",
                (
                    Query(
                        f"sum by (topic, partition) (newstide_consumer_lag_records{{{HERE}}})",
                        "{{topic}} {{partition}}",
                    ),
                ),
                "Records between the position and the end of each partition.",
            ),
            Panel(
                "Since the last progress",
                "s",
                (
                    Query(
                        f"max by (loop, instance)"
                        f" (time() - newstide_last_progress_timestamp_seconds{{{HERE}}})",
                        "{{loop}} {{instance}}",
                    ),
                ),
                "Progress is a commit, or a poll that found nothing to do.",
            ),
            Panel(
                "Transactions and rebalances",
                "ops",
                (
                    Query(rate("newstide_transactions_total", "loop, outcome"), "{{loop}} {{outcome}}"),
                    Query(rate("newstide_rebalances_total", "loop"), "{{loop}} rebalances"),
                ),
                "An aborted transaction is done again; many of them mean that partitions change hands.",
            ),
            Panel(
                "Records per second, by loop",
                "ops",
                (Query(rate("newstide_records_processed_total", "loop"), "{{loop}}"),),
                "One article makes a signal for each series that it speaks of.",
                width=12,
            ),
            Panel(
                "Partitions, by process",
                "none",
                (
                    Query(
                        f"sum by (loop, instance) (newstide_assigned_partitions{{{HERE}}})",
                        "{{loop}} {{instance}}",
                    ),
                ),
                "How the groups shared their partitions out.",
                "stack",
                12,
            ),
        ),
    ),
    (
        "How long it takes",
        (
            Panel(
                "From receipt to scored",
                "s",
                quantiles("newstide_received_to_scored_seconds"),
                "From the record's own time on news.raw to its commit on news.scored.",
            ),
            Panel(
                "By stage",
                "s",
                quantiles("newstide_stage_duration_seconds", "stage"),
                "What one batch spends in the queue, the tokenizer, the model, and the transaction.",
            ),
            Panel(
                "From publication to scored",
                "s",
                quantiles("newstide_published_to_scored_seconds"),
                "What the sources and the replay of old news add.",
            ),
        ),
    ),
    (
        "The model",
        (
            Panel(
                "Padding waste",
                "percentunit",
                (
                    Query(
                        f"1 - {rate('newstide_tokens_total')} / {rate('newstide_padded_tokens_total')}",
                        "padding",
                    ),
                ),
                "The share of the model's work that is padding.",
                width=6,
            ),
            Panel(
                "Batch fill",
                "short",
                (
                    Query(
                        f"{rate('newstide_padded_tokens_total')} / {rate('newstide_model_batches_total')}",
                        "padded tokens in one pass",
                    ),
                    Query(
                        f"{rate('newstide_batch_rows_sum')} / {rate('newstide_batch_rows_count')}",
                        "articles in one poll",
                    ),
                ),
                "Passes far below score.batch_tokens mean that there is little to do.",
                width=6,
            ),
            Panel(
                "Model in force",
                "none",
                (
                    Query(
                        f"count by (language, name, version) (newstide_model_info{{{HERE}}}"
                        f" or newstide_language_model_info{{{HERE}}})",
                        "{{language}} {{name}}@{{version}}",
                    ),
                ),
                "How many processes answer with each release; with its language, where that has its own.",
                "table",
                6,
            ),
            Panel(
                "Swaps, in this range",
                "short",
                (
                    Query(
                        f"sum by (outcome) (increase(newstide_model_swaps_total{{{HERE}}}[$__range]))",
                        "{{outcome}}",
                    ),
                ),
                "A swap that failed leaves the model in force as it was.",
                "number",
                6,
            ),
        ),
    ),
    (
        "What the news says",
        (
            Panel(
                "Mean score, by topic",
                "none",
                (Query(MEAN_SCORE, "{{topic}}"),),
                "Positive minus negative probability, between -1 and 1, by the likeliest topic.",
                width=12,
            ),
            Panel(
                "Articles per second, by sentiment",
                "ops",
                (Query(rate(SENTIMENT, "sentiment"), "{{sentiment}}"),),
                "Each article is shared out over the three by its probabilities.",
                "stack",
                12,
            ),
        ),
    ),
    (
        "Alerts",
        (
            Panel(
                "Alerts, by rule",
                "short",
                (
                    Query(
                        f"sum by (rule, status) (increase(newstide_alerts_total{{{HERE}}}[$__rate_interval]))",
                        "{{rule}} {{status}}",
                    ),
                ),
                "What was written to news.alerts.",
                "stack",
            ),
            Panel(
                "Open alerts",
                "short",
                (Query(f"sum by (severity) (newstide_open_alerts{{{HERE}}})", "{{severity}}"),),
                "Surges that go on, over the replicas of WATCH.",
                "stack",
            ),
            Panel(
                "Series beyond the profile",
                "short",
                (
                    Query(
                        f"sum by (series_kind) (newstide_series_beyond_profile{{{HERE}}})", "{{series_kind}}"
                    ),
                ),
                "The false-alarm budget is not kept for series that the profile does not know.",
            ),
            Panel(
                "What newstide itself suffers from",
                "short",
                (
                    Query(
                        'count by (alertname) (ALERTS{alertname=~"Newstide.*", alertstate="firing"})'
                        ' or label_replace(vector(0), "alertname", "none", "", "")',
                        "{{alertname}}",
                    ),
                ),
                "The rules of deploy/prometheus/rules.yml that fire.",
                "stack",
            ),
        ),
    ),
    (
        "Who is told",
        (
            Panel(
                "Notifications, by sink",
                "short",
                (
                    Query(
                        "sum by (sink, outcome) "
                        f"(increase(newstide_notifications_total{{{HERE}}}[$__rate_interval]))",
                        "{{sink}} {{outcome}}",
                    ),
                    Query(
                        rate("newstide_notification_tries_total", "sink, outcome"),
                        "{{sink}} tries: {{outcome}}",
                    ),
                ),
                "What was refused or given up lies in news.undelivered, with its reason.",
                width=6,
            ),
            Panel(
                "Waiting for a sink",
                "short",
                (Query(f"sum by (sink) (newstide_notification_queue_depth{{{HERE}}})", "{{sink}}"),),
                "A queue that grows means a sink that is away or slow. It holds up no other.",
                width=6,
            ),
            Panel(
                "Told within 10 s, in this range",
                "percentunit",
                (
                    Query(
                        "sum by (sink) (increase(newstide_notification_delivery_seconds_bucket"
                        f'{{le="10.0", {HERE}}}[$__range]))'
                        " / clamp_min(sum by (sink) (increase("
                        f"newstide_notification_delivery_seconds_count{{{HERE}}}[$__range])), 1)",
                        "{{sink}}",
                    ),
                ),
                "Of what was delivered, from the moment it was due. 0 also where nothing was.",
                "number",
                6,
            ),
            Panel(
                "Causes",
                "short",
                (
                    Query(f"sum(newstide_notify_groups_open{{{HERE}}})", "open"),
                    Query(f"sum(newstide_notify_groups_silenced{{{HERE}}})", "silenced"),
                    Query(f"max(newstide_silences_active{{{HERE}}})", "silences in force"),
                ),
                "Alerts of one cause are one group.",
                width=6,
            ),
        ),
    ),
    (
        "Sources and processes",
        (
            Panel(
                "Feeds, by how they answer",
                "ops",
                (
                    Query(rate("newstide_feed_polls_total", "feed, outcome"), "{{feed}} {{outcome}}"),
                    Query(rate("newstide_feed_items_total", "feed"), "{{feed}} new articles"),
                ),
                "A feed that fails is asked less and less often, and the others go on.",
            ),
            Panel(
                "CPU",
                "percentunit",
                (
                    Query(
                        f"rate(process_cpu_seconds_total{{{HERE}}}[$__rate_interval])"
                        " * on (instance) group_left (version) newstide_build_info",
                        "{{instance}} {{version}}",
                    ),
                ),
                "1 is one core.",
            ),
            Panel(
                "Memory",
                "bytes",
                (
                    Query(f"process_resident_memory_bytes{{{HERE}}}", "{{instance}}"),
                    Query(f"sum(newstide_watched_series{{{HERE}}})", "series watched (a count)"),
                ),
                "Memory grows with the series that WATCH holds, up to its bounds.",
            ),
        ),
    ),
)
