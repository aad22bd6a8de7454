"""Whatever alerts come, in whatever pieces and however often: groups and words stay right."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from alerting import T0, alert
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events import Alert
from stream.notify.board import Board
from stream.notify.desk import Desk
from stream.notify.group import ENDS, Group
from stream.notify.owed import Wishes, make_notification, owed, told_by

SERIES = ("market", "topic:legal", "company:A", "company:B", "company:A/topic:legal")
WISHES = Wishes("desk", wait=timedelta(seconds=2), repeat=timedelta(seconds=30))


@st.composite
def lives(draw: st.DrawFn) -> list[Alert]:
    """Some alerts' lives, mixed: each fires, grows now and then, and may end."""
    alerts: list[tuple[float, Alert]] = []
    for number in range(draw(st.integers(1, 5))):
        series = draw(st.sampled_from(SERIES))
        onset = T0 + timedelta(seconds=number)
        statuses = ["firing", *draw(st.lists(st.just("updated"), max_size=2))]
        statuses += draw(st.sampled_from([[], ["resolved"], ["retracted"]]))
        for status in statuses:
            articles = draw(st.lists(st.sampled_from("abcdef"), max_size=3, unique=True))
            severity = draw(st.sampled_from(["info", "warning", "critical"]))
            place = draw(st.floats(number, number + 3))
            alerts.append(
                (
                    place + 0.001 * len(alerts),
                    alert(series, status, articles=articles, severity=severity, onset=onset),
                )
            )
    # Each alert's own records keep their order, as they do on their partition.
    order = sorted(range(len(alerts)), key=lambda n: alerts[n][0])
    slots = {
        each.alert_id: [n for n in order if alerts[n][1].alert_id == each.alert_id] for _, each in alerts
    }
    told: Counter[str] = Counter()
    mixed = []
    for n in order:
        alert_id = alerts[n][1].alert_id
        mixed.append(alerts[sorted(slots[alert_id])[told[alert_id]]][1])
        told[alert_id] += 1
    return mixed


def hear(board: Board, records: list[Alert], first: int = 0) -> None:
    for offset, each in enumerate(records, first):
        board.hear(each, partition=0, offset=offset, at=T0 + timedelta(seconds=offset))


def state(board: Board) -> list[Group]:
    return sorted(board, key=lambda each: each.group_id)


@given(lives(), st.data())
def test_records_that_come_again_change_nothing(records: list[Alert], data: st.DataObject) -> None:
    board = Board(timedelta(days=7))
    hear(board, records)
    before = state(board)
    begin = data.draw(st.integers(0, len(records)))
    hear(board, records[begin:], begin)
    assert state(board) == before


@given(lives(), st.data())
def test_a_restart_anywhere_gives_the_same_groups(records: list[Alert], data: st.DataObject) -> None:
    whole = Board(timedelta(days=7))
    hear(whole, records)
    cut = data.draw(st.integers(0, len(records)))
    first, second = Board(timedelta(days=7)), Board(timedelta(days=7))
    hear(first, records[:cut])
    second.reload([Group.model_validate_json(first.record(each.group_id) or b"") for each in first])
    hear(second, records[cut:], cut)
    assert state(second) == state(whole)


@given(lives())
def test_every_alert_is_in_one_group_and_a_group_has_one_lead(records: list[Alert]) -> None:
    board = Board(timedelta(days=7))
    hear(board, records)
    homes = Counter(each.alert.alert_id for group in board for each in group.members)
    assert set(homes) == {each.alert_id for each in records}
    assert set(homes.values()) == {1}
    for group in board:
        assert group.lead in group.members
        assert group.lead.open == group.open
        last = {each.alert_id: each.status for each in records}
        assert all(each.alert.status == last[each.alert.alert_id] for each in group.members)


@settings(max_examples=50)
@given(lives())
def test_a_sink_hears_of_a_beginning_first_of_an_end_last_and_of_each_thing_once(
    records: list[Alert],
) -> None:
    board, desk = Board(timedelta(days=7)), Desk()
    said: dict[str, list[tuple[str, str]]] = {}
    keys: Counter[str] = Counter()
    for second in range(len(records) + 120):
        if second < len(records):
            hear(board, records[second : second + 1], second)
        now = T0 + timedelta(seconds=second)
        for group in board:
            what = owed(group, now, desk, WISHES)
            if what is None or what.quiet:
                continue
            notification = make_notification(group, what, now, desk, WISHES)
            keys[notification.key] += 1
            said.setdefault(group.group_id, []).append((notification.status, notification.why))
            board.tell(group.group_id, "desk", told_by(notification, group.told.get("desk"), now))
    assert not [key for key, count in keys.items() if count > 1]
    for group_id, words in said.items():
        ended = board.get(group_id)
        assert ended is not None
        assert words[0] == ("firing", "first")
        ends = [status for status, _ in words if status in ENDS]
        assert ends == ([] if ended.open else [ended.status])
        assert ended.open or words[-1][0] == ended.status
        assert len([why for _, why in words if why == "graver"]) <= 2
