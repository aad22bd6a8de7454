"""While news are served, Python seldom looks through what is new."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest

from stream.collecting import SELDOM, collecting_seldom


def collections_of(work: Callable[[], object]) -> int:
    """How often the youngest containers were gone through during `work`."""
    counted = 0

    def count(phase: str, _: dict[str, int]) -> None:
        nonlocal counted
        counted += phase == "start"

    gc.collect()
    gc.callbacks.append(count)
    try:
        work()
    finally:
        gc.callbacks.remove(count)
    return counted


def make_containers() -> list[list[int]]:
    return [[number] for number in range(SELDOM // 2)]


@pytest.fixture(autouse=True)
def _as_python_starts() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_containers_of_a_batch_are_not_gone_through_within_and_are_again_afterwards() -> None:
    before = gc.get_threshold()
    with collecting_seldom():
        assert collections_of(make_containers) == 0
    assert gc.get_threshold() == before
    assert collections_of(make_containers) > 0


def test_what_refers_only_to_itself_still_goes() -> None:
    gone = []

    class Circle:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            gone.append(1)

    with collecting_seldom():
        for _ in range(3 * SELDOM):
            Circle()
    assert len(gone) > SELDOM


def test_an_error_within_leaves_the_number_as_it_was() -> None:
    before = gc.get_threshold()
    with pytest.raises(RuntimeError), collecting_seldom():
        raise RuntimeError
    assert gc.get_threshold() == before


@pytest.mark.parametrize("told", [0, 10 * SELDOM])
def test_who_collects_more_seldom_or_never_goes_on_so(told: int) -> None:
    gc.set_threshold(told, 10, 10)
    with collecting_seldom():
        assert gc.get_threshold()[0] == told
    assert gc.get_threshold()[0] == told
