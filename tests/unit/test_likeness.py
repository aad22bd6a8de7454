from __future__ import annotations

import random
from itertools import pairwise

import pytest
from watching import print_of

from stream.watch.likeness import DEPTH, WIDTH, Likeness


def changed(whole: bytes, places: int, dice: random.Random) -> bytes:
    """`whole` with so many of its bytes turned into others."""
    made = bytearray(whole)
    for place in dice.sample(range(WIDTH), places):
        made[place] ^= dice.randrange(1, 256)
    return bytes(made)


def equal(one: bytes, other: bytes) -> int:
    return sum(a == b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("share", [0.55, 0.7, 0.9])
@pytest.mark.parametrize("stories", [3, DEPTH, DEPTH + 1, 200])
def test_few_and_many_fingerprints_are_compared_alike_and_none_is_missed(stories: int, share: float) -> None:
    dice = random.Random(stories)
    kept = {number: dice.randbytes(WIDTH) for number in range(5, 5 + stories)}
    likeness = Likeness(share)
    for number, print_ in kept.items():
        likeness.add(number, print_)
    for number in list(kept)[: stories // 3]:
        likeness.remove(number)
        del kept[number]
    assert len(likeness) == len(kept)
    for number in list(kept)[::4]:
        later = dice.randbytes(WIDTH)
        for print_ in (dice.randbytes(WIDTH), later):
            likeness.add_later(number, print_)
        kept[number] += later
    for _ in range(100):
        number = dice.choice(list(kept))
        wanted = changed(kept[number][-WIDTH:], dice.randrange(WIDTH // 2), dice)
        shares = {n: max(equal(p[:WIDTH], wanted), equal(p[-WIDTH:], wanted)) for n, p in kept.items()}
        expected = sorted((-equals, n) for n, equals in shares.items() if equals >= share * WIDTH)
        assert likeness.near(wanted) == [n for _, n in expected]


def test_a_story_is_found_until_it_is_removed_also_by_its_corrected_text() -> None:
    likeness = Likeness(0.7)
    first, later = (bytes.fromhex(print_of(text)) for text in ("first", "later"))
    likeness.add(0, first)
    likeness.add_later(0, later)
    likeness.add(1, later)
    assert (likeness.near(first), likeness.near(later)) == ([0], [0, 1])
    likeness.remove(0)
    assert (likeness.near(first), likeness.near(later)) == ([], [1])


def test_of_two_that_are_equally_like_the_older_story_is_meant() -> None:
    likeness = Likeness(0.55)
    for number in (2, 5, 9):
        likeness.add(number, bytes.fromhex(print_of("same")))
    assert likeness.near(bytes.fromhex(print_of("same"))) == [2, 5, 9]


def test_of_a_template_that_very_many_share_only_the_newest_are_looked_at() -> None:
    likeness = Likeness(0.7)
    same = bytes.fromhex(print_of("same"))
    for number in range(1_000):
        likeness.add(number, same)
    assert likeness.near(same) == list(range(1_000 - DEPTH, 1_000))
    for number in range(1_000):
        likeness.add_later(number, bytes.fromhex(print_of("later")))
    assert likeness.near(bytes.fromhex(print_of("later"))) == list(range(1_000 - DEPTH, 1_000))


def test_what_is_found_depends_on_what_is_remembered_and_not_on_how_it_came_there() -> None:
    """A sliding window against one built anew from the same prints, as after a restart."""
    dice = random.Random(3)
    templates = [dice.randbytes(WIDTH) for _ in range(3)]
    kept: dict[int, tuple[bytes, bytes | None]] = {}
    sliding = Likeness(0.7)
    for number in range(900):
        print_ = changed(dice.choice(templates), dice.randrange(30), dice)
        kept[number] = (print_, None)
        sliding.add(number, print_)
        # The window grows, shrinks to next to nothing and grows again.
        for oldest in list(kept)[: max(0, len(kept) - (300 if number % 400 < 350 else 10))]:
            sliding.remove(oldest)
            del kept[oldest]
        if number % 7 == 0:
            corrected = dice.choice(list(kept))
            later = changed(templates[0], 10, dice)
            sliding.add_later(corrected, later)
            kept[corrected] = (kept[corrected][0], later)
        if number % 20 == 0:
            anew = Likeness(0.7)
            for each, (first, again) in kept.items():
                anew.add(each, first)
                if again is not None:
                    anew.add_later(each, again)
            for template in templates:
                wanted = changed(template, 8, dice)
                assert sliding.near(wanted) == anew.near(wanted)


@pytest.mark.usefixtures("uncounted")
def test_a_signal_is_compared_with_no_more_stories_however_many_are_remembered() -> None:
    """Counts, not seconds: how many stories one signal reaches in windows of growing size."""
    dice = random.Random(4)
    templates = [dice.randbytes(WIDTH) for _ in range(5)]
    likeness, reached = Likeness(0.7), []
    for number in range(16_000):
        likeness.add(number, changed(dice.choice(templates), 40, dice))
        if number + 1 in {1_000, 4_000, 16_000}:
            asked = [likeness._in_reach(changed(template, 10, dice)) for template in templates]
            reached.append(sum(map(len, asked)) / len(asked))
    assert max(reached) <= DEPTH * 21
    assert all(more <= 1.3 * less for less, more in pairwise(reached[1:]))


def test_numbers_beyond_four_bytes_are_remembered_too() -> None:
    likeness = Likeness(0.7)
    dice = random.Random(5)
    kept = {number: dice.randbytes(WIDTH) for number in range(2**32 - 60, 2**32 + 60)}
    for number, print_ in kept.items():
        likeness.add(number, print_)
    likeness._base -= 2**32 - 100
    likeness.add(2**32 + 60, dice.randbytes(WIDTH))
    assert all(likeness.near(print_) == [number] for number, print_ in kept.items())
