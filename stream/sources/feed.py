"""One feed to follow."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from stream.errors import UsageError

MAX_URL = 2048
_MAX_SOURCE = 256
_SHORTEST_INTERVAL = timedelta(seconds=1)
_SECRET = re.compile(r"([?&][^=&#]*(?:key|token|secret|passw|auth|sig)[^=&#]*=)[^&#]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Feed:
    """An RSS or Atom feed, how often it is asked, and under what name its articles go.

    `source` is the publisher that articles are counted under. Where it isn't given it is the feed's host, so
    that several feeds of one publisher count as one source, not as several that confirm each other.

    Raises:
        UsageError: if `url` is no http or https address, `source` is blank or above 256 characters, or `every`
            is under a second.
    """

    url: str
    source: str | None = None
    every: timedelta = timedelta(seconds=60)
    host: str = field(init=False)
    """The host that `url` names, in lower case."""
    name: str = field(init=False)
    """`url` as it may be shown: without password, and without the values of parameters that look secret."""

    def __post_init__(self) -> None:
        address = _address_of(self.url)
        if self.source is not None and not 0 < len(self.source.strip()) <= _MAX_SOURCE:
            raise UsageError(
                f"feed {shown(self.url)}: source is {self.source[:80]!r}: give 1 to {_MAX_SOURCE} characters"
            )
        if self.every < _SHORTEST_INTERVAL:
            raise UsageError(
                f"feed {shown(self.url)}: it is to be asked every {self.every.total_seconds():g} s: "
                "give one second or more"
            )
        object.__setattr__(self, "host", address.host)
        object.__setattr__(self, "name", shown(self.url))

    @property
    def publisher(self) -> str:
        """What stands in `source` of this feed's articles."""
        return self.source.strip() if self.source is not None else self.host


def shown(url: str) -> str:
    """`url` as it may stand in a log or a metric: without user, password and secret-looking parameters."""
    bare = re.sub(r"//[^/?#]*@", "//", url, count=1)
    return _SECRET.sub(r"\1…", bare)


def _address_of(url: str) -> httpx.URL:
    fix = "give an address that begins with http:// or https://"
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UsageError(f"feed {shown(url)!r} is no address ({error}): {fix}") from error
    if address.scheme not in {"http", "https"} or not address.host:
        raise UsageError(f"feed {shown(url)!r} is not on the web: {fix}; files are read by `newstide send`")
    if len(url) > MAX_URL:
        raise UsageError(f"feed {shown(url)[:80]!r}… has {len(url)} characters: {MAX_URL} are allowed")
    return address
