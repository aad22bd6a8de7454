"""Feeds followed over real HTTP, on loopback."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from feed_server import FeedServer, drip, head, raw, redirect, reply, rss, silence, zipped

from stream.errors import BrokerRefusedError, BrokerUnavailableError, NewstideError, UsageError
from stream.events import NewsItem
from stream.sources.feed import Feed
from stream.sources.fetch import FetchLimits
from stream.sources.outcome import Outcome
from stream.sources.rss import FeedPoller, Polled
from stream.sources.turns import Manners
from stream.version import VERSION

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PATIENT = FetchLimits(connect_seconds=10.0, read_seconds=10.0, total_seconds=20.0)
HASTY = FetchLimits(connect_seconds=10.0, read_seconds=0.4, total_seconds=0.8)
AT_ONCE = Manners(host_seconds=0.0)
ONE = rss("Bank fails")
BOMB = zipped(b" " * (64 << 20))


class HandClock:
    """Moves only when told to; knows who sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []
        self._changed = asyncio.Condition()

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        awake = asyncio.Event()
        sleeper = (self.time + seconds, awake)
        self._sleepers.append(sleeper)
        async with self._changed:
            self._changed.notify_all()
        await awake.wait()

    async def asleep(self, count: int) -> list[float]:
        """Waits until `count` sleep, and says for how long yet, the shortest first."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._sleepers) == count)
        return sorted(round(until - self.time, 6) for until, _ in self._sleepers)

    def advance(self, seconds: float) -> None:
        self.time += seconds
        for sleeper in [sleeper for sleeper in self._sleepers if sleeper[0] <= self.time]:
            self._sleepers.remove(sleeper)
            sleeper[1].set()


class Gauge:
    def __init__(self) -> None:
        self.polls: list[tuple[str, str, int]] = []

    def feed_polled(self, feed: str, outcome: str, items: int, seconds: float) -> None:
        assert seconds >= 0.0
        self.polls.append((feed, outcome, items))


class Bench:
    """A server, a sink that keeps what it gets, and pollers between the two."""

    def __init__(self, server: FeedServer, folder: Path, clock: HandClock) -> None:
        self.server = server
        self.folder = folder
        self.clock = clock
        self.gauge = Gauge()
        self.sent: list[NewsItem] = []
        self.sink_fails: NewstideError | None = None

    async def sink(self, items: Sequence[NewsItem]) -> None:
        if self.sink_fails is not None:
            raise self.sink_fails
        self.sent += items

    def poller(self, *feeds: Feed, manners: Manners = AT_ONCE, limits: FetchLimits = PATIENT) -> FeedPoller:
        return FeedPoller(
            feeds,
            self.sink,
            clock=lambda: NOW,
            state_dir=self.folder,
            gauge=self.gauge,
            limits=limits,
            manners=manners,
            monotonic=self.clock.monotonic,
            sleep=self.clock.sleep,
            chance=lambda: 0.5,
            trust_env=False,
        )

    async def poll(self, url: str, times: int = 1) -> Polled:
        feed = Feed(url)
        async with self.poller(feed) as poller:
            for _ in range(times):
                polled = await poller.poll_once(feed)
        return polled

    @property
    def titles(self) -> list[str]:
        return [item.headline for item in self.sent]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    clock = HandClock()
    async with FeedServer(clock.monotonic) as server:
        yield Bench(server, tmp_path / "state", clock)


async def test_a_feed_becomes_news_items_and_the_server_learns_who_asks(bench: Bench) -> None:
    url = bench.server.on("/feed", reply(200, ONE, Content_Type="text/xml"))

    polled = await bench.poll(url)

    assert polled == Polled(Outcome.OK, items=1)
    (item,) = bench.sent
    assert (item.id, item.source, item.language) == ("urn:test:1", "127.0.0.1", "en-us")
    assert item.published_at == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    assert bench.server.requests[0].headers["user-agent"] == f"newstide/{VERSION}"
    assert bench.gauge.polls == [(url, "ok", 1)]


async def test_a_gzipped_feed_is_read_even_where_it_comes_in_two_members(bench: Bench) -> None:
    body = gzip.compress(ONE[:50]) + gzip.compress(ONE[50:])
    url = bench.server.on("/feed", reply(200, body, Content_Encoding="gzip"))

    assert (await bench.poll(url)).items == 1
    assert bench.server.requests[0].headers["accept-encoding"] == "gzip"


async def test_nothing_is_sent_twice_within_a_run_or_after_a_restart(bench: Bench) -> None:
    url = bench.server.on("/feed", reply(200, ONE))

    await bench.poll(url, times=2)
    await bench.poll(url)

    assert bench.titles == ["Bank fails"]


async def test_a_feed_that_did_not_change_is_asked_with_its_etag_and_date_after_a_restart_too(
    bench: Bench,
) -> None:
    date = "Mon, 02 Mar 2026 14:30:00 GMT"
    url = bench.server.on("/feed", reply(200, ONE, ETag='W/"one"', Last_Modified=date), reply(304))

    await bench.poll(url)
    polled = await bench.poll(url)

    assert polled == Polled(Outcome.NOT_MODIFIED)
    assert "if-none-match" not in bench.server.requests[0].headers
    again = bench.server.requests[1].headers
    assert (again["if-none-match"], again["if-modified-since"]) == ('W/"one"', date)


async def test_a_changed_etag_brings_only_what_is_new(bench: Bench) -> None:
    two = rss("Bank fails", "Bank rescued")
    url = bench.server.on("/feed", reply(200, ONE, ETag='"1"'), reply(200, two, ETag='"2"'), reply(304))

    await bench.poll(url, times=3)

    assert bench.titles == ["Bank fails", "Bank rescued"]
    assert [request.headers.get("if-none-match") for request in bench.server.requests] == [None, '"1"', '"2"']


async def test_not_modified_without_having_been_asked_is_an_error(bench: Bench) -> None:
    assert (await bench.poll(bench.server.on("/feed", reply(304)))).outcome is Outcome.HTTP_ERROR


async def test_an_edited_headline_comes_again_as_a_correction_of_what_was_sent_last(bench: Bench) -> None:
    versions = ("Bank fails", "Bank falters", "Bank recovers", "Bank falters")
    url = bench.server.on("/feed", *(reply(200, rss(title)) for title in versions))

    await bench.poll(url, times=2)
    await bench.poll(url, times=2)

    first, second, third = bench.sent
    assert [item.headline for item in bench.sent] == list(versions[:3])
    assert (first.id, first.status, first.revises) == ("urn:test:1", "normal", None)
    assert second.id.startswith("urn:test:1#")
    assert (second.status, second.revises) == ("corrected", "urn:test:1")
    assert (third.status, third.revises) == ("corrected", second.id)


async def test_what_the_sink_did_not_take_is_sent_again_under_the_same_id(bench: Bench) -> None:
    feed = Feed(bench.server.on("/feed", reply(200, ONE, ETag='"1"')))
    bench.sink_fails = BrokerUnavailableError("no broker")
    async with bench.poller(feed) as poller:
        polled = await poller.poll_once(feed)
        assert (polled.outcome, polled.items, polled.failed) == (Outcome.SINK_FAILED, 0, True)
        assert list(bench.folder.iterdir()) == []
        bench.sink_fails = None
        await poller.poll_once(feed)

    assert [item.id for item in bench.sent] == ["urn:test:1"]
    assert "if-none-match" not in bench.server.requests[1].headers


async def test_a_sink_that_can_not_recover_ends_the_run_with_its_own_error(bench: Bench) -> None:
    bench.sink_fails = BrokerRefusedError("wrong password")
    feed = Feed(bench.server.on("/feed", reply(200, ONE)))
    async with bench.poller(feed) as poller:
        with pytest.raises(BrokerRefusedError, match="wrong password"):
            await poller.run(asyncio.Event())


def _big(size: int) -> Iterator[bytes]:
    yield head(200, Content_Type="text/xml")
    for _ in range(size // 65_536):
        yield b"<" * 65_536


def _drops(start: bytes) -> Iterable[bytes]:
    return [start, *(b"x" for _ in range(100))]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(drip(_drops(b"HTTP/1.1 200 OK\r\nX-Slow: "), 0.05), Outcome.TIMEOUT, id="slow header"),
        pytest.param(drip(_drops(head(200)), 0.05), Outcome.TIMEOUT, id="slow body"),
        pytest.param(silence, Outcome.TIMEOUT, id="no answer at all"),
        pytest.param(drip([head(200) + ONE[:80]], 9.0), Outcome.TIMEOUT, id="stops in the middle"),
        pytest.param(reply(500, b"oops"), Outcome.HTTP_ERROR, id="500"),
        pytest.param(reply(404), Outcome.HTTP_ERROR, id="404"),
        pytest.param(reply(204), Outcome.HTTP_ERROR, id="204"),
        pytest.param(reply(302), Outcome.HTTP_ERROR, id="redirect to nowhere"),
        pytest.param(reply(503), Outcome.THROTTLED, id="503"),
        pytest.param(redirect(301, "/feed"), Outcome.BAD_REDIRECT, id="redirect loop"),
        pytest.param(redirect(302, "file:///etc/passwd"), Outcome.BAD_REDIRECT, id="redirect to a file"),
        pytest.param(redirect(302, "ftp://127.0.0.1/x"), Outcome.BAD_REDIRECT, id="redirect to ftp"),
        pytest.param(redirect(302, "http://[::1/"), Outcome.PROTOCOL_ERROR, id="redirect to nonsense"),
        pytest.param(redirect(302, f"http://{'a' * 70}.test/"), Outcome.UNREACHABLE, id="impossible host"),
        pytest.param(drip(_big(64 << 20), 0.0), Outcome.TOO_LARGE, id="huge body"),
        pytest.param(BOMB, Outcome.TOO_LARGE, id="gzip bomb"),
        pytest.param(reply(200, b"no gzip", Content_Encoding="gzip"), Outcome.PROTOCOL_ERROR, id="no gzip"),
        pytest.param(
            reply(200, b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", Content_Encoding="gzip"),
            Outcome.PROTOCOL_ERROR,
            id="gzip cut off",
        ),
        pytest.param(reply(200, ONE, Content_Encoding="br"), Outcome.PROTOCOL_ERROR, id="unasked encoding"),
        pytest.param(raw(b"220 ftp ready\r\n"), Outcome.PROTOCOL_ERROR, id="not HTTP"),
        pytest.param(raw(b""), Outcome.PROTOCOL_ERROR, id="hangs up"),
        pytest.param(
            reply(200, b"<rss version='2.0'><channel><item><title>Ba"), Outcome.MALFORMED, id="cut XML"
        ),
        pytest.param(reply(200, b"<a><b></a>"), Outcome.MALFORMED, id="broken XML"),
        pytest.param(reply(200, b"<a>fine</a>"), Outcome.NOT_A_FEED, id="other XML"),
        pytest.param(reply(200, b""), Outcome.NOT_A_FEED, id="empty"),
        pytest.param(
            reply(200, b"<!doctype html><html><p>Log in<br></html>", Content_Type="text/html"),
            Outcome.NOT_A_FEED,
            id="HTML page",
        ),
    ],
)
async def test_a_broken_feed_is_named_while_the_others_go_on(
    bench: Bench, caplog: pytest.LogCaptureFixture, answer: Callable[..., object], outcome: Outcome
) -> None:
    broken = Feed(bench.server.on("/feed", answer))  # type: ignore[arg-type]  # pytest hides the type
    sound = Feed(bench.server.on("/sound", reply(200, ONE)))
    limits = HASTY if outcome is Outcome.TIMEOUT else PATIENT
    async with bench.poller(broken, sound, limits=limits) as poller:
        polled, other = await asyncio.wait_for(
            asyncio.gather(poller.poll_once(broken), poller.poll_once(sound)), timeout=10
        )

    assert (polled.outcome, polled.failed, polled.items) == (outcome, True, 0)
    assert other == Polled(Outcome.OK, items=1)
    assert bench.titles == ["Bank fails"]
    (record,) = [r for r in caplog.records if r.name == "stream.sources.rss" and r.levelno == logging.WARNING]
    assert broken.name in record.getMessage()
    assert outcome in record.getMessage()
    assert (broken.name, outcome, 0) in bench.gauge.polls


async def test_a_gzip_bomb_takes_no_more_memory_than_is_allowed(bench: Bench) -> None:
    url = bench.server.on("/feed", BOMB)
    await bench.poll(bench.server.on("/small", reply(200, ONE)))
    tracemalloc.start()
    try:
        polled = await bench.poll(url)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert polled.outcome is Outcome.TOO_LARGE
    assert peak < 2.5 * PATIENT.max_bytes


async def _says_it_is_plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(head(400))
    writer.close()


async def test_a_closed_port_and_a_plain_server_behind_https_are_told_apart(bench: Bench) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        refused = await bench.poll(f"http://127.0.0.1:{port}/feed")
    async with await asyncio.start_server(_says_it_is_plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        plain = await bench.poll(f"https://127.0.0.1:{port}/feed")

    assert (refused.outcome, plain.outcome) == (Outcome.UNREACHABLE, Outcome.TLS_ERROR)


async def test_of_a_feed_that_was_cut_off_the_whole_articles_are_sent_and_the_rest_later(
    bench: Bench,
) -> None:
    whole = rss("Bank fails", "Bank rescued by state")
    cut = whole[: whole.index(b" by state")]
    url = bench.server.on("/feed", reply(200, cut, ETag='"1"'), reply(200, whole, ETag='"1"'))

    async with bench.poller(feed := Feed(url)) as poller:
        first = await poller.poll_once(feed)
        await poller.poll_once(feed)

    assert (first.outcome, first.items, first.failed) == (Outcome.MALFORMED, 1, False)
    assert bench.titles == ["Bank fails", "Bank rescued by state"]
    assert "if-none-match" not in bench.server.requests[1].headers


async def test_a_permanent_redirect_is_remembered_and_a_temporary_one_is_not(bench: Bench) -> None:
    moved = bench.server.on("/moved", redirect(301, "/hop"))
    bench.server.on("/hop", redirect(308, "/new"))
    bench.server.on("/new", reply(200, ONE))
    lent = bench.server.on("/lent", redirect(302, "/new"))

    await bench.poll(moved, times=2)
    await bench.poll(lent, times=2)

    paths = [request.path for request in bench.server.requests]
    assert paths == ["/moved", "/hop", "/new", "/new", "/lent", "/new", "/lent", "/new"]


async def test_a_feed_that_is_gone_from_where_it_moved_is_looked_for_at_its_own_address(bench: Bench) -> None:
    url = bench.server.on("/feed", redirect(301, "/new"), reply(200, ONE))
    bench.server.on("/new", reply(200, rss()), reply(404))

    await bench.poll(url, times=3)

    assert [request.path for request in bench.server.requests] == ["/feed", "/new", "/new", "/feed"]
    assert bench.titles == ["Bank fails"]


async def test_passwords_and_cookies_do_not_follow_a_redirect_to_another_host(bench: Bench) -> None:
    server = bench.server
    server.on("/near", reply(200, ONE))
    server.on("/far", reply(200, ONE))
    server.on("/a", reply(302, Location="/near", Set_Cookie="session=secret; Path=/"))
    server.on("/b", redirect(302, server.url("/far", host="localhost", login="x:y@")))

    for path in ("/a", "/b"):
        await bench.poll(server.url(path, login="ann:pa%3Ass@"))

    basic = "Basic YW5uOnBhOnNz"
    logins = {request.path: request.headers.get("authorization") for request in server.requests}
    assert logins == {"/a": basic, "/near": basic, "/b": basic, "/far": None}
    assert server.asked("/far")[0].host.startswith("localhost")
    assert all("cookie" not in request.headers for request in server.requests)


async def test_a_password_is_shown_in_no_log_and_no_metric(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench.server.on("/feed?token=s3cret", redirect(302, "/feed?token=s3cret"))

    await bench.poll(bench.server.url("/feed?token=s3cret", login="ann:pa55@"))

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("stream")]
    assert "s3cret" not in "".join(ours)
    assert "pa55" not in caplog.text
    assert bench.gauge.polls[0][0] == bench.server.url("/feed?token=…")


async def test_two_feeds_of_one_host_are_asked_one_after_the_other_with_a_pause(bench: Bench) -> None:
    feeds = [Feed(bench.server.on(path, reply(200, ONE))) for path in ("/a", "/b", "/c")]
    elsewhere = Feed(bench.server.url("/a", host="localhost"))
    async with bench.poller(*feeds, elsewhere, manners=Manners(host_seconds=2.0)) as poller:
        polls = asyncio.gather(*(poller.poll_once(feed) for feed in (*feeds, elsewhere)))
        for asked in (2, 3):
            await bench.server.until_asked(asked)
            assert await bench.clock.asleep(1) == [2.0]
            bench.clock.advance(2.0)
        await polls

    by_host = {"127.0.0.1": [1000.0, 1002.0, 1004.0], "localhost": [1000.0]}
    for host, times in by_host.items():
        assert [r.at for r in bench.server.requests if r.host.startswith(host)] == times


async def test_a_host_that_asks_to_be_left_alone_is_left_alone_by_all_its_feeds(bench: Bench) -> None:
    first = Feed(bench.server.on("/a", reply(429, Retry_After="120"), reply(200, ONE)))
    second = Feed(bench.server.on("/b", reply(200, ONE)))
    async with bench.poller(first, second) as poller:
        assert (await poller.poll_once(first)).outcome is Outcome.THROTTLED
        later = asyncio.create_task(poller.poll_once(second))
        assert await bench.clock.asleep(1) == [120.0]
        bench.clock.advance(120.0)
        assert (await later).outcome is Outcome.OK

    assert [request.at for request in bench.server.requests] == [1000.0, 1120.0]


async def test_a_feed_that_fails_rests_longer_each_time_and_a_sound_one_keeps_its_interval(
    bench: Bench,
) -> None:
    feed = Feed(bench.server.on("/feed", *[reply(500)] * 4, reply(200, ONE)), every=timedelta(seconds=60))
    manners = Manners(host_seconds=0.0, longest_rest_seconds=200.0, jitter=0.2)
    stop = asyncio.Event()
    rests = []
    async with bench.poller(feed, manners=manners) as poller:
        run = asyncio.create_task(poller.run(stop))
        for _ in range(6):
            (rest,) = await bench.clock.asleep(1)
            rests.append(rest)
            bench.clock.advance(rest)
        await bench.clock.asleep(1)
        stop.set()
        await asyncio.wait_for(run, timeout=5)

    assert rests == [66.0, 132.0, 220.0, 220.0, 60.0, 60.0]
    assert bench.titles == ["Bank fails"]


async def test_stopping_does_not_wait_for_a_server_that_is_silent(bench: Bench) -> None:
    feed = Feed(bench.server.on("/feed", silence))
    stop = asyncio.Event()
    async with bench.poller(feed, limits=FetchLimits()) as poller:
        run = asyncio.create_task(poller.run(stop))
        await bench.server.until_asked(1)
        stop.set()
        await asyncio.wait_for(run, timeout=5)

    assert bench.gauge.polls == []


async def test_what_is_being_handed_to_the_sink_is_finished_before_the_run_ends(bench: Bench) -> None:
    feed = Feed(bench.server.on("/feed", reply(200, ONE)))
    stop, proceed = asyncio.Event(), asyncio.Event()

    async def slow_sink(items: Sequence[NewsItem]) -> None:
        stop.set()
        asyncio.get_running_loop().call_later(0.05, proceed.set)
        await proceed.wait()
        bench.sent += items

    bench.sink = slow_sink  # type: ignore[method-assign]  # this one sets the stop itself
    async with bench.poller(feed) as poller:
        await asyncio.wait_for(poller.run(stop), timeout=5)

    assert bench.titles == ["Bank fails"]
    assert len(list(bench.folder.iterdir())) == 1


async def test_state_that_can_not_be_read_is_named_and_started_afresh(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    url = bench.server.on("/feed", reply(200, ONE))
    await bench.poll(url)
    (path,) = bench.folder.iterdir()
    for wrong in (b"{", b"[]", b'{"format":1,"sent":[["a"]]}', b'{"format":1,"etag":7}', b"\xff\xfe"):
        path.write_bytes(wrong)
        caplog.clear()
        await bench.poll(url)
        assert str(path) in caplog.text

    assert {item.id for item in bench.sent} == {"urn:test:1"}
    assert len(json.loads(path.read_bytes())["sent"]) == 1


async def test_state_that_can_not_be_written_is_named_and_the_news_goes_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    feed = Feed(bench.server.on("/feed", reply(200, ONE)))
    async with bench.poller(feed) as poller:
        bench.folder.rmdir()
        assert (await poller.poll_once(feed)).outcome is Outcome.OK

    assert "a restart sends it again" in caplog.text
    assert bench.titles == ["Bank fails"]


async def test_wrong_use_is_refused_at_the_start(bench: Bench, tmp_path: Path) -> None:
    feed = Feed("http://news.test/feed")
    with pytest.raises(UsageError, match="no feed to follow"):
        bench.poller()
    with pytest.raises(UsageError, match="stands 2 times"):
        bench.poller(feed, Feed("http://news.test/feed", source="again"))
    bench.folder = tmp_path / "file"
    bench.folder.write_text("in the way")
    with pytest.raises(UsageError, match="can't be written to"):
        bench.poller(feed)
