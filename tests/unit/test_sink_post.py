"""One request to a real server, and how it ended."""

from __future__ import annotations

import asyncio
import io
import logging
import socket

import pytest
from alerting import T0
from sink_server import Reply, SinkServer

from stream.logs import configure_logging
from stream.sinks import HttpRequest, Poster
from stream.sinks.post import Answer


async def posted(request: HttpRequest, seconds: float = 20.0) -> Answer:
    poster = Poster(lambda: T0, seconds, trust_env=False)
    try:
        return await poster.post(request)
    finally:
        await poster.close()


async def answer_to(reply: Reply, seconds: float = 20.0) -> Answer:
    async with SinkServer() as server:
        return await posted(HttpRequest(server.on("/hook", reply), b"{}"), seconds)


async def test_body_and_headers_go_out_as_they_are() -> None:
    async with SinkServer() as server:
        answer = await posted(
            HttpRequest(server.url(), b'{"a":1}', {"X-One": "1", "User-Agent": "newstide/0"})
        )
        (came,) = server.to()
    assert answer == Answer("taken", "ok")
    assert came.body == b'{"a":1}'
    assert (came.headers["x-one"], came.headers["user-agent"]) == ("1", "newstide/0")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_what_is_accepted_is_taken(status: int) -> None:
    assert (await answer_to(Reply(status, body=b""))).verdict == "taken"


@pytest.mark.parametrize(
    ("status", "verdict", "trial"),
    [
        (400, "refused", "client_error"),
        (401, "refused", "client_error"),
        (404, "refused", "client_error"),
        (410, "refused", "client_error"),
        (408, "again", "server_error"),
        (429, "again", "throttled"),
        (500, "again", "server_error"),
        (503, "again", "throttled"),
    ],
)
async def test_what_may_pass_is_tried_again_and_what_may_not_is_refused(
    status: int, verdict: str, trial: str
) -> None:
    answer = await answer_to(Reply(status, body=b"because\nof this"))
    assert (answer.verdict, answer.trial) == (verdict, trial)
    assert answer.detail == f"it answered {status} Said: because of this"


async def test_a_pause_that_the_server_asks_for_is_told() -> None:
    assert (await answer_to(Reply(429, {"Retry-After": "17"}))).retry_after == 17.0
    assert (await answer_to(Reply(503, {"Retry-After": "Mon, 02 Mar 2026 14:31:00 GMT"}))).retry_after == 60.0
    assert (await answer_to(Reply(503))).retry_after is None


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_refused_and_not_followed(status: int) -> None:
    async with SinkServer() as server:
        url = server.on("/hook", Reply(status, {"Location": server.url("/elsewhere")}))
        answer = await posted(HttpRequest(url, b"{}"))
        assert server.to("/elsewhere") == []
    assert (answer.verdict, answer.trial) == ("refused", "redirect")
    assert "set the address that it redirects to" in answer.detail


async def test_a_server_that_keeps_silent_is_left_in_time() -> None:
    answer = await answer_to(Reply(silent=True), seconds=0.2)
    assert answer == Answer("again", "timeout", "no answer within 0.2 s")


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = await posted(HttpRequest(f"http://127.0.0.1:{taken.getsockname()[1]}/secret", b"{}"))
    assert (answer.verdict, answer.trial) == ("again", "unreachable")
    assert answer.detail
    assert "secret" not in answer.detail


@pytest.mark.parametrize(
    "url", ["http://[broken", "http://exa mple", "http://" + "a" * 70 + ".example", "ftp://x.example"]
)
async def test_an_address_that_leads_nowhere_ends_nothing(url: str) -> None:
    answer = await posted(HttpRequest(url, b"{}"))
    assert answer.verdict == "again"


async def test_what_a_server_says_is_cut_and_holds_no_address_of_ours() -> None:
    async with SinkServer() as server:
        url = server.url("/services/T0/B0/key")
        server.on("/services/T0/B0/key", Reply(404, body=f"no {url} here \x1b[31m".encode() + b"x" * 100_000))
        answer = await posted(HttpRequest(url, b"{}"))
    assert "no … here [31m" in answer.detail.replace("  ", " ")
    assert "key" not in answer.detail
    assert len(answer.detail) <= 300


async def test_cookies_of_a_server_are_not_kept() -> None:
    async with SinkServer() as server:
        server.on("/hook", Reply(headers={"Set-Cookie": "a=b; Path=/"}))
        poster = Poster(lambda: T0, trust_env=False)
        for _ in range(2):
            await poster.post(HttpRequest(server.url(), b"{}"))
        await poster.close()
        assert ["cookie" in each.headers for each in server.to()] == [False, False]


async def test_a_try_that_is_cancelled_ends() -> None:
    async with SinkServer() as server:
        url = server.on("/hook", Reply(silent=True))
        trying = asyncio.create_task(posted(HttpRequest(url, b"{}")))
        await server.until(1)
        trying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trying


async def test_the_log_never_shows_the_address_of_a_sink() -> None:
    root, httpx_log = logging.getLogger(), logging.getLogger("httpx")
    handlers, level, former = root.handlers[:], root.level, httpx_log.level
    stream = io.StringIO()
    configure_logging("json", "DEBUG", stream)
    try:
        async with SinkServer() as server:
            answer = await posted(HttpRequest(server.url("/services/T0/B0/key"), b"{}"))
    finally:
        root.handlers, root.level = handlers, level
        httpx_log.setLevel(former)
        logging.captureWarnings(capture=False)
    assert answer.verdict == "taken"
    assert "T0/B0/key" not in stream.getvalue()
