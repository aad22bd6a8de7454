"""Recorded news, replayed by its own times."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import UsageError
from stream.sources.files import BadRow, NewsRow
from stream.sources.replay import MAX, Recording, load_recording, parse_speed, replay, shift_to_now

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class HandClock:
    """Sleeping is what moves it."""

    def __init__(self) -> None:
        self.time = 50.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.time += seconds


def row(name: str, minutes: float | None, line: int = 1) -> NewsRow:
    """A row published `minutes` after nine, or one whose time can't be read."""
    if minutes is None:
        return NewsRow(line, name.encode(), None, None)
    at = NINE + timedelta(minutes=minutes)
    value = json.dumps({"id": name, "published_at": at.isoformat()}).encode()
    return NewsRow(line, value, name.encode(), at)


def names(rows: tuple[NewsRow, ...]) -> str:
    return "".join((row.key or row.value).decode() for row in rows)


def order(recording: Recording) -> str:
    return names(tuple(moment.row for moment in recording.moments))


async def played(recording: Recording, speed: float, batch_rows: int = 500) -> list[tuple[float, str]]:
    clock = HandClock()
    batches = replay(recording, speed, batch_rows=batch_rows, monotonic=clock.monotonic, sleep=clock.sleep)
    return [(round(clock.time - 50.0, 6), names(batch)) async for batch in batches]


# Speed


@pytest.mark.parametrize(
    ("text", "speed"), [("60x", 60.0), ("1x", 1.0), ("0.5X", 0.5), ("10", 10.0), (" MAX ", MAX)]
)
def test_a_speed_is_a_factor_or_max(text: str, speed: float) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize(
    "text", ["", "x", "fast", "-1x", "0x", "0.001x", "9999999x", "nan", "inf", "1e3x", "60 x"]
)
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--speed is"):
        parse_speed(text)


# Loading


def test_rows_are_sorted_by_time_and_those_of_one_time_stay_as_they_are() -> None:
    assert order(load_recording([row("c", 5), row("a", 1), row("b", 1), row("d", 9)])) == "abcd"


def test_a_broken_row_goes_with_the_row_before_it() -> None:
    rows = [row("?", None), row("c", 5), row("!", None), row("a", 1), row("#", None)]

    assert order(load_recording(rows)) == "a#?c!"


def test_bad_rows_are_counted_and_the_first_hundred_kept() -> None:
    rows: list[NewsRow | BadRow] = [row("a", 1), *(BadRow(n, "", "broken") for n in range(150))]

    recording = load_recording(rows)

    assert (order(recording), recording.bad_count, len(recording.bad)) == ("a", 150, 100)


def test_from_is_kept_and_to_is_not_and_the_limit_counts_from_the_earliest() -> None:
    rows = [row(name, minute) for minute, name in reversed(list(enumerate("abcdef")))]
    start, end = NINE + timedelta(minutes=1), NINE + timedelta(minutes=4)

    assert order(load_recording(rows, start=start, end=end)) == "bcd"
    assert order(load_recording(rows, start=start, limit=2)) == "bc"


def test_what_leaves_nothing_to_replay_is_refused() -> None:
    with pytest.raises(UsageError, match="none of the 1 rows lies between --from and --to"):
        load_recording([row("a", 1)], end=NINE)
    with pytest.raises(UsageError, match="none of the 1 rows has a `published_at`"):
        load_recording([row("?", None)])
    with pytest.raises(UsageError, match="is not before --to"):
        load_recording([], start=NINE, end=NINE)
    with pytest.raises(UsageError, match="--limit is 0"):
        load_recording([], limit=0)


def test_more_than_fits_into_memory_is_refused_with_the_line() -> None:
    with pytest.raises(UsageError, match="more than 900 bytes of news up to line 2"):
        load_recording([row("a", 1), row("b", 1, line=2)], most_bytes=900)


# Playing

# minutes   0     1     2     3
# rows      ab          c     d


RECORDING = load_recording([row("a", 0), row("b", 0), row("c", 2), row("d", 3)])


async def test_rows_come_by_their_own_times_at_a_factor() -> None:
    assert await played(RECORDING, 60.0) == [(0.0, "ab"), (2.0, "c"), (3.0, "d")]
    assert await played(RECORDING, 1.0) == [(0.0, "ab"), (120.0, "c"), (180.0, "d")]


async def test_at_max_nothing_is_waited_for_and_batches_are_bounded() -> None:
    assert await played(RECORDING, MAX, batch_rows=3) == [(0.0, "abc"), (0.0, "d")]


async def test_a_batch_that_is_full_is_followed_by_another_at_once() -> None:
    assert await played(RECORDING, 60.0, batch_rows=1) == [(0.0, "a"), (0.0, "b"), (2.0, "c"), (3.0, "d")]


async def test_a_slow_reader_gets_fuller_batches_and_the_replay_does_not_drift() -> None:
    clock = HandClock()
    seen = []
    async for batch in replay(RECORDING, 60.0, monotonic=clock.monotonic, sleep=clock.sleep):
        seen.append((clock.time - 50.0, names(batch)))
        clock.time += 2.5

    assert seen == [(0.0, "ab"), (2.5, "c"), (5.0, "d")]
    assert clock.slept == []


async def test_an_empty_recording_has_nothing_to_play() -> None:
    assert await played(Recording(()), 1.0) == []
    assert Recording(()).lasts == timedelta()


# Shifting


@pytest.mark.parametrize(
    ("speed", "first"), [(1.0, 0.0), (60.0, -2.95), (MAX, -3.0), (0.5, 0.0)], ids=["1x", "60x", "max", "0.5x"]
)
def test_times_are_moved_as_a_whole_so_that_the_last_one_is_now_when_it_is_sent(
    speed: float, first: float
) -> None:
    noon = NINE.replace(hour=12)

    moved = shift_to_now(RECORDING, noon, speed)

    assert moved.moments[0].at == noon + timedelta(minutes=first)
    assert moved.lasts == RECORDING.lasts
    for moment in moved.moments:
        assert json.loads(moment.row.value)["published_at"] == moment.at.isoformat()
        assert moment.row.published_at == moment.at
    assert order(moved) == order(RECORDING)


@given(
    st.lists(st.floats(0, 10_000), min_size=1, max_size=20),
    st.one_of(st.floats(0.01, 1e6), st.just(MAX)),
)
def test_no_shifted_article_is_from_the_future_when_it_is_sent(minutes: list[float], speed: float) -> None:
    recording = load_recording([row("a", minute) for minute in minutes])

    moved = shift_to_now(recording, NINE, speed)

    for before, after in zip(recording.moments, moved.moments, strict=True):
        sent_at = NINE + (before.at - recording.moments[0].at) * (1.0 / speed)
        assert after.at <= sent_at + timedelta(milliseconds=1)


def test_rows_that_can_not_be_read_keep_their_bytes_and_others_all_but_their_time() -> None:
    value = '\ufeff{"id":"é","published_at":"2026-03-02T09:00:00Z","x":"\\ud800"}'.encode()
    odd = NewsRow(1, value, b"e", NINE)
    moved = shift_to_now(load_recording([odd, row("{", None)]), NINE + timedelta(hours=1), MAX)

    first, second = (moment.row for moment in moved.moments)
    assert second.value == b"{"
    assert (
        first.value
        == '{"id":"é","published_at":"2026-03-02T10:00:00+00:00","x":"'.encode() + b'\xed\xa0\x80"}'
    )
