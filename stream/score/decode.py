"""Bytes of `news.raw` become a news item, or the reason why they are none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from stream.events import NewsItem, Reject, RejectReason

MAX_BYTES = 1_048_576
MAX_AHEAD = timedelta(hours=24)

_BOM = b"\xef\xbb\xbf"
_CUT = 80
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f]")
_NOT_ISO = re.compile(rb'"published_at"\s*:\s*"(?!\d{4}-\d\d-\d\d[Tt_ ]\d\d:)([^"]{0,80})')
# Letters and symbols by category, yet nothing to see: Hangul fillers and the blank Braille pattern.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Older than what computers count from: no article that is news."""

_TIME_FIX = "give an ISO 8601 time with its offset, such as 2026-03-02T14:30:00Z"

# By the error types of pydantic; other types of the kind `..._type` are a wrong type, the rest a wrong value.
_REASONS = {
    "timezone_aware": RejectReason.NAIVE_TIME,
    "string_too_short": RejectReason.EMPTY_TEXT,
    "string_unicode": RejectReason.BAD_ENCODING,
}
_FIXES = {
    "timezone_aware": f"it has no offset, {_TIME_FIX}",
    "datetime_type": _TIME_FIX,
    "datetime_parsing": _TIME_FIX,
    "string_too_short": "give at least one visible character",
}


def decode_news(
    value: bytes | None,
    *,
    received_at: datetime,
    max_bytes: int = MAX_BYTES,
    max_ahead: timedelta = MAX_AHEAD,
) -> NewsItem | Reject:
    """The news item that `value` holds, or why it holds none.

    Never raises, whatever the bytes. Unknown fields are ignored, the last of two equal keys counts, and a byte
    order mark at the start is passed over. Types are strict: a number is no text, and no time either.

    Args:
        value: the record's value as it came; None is a tombstone.
        received_at: the record's own timestamp, aware; what `published_at` is held against.
        max_bytes: the largest value that is read at all.
        max_ahead: how far `published_at` may lie after `received_at`.
    """
    if value is None:
        return Reject(RejectReason.MISSING_FIELD, "the record has no value (a tombstone): send a news item")
    if len(value) > max_bytes:
        return Reject(
            RejectReason.TOO_LARGE,
            f"the record has {len(value)} bytes, {max_bytes} are allowed: cut `body`, or raise the limit",
        )
    value = value.removeprefix(_BOM)
    broken = _broken_encoding(value)
    if broken is not None:
        return broken
    try:
        item = NewsItem.model_validate_json(value, strict=True)
    except ValidationError as error:
        return _reject_of(error)
    except OverflowError:
        # An offset that carries the time over the edge of the years 1 to 9999 when turned to UTC.
        return Reject(RejectReason.INVALID_VALUE, f"published_at is outside the years 1 to 9999: {_TIME_FIX}")
    return _unfit_time(value, item, received_at + max_ahead) or _unfit_text(value, item) or item


def _broken_encoding(value: bytes) -> Reject | None:
    """Why `value` is no UTF-8 text, if so."""
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return Reject(
            RejectReason.BAD_ENCODING,
            f"byte {error.start} is {value[error.start]:#04x}, which is not UTF-8: encode the record as UTF-8",
        )
    at = value.find(b"\x00")
    if at < 0:
        return None
    if at <= 1:
        # JSON begins with an ASCII character, so a zero beside it is the other half of a wider code unit.
        return Reject(RejectReason.BAD_ENCODING, "the record looks like UTF-16 or UTF-32: encode it as UTF-8")
    return Reject(RejectReason.CONTROL_CHARACTER, f"byte {at} is 0x00: remove control characters")


def _reject_of(error: ValidationError) -> Reject:
    """The first thing that the contract found wrong, in our own words."""
    first: Mapping[str, Any] = error.errors(include_url=False, include_context=False)[0]
    kind, message = first["type"], str(first["msg"])
    if kind == "json_invalid":
        return _unparsable(message)
    if kind == "value_error":
        return Reject(RejectReason.INVALID_VALUE, message.removeprefix("Value error, "))
    field = ".".join(str(part) for part in first["loc"]) or "the record"
    if kind == "missing":
        return Reject(RejectReason.MISSING_FIELD, f"{field} is missing: every news item needs it")
    fix = _FIXES.get(kind) or message[:1].lower() + message[1:]
    default = RejectReason.WRONG_TYPE if kind.endswith("_type") else RejectReason.INVALID_VALUE
    return Reject(_REASONS.get(kind, default), f"{field} is {_cut(first['input'])}: {fix}")


