"""The consumer that everything here reads with."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.protocol.fetch import FetchRequest

from stream.bus.connection import Connection
from stream.topics import HEADER_BYTES, MAX_RECORD_BYTES

FETCH_BYTES = MAX_RECORD_BYTES + HEADER_BYTES
"""The largest record that a topic of ours takes, with its headers."""

FETCH_WAIT_MS = 20
"""How long a broker may hold a fetch for which it has nothing."""

_FIRST_PAUSE = 0.002


class PatientConsumer(AIOKafkaConsumer):  # type: ignore[misc] # the library has no types
    """aiokafka's consumer, which also bears a broker that does not wait.

    A fetch asks the broker to hold it until there are records, for `FETCH_WAIT_MS` at most. The embedded broker
    answers at once that there are none, and aiokafka asks it again at once: some thousand times a second, for a
    whole core. So an empty answer that comes early is held here instead, longer each time until records come.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pause = _FIRST_PAUSE
        self._send_now = self._client.send
        # The library has no other place between its fetching task and the wire.
        self._client.send = self._send

    async def _send(self, node: Any, request: Any, **options: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return await self._send_now(node, request, **options)
        clock = asyncio.get_running_loop().time
        asked = clock()
        answer = await self._send_now(node, request, **options)
        if _has_records(answer):
            self._pause = _FIRST_PAUSE
        elif (clock() - asked) * 2000 < FETCH_WAIT_MS:
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, FETCH_WAIT_MS / 1000)
        return answer


def _has_records(answer: Any) -> bool:
    """Whether a fetch brought anything; the bytes of its records are the last part of each partition's answer."""
    return any(part[-1] for _, parts in answer.topics for part in parts)


def consumer_options(connection: Connection) -> dict[str, Any]:
    """Keyword arguments of every consumer: committed records only, offsets never committed behind our back."""
    return connection.client_options() | {
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "max_partition_fetch_bytes": FETCH_BYTES,
        "fetch_max_wait_ms": FETCH_WAIT_MS,
    }
