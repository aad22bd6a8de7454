"""Times as people write them: how long, and when."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from stream.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST = timedelta(days=366)


def parse_duration(text: str) -> timedelta:
    """`2h`, `30m`, `1d12h`: numbers with s, m, h, d or w.

    Raises:
        UsageError: it is none, or longer than a year.
    """
    found = re.findall(r"(\d{1,30})([smhdw])", text.strip().lower())
    seconds = sum(int(number) * _UNITS[unit] for number, unit in found)
    if not found or "".join(map("".join, found)) != text.strip().lower():
        raise UsageError(f"--for {text}: write it as 30m, 2h, 1d or 1h30m")
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise UsageError(f"--for {text}: give at least 1s and at most {_LONGEST.days}d")
    return timedelta(seconds=seconds)


def parse_time(flag: str, text: str) -> datetime:
    """A point in time with its zone, in ISO 8601.

    Raises:
        UsageError: it is none.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{flag} {text}: write it as 2026-03-02T18:00Z") from None
    if at.tzinfo is None:
        raise UsageError(f"{flag} {text}: say the zone too, as in {text}Z or {text}+01:00")
    return at.astimezone(UTC)
