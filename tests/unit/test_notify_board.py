"""Alerts find their groups, and a record that comes again changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from alerting import T0, alert

from stream.events import Alert
from stream.notify import board as board_of
from stream.notify.board import LINGER, Board
from stream.notify.group import Group, Told

WEEK = timedelta(days=7)


class Ear:
    """Hears alerts as from a topic of one partition, a second apart."""

    def __init__(self) -> None:
        self.board = Board(WEEK)
        self.offset = 0
        self.now = T0

    def __call__(self, one: Alert) -> set[str]:
        self.offset += 1
        self.now += timedelta(seconds=1)
        return self.board.hear(one, partition=0, offset=self.offset, at=self.now)

    @property
    def groups(self) -> list[list[str]]:
        return [[each.alert.series for each in group.members] for group in self.board]

    @property
    def only(self) -> Group:
        (only,) = self.board
        return only

    def told(self, group_id: str, at: datetime = T0) -> None:
        self.board.tell(group_id, "desk", Told(status="firing", severity="warning", at=at))


def test_company_topic_and_market_of_one_cause_are_one_group_and_the_company_leads() -> None:
    hear = Ear()
    for series in ("market", "topic:legal", "company:AAPL"):
        hear(alert(series))
    assert hear.groups == [["market", "topic:legal", "company:AAPL"]]
    group = hear.only
    assert group.group_id == alert("market").alert_id
    assert group.lead.alert.series == "company:AAPL"
    assert [each.series for each in group.related_to(group.lead)] == ["topic:legal", "market"]


def test_a_market_that_two_causes_move_joins_none_of_them_together() -> None:
    hear = Ear()
    hear(alert("company:AAPL", articles=("a1", "a2")))
    hear(alert("company:MSFT", articles=("m1", "m2")))
    hear(alert("market", articles=("a1", "m1", "m2")))
    assert hear.groups == [["company:AAPL"], ["company:MSFT", "market"]]


def test_the_topics_of_a_company_are_one_cause_with_it_while_its_own_alert_is_open() -> None:
    hear = Ear()
    hear(alert("company:AAPL", articles=("a1",)))
    hear(alert("company:AAPL/topic:legal", articles=("l1",)))
    hear(alert("company:AAPL/topic:dividend", articles=("d1",)))
    hear(alert("company:AAPLE/topic:legal", articles=("x1",)))
    assert hear.groups == [
        ["company:AAPL", "company:AAPL/topic:legal", "company:AAPL/topic:dividend"],
        ["company:AAPLE/topic:legal"],
    ]
    hear(alert("company:AAPL", status="resolved", articles=("a1",)))
    hear(alert("company:AAPL/topic:ipo", articles=("i1",)))
    assert hear.groups[-1] == ["company:AAPL/topic:ipo"]
    # And the company itself joins what one of its topics began.
    hear(alert("company:MSFT/topic:legal", articles=("m1",)))
    hear(alert("company:MSFT", articles=("m2",)))
    assert hear.groups[-1] == ["company:MSFT/topic:legal", "company:MSFT"]


def test_two_rules_of_one_series_are_one_group() -> None:
    hear = Ear()
    hear(alert(articles=("a1",)))
    hear(alert(rule="mean_shift", articles=("a9",)))
    assert len(hear.only.members) == 2


def test_a_group_that_has_ended_takes_nothing_in() -> None:
    hear = Ear()
    hear(alert())
    hear(alert(status="resolved"))
    hear(alert("market"))
    assert hear.groups == [["company:AAPL"], ["market"]]


def test_a_group_is_over_when_all_its_alerts_are() -> None:
    hear = Ear()
    hear(alert())
    hear(alert("market"))
    hear(alert(status="retracted"))
    half = hear.only
    assert (half.status, half.lead.alert.series) == ("firing", "market")
    hear(alert("market", "resolved"))
    over = hear.only
    assert (over.status, over.lead.alert.series) == ("resolved", "company:AAPL")


def test_a_group_of_which_all_was_taken_back_is_retracted() -> None:
    hear = Ear()
    hear(alert())
    hear(alert(status="retracted"))
    assert hear.only.status == "retracted"


def test_the_end_of_an_alert_that_nobody_knows_opens_nothing() -> None:
    hear = Ear()
    assert hear(alert(status="resolved")) == set()
    assert hear.groups == []


def test_an_update_of_an_alert_that_nobody_knows_opens_a_group() -> None:
    hear = Ear()
    hear(alert(status="updated"))
    assert hear.only.open


def test_a_record_that_comes_again_changes_nothing() -> None:
    hear = Ear()
    hear(alert())
    hear(alert(status="resolved"))
    before, change = hear.only, hear.board.changes()
    for offset, status in ((1, "firing"), (2, "resolved")):
        hear.board.hear(alert(status=status), partition=0, offset=offset, at=hear.now)
    assert hear.only == before
    assert hear.board.changes() == change


def test_severity_never_falls() -> None:
    hear = Ear()
    hear(alert(severity="critical"))
    hear(alert(status="updated", severity="info"))
    assert hear.only.lead.alert.severity == "critical"


def test_an_alert_that_nobody_was_told_of_may_still_join_what_it_grows_to_share() -> None:
    hear = Ear()
    hear(alert(articles=("a1", "a2")))
    hear(alert("market", articles=("x", "y")))
    assert len(hear.groups) == 2
    hear(alert("market", "updated", articles=("a1", "y")))
    assert hear.groups == [["company:AAPL", "market"]]
    assert hear.board.record(alert("market").alert_id) is None


def test_an_alert_that_was_told_stays_where_it_is() -> None:
    hear = Ear()
    hear(alert(articles=("a1", "a2")))
    hear(alert("market", articles=("x", "y")))
    hear.told(alert("market").alert_id)
    hear(alert("market", "updated", articles=("a1", "y")))
    assert hear.groups == [["company:AAPL"], ["market"]]


def test_what_an_alert_stood_on_before_still_joins_others_to_it() -> None:
    hear = Ear()
    hear(alert(articles=("a1",)))
    hear(alert(status="updated", articles=("a2",)))
    hear(alert("market", articles=("a1",)))
    assert hear.groups == [["company:AAPL", "market"]]


def test_a_group_that_was_told_is_kept_until_all_is_settled_and_a_while_has_passed() -> None:
    hear = Ear()
    hear(alert())
    hear(alert(status="resolved"))
    hear.board.tidy(hear.now + LINGER, lambda _: True)
    assert len(hear.board) == 1
    late = hear.now + LINGER + timedelta(seconds=1)
    hear.board.tidy(late, lambda _: False)
    assert len(hear.board) == 1
    hear.board.tidy(late, lambda _: True)
    assert len(hear.board) == 0


def test_an_alert_of_which_nothing_is_heard_for_too_long_counts_as_resolved() -> None:
    hear = Ear()
    hear(alert())
    hear(alert("market"))
    hear(alert("market", "retracted"))
    hear.board.tidy(hear.now + WEEK, lambda _: True)
    assert hear.only.open
    hear.board.tidy(hear.now + WEEK + timedelta(seconds=1), lambda _: True)
    assert hear.only.status == "resolved"
    assert [each.alert.status for each in hear.only.members] == ["resolved", "retracted"]


def test_there_is_a_bound_on_groups_and_those_that_were_silent_longest_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hear = Ear()
    for n in range(5):
        hear(alert(f"company:A{n}", articles=(f"a{n}",)))
    monkeypatch.setattr(board_of, "MOST_GROUPS", 3)
    hear.board.tidy(hear.now, lambda _: True)
    assert hear.groups == [["company:A2"], ["company:A3"], ["company:A4"]]


def test_a_group_has_a_bound_too() -> None:
    hear = Ear()
    for n in range(board_of.MOST_MEMBERS + 1):
        hear(alert(onset=T0 + timedelta(seconds=n)))
    assert [len(members) for members in hear.groups] == [board_of.MOST_MEMBERS, 1]


def test_only_what_changed_is_to_be_written_and_a_change_meanwhile_counts_anew() -> None:
    hear = Ear()
    (group_id,) = hear(alert())
    first = hear.board.changes()
    hear(alert(status="updated"))
    hear.board.written(first)
    assert set(hear.board.changes()) == {group_id}
    hear.board.written(hear.board.changes())
    assert hear.board.changes() == {}


def test_what_is_read_back_is_what_was_written_but_for_what_changed_here() -> None:
    hear = Ear()
    hear(alert("company:AAPL", articles=("a",)))
    hear(alert("company:MSFT", articles=("m",)))
    written = [Group.model_validate_json(hear.board.record(each.group_id) or b"") for each in hear.board]
    assert written == list(hear.board)

    fresh = Board(WEEK)
    fresh.reload(written)
    assert list(fresh) == written
    fresh.hear(alert("company:MSFT", "resolved"), partition=0, offset=9, at=T0)
    fresh.reload(written)
    assert [each.status for each in fresh] == ["firing", "resolved"]
    fresh.clear()
    assert list(fresh) == []


def test_a_group_that_was_dropped_here_does_not_come_back() -> None:
    hear = Ear()
    hear(alert(articles=("a1",)))
    hear(alert("market", articles=("x",)))
    written = list(hear.board)
    hear(alert("market", "updated", articles=("a1",)))
    hear.board.reload(written)
    assert hear.groups == [["company:AAPL", "market"]]


def test_to_tell_of_a_group_that_is_gone_is_nothing() -> None:
    board = Board(WEEK)
    board.tell("gone", "desk", Told(status="firing", severity="info", at=T0))
    assert board.changes() == {}