def _unparsable(message: str) -> Reject:
    """Sorts what the JSON parser stumbled over."""
    message = message.removeprefix("Invalid JSON: ")
    if "recursion limit" in message:
        return Reject(RejectReason.TOO_DEEP, f"{message}: a news item is flat, remove the nested value")
    if "control character" in message:
        return Reject(RejectReason.CONTROL_CHARACTER, f"{message}: escape or remove it")
    if "surrogate" in message or "hex escape" in message or "unicode" in message:
        return Reject(RejectReason.BAD_ENCODING, f"{message}: write surrogates in pairs, or as UTF-8")
    if "out of range" in message:
        return Reject(RejectReason.INVALID_VALUE, f"{message}: remove the number or write it as text")
    return Reject(RejectReason.NOT_JSON, f"{message}: send one JSON object")


def _unfit_time(value: bytes, item: NewsItem, latest: datetime) -> Reject | None:
    """Why `published_at` can't be meant, if so."""
    epoch = _NOT_ISO.search(value)
    if epoch is not None:
        # The contract's parser also reads digits in quotes as seconds or milliseconds since 1970: a guess.
        shown = _cut(epoch[1].decode(errors="replace"))
        return Reject(RejectReason.WRONG_TYPE, f"published_at is {shown}: {_TIME_FIX}")
    if item.published_at < _EARLIEST:
        # Often a zero that somebody's program takes for "no time", such as the year 1.
        return Reject(
            RejectReason.INVALID_VALUE,
            f"published_at is {item.published_at.isoformat()}, before {_EARLIEST.year}: {_TIME_FIX}",
        )
    if item.published_at > latest:
        return Reject(
            RejectReason.FUTURE_TIME,
            f"published_at is {item.published_at.isoformat()}, after {latest.isoformat()}, the latest time "
            "believed: correct the publisher's clock or zone",
        )
    return None


def _unfit_text(value: bytes, item: NewsItem) -> Reject | None:
    """Why a text of `item` can't be shown or used as a key, if so."""
    for field in ("headline", "id", "source"):
        if not _is_visible(getattr(item, field)):
            shown = _cut(getattr(item, field))
            return Reject(RejectReason.EMPTY_TEXT, f"{field} is {shown}: give at least one visible character")
    if b"\\" not in value:
        # In valid JSON a control character can only stand as an escape.
        return None
    prose = [("headline", item.headline), ("body", item.body)]
    keys = [("id", item.id), ("source", item.source), ("url", item.url), ("language", item.language)]
    keys += [("revises", item.revises), *(("tickers", ticker) for ticker in item.tickers)]
    for texts, forbidden in ((prose, _CONTROL), (keys, _CONTROL_OR_BREAK)):
        for field, text in texts:
            found = forbidden.search(text) if text else None
            if found is not None:
                return Reject(
                    RejectReason.CONTROL_CHARACTER,
                    f"{field} holds U+{ord(found[0]):04X} at character {found.start()}: remove it",
                )
    return None


def _is_visible(text: str) -> bool:
    """Whether anything of `text` shows on a screen; spaces, marks of direction and the like don't."""
    if text[0].isalnum() and text[0] not in _BLANK:
        return True
    return any(unicodedata.category(char)[0] not in "ZC" and char not in _BLANK for char in text)


def _cut(value: object) -> str:
    """`value` as it may stand in a message: short, printable, in one line."""
    if isinstance(value, str | bytes):
        value = value[: _CUT + 1]
    elif isinstance(value, Mapping | list | tuple):
        return f"a list of {len(value)}" if isinstance(value, list | tuple) else "an object"
    shown = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return shown if len(shown) <= _CUT else shown[: _CUT - 1] + "…"
