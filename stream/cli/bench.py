"""`newstide bench`: measurements that anyone can repeat, as ratios within one run."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json, remarks
from stream.errors import UsageError

if TYPE_CHECKING:
    from stream.bench.chaos import ChaosFigures
    from stream.bench.score import ScoreFigures
    from stream.bus import Connection
    from stream.settings import Settings


class BrokerName(StrEnum):
    """A broker that can be started for a measurement."""

    embedded = "embedded"
    apache = "apache"


def bench_score(
    ctx: typer.Context,
    *,
    broker: Annotated[
        BrokerName, typer.Option(help="Which broker to start; apache needs KAFKA_HOME.")
    ] = BrokerName.embedded,
    count: Annotated[int, typer.Option(min=1_000, help="How many texts.")] = 3_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each way is measured.")] = 3,
    usual: Annotated[
        bool, typer.Option("--usual/--no-usual", help="Also the usual way; needs the extra `train`.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Scoring alone, through Kafka, and the usual way: news per second, their ratios, and latency."""
    from stream.bench.score import measure
    from stream.parts import load_scorer, release_of

    settings = settings_of(ctx, {"releases.follow": False})
    scorer = load_scorer(settings, release_of(settings))
    with (
        tempfile.TemporaryDirectory(prefix="newstide-bench-") as name,
        _broker(broker, Path(name)) as connection,
    ):
        figures = measure(
            scorer,
            texts_of_the_day(count),
            connection,
            Path(name),
            rounds=rounds,
            usual=usual,
            settings=_model_settings(settings),
        )
    if as_json:
        print_json({"broker": broker.value, "release": scorer.release, **_plain_score(figures)})
    else:
        _print_score(figures, broker.value, scorer.release)


def bench_chaos(
    *,
    kills: Annotated[int, typer.Option(min=0, help="kill -9 of a worker, so many times.")] = 10,
    broker_kills: Annotated[int, typer.Option(min=0, help="Then of the broker, so many times.")] = 0,
    as_json: Json = False,
) -> None:
    """Kill workers and the broker under load on Apache Kafka (KAFKA_HOME): nothing may be lost or doubled."""
    from stream.bench.chaos import run_chaos

    home = _kafka_home()
    screen = remarks()
    with tempfile.TemporaryDirectory(prefix="newstide-chaos-") as name:
        figures = asyncio.run(
            run_chaos(
                home,
                Path(name),
                texts_of_the_day(500),
                kills=kills,
                broker_kills=broker_kills,
                say=lambda text: screen.print(f"[dim]{text}[/]"),
            )
        )
    if as_json:
        print_json({key: round(value, 1) for key, value in asdict(figures).items()})
    else:
        _print_chaos(figures)
    if not figures.sound:
        raise typer.Exit(1)


def _model_settings(settings: Settings) -> dict[str, object]:
    """What decides which model a worker loads, and how it runs."""
    score = settings.score
    return {
        "broker.data_dir": settings.broker.data_dir,
        "releases.store": settings.release_store,
        "releases.alias": settings.releases.alias,
        "score.batch_tokens": score.batch_tokens,
        "score.max_length": score.max_length,
        "score.provider": score.provider,
        "score.intra_threads": score.intra_threads,
    }


def _kafka_home() -> Path:
    from stream.bench.apache import kafka_home

    home = kafka_home()
    if home is None:
        raise UsageError(
            "KAFKA_HOME is not set to an Apache Kafka: download one from kafka.apache.org, unpack it, "
            "and set KAFKA_HOME to its folder (it needs Java 17)"
        )
    return home


@contextmanager
def _broker(which: BrokerName, folder: Path) -> Iterator[Connection]:
    from stream.bench.apache import ApacheKafka
    from stream.broker import EmbeddedBroker
    from stream.bus import Connection

    if which is BrokerName.apache:
        with ApacheKafka(_kafka_home(), folder) as apache:
            yield Connection(bootstrap=apache.bootstrap)
        return
    with EmbeddedBroker(folder / "broker") as address:
        yield Connection(bootstrap=str(address), session_timeout_ms=300_000, group_instance_id="bench")


def texts_of_the_day(count: int) -> list[str]:
    """Headlines of the invented trading day, again and again where more are wanted."""
    from stream.demo.day import make_day

    headlines = [json.loads(record.value)["headline"] for record in make_day() if record.note == "story"]
    return [headlines[number % len(headlines)] for number in range(count)]


def _plain_score(figures: ScoreFigures) -> dict[str, float | None]:
    ratio = figures.plain_over_usual
    return {
        "plain_per_s": round(figures.plain_per_s, 1),
        "kafka_per_s": round(figures.kafka_per_s, 1),
        "usual_per_s": None if figures.usual_per_s is None else round(figures.usual_per_s, 1),
        "kafka_over_plain": round(figures.kafka_over_plain, 3),
        "plain_over_usual": None if ratio is None else round(ratio, 2),
        "p50_ms": round(figures.p50_ms, 1),
        "p99_ms": round(figures.p99_ms, 1),
    }


def _print_score(figures: ScoreFigures, broker: str, release: str) -> None:
    from rich.table import Table

    table = Table(
        box=None, pad_edge=False, title=f"{release}, {broker} broker, this machine", title_justify="left"
    )
    table.add_column("way")
    table.add_column("news/s", justify="right")
    table.add_column("ratio")
    table.add_row("plain loop of ONNX Runtime", f"{figures.plain_per_s:.0f}", "")
    table.add_row(
        "the whole way through Kafka",
        f"{figures.kafka_per_s:.0f}",
        f"{figures.kafka_over_plain:.0%} of the plain loop",
    )
    if figures.usual_per_s is not None and figures.plain_over_usual is not None:
        table.add_row(
            "transformers pipeline, one by one",
            f"{figures.usual_per_s:.0f}",
            f"the plain loop is {figures.plain_over_usual:.1f} times this",
        )
    screen = console()
    screen.print(table)
    screen.print(
        f"at half that load, from receipt to readable: p50 {figures.p50_ms:.0f} ms, p99 {figures.p99_ms:.0f} ms"
    )


def _print_chaos(figures: ChaosFigures) -> None:
    screen = console()
    screen.print(
        f"{figures.sent} sent = {figures.scored} scored + {figures.rejected} rejected; "
        f"{figures.lost} lost, {figures.doubled} doubled, {figures.stopped} workers gave up"
    )
    screen.print(
        f"after {figures.kills} kills of a worker and {figures.broker_kills} of the broker, "
        f"{figures.seconds:.0f} s in all"
    )
