"""Which articles were withdrawn, for those that arrive after their withdrawal."""

from __future__ import annotations

from collections import deque

from stream.errors import StateError
from stream.watch import state

_TAKEN_BACK = 4096
_CONTROL_CHUNK = 32


class TakenBack:
    """The ids of the last few thousand articles that were withdrawn, for those that come after their withdrawal.

    Withdrawals go to every partition, so this memory is the same on each, whatever series it holds.
    """

    def __init__(self) -> None:
        self._ids: deque[str] = deque(maxlen=_TAKEN_BACK)
        self._known: set[str] = set()
        self._next = 0
        self._changed: set[int] = set()

    def __contains__(self, news_id: str) -> bool:
        return news_id in self._known

    def add(self, news_id: str) -> None:
        """Remember one id; the oldest goes when there are too many."""
        if news_id in self._known:
            return
        if len(self._ids) == _TAKEN_BACK:
            self._known.discard(self._ids[0])
        self._ids.append(news_id)
        self._known.add(news_id)
        self._changed.add(self._next // _CONTROL_CHUNK)
        self._next += 1

    def drain(self) -> dict[str, bytes | None]:
        """The records that changed since the last drain."""
        oldest = self._next - len(self._ids)
        changed, self._changed = sorted(self._changed), set()
        written: dict[str, bytes | None] = {}
        for chunk in changed:
            first = max(chunk * _CONTROL_CHUNK, oldest)
            last = min((chunk + 1) * _CONTROL_CHUNK, self._next)
            ids = [self._ids[number - oldest] for number in range(first, last)]
            key = state.control_key(chunk % (_TAKEN_BACK // _CONTROL_CHUNK + 1))
            written[key] = state.write_json({"first": first, "ids": ids})
        return written

    def restore(self, records: dict[str, bytes]) -> None:
        """Take over what `drain` gave.

        Raises:
            StateError: if a record is unreadable or of another version; names its key.
        """
        numbered: dict[int, str] = {}
        for key, value in records.items():
            body = state.read_json(key, value)
            try:
                numbered |= enumerate(body["ids"], start=body["first"])
            except (TypeError, KeyError) as error:
                raise StateError(f"state record {key!r} is damaged ({error!r}): restore the topic") from error
        for number in sorted(numbered)[-_TAKEN_BACK:]:
            self._ids.append(numbered[number])
            self._next = number + 1
        self._known = set(self._ids)
