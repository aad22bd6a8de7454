"""Series that nobody speaks of, as their saved records: they cost what these take, and nothing to restore."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator


class Sleepers:
    """The saved records of series that are silent, in the order in which they fell asleep."""

    def __init__(self) -> None:
        self._cores: OrderedDict[str, bytes] = OrderedDict()
        self._highs: dict[str, int] = {}
        self._chunks: dict[str, dict[str, bytes]] = {}

    def __len__(self) -> int:
        return len(self._cores)

    def __contains__(self, name: str) -> bool:
        return name in self._cores

    def put(self, name: str, core: bytes, chunks: dict[str, bytes], high: int | None) -> None:
        """Keep a series: its core, its chunks of stories where it still has some, and its largest event time."""
        self._cores[name] = core
        self._highs[name] = 0 if high is None else high
        if chunks:
            self._chunks[name] = chunks

    def take(self, name: str) -> tuple[bytes, dict[str, bytes]]:
        """The core and the chunks of a series, which is no longer kept."""
        del self._highs[name]
        return self._cores.pop(name), self._chunks.pop(name, {})

    def remembering(self, news_id: str) -> list[str]:
        """The series whose stories may name this article."""
        wanted = json.dumps(news_id, ensure_ascii=False).encode()
        return [
            name for name, chunks in self._chunks.items() if any(wanted in each for each in chunks.values())
        ]

    def older_than(self, time: int) -> Iterator[str]:
        """The series, from the front, whose largest event time lies before `time`; each may be taken."""
        while self._cores:
            name = next(iter(self._cores))
            if self._highs[name] >= time:
                return
            yield name
