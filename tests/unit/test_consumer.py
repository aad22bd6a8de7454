"""The consumer with a wire of its own: what it does where a broker answers at once that there is nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest

from stream.bus import Connection
from stream.bus import consumer as under_test
from stream.bus.consumer import PatientConsumer, consumer_options


class Wire:
    """Answers what it is told to, and lets time pass only as it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.takes = 0.0
        self.brings = b""
        self.slept: list[float] = []
        loop = SimpleNamespace(time=lambda: self.now)
        fake = SimpleNamespace(get_running_loop=lambda: loop, sleep=self.sleep)
        monkeypatch.setattr(under_test, "asyncio", fake)

    async def send(self, node: int, request: object, **options: object) -> Any:
        self.now += self.takes
        return SimpleNamespace(topics=[("news.raw", [(0, 0, 9, b""), (1, 0, 9, self.brings)])])

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
async def consumer() -> Any:
    made = PatientConsumer(**consumer_options(Connection("nowhere:1")))
    yield made
    await made.stop()


def fetch() -> FetchRequest:
    return FetchRequest(20, 1, 1, 1, [("news.raw", [(0, 0, 1), (1, 0, 1)])])


async def test_empty_answers_that_come_at_once_are_held_longer_each_time(
    consumer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(monkeypatch)
    consumer._send_now = wire.send
    for _ in range(6):
        await consumer._client.send(0, fetch())
    assert wire.slept == [0.002, 0.004, 0.008, 0.016, 0.02, 0.02]
    wire.brings = b"a batch of records"
    await consumer._client.send(0, fetch())
    assert len(wire.slept) == 6, "what brings something is not held"
    wire.brings = b""
    await consumer._client.send(0, fetch())
    assert wire.slept[6:] == [0.002]


async def test_a_broker_that_waits_as_it_was_asked_to_is_not_waited_for_again(
    consumer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(monkeypatch)
    wire.takes = 0.02
    consumer._send_now = wire.send
    await consumer._client.send(0, fetch())
    assert wire.slept == []


async def test_other_requests_pass_as_they_are(consumer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(monkeypatch)
    consumer._send_now = wire.send
    await consumer._client.send(0, object(), group=1)
    assert wire.slept == []
