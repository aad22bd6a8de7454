"""The bytes of an RSS or Atom document become news items."""

from __future__ import annotations

import io
import re
import xml.sax
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import feedparser

from stream.events import NewsItem
from stream.sources.draft import Draft, text_of
from stream.sources.feed import Feed
from stream.sources.outcome import FeedError, Outcome
from stream.sources.wellformed import is_well_formed

MAX_ENTRIES = 2_000
"""The newest so many entries of one document are read."""

_MOST_SALVAGED = 1024 * 1024
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}")
_CLOSED = re.compile(rb"</(?:\w+:)?(?:rss|feed|rdf)\s*>\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FeedPage:
    """What one document of a feed holds.

    `items` come by their times, each id once. `skipped` counts entries without any text, and those beyond
    `MAX_ENTRIES`. `flaw` says what was wrong with the XML where items could be read all the same.
    """

    items: tuple[NewsItem, ...]
    skipped: int = 0
    flaw: str | None = None


def read_entries(content: bytes, content_type: str, feed: Feed, fetched_at: datetime) -> FeedPage:
    """The articles in `content`.

    An article's id is its guid, else its link, else a hash of source, title and time; a guid that is no address
    of its own gets the feed's host in front, and one that stands at several articles is no guid. Its time is
    when it was published, else updated, else `fetched_at`, and never later than that. Of a document that is cut
    off the last article is left for the next time, since its title may be cut off too.

    Raises:
        FeedError: MALFORMED or NOT_A_FEED, where there is nothing to read.
    """
    try:
        return _read(content, content_type, feed, fetched_at)
    except FeedError:
        raise
    # feedparser hands on whatever its parsers raise at crafted input; one feed must not end the others.
    except Exception as error:
        raise FeedError(Outcome.MALFORMED, f"the parser gave up: {type(error).__name__}: {error}") from error


def _read(content: bytes, content_type: str, feed: Feed, fetched_at: datetime) -> FeedPage:
    if not content.strip():
        raise FeedError(Outcome.NOT_A_FEED, "the answer is empty")
    if not is_well_formed(content) and len(content) > _MOST_SALVAGED:
        # What reads broken XML is slow on input made to be slow, and can't be stopped from outside.
        raise FeedError(
            Outcome.MALFORMED,
            f"the XML is broken, and {len(content)} bytes are more than the {_MOST_SALVAGED} that are salvaged",
        )
    parsed = feedparser.parse(
        io.BytesIO(content),
        response_headers={"content-type": _type_of(content, content_type)},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    error = parsed.get("bozo_exception")
    flaw = f"the XML is broken: {error}" if isinstance(error, xml.sax.SAXException) else None
    if not parsed.version:
        if flaw is not None and b"<html" not in content[:4096].lower():
            raise FeedError(Outcome.MALFORMED, flaw)
        raise FeedError(
            Outcome.NOT_A_FEED, f"this is neither RSS nor Atom (Content-Type {content_type[:80]!r})"
        )
    entries = list(parsed.entries)
    if flaw is not None and not _CLOSED.search(content):
        entries = entries[:-1]
    if flaw is not None and not entries:
        raise FeedError(Outcome.MALFORMED, flaw)
    return _page(entries, _language_of(parsed.feed), flaw, feed, fetched_at)


def _page(
    entries: Iterable[Mapping[str, Any]], language: str | None, flaw: str | None, feed: Feed, at: datetime
) -> FeedPage:
    drafts = [Draft.of(entry, feed, at) for entry in entries]
    told = [draft for draft in drafts if draft.headline]
    shared = _shared_ids(told)
    items: dict[str, NewsItem] = {}
    for draft in told:
        item_id = next(name for name in draft.names if name not in shared)
        items.setdefault(item_id, draft.item(item_id, language, feed))
    by_time = sorted(items.values(), key=lambda item: item.published_at)
    return FeedPage(
        items=tuple(by_time[-MAX_ENTRIES:]),
        skipped=len(drafts) - len(told) + max(0, len(by_time) - MAX_ENTRIES),
        flaw=flaw,
    )


def _shared_ids(drafts: Iterable[Draft]) -> set[str]:
    """The guids and links that several different articles bear, and which therefore name none of them."""
    headlines: defaultdict[str, set[str]] = defaultdict(set)
    for draft in drafts:
        for name in draft.names[:-1]:
            headlines[name].add(draft.headline)
    return {name for name, different in headlines.items() if len(different) > 1}


def _language_of(channel: Mapping[str, Any]) -> str | None:
    language = text_of(channel, "language").strip()
    return language if _LANGUAGE.fullmatch(language) else None


def _type_of(content: bytes, content_type: str) -> str:
    """The Content-Type to go by: bytes that read as UTF-8 are UTF-8, whatever the server's default says."""
    if content.isascii():
        return content_type
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return content_type
    return "application/xml; charset=utf-8"
