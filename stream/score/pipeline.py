"""SCORE, whole: one poll of `news.raw` becomes scored news, signals and rejects.

Read `_answer` and `_write` top to bottom: decode, score, name the companies, write. They are synchronous and run
in worker threads, so that heartbeats go on meanwhile, and the model in one of its own: it has the next batch while
the last one is written. Nothing is kept from one batch to the next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from models.scorer import Scorer, Scoring
from stream.bus import Outcome, Outgoing, Record
from stream.bus.records import cloud_event
from stream.bus.rejects import reject_record
from stream.events import NewsItem, Reject, RejectReason, ScoredNews
from stream.metrics import Metrics
from stream.score.decode import decode_news
from stream.score.entities import CompanyTagger, Mention
from stream.score.fingerprint import fingerprint
from stream.score.scoring import make_scored, model_text, signals_of, withdrawal_of
from stream.topics import SCORED, SIGNALS

CONTROL_KEY = b"control"


@dataclass(frozen=True, slots=True)
class ScoreLimits:
    """Bounds of an article."""

    max_record_bytes: int = 1_048_576
    max_ahead: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class _Answered(Outcome):
    """An outcome with what its metrics need once it is committed."""

    outgoing: dict[int, list[Outgoing]]
    scored: dict[int, list[ScoredNews]] = field(default_factory=dict)
    rejected: dict[int, list[RejectReason]] = field(default_factory=dict)


class ScorePipeline:
    """Scores what one poll brings.

    Args:
        model: gives the scorer in force; asked once for each batch, which keeps it to its end.
        tagger: names the companies.
        signal_partitions: how many partitions `news.signals` has: a withdrawal goes to each.
        metrics: where it is counted.
        limits: bounds of an article.
        clock: the time now, in seconds since 1970.
    """

    def __init__(
        self,
        *,
        model: Callable[[], Scorer],
        tagger: CompanyTagger,
        signal_partitions: int,
        metrics: Metrics,
        limits: ScoreLimits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._model = model
        self._tagger = tagger
        self._signal_partitions = signal_partitions
        self._metrics = metrics
        self._limits = limits or ScoreLimits()
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="score")
        self._model_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")

    async def restore(self, partition: int) -> None:
        """Nothing to read back: SCORE keeps no state."""

    def forget(self, partition: int) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """End the worker threads."""
        self._thread.shutdown()
        self._model_thread.shutdown()

    async def process(self, batch: Mapping[int, Sequence[Record]]) -> Outcome:
        """Answer every record of `batch`, each as one scored item or one reject."""
        if not batch:
            return Outcome({})
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, batch)

    def _answer(self, batch: Mapping[int, Sequence[Record]]) -> Outcome:
        now = datetime.fromtimestamp(self._clock(), UTC)
        records = [(number, record) for number, records in batch.items() for record in records]
        oldest = min(record.timestamp for _, record in records)
        self._metrics.stage_seconds("queue", (now - oldest).total_seconds())
        decoded = [(number, record, self._decode(record)) for number, record in records]
        items = [item for _, _, item in decoded if isinstance(item, NewsItem)]
        scoring_soon = self._model_thread.submit(self._score, [model_text(item) for item in items])
        # The model lets go of the interpreter while it computes: meanwhile the texts are read in Python.
        read = [
            (self._tagger.tag(each.headline, each.body, each.tickers), fingerprint(each.headline))
            for each in items
        ]
        scoring = scoring_soon.result()
        outcome = _Answered(
            outgoing={number: [] for number in batch},
            done={number: len(records) for number, records in batch.items()},
            finish=lambda: self._write(outcome, decoded, scoring, read, now),
        )
        return outcome

    def _write(
        self,
        outcome: _Answered,
        decoded: Sequence[tuple[int, Record, NewsItem | Reject]],
        scoring: Scoring,
        read: Sequence[tuple[tuple[Mention, ...], str]],
        now: datetime,
    ) -> None:
        """Fill in what goes out: while the model has the next batch already."""
        answers, readings = iter(scoring.answers), iter(read)
        for number, record, item in decoded:
            if isinstance(item, Reject):
                outcome.outgoing[number].append(reject_record(record, item))
                outcome.rejected.setdefault(number, []).append(item.reason)
                continue
            mentions, print_of_headline = next(readings)
            scored = make_scored(
                item,
                next(answers),
                mentions,
                fingerprint=print_of_headline,
                release=scoring.release,
                received_at=record.timestamp,
                scored_at=now,
            )
            outcome.outgoing[number].extend(self._records_of(scored, record.header("traceparent")))
            outcome.scored.setdefault(number, []).append(scored)

    def _decode(self, record: Record) -> NewsItem | Reject:
        return decode_news(
            record.value,
            received_at=record.timestamp,
            max_bytes=self._limits.max_record_bytes,
            max_ahead=self._limits.max_ahead,
        )

    def _score(self, texts: list[str]) -> Scoring:
        scorer = self._model()
        if not texts:
            return Scoring(answers=(), release=scorer.release)
        scoring = scorer.score(texts)
        self._metrics.stage_seconds("tokenize", scoring.tokenize_seconds)
        self._metrics.stage_seconds("infer", scoring.infer_seconds)
        self._metrics.batch(
            len(texts), scoring.tokens, scoring.padded_tokens, model_batches=max(scoring.batches, 1)
        )
        return scoring

    def _records_of(self, scored: ScoredNews, traceparent: str | None) -> list[Outgoing]:
        headers = cloud_event("newstide.news.scored", scored.id, scored.published_at, traceparent)
        records = [Outgoing(SCORED.name, scored.id.encode(), scored.to_json(), headers)]
        headers = cloud_event("newstide.news.signal", scored.id, scored.published_at, traceparent)
        records += [
            Outgoing(SIGNALS.name, signal.series.encode(), signal.to_json(), headers)
            for signal in signals_of(scored)
        ]
        withdrawal = withdrawal_of(scored)
        if withdrawal is not None:
            # It may not say what companies it is about, so every partition hears of it.
            headers = cloud_event("newstide.news.withdrawal", scored.id, scored.published_at, traceparent)
            records += [
                Outgoing(SIGNALS.name, CONTROL_KEY, withdrawal.to_json(), headers, partition=number)
                for number in range(self._signal_partitions)
            ]
        return records

    def delivered(self, outcome: Outcome, partition: int) -> None:
        """Count what is committed, and only that."""
        if not isinstance(outcome, _Answered):
            return
        now = self._clock()
        metrics = self._metrics
        scored = outcome.scored.get(partition, [])
        metrics.records_in(outcome.done.get(partition, 0))
        metrics.scored(len(scored))
        for reason in outcome.rejected.get(partition, []):
            metrics.rejected(reason)
        for item in scored:
            metrics.from_receipt(now - item.received_at.timestamp())
            metrics.end_to_end_from_published(now - item.published_at.timestamp())
            metrics.sentiment(
                item.topics[0].label if item.topics else None,
                item.sentiment.negative,
                item.sentiment.neutral,
                item.sentiment.positive,
            )
