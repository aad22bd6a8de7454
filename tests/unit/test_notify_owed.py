"""What one sink is owed of one group, at one time.

opened     wait                  repeat after the last word
  |---------|---------------------------|-------------->
            firing                      updated (reminder)
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from alerting import T0, alert

from stream.events import Acknowledgement, Silence
from stream.notify.board import Board
from stream.notify.desk import Desk
from stream.notify.group import Group, Told
from stream.notify.owed import Owed, Wishes, is_silent, key_of, make_notification, owed, told_by

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
WISHES = Wishes("desk", wait=10 * SECOND, repeat=4 * HOUR)
WAITED = T0 + 10 * SECOND


class Scene:
    """One group, one sink that takes all at once, and a clock that is moved by hand."""

    def __init__(self, wishes: Wishes = WISHES) -> None:
        self.board = Board(timedelta(days=7))
        self.desk = Desk()
        self.wishes = wishes
        self.offset = 0
        self.keys: list[str] = []

    def hear(
        self, series: str = "company:AAPL", status: str = "firing", at: datetime = T0, **fields: Any
    ) -> None:
        self.offset += 1
        self.board.hear(alert(series, status, **fields), partition=0, offset=self.offset, at=at)

    @property
    def group(self) -> Group:
        return next(iter(self.board))

    def owed(self, at: datetime) -> Owed | None:
        return owed(self.group, at, self.desk, self.wishes)

    def tell(self, at: datetime) -> tuple[str, str, str] | None:
        """Tell what is owed at that time, as the pipeline does."""
        what = self.owed(at)
        if what is None:
            return None
        group = self.group
        if what.quiet:
            told = Told(status=what.status, severity=what.severity, at=at, quiet=True)
            self.board.tell(group.group_id, "desk", told)
            return ("", "", "quiet")
        said = make_notification(group, what, at, self.desk, self.wishes)
        self.keys.append(said.key)
        self.board.tell(group.group_id, "desk", told_by(said, group.told.get("desk"), at))
        return (said.status, said.severity, said.why)

    def silence(self, glob: str, begins: datetime, ends: datetime) -> None:
        said = Silence(silence_id="s", series=glob, starts_at=begins, ends_at=ends, by="ada")
        self.desk.hear("silence/s", said.to_json())

    def acknowledge(self, at: datetime = T0) -> None:
        alert_id = self.group.members[0].alert.alert_id
        said = Acknowledgement(alert_id=alert_id, at=at, by="ada")
        self.desk.hear(f"ack/{alert_id}", said.to_json())


def test_a_group_is_told_once_it_has_waited() -> None:
    scene = Scene()
    scene.hear()
    assert scene.tell(WAITED - SECOND) is None
    assert scene.tell(WAITED) == ("firing", "warning", "first")
    assert scene.tell(WAITED + SECOND) is None


def test_what_does_not_become_graver_is_not_told_again_before_its_reminder() -> None:
    scene = Scene()
    scene.hear()
    scene.tell(WAITED)
    scene.hear(status="updated", observed=20.0)
    scene.hear("market")
    assert scene.tell(WAITED + 4 * HOUR - SECOND) is None
    assert scene.tell(WAITED + 4 * HOUR) == ("updated", "warning", "reminder")
    assert scene.tell(WAITED + 8 * HOUR - SECOND) is None
    assert scene.tell(WAITED + 8 * HOUR) == ("updated", "warning", "reminder")
    assert len(set(scene.keys)) == 3


def test_what_becomes_graver_is_told_at_once_and_the_reminder_counts_from_there() -> None:
    scene = Scene()
    scene.hear()
    scene.tell(WAITED)
    scene.hear("market", severity="critical")
    assert scene.tell(WAITED + HOUR) == ("updated", "critical", "graver")
    assert scene.tell(WAITED + 4 * HOUR) is None
    assert scene.tell(WAITED + 5 * HOUR) == ("updated", "critical", "reminder")


@pytest.mark.parametrize("status", ["resolved", "retracted"])
def test_the_end_is_told_once(status: str) -> None:
    scene = Scene()
    scene.hear()
    scene.tell(WAITED)
    scene.hear(status=status)
    assert scene.tell(WAITED + SECOND) == (status, "warning", "ended")
    assert scene.tell(WAITED + 9 * HOUR) is None


def test_what_was_resolved_and_then_taken_back_is_told_so() -> None:
    scene = Scene()
    scene.hear()
    scene.tell(WAITED)
    scene.hear(status="resolved")
    scene.tell(WAITED + SECOND)
    scene.hear(status="retracted")
    assert scene.tell(WAITED + 2 * SECOND) == ("retracted", "warning", "ended")


def test_what_was_over_before_it_could_be_told_is_told_all_the_same() -> None:
    scene = Scene()
    scene.hear()
    scene.hear(status="resolved")
    assert scene.tell(T0 + SECOND) == ("firing", "warning", "first")
    assert scene.tell(T0 + SECOND) == ("resolved", "warning", "ended")
    assert scene.tell(T0 + SECOND) is None


def test_but_not_when_it_is_long_ago_or_did_not_happen() -> None:
    scene = Scene()
    scene.hear()
    scene.hear(status="resolved")
    assert scene.tell(T0 + 25 * HOUR) == ("", "", "quiet")
    assert scene.tell(T0 + 25 * HOUR) is None
    taken_back = Scene()
    taken_back.hear()
    taken_back.hear(status="retracted")
    assert taken_back.tell(T0 + SECOND) == ("", "", "quiet")


def test_an_open_group_is_told_however_old_it_is() -> None:
    scene = Scene()
    scene.hear()
    assert scene.tell(T0 + 99 * HOUR) == ("firing", "warning", "first")


def test_a_silence_holds_the_first_word_back_until_it_ends() -> None:
    scene = Scene()
    scene.hear()
    scene.silence("company:AAPL", T0, T0 + HOUR)
    assert is_silent(scene.group, WAITED, scene.desk)
    assert scene.tell(WAITED) is None
    assert scene.tell(T0 + HOUR) == ("firing", "warning", "first")


def test_what_begins_and_ends_in_silence_is_never_told() -> None:
    scene = Scene()
    scene.hear()
    scene.silence("*", T0, T0 + HOUR)
    scene.hear(status="resolved")
    assert scene.tell(WAITED) == ("", "", "quiet")
    assert scene.tell(T0 + HOUR) is None


def test_a_silence_holds_reminders_and_graver_words_back_but_not_the_end_of_what_was_told() -> None:
    scene = Scene()
    scene.hear()
    scene.tell(WAITED)
    scene.silence("company:AAPL", WAITED, T0 + 99 * HOUR)
    scene.hear(status="updated", severity="critical")
    assert scene.tell(WAITED + 5 * HOUR) is None
    scene.hear(status="resolved")
    assert scene.tell(WAITED + 6 * HOUR) == ("resolved", "critical", "ended")


def test_what_is_not_silenced_of_a_group_leads_it() -> None:
    scene = Scene()
    scene.hear("company:AAPL", severity="critical")
    scene.hear("market", severity="info")
    scene.silence("company:*", T0, T0 + HOUR)
    what = scene.owed(WAITED)
    assert what is not None
    assert (what.lead.series, what.severity) == ("market", "info")
    assert not is_silent(scene.group, WAITED, scene.desk)
    scene.tell(WAITED)
    assert scene.tell(T0 + HOUR) == ("updated", "critical", "graver")


def test_an_acknowledgement_ends_the_reminders_but_not_graver_words() -> None:
    scene = Scene()
    scene.hear()
    scene.tell(WAITED)
    scene.acknowledge()
    assert scene.tell(WAITED + 9 * HOUR) is None
    scene.hear(status="updated", severity="critical")
    assert scene.tell(WAITED + 10 * HOUR) == ("updated", "critical", "graver")
    assert scene.tell(WAITED + 20 * HOUR) is None
    scene.hear(status="resolved")
    assert scene.tell(WAITED + 21 * HOUR) == ("resolved", "critical", "ended")


def test_a_sink_that_wants_to_hear_of_an_acknowledgement_hears_of_it_once() -> None:
    scene = Scene(replace(WISHES, acknowledgements=True))
    scene.hear()
    scene.acknowledge()
    assert scene.tell(WAITED) == ("firing", "warning", "first")
    assert scene.tell(WAITED) == ("acknowledged", "warning", "acknowledged")
    assert scene.tell(WAITED + 9 * HOUR) is None
    scene.hear(status="updated", severity="critical")
    assert scene.tell(WAITED + 9 * HOUR) == ("updated", "critical", "graver")
    assert scene.tell(WAITED + 9 * HOUR) is None


def test_a_sink_that_forgets_hears_again_what_is_open_also_in_silence() -> None:
    scene = Scene(Wishes("desk", refresh=timedelta(minutes=1)))
    scene.hear()
    scene.tell(T0)
    scene.silence("*", T0, T0 + 99 * HOUR)
    scene.acknowledge()
    assert scene.tell(T0 + timedelta(seconds=59)) is None
    assert scene.tell(T0 + timedelta(minutes=1)) == ("firing", "warning", "refresh")
    assert scene.tell(T0 + timedelta(minutes=2)) == ("firing", "warning", "refresh")
    assert len(set(scene.keys)) == 3


def test_a_sink_hears_only_of_what_is_severe_enough_for_it() -> None:
    scene = Scene(replace(WISHES, at_least="critical"))
    scene.hear()
    assert scene.tell(WAITED) is None
    scene.hear("market", severity="critical")
    assert scene.tell(WAITED) == ("firing", "critical", "first")
    never = Scene(replace(WISHES, at_least="critical"))
    never.hear()
    never.hear(status="resolved")
    assert never.tell(WAITED) == ("", "", "quiet")


def test_the_same_thing_owed_twice_has_the_same_key_whenever_it_is_sent() -> None:
    """A process that died behind the sending sends again, later, and the receiver can tell."""
    scene = Scene()
    scene.hear()
    for at in (WAITED, WAITED + 4 * HOUR, WAITED + 9 * HOUR):
        keys = set()
        for late in (0, 1, 2):
            what = scene.owed(at + late * HOUR)
            assert what is not None
            keys.add(make_notification(scene.group, what, at + late * HOUR, scene.desk, WISHES).key)
        assert len(keys) == 1
        scene.tell(at)


def test_the_key_is_a_function_of_group_status_severity_and_slot() -> None:
    keys = {
        key_of(group, status, severity, slot)
        for group in ("a", "b")
        for status in ("firing", "updated")
        for severity in ("info", "critical")
        for slot in (0, 1)
    }
    assert len(keys) == 16
    assert key_of("a", "firing", "info", 0) == key_of("a", "firing", "info", 0)


def test_a_notification_names_the_lead_and_those_that_refer_to_it() -> None:
    scene = Scene()
    scene.hear("market")
    scene.hear("company:AAPL", severity="critical")
    scene.board.name(scene.group.group_id, alert("market"))
    scene.acknowledge()
    what = scene.owed(WAITED)
    assert what is not None
    said = make_notification(scene.group, what, WAITED, scene.desk, WISHES)
    assert said.lead.series == "company:AAPL"
    assert [(each.series, each.severity) for each in said.others] == [("market", "warning")]
    assert (said.named_series, said.named_rule) == ("market", "negative_surge")
    assert said.acknowledged_by == "ada"
    assert said.before is None
