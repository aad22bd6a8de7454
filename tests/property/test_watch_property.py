"""The same signals give the same alerts per series, byte for byte, however they are dealt out and cut up."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.events import MARKET, Sentiment, Signal, Withdrawal
from stream.watch.profile import Profile
from stream.watch.rulebook import SurgeRule
from stream.watch.rules import WatchRules
from stream.watch.watcher import Watcher, WatchOutput

START = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)
SERIES = (MARKET, "company:AAA", "company:BBB", "company:CCC", "topic:legal", "company:AAA/topic:legal")
GRACE = timedelta(minutes=6)

# Small bounds and easy levels, so that short runs open, update, end and retract alerts, evict stories, come late
# and forget series.
RULES = WatchRules(
    horizons=(timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=2)),
    lateness=timedelta(minutes=4),
    grace=GRACE,
    memory=timedelta(minutes=20),
    capacity=10,
    market_capacity=20,
    forget_after=timedelta(hours=2),
    half_life=timedelta(minutes=30),
    idle_after=timedelta(minutes=20),
    profile=Profile.plain(per_hour=0.5, shape=0.5),
    surges=(
        SurgeRule("negative_surge", level=0.1),
        SurgeRule("good_news", "company:*", "positive", level=0.1),
        SurgeRule("mean_shift", direction="shift", level=0.1),
    ),
    share_alpha=0.15,
    min_count=2,
    min_sources=1,
    resolve_p=0.2,
    quiet=timedelta(minutes=3),
    cool_down=timedelta(minutes=3),
    shift_min_stories=2,
    min_shift=0.1,
    warning_surprise=3.0,
    critical_surprise=4.0,
    critical_sources=2,
)


@dataclass(frozen=True)
class Step:
    """One record of the stream; `clock` is how far event time may have gone when it arrives."""

    clock: datetime
    record: Signal | Withdrawal


@dataclass(frozen=True)
class Way:
    """How a stream is dealt out: on how many partitions, with ticks, drains and restarts after which steps."""

    partitions: int
    ticks: frozenset[int] = frozenset()
    drains: frozenset[int] = frozenset()
    restarts: frozenset[int] = frozenset()


Draw = tuple[int, int, int, int, int, int]
"""Seconds until the next record, seconds that it is behind, series, what it is, which text, publisher."""

draws = st.lists(
    st.tuples(
        st.sampled_from((0, 1, 5, 20, 20, 60, 60, 200, 700, 9_000)),
        st.sampled_from((0, 0, 0, 10, 70, 200, 300, 360)),
        st.sampled_from((0, 1, 1, 1, 2, 3, 4, 5)),
        st.integers(0, 13),
        st.integers(0, 30),
        st.integers(0, 3),
    ),
    min_size=10,
    max_size=70,
)


def steps_of(drawn: Sequence[Draw]) -> list[Step]:
    """A stream whose disorder across series is within the grace."""
    clock = START
    sent: list[str] = []
    steps = []
    for number, (gap, behind, series, what, text, publisher) in enumerate(drawn):
        clock += timedelta(seconds=gap)
        at = clock - timedelta(seconds=behind)
        news_id = f"n{number}"
        other = sent[-1 - text % len(sent)] if sent else "n0"
        if what == 0:
            # Now and then of an article that is still to come.
            withdrawn = f"n{number + 2}" if text % 5 == 0 else other
            taken = Withdrawal(news_id=f"w{number}", withdraws=withdrawn, published_at=at)
            steps.append(Step(clock, taken))
            continue
        if what == 1:
            news_id = other
        corrects = what in {2, 3} and other != news_id
        sent.append(news_id)
        signal = _signal(SERIES[series], news_id, at, publisher, text, negative=what not in {3, 4, 5})
        if corrects:
            signal = signal.model_copy(update={"status": "corrected", "revises": other})
        steps.append(Step(clock, signal))
    return steps


class Dealt:
    """A stream dealt out one way: its watchers, their saved records, and what they said."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._watchers = [Watcher(RULES) for _ in range(way.partitions)]
        self._saved: list[dict[str, bytes]] = [{} for _ in self._watchers]
        self.alerts: dict[str, bytes] = defaultdict(bytes)
        self.stories: dict[str, bytes] = {}

    def send(self, record: Signal | Withdrawal) -> None:
        """To the partition of its series, or to all."""
        if isinstance(record, Withdrawal):
            for watcher in self._watchers:
                watcher.withdraw(record)
        else:
            self._watchers[crc32(record.series.encode()) % self._way.partitions].observe(record)

    def interrupt(self, turn: int, clock: datetime) -> None:
        """Tick, drain and restart where the way says so, each partition at turns of its own."""
        for place in range(self._way.partitions):
            own = turn + 3 * place
            if own in self._way.ticks:
                self._watchers[place].advance(clock)
            if own in self._way.drains or own in self._way.restarts:
                self._take(place)
            if own in self._way.restarts:
                self._watchers[place] = Watcher(RULES)
                for key, value in self._saved[place].items():
                    self._watchers[place].restore(key, value)

    def end(self) -> None:
        """Let all time pass: nothing may be left."""
        for place, watcher in enumerate(self._watchers):
            watcher.advance(START + timedelta(days=30))
            assert watcher.open_alerts() == []
            assert watcher.series_count == 0, "what is silent for so long is forgotten"
            self._take(place)
            assert all(key.startswith("control") for key in self._saved[place]), "no saved record is left"

    def _take(self, place: int) -> None:
        output: WatchOutput = self._watchers[place].drain()
        assert output.behind == 0, "the stream was to stay within the bound"
        for alert in output.alerts:
            self.alerts[alert.series] += alert.to_json() + b"\n"
        self.stories |= {story.story_id: story.to_json() for story in output.stories}
        for untold in output.untold:
            self.stories.pop(untold, None)
        for key, value in output.state:
            if value is None:
                self._saved[place].pop(key, None)
            else:
                self._saved[place][key] = value


