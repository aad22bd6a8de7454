"""What SCORE tells: news in, scored and rejected, what it found, and how long it took."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, Info

from models.slot import SwapStatus
from stream.events import RejectReason
from stream.metrics.labels import FirstSeen, bounded

Stage = Literal["queue", "tokenize", "infer", "produce"]
STAGES: Final[tuple[Stage, ...]] = ("queue", "tokenize", "infer", "produce")
_NAMED_TOPICS: Final = 96
"""Newstide's own twenty, and as many as a release of somebody's own may have."""
SWAP_OUTCOMES: Final = tuple(status.value for status in SwapStatus)

_LANGUAGES: Final = frozenset({"en", "zh", "ja", "ko", "und"})
_REASONS: Final = frozenset(reason.value for reason in RejectReason)
_SECONDS: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
_HOUR: Final = 3600.0
_SECONDS_TO_DAYS: Final = (
    *(0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0),
    *(_HOUR, 4 * _HOUR, 12 * _HOUR, 24 * _HOUR, 72 * _HOUR, 168 * _HOUR),
)
_ROWS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)


class ScoreMetrics:
    """Counts that add up: in = scored + rejected, whenever nothing is in the middle of being counted.

    Call `records_in`, `scored` and `rejected` together, after the transaction is committed and with no await
    between them: a batch that is aborted and read again then counts once.
    """

    def __init__(self, registry: CollectorRegistry, topics: Iterable[str]) -> None:
        self._topic_label = FirstSeen(_NAMED_TOPICS, topics)
        self._count_news(registry)
        self._time_news(registry)
        self._describe_model(registry)

    def _count_news(self, registry: CollectorRegistry) -> None:
        self._in = Counter(
            "newstide_news_in_total", "Records of news.raw that were committed", registry=registry
        )
        self._scored = Counter("newstide_news_scored_total", "Articles that were scored", registry=registry)
        self._rejected = Counter(
            "newstide_news_rejected_total",
            "Records that were no article, by reason",
            ("reason",),
            registry=registry,
        )
        for reason in RejectReason:
            self._rejected.labels(reason.value)
        self._sentiment = Counter(
            "newstide_news_sentiment_total",
            "Articles by their likeliest topic, each shared out over the sentiments by its probabilities",
            ("topic", "sentiment"),
            registry=registry,
        )

        self._language = Counter(
            "newstide_news_language_total",
            "Articles that were scored, by the language that chose their release (und: not known)",
            ("language",),
            registry=registry,
        )

    def _time_news(self, registry: CollectorRegistry) -> None:
        self._stage = Histogram(
            "newstide_stage_duration_seconds",
            "Time that one batch spent in a stage",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        for stage in STAGES:
            self._stage.labels(stage)
        self._from_receipt = Histogram(
            "newstide_received_to_scored_seconds",
            "From an article's arrival on news.raw to its commit on news.scored",
            buckets=_SECONDS,
            registry=registry,
        )
        self._from_published = Histogram(
            "newstide_published_to_scored_seconds",
            "From an article's publication to its commit on news.scored",
            buckets=_SECONDS_TO_DAYS,
            registry=registry,
        )

    def _describe_model(self, registry: CollectorRegistry) -> None:
        self._batch_rows = Histogram(
            "newstide_batch_rows", "Articles scored together in one poll", buckets=_ROWS, registry=registry
        )
        self._model_batches = Counter(
            "newstide_model_batches_total", "Passes of the model, each of one padded batch", registry=registry
        )
        self._tokens = Counter("newstide_tokens_total", "Tokens of the articles", registry=registry)
        self._padded = Counter(
            "newstide_padded_tokens_total",
            "Tokens the model computed: those of the articles and the padding",
            registry=registry,
        )
        self._model = Info("newstide_model", "The release in force", registry=registry)
        self._language_model = Info(
            "newstide_language_model",
            "The release in force for a language that has one of its own",
            ("language",),
            registry=registry,
        )
        self._swaps = Counter(
            "newstide_model_swaps_total", "Attempts to swap the model", ("outcome",), registry=registry
        )
        for outcome in SWAP_OUTCOMES:
            self._swaps.labels(outcome)

    def records_in(self, n: int) -> None:
        """`n` records of `news.raw` were committed, whatever became of them."""
        self._in.inc(n)

    def scored(self, n: int) -> None:
        """`n` articles were scored."""
        self._scored.inc(n)

    def language(self, language: str) -> None:
        """One article was scored that is in `language`."""
        self._language.labels(bounded(language, _LANGUAGES)).inc()

    def rejected(self, reason: RejectReason | str, n: int = 1) -> None:
        """`n` records went to `news.rejected` for `reason`."""
        self._rejected.labels(bounded(reason, _REASONS)).inc(n)

    def sentiment(self, topic: str | None, negative: float, neutral: float, positive: float) -> None:
        """One article, by its likeliest topic (None where it has none) and its three probabilities.

        The mean score of a topic over a window is (positive - negative) / (all three) of the increases.
        """
        label = "none" if topic is None else self._topic_label(topic)
        for sentiment, share in (("negative", negative), ("neutral", neutral), ("positive", positive)):
            self._sentiment.labels(label, sentiment).inc(share)

    def stage_seconds(self, stage: Stage, seconds: float) -> None:
        """One batch spent `seconds` in `stage`; for `queue`, from its oldest record's arrival to the poll."""
        self._stage.labels(bounded(stage, STAGES)).observe(max(seconds, 0.0))

    def from_receipt(self, seconds: float) -> None:
        """One article was committed `seconds` after it reached `news.raw`; below 0 counts as 0."""
        self._from_receipt.observe(max(seconds, 0.0))

    def end_to_end_from_published(self, seconds: float) -> None:
        """One article was committed `seconds` after its publication; below 0 (clocks differ) counts as 0."""
        self._from_published.observe(max(seconds, 0.0))

    def batch(self, rows: int, tokens: int, padded_tokens: int, *, model_batches: int = 1) -> None:
        """One poll's `rows` articles went through the model in `model_batches` passes.

        `padded_tokens` is what the model computed, `tokens` of it are real: the waste is 1 - tokens / padded.
        """
        self._batch_rows.observe(rows)
        self._tokens.inc(tokens)
        self._padded.inc(padded_tokens)
        self._model_batches.inc(model_batches)

    def model_in_force(self, name: str, version: str, languages: Collection[str] = ()) -> None:
        """This release answers from now on, for `languages` or, without any, for all that have no other.

        The former one's series goes.
        """
        release = {"name": name, "version": version}
        for language in languages:
            self._language_model.labels(language).info(release)
        if not languages:
            self._model.info(release)

    def swap(self, outcome: str) -> None:
        """An attempt to swap the model ended with `outcome`, one of `SWAP_OUTCOMES`."""
        self._swaps.labels(bounded(outcome, SWAP_OUTCOMES)).inc()
