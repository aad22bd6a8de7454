"""A real HTTP server on loopback that takes notifications, and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Posted:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What is answered. `silent` never answers; `holds` waits for an event before it does."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    silent: bool = False
    holds: asyncio.Event | None = None


OK = Reply()


@dataclass
class SinkServer:
    """Answers each path with what `on` gave it, one after the other, the last one again and again; else with 200."""

    posted: list[Posted] = field(default_factory=list)
    port: int = 0
    _replies: dict[str, list[Reply]] = field(default_factory=dict)
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
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

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def on(self, path: str, *replies: Reply) -> str:
        """Answer `path` so. Returns its URL."""
        self._replies[path] = list(replies)
        return self.url(path)

    def to(self, path: str = "/hook") -> list[Posted]:
        return [each for each in self.posted if each.path == path]

    async def until(self, count: int, path: str = "/hook", seconds: float = 30.0) -> list[Posted]:
        """Wait until so many have come there."""
        async with asyncio.timeout(seconds):
            while len(self.to(path)) < count:
                await asyncio.sleep(0.01)
        return self.to(path)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # The client left, or the test is over.
        finally:
            self._open.discard(task)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = head[0].split(" ")[1]
        replies = self._replies.get(path, [OK])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply.holds is not None:
            await reply.holds.wait()
        self.posted.append(Posted(path, headers, body))
        if reply.silent:
            await asyncio.Event().wait()
        lines = [f"HTTP/1.1 {reply.status} Said", f"Content-Length: {len(reply.body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + reply.body)
        await writer.drain()
        return True
