"""What people said about alerts: what is to be silent, and what somebody looks after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TypeVar

from pydantic import ValidationError

from stream.events import Acknowledgement, Silence

T = TypeVar("T", Silence, Acknowledgement)

SILENCE_KEY, ACK_KEY = "silence/", "ack/"
KEPT = timedelta(days=7)
"""How long a silence that has ended is still listed."""
KEPT_ACKS = timedelta(days=90)
"""As long as the alerts themselves are kept."""


class Desk:
    """The silences and acknowledgements in force, as `news.silences` tells them."""

    def __init__(self) -> None:
        self._silences: dict[str, Silence] = {}
        self._acks: dict[str, Acknowledgement] = {}

    def hear(self, key: str, value: bytes | None) -> str | None:
        """Take one record of the topic in; returns what is wrong with it, or None."""
        try:
            if key.startswith(SILENCE_KEY):
                _take(key.removeprefix(SILENCE_KEY), value, Silence, self._silences)
            elif key.startswith(ACK_KEY):
                _take(key.removeprefix(ACK_KEY), value, Acknowledgement, self._acks)
            else:
                return f"the key {key!r} is neither of a silence nor of an acknowledgement"
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            return f"{key}: {'.'.join(map(str, first['loc'])) or 'record'}: {first['msg']}"
        return None

    @property
    def silences(self) -> list[Silence]:
        """All that are kept, in the order of their beginning."""
        return sorted(self._silences.values(), key=lambda each: (each.starts_at, each.silence_id))

    def in_force(self, now: datetime) -> Iterator[Silence]:
        """The silences that hold now."""
        return (each for each in self._silences.values() if each.starts_at <= now < each.ends_at)

    def is_silent(self, series: str, now: datetime) -> bool:
        """Whether a silence holds for the series now. A `*` of its glob also stands for `/`."""
        return any(fnmatchcase(series, each.series) for each in self.in_force(now))

    def acknowledged(self, alert_ids: Iterable[str]) -> Acknowledgement | None:
        """The first acknowledgement of one of these alerts."""
        found = [self._acks[each] for each in alert_ids if each in self._acks]
        return min(found, key=lambda each: each.at, default=None)

    def outdated(self, now: datetime) -> list[str]:
        """Keys of records that nobody needs any more."""
        old = [SILENCE_KEY + each.silence_id for each in self._silences.values() if now - each.ends_at > KEPT]
        return old + [ACK_KEY + each.alert_id for each in self._acks.values() if now - each.at > KEPT_ACKS]


def _take(key: str, value: bytes | None, kind: type[T], into: dict[str, T]) -> None:
    if value is None:
        into.pop(key, None)
    else:
        into[key] = kind.model_validate_json(value)
