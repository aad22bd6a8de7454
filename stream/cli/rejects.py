"""What the headers of a record in `news.rejected` say: why it is there, and where it came from."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream.bus import Record
    from stream.bus.records import Headers

_OWN = "newstide_"
"""What the names of the headers begin with that SCORE adds to those the record came with."""


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """One rejected record: its reason, its origin and its bytes as they came."""

    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    at: datetime
    key: bytes | None
    value: bytes | None
    headers: Headers
    """Those the record came with."""

    @property
    def origin(self) -> str:
        """`topic/partition/offset` of the record as it came: the name by which one is picked."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    def to_plain(self) -> Mapping[str, object]:
        """For JSON: the value as text where it is some, else in base64."""
        plain: dict[str, object] = {
            "origin": self.origin,
            "reason": self.reason,
            "detail": self.detail,
            "rejected_at": self.at.isoformat(),
            "key": (self.key or b"").decode("utf-8", "replace"),
        }
        try:
            return plain | {"value": None if self.value is None else self.value.decode()}
        except UnicodeDecodeError:
            return plain | {"value_base64": base64.b64encode(self.value or b"").decode()}


def reject_of(record: Record) -> RejectedRecord:
    """Read the headers of `record`, which came from `news.rejected`."""
    return RejectedRecord(
        reason=record.header(f"{_OWN}reason") or "unknown",
        detail=record.header(f"{_OWN}detail") or "",
        topic=record.header(f"{_OWN}origin_topic") or record.topic,
        partition=_number(record.header(f"{_OWN}origin_partition"), record.partition),
        offset=_number(record.header(f"{_OWN}origin_offset"), record.offset),
        at=record.timestamp,
        # A record that came without a key was given one, its origin.
        key=None if record.header(f"{_OWN}origin_has_key") == "false" else record.key,
        value=record.value,
        headers=tuple(header for header in record.headers if not header[0].startswith(_OWN)),
    )


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdecimal() else otherwise
