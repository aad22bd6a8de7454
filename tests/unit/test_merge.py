from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka import TopicPartition

from stream.bus.merge import TimeMerge


@dataclass(frozen=True)
class Message:
    timestamp: int
    name: str


class FakeConsumer:
    """Hands out what it has of one partition to its end before it turns to the next, as aiokafka's does."""

    def __init__(self, *pictures: str) -> None:
        # One line for each partition; a character is a record, and its place is its time in milliseconds.
        self.fetched = {
            TopicPartition("news.raw", number): [
                Message(time, f"{char}{time}") for time, char in enumerate(picture) if char != " "
            ]
            for number, picture in enumerate(pictures)
        }
        self.waited: list[int] = []
        self.with_the_broker: dict[TopicPartition, list[Message]] = {}
        self.unheard: set[TopicPartition] = set()
        self.dropped: dict[TopicPartition, list[Message]] = {}

    def last_stable_offset(self, where: TopicPartition) -> int | None:
        return None if where in self.unheard else len(self.dropped.get(where, ()))

    async def position(self, where: TopicPartition) -> int:
        return 0

    def assignment(self) -> set[TopicPartition]:
        return set(self.fetched)

    async def getmany(
        self, *wanted: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Message]]:
        if timeout_ms:
            self.waited.append(timeout_ms)
            for where, messages in self.with_the_broker.items():
                self.fetched[where] += messages
                self.unheard.discard(where)
            self.with_the_broker = {}
            for where, messages in self.dropped.items():
                self.fetched[where] += messages
            self.dropped = {}
        polled: dict[TopicPartition, list[Message]] = {}
        for where, messages in self.fetched.items():
            if messages and max_records and (not wanted or where in wanted):
                polled[where], messages[:max_records] = messages[:max_records], []
                max_records -= len(polled[where])
        return polled


class Owners:
    """Who owns the partitions."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self.by_number: dict[int, object] = {number: object() for number in numbers}

    def __call__(self) -> dict[int, object]:
        return self.by_number


def merge(
    consumer: FakeConsumer, *, most: int = 100, span: int | None = None, owners: Owners | None = None
) -> TimeMerge:
    owned = Owners(range(9)) if owners is None else owners
    return TimeMerge(consumer, owned, max_records=most, poll_ms=20, span_ms=span)


async def polled(of: TimeMerge) -> str:
    taken = await of.poll()
    return " | ".join(
        " ".join(message.name for message in taken[where])
        for where in sorted(taken, key=lambda w: w.partition)
    )


async def test_no_partition_runs_ahead_of_another_in_time() -> None:
    #                      0123456789
    of = merge(FakeConsumer("aaaaaaaa", "  b   b   b"), most=4)
    assert [await polled(of) for _ in range(4)] == ["a0 a1 a2 | b2", "a3 a4 a5 | b6", "a6 a7 | b10", ""]


async def test_records_of_one_moment_are_shared_out_evenly() -> None:
    consumer = FakeConsumer("a", "b", "c")
    for where, messages in consumer.fetched.items():
        messages[:] = [Message(0, f"{'abc'[where.partition]}{n}") for n in range(4)]
    assert await polled(merge(consumer, most=6)) == "a0 a1 | b0 b1 | c0 c1"


async def test_one_poll_spans_no_more_time_than_is_allowed() -> None:
    #                      0123456789
    of = merge(FakeConsumer("a  a   a", " b    b b"), span=3)
    assert [await polled(of) for _ in range(3)] == ["a0 a3 | b1", "a7 | b6 b8", ""]


async def test_it_waits_only_where_nothing_is_held() -> None:
    consumer = FakeConsumer("aa", "bb")
    of = merge(consumer, most=2)
    assert [await polled(of) for _ in range(2)] == ["a0 | b0", "a1 | b1"]
    assert consumer.waited == []
    assert await polled(of) == ""
    assert consumer.waited == [20]


async def test_nothing_is_handed_out_before_the_first_word_about_every_partition() -> None:
    consumer = FakeConsumer("   a", "")
    late = TopicPartition("news.raw", 1)
    consumer.unheard = {late}
    consumer.with_the_broker = {late: [Message(1, "b1")]}
    of = merge(consumer, most=1)
    assert [await polled(of) for _ in range(2)] == ["b1", "a3"]


async def test_nothing_is_handed_out_before_what_must_be_fetched_anew() -> None:
    consumer = FakeConsumer("   a", "")
    consumer.dropped = {TopicPartition("news.raw", 1): [Message(1, "b1")]}
    of = merge(consumer, most=1)
    assert [await polled(of) for _ in range(2)] == ["b1", "a3"]


async def test_what_came_while_partitions_were_dealt_waits_until_all_are_open() -> None:
    opening = [True, False]
    of = TimeMerge(
        FakeConsumer("a"), Owners([0]), max_records=9, poll_ms=20, held_back=lambda: opening.pop(0)
    )
    assert [await polled(of) for _ in range(2)] == ["", "a0"]


async def test_the_first_word_about_a_partition_is_not_waited_for_for_ever() -> None:
    consumer = FakeConsumer("   a", "")
    consumer.unheard = {TopicPartition("news.raw", 1)}
    assert await polled(merge(consumer)) == "a3"
    assert sum(consumer.waited) <= 1_010


async def test_what_came_since_the_last_fetch_is_in_the_same_poll() -> None:
    consumer = FakeConsumer("aa", "b")
    consumer.with_the_broker = {
        where: [Message(time, f"{name}{time}") for time in (4, 6)]
        for where, name in zip(sorted(consumer.assignment()), "ab", strict=True)
    }
    of = merge(consumer, most=5)
    assert await polled(of) == "a0 a1 a4 | b0 b4"
    assert consumer.waited == [10], "no longer than an answer of the broker may take"
    assert await polled(of) == "a6 | b6"
    assert consumer.waited == [10], "what is held was fetched just now"


async def test_a_full_poll_looks_for_nothing_newer() -> None:
    consumer = FakeConsumer("aaa", "bbb")
    assert await polled(merge(consumer, most=4)) == "a0 a1 | b0 b1"
    assert consumer.waited == []


async def test_it_says_how_many_it_holds() -> None:
    of = merge(FakeConsumer("aaa", "b"), most=2)
    await of.poll()
    assert [of.held(TopicPartition("news.raw", number)) for number in range(3)] == [1, 0, 0]


async def test_what_was_fetched_for_nobody_is_dropped() -> None:
    assert await polled(merge(FakeConsumer("aa", "bb"), owners=Owners([0]))) == "a0 a1"


async def test_what_was_fetched_for_a_former_owner_is_dropped() -> None:
    owners = Owners([0, 1])
    of = merge(FakeConsumer("aaa", "bbb"), most=2, owners=owners)
    assert await polled(of) == "a0 | b0"
    owners.by_number[0] = object()
    assert await polled(of) == "a2 | b1", "the new owner seeks a1 anew; here nobody does"
