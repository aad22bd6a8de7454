"""One request to a feed, followed through its redirects, within bounds of time and size."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from stream.retry_after import retry_after
from stream.sources.feed import shown
from stream.sources.inflate import Inflater
from stream.sources.outcome import FeedError, Outcome
from stream.version import VERSION

_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOR_GOOD = frozenset({301, 308})
_THROTTLED = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one poll of a feed may take.

    `connect_seconds` and `read_seconds` bound each wait for the network; `total_seconds` bounds the whole poll
    with its redirects, so that a server that sends a byte now and then can't hold it. `max_bytes` bounds the
    answer both as it comes and unpacked.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 20.0
    total_seconds: float = 60.0
    max_bytes: int = 8 * 1024 * 1024
    max_redirects: int = 5


USUAL_LIMITS = FetchLimits()


@dataclass(frozen=True, slots=True)
class Validators:
    """What the server gave to ask whether anything changed, exactly as it gave it."""

    etag: str | None = None
    last_modified: str | None = None


NO_VALIDATORS = Validators()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back. `content` is None where nothing changed since the validators were given.

    `moved_to` is where the feed lives now for good, where every redirect on the way said so.
    """

    content: bytes | None
    content_type: str
    validators: Validators
    moved_to: str | None = None


class FeedClient:
    """Fetches feeds. It keeps connections open, until `close`, and no cookies.

    Args:
        clock: says what time it is, aware; what a Retry-After date is held against.
        limits: see `FetchLimits`.
        trust_env: whether the usual variables for proxies and authorities are followed.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        limits: FetchLimits = USUAL_LIMITS,
        *,
        trust_env: bool = True,
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._client = httpx.AsyncClient(
            headers={"User-Agent": f"newstide/{VERSION}", "Accept": _ACCEPT, "Accept-Encoding": "gzip"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds),
            trust_env=trust_env,
        )

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    async def fetch(self, url: str, known: Validators) -> Fetched:
        """Asks `url` once, redirects followed.

        User and password of `url` go to its own scheme, host and port only.

        Raises:
            FeedError: for whatever came instead of an answer.
        """
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                return await self._follow(httpx.URL(url), known)
        except TimeoutError as error:
            raise FeedError(
                Outcome.TIMEOUT, f"no whole answer within {self._limits.total_seconds:g} s"
            ) from error
        # ValueError: a host name or a Location that neither httpx nor the resolver can make anything of.
        except (httpx.TransportError, httpx.InvalidURL, ValueError) as error:
            raise _failure(error) from error

    async def _follow(self, start: httpx.URL, known: Validators) -> Fetched:
        url, moved, for_good = start.copy_with(userinfo=b""), None, True
        for _ in range(self._limits.max_redirects + 1):
            response = await self._ask(url, start, known)
            try:
                location = response.headers.get("location")
                if response.status_code not in _REDIRECTS or location is None:
                    return await self._read(response, known, moved)
            finally:
                await response.aclose()
            url = _target(url, location)
            for_good = for_good and response.status_code in _FOR_GOOD
            moved = str(url) if for_good else moved
        raise FeedError(
            Outcome.BAD_REDIRECT,
            f"more than {self._limits.max_redirects} redirects; the last was to {shown(str(url))}",
        )

    async def _ask(self, url: httpx.URL, start: httpx.URL, known: Validators) -> httpx.Response:
        headers = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
        request = self._client.build_request(
            "GET", url, headers={name: value for name, value in headers.items() if value is not None}
        )
        login = start.userinfo and _origin(url) == _origin(start)
        auth = httpx.BasicAuth(start.username, start.password) if login else None
        return await self._client.send(request, auth=auth, stream=True)

    async def _read(self, response: httpx.Response, known: Validators, moved: str | None) -> Fetched:
        if response.status_code == httpx.codes.NOT_MODIFIED and known != NO_VALIDATORS:
            return Fetched(None, "", known, moved)
        if response.status_code != httpx.codes.OK:
            raise self._refusal(response)
        inflater = Inflater(response.headers.get("content-encoding", ""), self._limits.max_bytes)
        async for chunk in response.aiter_raw():
            inflater.feed(chunk)
        validators = Validators(response.headers.get("etag"), response.headers.get("last-modified"))
        return Fetched(inflater.result(), response.headers.get("content-type", ""), validators, moved)

    def _refusal(self, response: httpx.Response) -> FeedError:
        status = f"the server answered {response.status_code} {response.reason_phrase}".rstrip()
        if response.status_code not in _THROTTLED:
            return FeedError(Outcome.HTTP_ERROR, status)
        wait = retry_after(response.headers.get("retry-after"), self._clock())
        return FeedError(Outcome.THROTTLED, status, retry_after=wait)


def _target(url: httpx.URL, location: str) -> httpx.URL:
    """Where a redirect leads, without any user and password that it names."""
    target = url.join(location)
    if target.scheme not in {"http", "https"} or not target.host:
        raise FeedError(
            Outcome.BAD_REDIRECT, f"redirect to {shown(location)[:200]!r}, which is not on the web"
        )
    return target.copy_with(userinfo=b"")


def _failure(error: Exception) -> FeedError:
    said = str(error) or type(error).__name__
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return FeedError(Outcome.TLS_ERROR, said)
    if isinstance(error, httpx.TimeoutException):
        return FeedError(Outcome.TIMEOUT, f"the server kept silent for too long ({type(error).__name__})")
    if isinstance(error, httpx.ProtocolError):
        return FeedError(Outcome.PROTOCOL_ERROR, said)
    return FeedError(Outcome.UNREACHABLE, said)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
