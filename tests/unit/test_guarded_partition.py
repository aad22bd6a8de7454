from __future__ import annotations

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError, NodeNotReadyError, ProducerFenced, UnknownError
from aiokafka.producer.message_accumulator import MessageBatch

from stream.bus import Connection, Outgoing
from stream.bus.partition import GuardedPartition

INPUT = TopicPartition("news.raw", 0)


class FakeProducer:
    """Takes what it is sent, and lets each future end as the test says."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.sent: list[asyncio.Future[None]] = []
        self.offset = asyncio.Event()

    async def begin_transaction(self) -> None:
        self.did.append("begin")

    async def send(self, topic: str, **record: object) -> asyncio.Future[None]:
        self.sent.append(asyncio.get_running_loop().create_future())
        return self.sent[-1]

    async def partitions_for(self, topic: str) -> set[int]:
        return {0, 1, 2}

    async def send_offsets_to_transaction(self, offsets: object, group: str) -> None:
        self.did.append("offset asked")
        try:
            await self.offset.wait()
        except asyncio.CancelledError:
            self.did.append("offset given up")
            raise

    async def commit_transaction(self) -> None:
        self.did.append("commit")

    async def stop(self) -> None: ...


async def delivering(
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[GuardedPartition, FakeProducer, asyncio.Task[None]]:
    """A partition in the middle of a delivery of two records and an offset."""
    owner, fake = GuardedPartition(Connection("nowhere:1"), "score", INPUT, "group"), FakeProducer()
    await owner.close()
    monkeypatch.setattr(owner, "_producer", fake)
    records = [Outgoing("news.scored", b"k", b"v"), Outgoing("news.scored", b"k", b"w")]
    task = asyncio.create_task(owner.deliver(records, 7))
    while "offset asked" not in fake.did:
        await asyncio.sleep(0)
    return owner, fake, task


async def test_a_broker_that_is_just_starting_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start() -> None:
        raise AssertionError("Did we not perform bootstrap?")

    owner = GuardedPartition(Connection("nowhere:1"), "score", INPUT, "group")
    monkeypatch.setattr(owner._producer, "start", start)
    with pytest.raises(NodeNotReadyError):
        await owner.open()
    await owner.close()


async def test_nothing_is_committed_before_every_record_and_the_offset_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, fake, task = await delivering(monkeypatch)
    fake.sent[0].set_result(None)
    fake.offset.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert "commit" not in fake.did
    fake.sent[1].set_result(None)
    await task
    assert fake.did == ["begin", "offset asked", "commit"]


async def test_a_refused_record_ends_the_transaction_and_the_offset_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, fake, task = await delivering(monkeypatch)
    fake.sent[0].set_exception(UnknownError("no key on a compacted topic"))
    with pytest.raises(UnknownError):
        await task
    await asyncio.sleep(0)
    assert fake.did == ["begin", "offset asked", "offset given up"]
    assert fake.sent[1].cancelled()


async def test_a_failed_batch_does_not_leave_failures_that_nobody_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, fake, task = await delivering(monkeypatch)
    for future in fake.sent:
        future.set_exception(KafkaTimeoutError())
    with pytest.raises(KafkaTimeoutError):
        await task
    assert all(future.exception() for future in fake.sent)


async def test_a_record_that_was_given_up_is_not_put_back_among_those_that_wait() -> None:
    owner = GuardedPartition(Connection("nowhere:1"), "score", INPUT, "group")
    waiting = owner._producer._message_accumulator
    owner._producer._txn_manager.set_pid_and_epoch(1, 0)
    batches = [MessageBatch(INPUT, waiting.create_builder(), 40, 0) for _ in range(2)]
    for batch in batches:
        waiting._batches[INPUT].append(batch)
        assert waiting._pop_batch(INPUT) is batch
    waiting.reenqueue(batches[0])
    assert list(waiting._batches[INPUT]) == batches[:1], "what may still be sent is"
    waiting.fail_all(ProducerFenced())
    await asyncio.sleep(0)
    waiting.reenqueue(batches[1])
    assert list(waiting._batches[INPUT]) == batches[:1]
    await owner.close()


async def test_a_partition_is_let_go_where_its_producer_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = GuardedPartition(Connection("nowhere:1"), "score", INPUT, "group")
    producer, ended = owner._producer, []

    async def refuse() -> None:
        raise KafkaTimeoutError("records wait")

    async def sockets() -> None:
        ended.append("sockets")

    monkeypatch.setattr(producer._sender, "close", refuse)
    monkeypatch.setattr(producer, "stop", refuse)
    monkeypatch.setattr(producer.client, "close", sockets)
    await owner.close()
    monkeypatch.undo()
    await owner.close()
    assert ended == ["sockets"]
