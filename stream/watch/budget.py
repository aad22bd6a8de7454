"""How many false alarms are allowed in how long a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from stream.errors import UsageError

_DAYS = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}
_WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(hour|day|week|month|year)\s*")
DAYS_OF_WEEK = 7.0
_MOST_A_DAY = 1_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `per_day` false alarms in a day, over all series together."""

    per_day: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1/week`, `2/day`, `0.5/month`.

        Raises:
            UsageError: if it is not of that form, or not above 0.
        """
        written = _WRITTEN.fullmatch(text)
        if written is None or float(written[1]) <= 0.0:
            raise UsageError(
                f"the budget {text!r} says no number of false alarms: write it as 1/week, 2/day or 0.5/month"
            )
        per_day = float(written[1]) / _DAYS[written[2]]
        if per_day > _MOST_A_DAY:
            raise UsageError(
                f"the budget {text!r} is more than any alarm is worth: give at most {_MOST_A_DAY:,}/day"
            )
        return cls(per_day)

    @property
    def per_week(self) -> float:
        """The same in a week."""
        return self.per_day * DAYS_OF_WEEK
