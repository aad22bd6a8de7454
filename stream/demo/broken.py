"""Records that are no news items, of the ten kinds that any feed sends sooner or later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from stream.demo.wire import to_bytes
from stream.events import RejectReason

_LARGE = 2 * 1024 * 1024
_DEEP = 5_000


def break_records(headline: str, at: datetime) -> Iterator[tuple[RejectReason, bytes]]:
    """Twenty broken records, each with the reason it must be refused for.

    Args:
        headline: what they would have said.
        at: when they would have been published, aware.
    """
    good: dict[str, object] = {
        "id": "damaged-0",
        "source": "Copperkettle Investor",
        "published_at": at.isoformat(),
        "headline": headline,
    }
    whole = to_bytes(good)
    far = at.replace(year=2199).isoformat()
    deep = b"[" * _DEEP + b"]" * _DEEP

    def but(**changed: object) -> bytes:
        return to_bytes(good | changed)

    def without(field: str) -> bytes:
        return to_bytes({name: value for name, value in good.items() if name != field})

    yield RejectReason.NOT_JSON, whole[: len(whole) // 2]
    yield RejectReason.NOT_JSON, b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    yield RejectReason.NOT_JSON, b"id;source;headline\n17;Copperkettle Investor;" + headline.encode()
    yield (
        RejectReason.BAD_ENCODING,
        but(headline="Caf\u00e9 chain opens in Malm\u00f6").decode().encode("latin-1"),
    )
    yield RejectReason.BAD_ENCODING, whole.decode().encode("utf-16")
    yield RejectReason.MISSING_FIELD, without("headline")
    yield RejectReason.MISSING_FIELD, without("published_at")
    yield RejectReason.NAIVE_TIME, but(published_at=at.replace(tzinfo=None).isoformat())
    yield RejectReason.NAIVE_TIME, but(published_at="2026-03-10 09:59:00")
    yield RejectReason.FUTURE_TIME, but(published_at=far)
    yield RejectReason.FUTURE_TIME, but(published_at="2999-12-31T23:59:59Z")
    yield RejectReason.TOO_LARGE, but(body="All work and no news. " * (_LARGE // 22 + 1))
    yield RejectReason.EMPTY_TEXT, but(headline="")
    yield RejectReason.EMPTY_TEXT, but(headline="   ")
    yield RejectReason.CONTROL_CHARACTER, whole.replace(b"Girderson", b"Girder\x00son")
    yield RejectReason.CONTROL_CHARACTER, but(body="The \u0000 of the matter.")
    yield RejectReason.WRONG_TYPE, but(headline=17)
    yield RejectReason.WRONG_TYPE, but(tickers="GRDR")
    yield RejectReason.TOO_DEEP, whole[:-1] + b',"extra":' + deep + b"}"
    yield RejectReason.TOO_DEEP, deep
