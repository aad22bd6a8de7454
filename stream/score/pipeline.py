"""SCORE, whole: one poll of `news.raw` becomes scored news, signals and rejects.

Read `_answer` and `_write` top to bottom: decode, name the companies, score, write. They are synchronous and run
in worker threads, so that heartbeats go on meanwhile, and the models in one of their own: it has the next batch
while the last one is written. Where languages have releases of their own, each reads its part of the poll; the
answers come back in the order of the records. Nothing is kept from one batch to the next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from models.scorer import Answer, Places, Scorer, Scoring
from stream.bus import Outcome, Outgoing, Record
from stream.bus.records import EVERY, cloud_event
from stream.bus.rejects import reject_record
from stream.events import NewsItem, Reject, RejectReason, ScoredNews
from stream.metrics import Metrics
from stream.score.decode import decode_news
from stream.score.entities import CompanyTagger, Mention
from stream.score.fingerprint import fingerprint
from stream.score.language import language_of
from stream.score.scoring import make_scored, model_text, places_of, signals_of, withdrawal_of
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
    languages: dict[int, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is known of an article before a model reads it."""

    text: str
    language: str
    mentions: tuple[Mention, ...]

    @property
    def places(self) -> Places:
        """The companies that the model is asked about."""
        return places_of(self.mentions)


class ScorePipeline:
    """Scores what one poll brings.

    Args:
        model: gives the scorer in force; asked once for each batch, which keeps it to its end.
        by_language: the same for languages that have a release of their own; all others go to `model`.
        tagger: names the companies.
        metrics: where it is counted.
        limits: bounds of an article.
        clock: the time now, in seconds since 1970.
    """

    def __init__(
        self,
        *,
        model: Callable[[], Scorer],
        by_language: Mapping[str, Callable[[], Scorer]] | None = None,
        tagger: CompanyTagger,
        metrics: Metrics,
        limits: ScoreLimits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._model = model
        self._by_language = dict(by_language or {})
        self._tagger = tagger
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
        read = [self._read(item) for item in items]
        answers_soon = self._model_thread.submit(self._score, read)
        # The model lets go of the interpreter while it computes: meanwhile the headlines are read in Python.
        prints = [fingerprint(item.headline) for item in items]
        answers = answers_soon.result()
        outcome = _Answered(
            outgoing={number: [] for number in batch},
            done={number: len(records) for number, records in batch.items()},
            finish=lambda: self._write(outcome, decoded, zip(read, prints, answers, strict=True), now),
        )
        return outcome

    def _write(
        self,
        outcome: _Answered,
        decoded: Sequence[tuple[int, Record, NewsItem | Reject]],
        told: Iterator[tuple[_Reading, str, tuple[Answer, str]]],
        now: datetime,
    ) -> None:
        """Fill in what goes out: while the model has the next batch already."""
        for number, record, item in decoded:
            if isinstance(item, Reject):
                outcome.outgoing[number].append(reject_record(record, item))
                outcome.rejected.setdefault(number, []).append(item.reason)
                continue
            read, print_of_headline, (answer, release) = next(told)
            scored = make_scored(
                item,
                answer,
                read.mentions,
                fingerprint=print_of_headline,
                release=release,
                received_at=record.timestamp,
                scored_at=now,
            )
            outcome.languages.setdefault(number, []).append(read.language)
            outcome.outgoing[number].extend(self._records_of(scored, record.header("traceparent")))
            outcome.scored.setdefault(number, []).append(scored)

    def _decode(self, record: Record) -> NewsItem | Reject:
        return decode_news(
            record.value,
            received_at=record.timestamp,
            max_bytes=self._limits.max_record_bytes,
            max_ahead=self._limits.max_ahead,
        )

    def _read(self, item: NewsItem) -> _Reading:
        text = model_text(item)
        mentions = self._tagger.tag(item.headline, item.body, item.tickers)
        return _Reading(text, language_of(text, item.language), mentions)

    def _score(self, read: Sequence[_Reading]) -> list[tuple[Answer, str]]:
        """The answer to each article, and who gave it: the release of its language."""
        if not read:
            return []
        # Asked for once, all at the same moment: what is swapped now answers the next batch.
        named = {language: scorer() for language, scorer in self._by_language.items()}
        default = self._model()
        scorers = [named.get(each.language, default) for each in read]
        answers: list[tuple[Answer, str] | None] = [None] * len(read)
        scorings = []
        for scorer in dict.fromkeys(scorers):
            part = [number for number, each in enumerate(scorers) if each is scorer]
            scoring = scorer.score([read[n].text for n in part], [read[n].places for n in part])
            scorings.append(scoring)
            for number, answer in zip(part, scoring.answers, strict=True):
                answers[number] = answer, scoring.release
        self._count(scorings, len(read))
        return [each for each in answers if each is not None]

    def _count(self, scorings: Sequence[Scoring], articles: int) -> None:
        self._metrics.stage_seconds("tokenize", sum(each.tokenize_seconds for each in scorings))
        self._metrics.stage_seconds("infer", sum(each.infer_seconds for each in scorings))
        self._metrics.batch(
            articles,
            sum(each.tokens for each in scorings),
            sum(each.padded_tokens for each in scorings),
            model_batches=max(sum(each.batches for each in scorings), 1),
        )

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
            records.append(
                Outgoing(SIGNALS.name, CONTROL_KEY, withdrawal.to_json(), headers, partition=EVERY)
            )
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
        for language in outcome.languages.get(partition, []):
            metrics.language(language)
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
