"""The header Retry-After: how long a server asks to be left alone, one with feeds or one that is told alerts."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_RETRY_AFTER = 24 * 60 * 60.0
"""A server that asks for more, by mistake or by a clock that is wrong, is asked again after this many seconds."""


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that the header asks to wait, at most a day; None where it says nothing readable.

    Args:
        value: the header, seconds or a date; None where there is none.
        now: what a date is held against.
    """
    if value is None:
        return None
    if value.strip().isdecimal():
        seconds = float(value)
    else:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
