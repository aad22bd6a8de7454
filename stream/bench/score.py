"""How fast newstide scores, three ways, on the same texts in the same run.

(a) a plain loop of ONNX Runtime in this process; (b) the whole way through Kafka, by one worker process started
with the real command; (c) the usual way, a transformers pipeline that takes the texts one by one. Then, at half
of what (b) reached, how long an article takes from its receipt on `news.raw` until a read_committed reader has
it from `news.scored`.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaProducer

from models.scorer import Scorer
from stream.bench.workers import Worker
from stream.bus import Connection, Outgoing, create_topics, open_producer, open_reader, send_all
from stream.errors import NewstideError
from stream.events import NewsItem, ScoredNews
from stream.topics import RAW, SCORED

_WINDOW = 256
"""Texts given to the plain loop at once: as many as one poll brings by default."""
_PARTITIONS = 3
_USUAL_TEXTS = 300
_LATENCY_SECONDS = 15.0
_SLICE_SECONDS = 0.01
_SILENCE_SECONDS = 60.0
_SLOWEST_PER_S = 50.0
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class ScoreFigures:
    """News per second of the three ways, and latency at half load in milliseconds."""

    plain_per_s: float
    kafka_per_s: float
    usual_per_s: float | None
    p50_ms: float
    p99_ms: float

    @property
    def kafka_over_plain(self) -> float:
        """The share of the plain loop's speed that the way through Kafka keeps."""
        return self.kafka_per_s / self.plain_per_s

    @property
    def plain_over_usual(self) -> float | None:
        """How many times faster the plain loop is than the usual way; None where that was not measured."""
        return None if self.usual_per_s is None else self.plain_per_s / self.usual_per_s


def measure(
    scorer: Scorer,
    texts: Sequence[str],
    connection: Connection,
    folder: Path,
    *,
    rounds: int,
    usual: bool,
    settings: Mapping[str, object] | None = None,
) -> ScoreFigures:
    """Measure `texts`, each way `rounds` times in turn; the best of each counts, as the machine may be shared.

    `settings` are those of the worker, by which it must come to the same model as `scorer`.

    Raises:
        NewstideError: a worker or the usual way failed.
    """
    plain: list[float] = []
    through: list[float] = []
    asyncio.run(create_topics(connection, partitions=_PARTITIONS, replication_factor=1))
    plain_loop(scorer, texts[: 2 * _WINDOW])
    worker = Worker("score", connection, folder, name="bench", settings=settings)
    for number in range(rounds):
        plain.append(plain_loop(scorer, texts))
        through.append(through_kafka(connection, texts, f"r{number}-", worker))
    with worker:
        worker.wait_ready()
        try:
            delays = asyncio.run(delays_at(connection, texts, max(through) / 2))
        except TimeoutError as error:
            raise NewstideError(
                f"the worker did not answer all news in time; its log: {worker.log}"
            ) from error
    per_s = usual_way(texts[:_USUAL_TEXTS], folder) if usual else None
    return ScoreFigures(max(plain), max(through), per_s, _share(delays, 0.5), _share(delays, 0.99))


def plain_loop(scorer: Scorer, texts: Sequence[str]) -> float:
    """Texts per second of the scorer alone, window by window."""
    began = time.perf_counter()
    for start in range(0, len(texts), _WINDOW):
        scorer.score(texts[start : start + _WINDOW])
    return len(texts) / (time.perf_counter() - began)


def _item(number: int, text: str, run: str) -> Outgoing:
    item = NewsItem(id=f"bench-{run}{number}", source="bench", published_at=datetime.now(UTC), headline=text)
    return Outgoing(RAW.name, item.id.encode(), item.to_json())


def through_kafka(connection: Connection, texts: Sequence[str], run: str, worker: Worker) -> float:
    """News per second of a worker that finds `texts` waiting in `news.raw`.

    Nothing else works meanwhile: all is sent before it starts, and read after it has ended. By the times at which
    it wrote its answers, from the end of its first poll, which warms it up, to its last answer.

    Raises:
        NewstideError: it ended, or did not get through them in time.
    """
    asyncio.run(_preload(connection, texts, run))
    with worker:
        worker.wait_ready()
        deadline = time.monotonic() + _SILENCE_SECONDS + len(texts) / _SLOWEST_PER_S
        while worker.counter("newstide_news_scored_total") < len(texts):
            if worker.ended or time.monotonic() > deadline:
                raise NewstideError(
                    f"the worker did not score {len(texts)} news in time; its log: {worker.log}"
                )
            time.sleep(_LOOK_SECONDS)
    times = sorted(asyncio.run(_times_written(connection, run)))
    return (len(times) - _WINDOW) / (times[-1] - times[_WINDOW - 1])


async def _preload(connection: Connection, texts: Sequence[str], run: str) -> None:
    async with open_producer(connection) as producer:
        await send_all(connection, producer, [_item(number, text, run) for number, text in enumerate(texts)])


async def _times_written(connection: Connection, run: str) -> list[float]:
    key = f"bench-{run}".encode()
    async with open_reader(connection, [SCORED.name], from_beginning=True, follow=False) as records:
        return [
            record.timestamp.timestamp() async for record in records if (record.key or b"").startswith(key)
        ]


async def delays_at(connection: Connection, texts: Sequence[str], rate: float) -> list[float]:
    """Milliseconds from receipt to readable for news that come at `rate` per second, at an even pace.

    Raises:
        TimeoutError: they were not answered in time.
    """
    count = int(rate * _LATENCY_SECONDS)
    delays: list[float] = []
    async with open_reader(connection, [SCORED.name]) as scored, open_producer(connection) as producer:
        sending = asyncio.create_task(_send_evenly(connection, producer, texts, rate, count))
        async with asyncio.timeout(_LATENCY_SECONDS + _SILENCE_SECONDS):
            while len(delays) < count:
                value, now = (await anext(scored)).value, time.time()
                received = ScoredNews.model_validate_json(value or b"").received_at.timestamp()
                delays.append(1000 * (now - received))
        await sending
    # The first second warms caches and connections up.
    return delays[int(rate) :]


async def _send_evenly(
    connection: Connection, producer: AIOKafkaProducer, texts: Sequence[str], rate: float, count: int
) -> None:
    began, sent = time.perf_counter(), 0
    while sent < count:
        due = min(int((time.perf_counter() - began) * rate) + 1, count)
        for number in range(sent, due):
            each = _item(number, texts[number % len(texts)], "pace-")
            await producer.send(connection.named(RAW.name), key=each.key, value=each.value)
        sent = due
        await asyncio.sleep(_SLICE_SECONDS)


def usual_way(texts: Sequence[str], folder: Path) -> float:
    """Texts per second of a transformers pipeline, one by one, in a process of its own on one thread.

    Raises:
        NewstideError: it failed; the text is its last line.
    """
    file = folder / "usual.json"
    file.write_text(json.dumps(list(texts)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "models.training.usual", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:]
        raise NewstideError(f"the usual way could not be measured: {' '.join(last)}")
    return float(json.loads(done.stdout.strip().splitlines()[-1])["per_s"])


def _share(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
