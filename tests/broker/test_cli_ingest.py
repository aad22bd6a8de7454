from __future__ import annotations

import contextlib
import http.server
import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from command import Command
from feed_server import rss

from stream.bus import Connection


class Feeds:
    """A web server in a thread of its own: the command has this thread's event loop for itself."""

    def __init__(self) -> None:
        self.body = rss("Bank fails", "Fed cuts")
        self.asked: list[str] = []
        self.when_asked: Callable[[], None] = lambda: None
        feeds = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                feeds.asked.append(self.path)
                feeds.when_asked()
                # Told to stop, the command may be gone before it has its answer.
                with contextlib.suppress(ConnectionError):
                    self.send_response(200 if self.path == "/rss" else 404)
                    self.send_header("Content-Length", str(len(feeds.body)))
                    self.end_headers()
                    self.wfile.write(feeds.body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/rss"


@pytest.fixture
def feeds() -> Iterator[Feeds]:
    found = Feeds()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.05,))
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.fixture
def newstide(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    embedded: Connection,
) -> Iterator[Command]:
    """On a fresh broker with all topics; the log is put back afterwards."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    command = Command(tmp_path, monkeypatch, capsys)
    command.flags = ("--bootstrap", embedded.bootstrap, "--log-format", "json")
    assert command("topics", "--create", "--partitions", 1).code == 0
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield command
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_new_articles_are_sent_once_also_across_restarts(newstide: Command, feeds: Feeds) -> None:
    ran = newstide("ingest", "--feed", feeds.url, "--once", "--json")
    assert ran.code == 0
    poll = ran.record()
    assert (poll["feed"], poll["outcome"], poll["items"]) == (feeds.url, "ok", 2)
    assert newstide("ingest", "--feed", feeds.url, "--once", "--json").record()["items"] == 0
    news = newstide("tail", "raw", "-b", "--no-follow", "--json").records()
    assert {item["headline"] for item in news} == {"Bank fails", "Fed cuts"}
    assert {item["source"] for item in news} == {"127.0.0.1"}


def test_feeds_come_from_the_file_and_a_broken_one_does_not_stop_the_others(
    newstide: Command, feeds: Feeds
) -> None:
    missing = feeds.url.replace("/rss", "/gone")
    Path("newstide.toml").write_text(
        f'[ingest]\nfeeds = [{{url = "{feeds.url}", source = "Own Wire"}}, "{missing}"]\n'
    )
    ran = newstide("ingest", "--once")
    assert ran.code == 0
    *log, last = ran.err.splitlines()
    assert last == "2 polls of 2 feeds, 2 new articles to news.raw"
    warnings = [line for line in map(json.loads, log) if line["level"] == "WARNING"]
    assert "/gone" in warnings[0]["message"]
    assert {item["source"] for item in newstide("tail", "raw", "-b", "--no-follow", "--json").records()} == {
        "Own Wire"
    }


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_follows_until_a_signal_comes(
    number: signal.Signals, code: int, newstide: Command, feeds: Feeds
) -> None:
    feeds.when_asked = lambda: os.kill(os.getpid(), number)
    ran = newstide("ingest", "--feed", feeds.url, "--every", "5")
    assert ran.code == code
    assert "of 1 feed," in ran.err
    assert feeds.asked == ["/rss"]


def test_metrics_are_served_where_asked_for(
    newstide: Command, feeds: Feeds, capsys: pytest.CaptureFixture[str]
) -> None:
    pages: list[str] = []

    def look() -> None:
        said = capsys.readouterr().err
        (line,) = [line for line in said.splitlines() if line.startswith("metrics at ")]
        with urlopen(line.removeprefix("metrics at ")) as page:  # noqa: S310 - our own server
            pages.append(page.read().decode())

    feeds.when_asked = look
    newstide("ingest", "--feed", feeds.url, "--once", "--metrics-port", "0")
    assert "newstide_feed_polls_total" in pages[0]


def test_without_feeds_it_says_how_to_name_one(newstide: Command) -> None:
    ran = newstide("ingest", "--once")
    assert ran.code == 2
    assert "--feed URL" in ran.err


def test_without_its_topic_nothing_is_asked(newstide: Command, feeds: Feeds) -> None:
    ran = newstide("--set", "kafka.topic_prefix=other.", "ingest", "--feed", feeds.url, "--once")
    assert ran.code == 1
    assert "news.raw does not exist" in ran.err
    assert feeds.asked == []
