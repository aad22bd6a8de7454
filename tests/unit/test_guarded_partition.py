from __future__ import annotations

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import NodeNotReadyError

from stream.bus import Connection
from stream.bus.partition import GuardedPartition


async def test_a_broker_that_is_just_starting_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start() -> None:
        raise AssertionError("Did we not perform bootstrap?")

    owner = GuardedPartition(Connection("nowhere:1"), "score", TopicPartition("news.raw", 0), "group")
    monkeypatch.setattr(owner._producer, "start", start)
    with pytest.raises(NodeNotReadyError):
        await owner.open()
    await owner.close()
