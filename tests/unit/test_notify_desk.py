"""What people silenced and acknowledged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from alerting import T0

from stream.events import Acknowledgement, Silence
from stream.notify.desk import KEPT, KEPT_ACKS, Desk

HOUR = timedelta(hours=1)


def silence(series: str, silence_id: str = "s1", begins: int = 0, lasts: int = 2) -> Silence:
    starts = T0 + begins * HOUR
    return Silence(
        silence_id=silence_id, series=series, starts_at=starts, ends_at=starts + lasts * HOUR, by="ada"
    )


def desk_with(*silences: Silence) -> Desk:
    desk = Desk()
    for each in silences:
        assert desk.hear(f"silence/{each.silence_id}", each.to_json()) is None
    return desk


@pytest.mark.parametrize(
    ("glob", "series", "silent"),
    [
        ("company:AAPL", "company:AAPL", True),
        ("company:AAPL", "company:AAPL/topic:legal", False),
        ("company:AAPL*", "company:AAPL/topic:legal", True),
        ("company:*/topic:legal", "company:AAPL/topic:legal", True),
        ("topic:*", "market", False),
        ("*", "market", True),
        ("company:aapl", "company:AAPL", False),
        ("company:[AB]*", "company:BAC", True),
    ],
)
def test_a_silence_is_a_glob_over_series(glob: str, series: str, silent: bool) -> None:  # noqa: FBT001 - a table
    assert desk_with(silence(glob)).is_silent(series, T0) is silent


def test_a_silence_holds_from_its_beginning_to_before_its_end() -> None:
    desk = desk_with(silence("*", begins=1, lasts=2))
    held = [desk.is_silent("market", T0 + n * HOUR) for n in range(4)]
    assert held == [False, True, True, False]


def test_the_last_word_on_a_silence_counts() -> None:
    desk = desk_with(silence("*"), silence("*", lasts=0))
    assert not desk.is_silent("market", T0)
    desk.hear("silence/s1", None)
    assert desk.silences == []
    assert desk.hear("silence/s1", None) is None


def test_the_first_acknowledgement_of_any_of_a_groups_alerts_counts() -> None:
    desk = Desk()
    for n, who in enumerate(("ada", "bob")):
        said = Acknowledgement(alert_id=f"a{n}", at=T0 + n * HOUR, by=who)
        desk.hear(f"ack/a{n}", said.to_json())
    found = desk.acknowledged(["a1", "a0", "other"])
    assert found is not None
    assert found.by == "ada"
    assert desk.acknowledged(["other"]) is None


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("x", b"{}", "neither of a silence nor"),
        ("silence/s", b"{}", "silence/s: "),
        ("ack/a", b"no", "ack/a: record"),
    ],
)
def test_what_is_neither_is_named_and_left_out(key: str, value: bytes, says: str) -> None:
    desk = Desk()
    assert says in (desk.hear(key, value) or "")
    assert desk.silences == []


def test_what_nobody_needs_any_more_is_named() -> None:
    desk = desk_with(silence("*"), silence("*", "s2", lasts=900))
    desk.hear("ack/a", Acknowledgement(alert_id="a", at=T0, by="ada").to_json())
    assert desk.outdated(T0 + 2 * HOUR + KEPT) == []
    assert desk.outdated(T0 + 3 * HOUR + KEPT) == ["silence/s1"]
    assert set(desk.outdated(T0 + KEPT_ACKS + HOUR)) == {"silence/s1", "silence/s2", "ack/a"}
