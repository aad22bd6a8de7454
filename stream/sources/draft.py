"""One entry of a feed, in plain text, before it has its id."""

from __future__ import annotations

import calendar
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from stream.events import NewsItem
from stream.sources.feed import MAX_URL, Feed
from stream.sources.markup import plain_text

MAX_HEADLINE = 1_000
MAX_BODY = 20_000
MAX_ID = 240
"""In characters. An id is shorter than the contract allows, to leave room for what marks a correction."""

_RAW_TEXT = 65_536
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")
_GLOBAL_ID = re.compile(r"(?:https?://[^/]|urn:[^:]|tag:[^,:]+,)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Draft:
    """One entry in plain text.

    `names` are what may be its id, best first; the last is a hash of the article. `headline` is the title, or the
    beginning of the body where there is none, as in a stream of short notes; it is empty where there is neither.
    """

    names: tuple[str, ...]
    headline: str
    body: str
    url: str | None
    published_at: datetime

    @classmethod
    def of(cls, entry: Mapping[str, Any], feed: Feed, at: datetime) -> Draft:
        """What `entry`, as feedparser gives it, says; `at` is when it was fetched."""
        title = plain_text(text_of(entry, "title"), MAX_HEADLINE)
        body = plain_text(_body_of(entry), MAX_BODY)
        url = _web_address(text_of(entry, "link"), feed)
        time = _time_of(entry)
        headline = _visible(title) or _visible(body)[:MAX_HEADLINE]
        own = "\n".join((feed.publisher, headline, time.isoformat() if time else ""))
        names = (_global_id(_tidy(text_of(entry, "id")), feed), url, _digest(own))
        return cls(
            names=tuple(_bounded(name) for name in names if name),
            headline=headline,
            body=body,
            url=url,
            published_at=min(time, at) if time else at,
        )

    def item(self, item_id: str, language: str | None, feed: Feed) -> NewsItem:
        """The article under the name `item_id`."""
        return NewsItem(
            id=item_id,
            source=feed.publisher,
            published_at=self.published_at,
            headline=self.headline,
            body=self.body if self.body and self.body != self.headline else None,
            url=self.url,
            language=language,
        )


def text_of(entry: Mapping[str, Any], field: str) -> str:
    """The text in `field`, as much of it as is read at all; nothing where there is none."""
    value = entry.get(field)
    return value[:_RAW_TEXT] if isinstance(value, str) else ""


def _body_of(entry: Mapping[str, Any]) -> str:
    summary = text_of(entry, "summary")
    return summary or next((text_of(part, "value") for part in entry.get("content") or ()), "")


def _visible(text: str) -> str:
    """`text`, or nothing where it has no character that can be seen."""
    return text if any(char.isprintable() and not char.isspace() for char in text) else ""


def _time_of(entry: Mapping[str, Any]) -> datetime | None:
    for field in ("published_parsed", "updated_parsed"):
        # Asked with `in` first: feedparser warns when it answers for one of the two with the other.
        if field not in entry or entry[field] is None:
            continue
        try:
            return datetime.fromtimestamp(calendar.timegm(entry[field]), UTC)
        except (ValueError, OverflowError, OSError):
            continue
    return None


def _web_address(link: str, feed: Feed) -> str | None:
    """`link` made absolute, where it leads to the web and is short enough to be kept."""
    try:
        link = _tidy(link).replace(" ", "%20")
        url = urljoin(feed.url, link) if link else ""
    except ValueError:
        return None
    return url if url.lower().startswith(("http://", "https://")) and len(url) <= MAX_URL else None


def _tidy(address: str) -> str:
    """`address` without control characters and broken surrogates; entities stay, since `&copy=1` is none here."""
    return _CONTROL.sub(" ", address.encode("utf-8", "replace").decode("utf-8")).strip()


def _global_id(guid: str, feed: Feed) -> str:
    """`guid`, with the host in front where it is unique within its feed only, such as `123`."""
    return guid if not guid or _GLOBAL_ID.match(guid) else f"{feed.host}:{guid}"


def _bounded(name: str) -> str:
    return name if len(name) <= MAX_ID else _digest(name)


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
