"""Event time as whole microseconds, and figures as they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros_of(time: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (time - _EPOCH) // _MICROSECOND


def time_of(micros: int) -> datetime:
    """The time, in UTC, of microseconds since 1970."""
    return _EPOCH + micros * _MICROSECOND


def rounded(figure: float) -> float:
    """`figure` with six significant digits, as alerts and stories carry it."""
    return float(f"{figure:.6g}")
