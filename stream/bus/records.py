"""Records as the loops see them: what came in, what goes out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Headers = tuple[tuple[str, bytes], ...]

_LAST_MS = 253_402_300_799_000
"""The end of the year 9999: a producer that counts microseconds would lie beyond what a date can be."""

EVERY = -1
"""In what a loop writes: one copy for each partition that the topic has by then. A producer hears of added ones
within a minute (`stream.bus.clients`), and sends nothing else there before."""

SOURCE = "newstide"
"""The CloudEvents source of everything newstide writes."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record read from a topic. `timestamp` is the record's own, set when it was produced."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @classmethod
    def from_kafka(cls, message: Any, prefix: str = "") -> Record:
        """Take over what aiokafka read; `topic` is without the broker's `prefix`."""
        return cls(
            topic=message.topic.removeprefix(prefix),
            partition=message.partition,
            offset=message.offset,
            timestamp=datetime.fromtimestamp(min(max(message.timestamp, 0), _LAST_MS) / 1000, UTC),
            key=message.key,
            value=message.value,
            headers=tuple(message.headers),
        )

    def header(self, name: str) -> str | None:
        """The text of the last header called `name`, or None."""
        for key, value in reversed(self.headers):
            if key == name and value is not None:
                return bytes(value).decode("utf-8", "replace")
        return None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to write. `partition` is None where the key decides, `EVERY` for one copy on each there is."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one poll brought forth, by input partition: written in one transaction for each, with the offsets."""

    outgoing: Mapping[int, Sequence[Outgoing]]
    done: Mapping[int, int] = field(default_factory=dict)
    """How many input records of each partition this settles."""
    finish: Callable[[], None] | None = None
    """The last of the work, which fills `outgoing` in: called once, in a thread, while the next batch begins."""


def cloud_event(kind: str, event_id: str, at: datetime, traceparent: str | None = None) -> Headers:
    """Headers in the CloudEvents binary binding. `kind` is for instance `newstide.news.scored`."""
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_type", kind.encode()),
        ("ce_source", SOURCE.encode()),
        ("ce_time", at.isoformat().encode()),
        ("content-type", b"application/json"),
    )
    return (*headers, ("traceparent", traceparent.encode())) if traceparent else headers


def new_event_id() -> str:
    """An id for an event that has none of its own."""
    return str(uuid.uuid4())
