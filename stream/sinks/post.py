"""Sends one request, once, and says how it ended: taken, refused, or to be tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Literal

import httpx

from stream.logs import mask
from stream.retry_after import retry_after
from stream.sinks.request import HttpRequest

Verdict = Literal["taken", "refused", "again"]
Trial = Literal["ok", "throttled", "timeout", "unreachable", "server_error", "client_error", "redirect"]

_AGAIN = frozenset({408, 425, 429})
_THROTTLED = frozenset({429, 503})
_SERVER_ERROR = 500
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """How one try ended. `detail` is for a person and holds no secret."""

    verdict: Verdict
    trial: Trial
    detail: str = ""
    retry_after: float | None = None


class Poster:
    """Posts requests. It follows no redirect: a signed body goes where the settings say, or nowhere.

    Args:
        clock: what time it is; what a Retry-After date is held against.
        seconds: how long one try may take in all, from the connection to the answer.
        trust_env: whether the usual variables for proxies and authorities are followed.
    """

    def __init__(
        self, clock: Callable[[], datetime], seconds: float = 10.0, *, trust_env: bool = True
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            follow_redirects=False,
            timeout=httpx.Timeout(seconds),
            trust_env=trust_env,
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def post(self, request: HttpRequest) -> Answer:
        """Send `request`; whatever goes wrong is an answer too."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._send(request)
        except (TimeoutError, httpx.TimeoutException):
            return Answer("again", "timeout", f"no answer within {self._seconds:g} s")
        # ValueError: a host name that the resolver can make nothing of.
        except (httpx.TransportError, httpx.InvalidURL, ValueError) as error:
            said = str(error) or type(error).__name__
            return Answer("again", "unreachable", _shown(said, request))

    async def _send(self, request: HttpRequest) -> Answer:
        sending = self._client.stream(
            "POST", request.url, content=request.body, headers=dict(request.headers)
        )
        async with sending as response:
            status = response.status_code
            if response.is_success:
                return Answer("taken", "ok")
            said = f"it answered {status} {response.reason_phrase}".rstrip()
            if response.has_redirect_location or response.is_redirect:
                return Answer("refused", "redirect", f"{said}: set the address that it redirects to")
            body = await _beginning(response)
            detail = _shown(f"{said}: {body}" if body else said, request)
        if status in _AGAIN or status >= _SERVER_ERROR:
            trial: Trial = "throttled" if status in _THROTTLED else "server_error"
            asked = retry_after(response.headers.get("retry-after"), self._clock())
            return Answer("again", trial, detail, asked)
        return Answer("refused", "client_error", detail)


async def _beginning(response: httpx.Response) -> str:
    """The first of what the server says, for a person to read."""
    read = b""
    async for chunk in response.aiter_raw(_SHOWN):
        read += chunk
        if len(read) >= _SHOWN:
            break
    return " ".join("".join(c if c.isprintable() else " " for c in read.decode("utf-8", "replace")).split())


def _shown(text: str, request: HttpRequest) -> str:
    return mask(text.replace(request.url, "…"))[:_SHOWN]
