"""What `news.rejected` holds: records byte for byte, with where they came from and why they were refused."""

from __future__ import annotations

from stream.bus.records import Outgoing, Record
from stream.events import Reject
from stream.topics import REJECTED


def reject_record(record: Record, reject: Reject) -> Outgoing:
    """`record` byte for byte; its origin and the reason are headers, behind those it came with."""
    origin = f"{record.topic}/{record.partition}/{record.offset}"
    return Outgoing(
        REJECTED.name,
        record.key or origin.encode(),
        record.value,
        (
            *record.headers,
            ("newstide_reason", reject.reason.value.encode()),
            ("newstide_detail", reject.detail.encode("utf-8", "replace")[:1000]),
            ("newstide_origin_topic", record.topic.encode()),
            ("newstide_origin_partition", str(record.partition).encode()),
            ("newstide_origin_offset", str(record.offset).encode()),
            ("newstide_origin_has_key", b"true" if record.key is not None else b"false"),
        ),
    )
