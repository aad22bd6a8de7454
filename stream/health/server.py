"""One port for `/metrics`, `/healthz` and `/readyz`.

In threads of its own: a probe must be answered, with 503, also when the event loop is stuck.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from stream.errors import NewstideError, UsageError
from stream.health.progress import Check, Health, Report

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

RESPONDS_WITHIN_SECONDS: Final = 5.0
_CLIENT_SECONDS: Final = 10.0
_PATHS: Final = "/metrics, /healthz and /readyz"


def responds(event_loop: asyncio.AbstractEventLoop, within: float = RESPONDS_WITHIN_SECONDS) -> Check:
    """Whether `event_loop` runs a callback within so many seconds. Call it from another thread."""
    ran = threading.Event()
    try:
        event_loop.call_soon_threadsafe(ran.set)
    except RuntimeError:
        return Check("event_loop", False, "it is closed")
    if ran.wait(within):
        return Check("event_loop", True, "it responds")
    return Check("event_loop", False, f"it did not respond within {within:g} s")


class HealthServer:
    """Serves from `start` (or `with`) to `close`.

    Args:
        registry: what `/metrics` shows.
        health: what `/healthz` and `/readyz` ask.
        clock: the clock of `health`.
        host: where to listen; only this machine by default.
        port: 0 takes any free one; `self.port` says which.
        event_loop: must respond for `/healthz` to be ok.

    Raises:
        NewstideError: from the constructor, if it can't listen there; names `metrics.port` or `metrics.host`.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        health: Health,
        *,
        clock: Callable[[], float],
        host: str = "127.0.0.1",
        port: int = 0,
        event_loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._metrics: WSGIApplication = make_wsgi_app(registry)
        self._health = health
        self._clock = clock
        self._event_loop = event_loop
        self._server = _listen(host, port)
        self._server.set_app(self._answer)
        self.host = host
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="newstide-health", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop answering and free the port. It may be called again."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def alive(self) -> Report:
        """What `/healthz` answers: also what the watchdog asks."""
        loop = () if self._event_loop is None else (responds(self._event_loop),)
        return Report((*loop, *self._health.alive(self._clock()).checks))

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return _send(start_response, "405 Method Not Allowed", b"only GET and HEAD\n", "text/plain")
        if path == "/metrics":
            return self._metrics(environ, start_response)
        if path == "/healthz":
            return _send_report(start_response, self.alive())
        if path == "/readyz":
            return _send_report(start_response, self._health.ready(self._clock()))
        return _send(start_response, "404 Not Found", f"there are {_PATHS}\n".encode(), "text/plain")


def _send_report(start_response: StartResponse, report: Report) -> Iterable[bytes]:
    status = "200 OK" if report.ok else "503 Service Unavailable"
    return _send(start_response, status, report.to_json(), "application/json")


def _send(start_response: StartResponse, status: str, body: bytes, content_type: str) -> Iterable[bytes]:
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]


class _Request(WSGIRequestHandler):
    timeout = _CLIENT_SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
        log.debug(format, *args)


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # The library's own looks its host name up in DNS, which takes long where there is none.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


def _listen(host: str, port: int) -> _Server:
    try:
        return (_Server6 if ":" in host else _Server)((host, port), _Request)
    except socket.gaierror as error:
        raise UsageError(f"metrics.host is {host!r}, which is no known name: give an address") from error
    except OSError as error:
        raise _explain(host, port, error) from error


def _explain(host: str, port: int, error: OSError) -> NewstideError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"metrics.port is {port}, but another program listens on {host}:{port}: stop it, or set another "
            "port (0 takes any free one)"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return UsageError(f"metrics.host is {host!r}, which is no address of this machine: try 127.0.0.1")
    if error.errno == errno.EACCES:
        return UsageError(f"metrics.port is {port}, which this user may not open: set one above 1023")
    return NewstideError(
        f"metrics.port {port} on metrics.host {host!r} could not be opened: {error.strerror}"
    )
