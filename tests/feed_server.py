"""A real HTTP server on loopback that answers as it is told: slowly, wrongly, hugely, or not at all."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    host: str
    path: str
    headers: dict[str, str]
    at: float


@dataclass
class FeedServer:
    """Give each path its answers with `on`; the last one is repeated. `requests` holds what was asked."""

    clock: Callable[[], float] = lambda: 0.0
    requests: list[Request] = field(default_factory=list)
    _answers: dict[str, list[Answer]] = field(default_factory=dict)
    _open: set[asyncio.Task[None]] = field(default_factory=set)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    port: int = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    def on(self, path: str, *answers: Answer) -> str:
        """Answers `path` with `answers`, one after the other. Returns its URL."""
        self._answers[path] = list(answers)
        return self.url(path)

    def url(self, path: str, host: str = "127.0.0.1", login: str = "") -> str:
        return f"http://{login}{host}:{self.port}{path}"

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    async def until_asked(self, times: int) -> None:
        """Waits until that many requests have come, counted from the start."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.requests) >= times)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])
            }
            path = head[0].split(" ")[1]
            self.requests.append(Request(headers.get("host", ""), path, headers, self.clock()))
            async with self._news:
                self._news.notify_all()
            answers = self._answers[path]
            await (answers.pop(0) if len(answers) > 1 else answers[0])(writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # The client left, which is what most of these answers make it do, or the test is over.
            pass
        finally:
            self._open.discard(task)
            writer.close()


def reply(status: int, body: bytes = b"", **headers: str) -> Answer:
    """A whole answer, with its length; `Content_Type="text/xml"` becomes a header."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, **{"Content-Length": str(len(body)), **headers}) + body)
        await writer.drain()

    return answer


def redirect(status: int, location: str) -> Answer:
    return reply(status, Location=location)


def zipped(body: bytes, **headers: str) -> Answer:
    return reply(200, gzip.compress(body), **{"Content-Encoding": "gzip", **headers})


def raw(data: bytes) -> Answer:
    """Bytes that need not be HTTP."""
    return drip([data], 0.0)


def drip(pieces: Iterable[bytes], seconds: float) -> Answer:
    """One piece every few moments: never silent for long, and never done soon."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(seconds)

    return answer


async def silence(writer: asyncio.StreamWriter) -> None:
    """Accepts and never answers."""
    await asyncio.Event().wait()


def head(status: int, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} So", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def rss(*titles: str, guids: Iterable[str] | None = None) -> bytes:
    """A small RSS feed; guids are `urn:test:1` and so on unless given."""
    names = list(guids) if guids is not None else [f"urn:test:{n}" for n in range(1, len(titles) + 1)]
    items = "".join(
        f"<item><title>{title}</title><guid>{guid}</guid><link>http://news.test/{guid}</link>"
        "<pubDate>Mon, 02 Mar 2026 14:30:00 GMT</pubDate></item>"
        for title, guid in zip(titles, names, strict=True)
    )
    return (
        '<?xml version="1.0"?><rss version="2.0"><channel><title>Test</title>'
        f"<language>en-us</language>{items}</channel></rss>"
    ).encode()
