from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from stream.watch.tallies import Tallies, Tally

HORIZONS = (1, 3, 8, 40)
FINE, BLOCK = 12, 4


@dataclass(frozen=True)
class Step:
    """Bins that pass, then stories that come so many bins before the last one, and one that is taken back."""

    passed: int
    ages: tuple[int, ...]
    taken: int | None


steps = st.lists(
    st.builds(
        Step,
        passed=st.integers(0, 6) | st.integers(0, 60),
        ages=st.lists(st.integers(0, 5), max_size=4).map(tuple),
        taken=st.none() | st.integers(0, 7),
    ),
    max_size=40,
)


@given(steps, st.data())
def test_windows_that_move_on_hold_what_windows_counted_anew_would(
    told: list[Step], data: st.DataObject
) -> None:
    """As WATCH does it: blocks are folded as they are due, and the windows are asked for now and then."""
    moved = Tallies(HORIZONS, FINE, BLOCK)
    now, number = 100, 0
    kept: list[tuple[int, Tally, int]] = []
    for step in told:
        now += step.passed
        while (block := moved.due(now)) is not None:
            moved.fold(block)
        for age in step.ages:
            score = data.draw(st.integers(-3, 3)) / 4
            tally = Tally.of(score, negative=score < 0, positive=score > 0)
            number += 1
            moved.count(now - age, tally, number)
            kept.append((now - age, tally, number))
        if step.taken is not None and step.taken < len(kept):
            here, tally, known = kept.pop(step.taken)
            moved.uncount(here, tally, known)
        if data.draw(st.booleans()):
            anew = Tallies(HORIZONS, FINE, BLOCK)
            anew.bins, anew.blocks = dict(moved.bins), dict(moved.blocks)
            assert moved.windows(now) == anew.windows(now)
            assert moved.blocks == anew.blocks


def test_a_block_leaves_the_longest_window_that_moves_on() -> None:
    moved = Tallies(HORIZONS, FINE, BLOCK)
    for now in range(100, 160):
        while (block := moved.due(now)) is not None:
            moved.fold(block)
        moved.count(now, Tally.of(-0.5, negative=True, positive=False), now)
        anew = Tallies(HORIZONS, FINE, BLOCK)
        anew.bins, anew.blocks = dict(moved.bins), dict(moved.blocks)
        assert moved.windows(now) == anew.windows(now)


def test_a_window_that_was_asked_for_stays_as_it_was() -> None:
    tallies = Tallies(HORIZONS, FINE, BLOCK)
    tallies.count(100, Tally.of(-1.0, negative=True, positive=False), 1)
    (before, *_) = tallies.windows(100)
    assert tallies.windows(101)[0].tally.stories == 0
    assert (before.start, before.end, before.tally.stories) == (100, 100, 1)
