"""The dashboard in front of a monitor that works: a trading day is played, and a real Prometheus scrapes it."""

from __future__ import annotations

import asyncio
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from feed_server import rss
from grafana_dashboard import empty_queries, query_of
from prometheus_server import PrometheusServer, program, until

import stream.demo
from stream.bench.apache import free_port
from stream.bus import Connection, create_topics, open_producer
from stream.demo.day import make_day
from stream.topics import RAW

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules.yml"
COMPANIES = Path(stream.demo.__file__).parent / "data" / "companies.csv"
PLAYED_SECONDS = 15.0


@contextmanager
def newstide(folder: Path, *words: object) -> Iterator[subprocess.Popen[bytes]]:
    """The command in a process of its own, told to end at the end."""
    with (folder / f"{words[-1]}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "stream.cli", *map(str, words)],
            cwd=folder,
            env=os.environ | {"XDG_STATE_HOME": str(folder), "no_proxy": "127.0.0.1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def feed() -> Iterator[str]:
    """A web server with one RSS feed; gives its URL."""
    body = rss("A calm day in Malm\u00f6", "Harbour reopens")

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/rss"
        server.shutdown()
        thread.join()


async def play(connection: Connection) -> None:
    """Send the invented day at an even pace."""
    day = make_day()
    async with open_producer(connection) as producer:
        for number, record in enumerate(day):
            await producer.send(RAW.name, key=record.key, value=record.value)
            if number % 10 == 0:
                await asyncio.sleep(10 * PLAYED_SECONDS / len(day))


@pytest.fixture
def targets(tmp_path: Path, embedded: Connection) -> Iterator[list[str]]:
    """The metrics ports of a whole monitor and of a process that follows a feed, both at work."""
    asyncio.run(create_topics(embedded, partitions=3, replication_factor=1))
    ports = [free_port(), free_port()]
    common = ["--bootstrap", embedded.bootstrap, "--set", f"broker.data_dir={tmp_path}"]
    monitor = {
        "metrics.port": ports[0],
        "kafka.group_instance_id": "dashboard",
        "score.companies": COMPANIES,
        "notify.sinks": '[{"type": "webhook", "url": "http://127.0.0.1:9"}]',
        "watch.lateness_minutes": 60,
        "watch.grace_minutes": 60,
    }
    flags = [word for name, value in monitor.items() for word in ("--set", f"{name}={value}")]
    with ExitStack() as stack:
        url = stack.enter_context(feed())
        stack.enter_context(newstide(tmp_path, *common, *flags, "up"))
        asked = ("--feed", url, "--every", 1, "--metrics-port", ports[1])
        stack.enter_context(newstide(tmp_path, *common, "ingest", *asked))
        yield [f"127.0.0.1:{port}" for port in ports]


def test_no_query_of_the_dashboard_is_empty_while_a_real_day_is_played(
    tmp_path: Path, embedded: Connection, targets: list[str]
) -> None:
    program("prometheus")
    with PrometheusServer(tmp_path / "prometheus", targets, rules=RULES) as prometheus:
        until(lambda: prometheus.numbers("sum(newstide_ready) == 1"), "the monitor to be ready")
        playing = threading.Thread(target=asyncio.run, args=(play(embedded),))
        playing.start()
        try:
            until(lambda: not empty_queries(prometheus), "all queries to have a value", seconds=30)
        except AssertionError:
            pytest.fail("no value:\n" + "\n".join(empty_queries(prometheus)))
        finally:
            playing.join()
        until(
            lambda: prometheus.numbers('newstide_alerts_total{status="firing", rule="negative_surge"} >= 1'),
            "the bank run to raise an alert",
        )
        until(lambda: prometheus.numbers("sum(newstide_news_in_total) >= 2000"), "the day to be scored")
        until(lambda: prometheus.numbers(query_of("Unaccounted for")) == [0.0], "the counts to add up")
        assert prometheus.numbers("sum(newstide_feed_items_total)") == [2.0]