def alerts_by(steps: Sequence[Step], way: Way) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The bytes of each series' alerts, and of the stories' last tellings, after all time has passed."""
    dealt = Dealt(way)
    for turn, step in enumerate(steps):
        dealt.send(step.record)
        dealt.interrupt(turn, step.clock)
    dealt.end()
    return dict(dealt.alerts), dealt.stories


def _signal(series: str, news_id: str, at: datetime, publisher: int, text: int, *, negative: bool) -> Signal:
    mood = Sentiment(negative=0.8, neutral=0.15, positive=0.05)
    if not negative:
        mood = Sentiment(negative=0.1, neutral=0.3, positive=0.6)
    return Signal(
        series=series,
        news_id=news_id,
        published_at=at,
        source=f"wire{publisher}",
        weight=0.1 if text == 7 else 0.3 + 0.02 * text,
        fingerprint=random.Random(text).randbytes(64).hex(),
        sentiment=mood,
        score=round(mood.positive - mood.negative + text / 1000, 6),
        headline=f"text {text}",
        model="m@1",
        companies=("AAA",) if series == MARKET and text % 3 == 0 else (),
    )


points = st.frozensets(st.integers(0, 110), max_size=40)


@pytest.mark.usefixtures("uncounted")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(draws, points, points, points, st.sampled_from((1, 3, 12)))
def test_the_same_signals_give_the_same_alerts_on_any_partitions_with_any_ticks_and_restarts(
    drawn: list[Draw],
    ticks: frozenset[int],
    drains: frozenset[int],
    restarts: frozenset[int],
    partitions: int,
) -> None:
    steps = steps_of(drawn)
    plain = alerts_by(steps, Way(1))
    assert alerts_by(steps, Way(partitions, ticks, drains, restarts)) == plain


def test_a_withdrawal_that_comes_when_its_series_is_forgotten_changes_nothing_with_or_without_a_tick() -> (
    None
):
    story: Draw = (0, 0, 0, 4, 0, 0)
    drawn = [story, (9_000, 0, 1, 4, 1, 0), (0, 0, 0, 0, 1, 0)]
    steps = steps_of(drawn)
    told = alerts_by(steps, Way(1))
    assert "n0" in told[1]
    for place in (1, 3, 12):
        assert alerts_by(steps, Way(place, ticks=frozenset(range(110)))) == told


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("partitions", [1, 3, 12])
def test_a_long_stream_says_the_same_however_it_is_dealt_out(partitions: int) -> None:
    dice = random.Random(7)
    drawn: list[Draw] = [
        (
            dice.choice((0, 1, 5, 20, 20, 60, 60, 200, 700)) if n % 150 else 9_000,
            dice.choice((0, 0, 0, 10, 70, 200, 300, 360)),
            dice.choice((0, 1, 1, 1, 2, 3, 4, 5)),
            dice.randrange(14),
            dice.randrange(31),
            dice.randrange(4),
        )
        for n in range(1_200)
    ]
    steps = steps_of(drawn)
    plain, stories = alerts_by(steps, Way(1))
    everything = b"".join(plain.values())
    for status in (b"firing", b"updated", b"resolved", b"retracted"):
        assert b'"status":"' + status + b'"' in everything, (
            f"the stream shows no {status!r}: it proves little"
        )
    for rule in (b"negative_surge", b"mean_shift"):
        assert rule in everything
    turns = frozenset(n for n in range(1_300) if dice.random() < 0.2)
    dealt = alerts_by(
        steps, Way(partitions, turns, frozenset(range(0, 1_300, 7)), frozenset(range(5, 1_300, 31)))
    )
    assert dealt == (plain, stories)
