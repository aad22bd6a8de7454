from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from stream.retry_after import retry_after

NOW = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=2))], ids=str)
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("9999999", 86_400.0),
        ("9" * 5000, 86_400.0),
        ("Mon, 02 Mar 2026 14:31:00 GMT", 60.0),
        ("Mon, 02 Mar 2026 14:31:00 -0000", 60.0),
        ("Mon, 02 Mar 2026 14:00:00 GMT", 0.0),
        ("Mon, 02 Mar 2126 14:30:00 GMT", 86_400.0),
        ("-5", None),
        ("soon", None),
    ],
)
def test_it_is_seconds_or_a_date_and_a_day_at_most(
    value: str | None, seconds: float | None, zone: timezone
) -> None:
    assert retry_after(value, NOW.astimezone(zone)) == seconds
