from __future__ import annotations

import pytest
from watching import signal

from stream.watch.stories import HALF_LIFE, Telling

HOUR = HALF_LIFE // 6


def told(*hours: float) -> Telling:
    """A story with one article at each of these hours."""
    first, *others = hours
    telling = Telling.of(signal("market"), int(first * HOUR))
    for hour in others:
        telling.add(signal("market"), int(hour * HOUR))
    return telling


def novelty(telling: Telling, copies: int) -> float:
    return telling.story("a", "headline", copies, ("alpha",)).novelty


@pytest.mark.parametrize("copies", [1, 2, 5, 200])
def test_novelty_falls_with_copies(copies: int) -> None:
    assert novelty(told(*[0.0] * copies), copies) == pytest.approx(1 / copies, rel=1e-5)


def test_novelty_rises_with_time() -> None:
    #  0h      6h      12h     24h        each half-life halves what the first telling weighs
    assert [novelty(told(0, hour), 2) for hour in (0, 6, 12, 24)] == pytest.approx(
        [1 / 2, 1 / 1.5, 1 / 1.25, 1 / 1.0625], rel=1e-5
    )


def test_the_order_in_which_articles_come_changes_no_figure() -> None:
    assert told(0, 1, 5).heat == pytest.approx(told(5, 0, 1).heat)
    late = told(5, 0, 1)
    assert (late.first_at, late.last_at) == (0, 5 * HOUR)


def test_an_article_that_is_replaced_leaves_the_mean_of_the_others_and_its_successor() -> None:
    telling = Telling.of(signal("market", negative=0.9, positive=0.05), 0)
    telling.add(signal("market", negative=0.5, positive=0.1), 0)
    telling.take_back(2, 0.9, 0.05 - 0.9)
    telling.add(signal("market", negative=0.1, positive=0.7), 0)
    mean = telling.story("a", "headline", 2, ()).sentiment
    assert (mean.negative, mean.neutral, mean.positive) == pytest.approx((0.3, 0.3, 0.4))
    assert novelty(telling, 2) == pytest.approx(0.5)


def test_a_copy_that_is_taken_back_leaves_the_mean_and_gives_novelty_back() -> None:
    telling = told(0, 0, 0, 0)
    telling.take_back(4)
    story = telling.story("a", "headline", 3, ())
    assert story.sentiment.negative == pytest.approx(0.8)
    assert story.novelty == pytest.approx(1 / 3, rel=1e-5)
