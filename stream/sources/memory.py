"""What is remembered of each feed, across restarts: its validators and the articles already sent."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from stream.errors import UsageError
from stream.events import NewsItem
from stream.sources.entries import MAX_ENTRIES
from stream.sources.feed import Feed
from stream.sources.fetch import NO_VALIDATORS, Validators

MOST_REMEMBERED = 5 * MAX_ENTRIES
"""Articles remembered of one feed; those seen longest ago go first. Well above what one document can hold, or
a long feed would be sent again at every poll."""

MOST_VERSIONS = 8
"""Headlines remembered of one article; a change after the last of them is not sent."""

_FORMAT = 1
_log = logging.getLogger(__name__)


class FeedMemory:
    """The articles of one feed that were sent, as hashes, and the validators of its last answer."""

    def __init__(self, validators: Validators = NO_VALIDATORS) -> None:
        self.validators = validators
        self._versions: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def news_in(self, items: Iterable[NewsItem]) -> list[NewsItem]:
        """What of `items` was not sent yet. Changes nothing: see `remember`.

        An article whose headline was edited upstream comes as a new item, `<id>#<hash of the headline>`, with
        the status `corrected`; it revises the version that was sent last. A headline that was sent before, as
        when a publisher tries two in turn, is no news, nor is a change of the body alone.
        """
        news: list[NewsItem] = []
        for item in items:
            sent = self._versions.get(_key(item), ())
            version = _version(item)
            if not sent:
                news.append(item)
            elif version not in sent and len(sent) < MOST_VERSIONS:
                last = item.id if len(sent) == 1 else f"{item.id}#{sent[-1]}"
                change = {"id": f"{item.id}#{version}", "status": "corrected", "revises": last}
                news.append(item.model_copy(update=change))
        return news

    def remember(self, items: Iterable[NewsItem], validators: Validators) -> bool:
        """Notes that all of `items`, as the feed gave them, have been sent. Returns whether that was new."""
        changed = validators != self.validators
        self.validators = validators
        for item in items:
            key, version = _key(item), _version(item)
            sent = self._versions.get(key, ())
            if version not in sent and len(sent) < MOST_VERSIONS:
                self._versions[key] = (*sent, version)
                changed = True
            self._versions.move_to_end(key)
        while len(self._versions) > MOST_REMEMBERED:
            self._versions.popitem(last=False)
        return changed

    def to_json(self) -> str:
        """All of it, to be read back by `from_json`."""
        return json.dumps(
            {
                "format": _FORMAT,
                "etag": self.validators.etag,
                "last_modified": self.validators.last_modified,
                "sent": [[key, *versions] for key, versions in self._versions.items()],
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> FeedMemory:
        """What `to_json` wrote.

        Raises:
            ValueError: if `text` is something else.
        """
        saved: Any = json.loads(text)
        if not isinstance(saved, dict) or saved.get("format") != _FORMAT:
            raise ValueError("it was written by another version, or by another program")
        memory = cls(Validators(_header(saved.get("etag")), _header(saved.get("last_modified"))))
        for row in saved.get("sent", ()):
            key, *versions = _words(row)
            memory._versions[key] = tuple(versions)
        return memory


class MemoryFolder:
    """Keeps a `FeedMemory` of each feed in a file of its own, replaced as a whole.

    One process at a time may use a folder.

    Raises:
        UsageError: if the folder can't be made or written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UsageError(
                f"the state folder {str(folder)!r} can't be written to ({error.strerror}): "
                "give another one, or the right to write there"
            ) from error

    def load(self, feed: Feed) -> FeedMemory:
        """What was saved of `feed`.

        A file that can't be read is passed over with a warning: what the feed holds now is then sent again,
        under the same ids.
        """
        path = self._path(feed)
        try:
            return FeedMemory.from_json(path.read_bytes())
        except FileNotFoundError:
            return FeedMemory()
        except (OSError, ValueError) as error:
            _log.warning(
                "feed %s: its state %s can't be read, so it starts afresh: %s", feed.name, path, error
            )
            return FeedMemory()

    def save(self, feed: Feed, text: str) -> None:
        """Replaces what is saved of `feed` by `text`; after a crash either the old or the new is there.

        Raises:
            OSError: if the file can't be written.
        """
        path = self._path(feed)
        draft = path.with_suffix(".new")
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def _path(self, feed: Feed) -> Path:
        return self._folder / f"feed-{hashlib.sha256(feed.url.encode()).hexdigest()[:32]}.json"


def _key(item: NewsItem) -> str:
    return hashlib.blake2b(item.id.encode(), digest_size=12).hexdigest()


def _version(item: NewsItem) -> str:
    return hashlib.blake2b(item.headline.encode(), digest_size=6).hexdigest()


def _header(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{value!r} is no header")
    return value


def _words(row: object) -> Sequence[str]:
    if not isinstance(row, list) or not row[1:] or not all(isinstance(word, str) for word in row):
        raise ValueError(f"{row!r} is no article")
    return row
