"""SCORE as this machine's settings would run it, for a recording instead of a topic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from prometheus_client import CollectorRegistry

from models.scorer import Scorer
from models.slot import ModelSlot
from stream.backtest.news import NowIsThen, Span, score_news
from stream.metrics import Metrics
from stream.parts import tagger_of
from stream.score.pipeline import ScoreLimits, ScorePipeline
from stream.serving import by_language, open_serving
from stream.settings import Settings
from stream.sources.replay import Recording


def score_recording(settings: Settings, recording: Recording) -> Span:
    """Let the releases in force answer a recording.

    Raises:
        ModelError: if a release can't be used.
    """
    serving = open_serving(settings)
    clock = NowIsThen()
    pipeline = ScorePipeline(
        model=_current(serving[0].slot),
        by_language={language: _current(slot) for language, slot in by_language(serving).items()},
        tagger=tagger_of(settings),
        metrics=Metrics(CollectorRegistry()),
        limits=ScoreLimits(settings.score.max_record_bytes, timedelta(hours=settings.score.max_ahead_hours)),
        clock=clock,
    )
    try:
        return asyncio.run(score_news(recording, pipeline, clock))
    finally:
        pipeline.close()


def _current(slot: ModelSlot) -> Callable[[], Scorer]:
    return lambda: slot.current
