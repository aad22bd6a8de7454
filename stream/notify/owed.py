"""What one sink is owed of one group now: a decision, with its reason, that follows from what it was told last.

Alertmanager decides so too (`needsUpdate` in its `notify/dedup_stage.go`); the rules are newstide's own:

1. Nothing until the group is `wait` old, so that the alerts of one cause come together.
2. `firing` first, also where all is over by then: what happened is told once, if it is not older than `stale`.
   What was retracted by then did not happen.
3. `updated` when the severity rose since, or, as a reminder, `repeat` after the last word.
4. `resolved` or `retracted` at the end, where the sink was told of a beginning.

A silence takes the alerts of its series out: they neither make a notification nor lead it. What ends while all of
it is silent was never told and never will be. The end of what was told is told in any case, or an incident would
stay open for ever. An acknowledgement ends the reminders; that it became graver is told all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Literal

from stream.events import Alert, Notification, NotificationStatus, Severity
from stream.notify.desk import Desk
from stream.notify.group import RANKS, Group, Member, Told

Why = Literal["first", "graver", "reminder", "refresh", "ended", "acknowledged"]
STALE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a sink wants to be told.

    Attributes:
        sink: its name.
        wait: how old a group must be.
        repeat: after so long it is reminded of what is still open; None for never.
        refresh: so often it must hear again that an alert is open, or takes it for over; None where it need not.
        acknowledgements: whether it wants to hear that somebody looks after it.
        at_least: groups that are less severe are not told.
        stale: what ended before it could be told, and began longer ago than this, is not told any more.
    """

    sink: str
    wait: timedelta = timedelta(0)
    repeat: timedelta | None = None
    refresh: timedelta | None = None
    acknowledgements: bool = False
    at_least: Severity = "info"
    stale: timedelta = STALE


@dataclass(frozen=True, slots=True)
class Owed:
    """What is to be said. `quiet` means that nothing is, and that this is settled."""

    status: NotificationStatus
    severity: Severity
    why: Why
    lead: Alert
    slot: int = 0
    quiet: bool = False


def owed(group: Group, now: datetime, desk: Desk, wishes: Wishes) -> Owed | None:
    """What the sink is owed of the group; None where it knows all that it is to know."""
    told = group.told.get(wishes.sink)
    if told is None:
        return _first(group, now, desk, wishes)
    if told.quiet:
        return None
    if not group.open:
        return None if told.status == group.status else _end(group)
    return _news(group, told, now, desk, wishes)


def is_silent(group: Group, now: datetime, desk: Desk) -> bool:
    """Whether silences hold for all that is open in the group."""
    return group.open and not any(desk_lets(each, now, desk) for each in group.members)


def desk_lets(member: Member, now: datetime, desk: Desk) -> bool:
    """Whether the member's alert is open and not silenced."""
    return member.open and not desk.is_silent(member.alert.series, now)


def make_notification(group: Group, what: Owed, now: datetime, desk: Desk, wishes: Wishes) -> Notification:
    """Say what is owed.

    The key depends on the group, the status, the severity and the time slot alone. `named_series` and `named_rule`
    of the group must be set.
    """
    told = group.told.get(wishes.sink)
    ack = desk.acknowledged(each.alert.alert_id for each in group.members)
    lead = next(each for each in group.members if each.alert.alert_id == what.lead.alert_id)
    return Notification(
        key=key_of(group.group_id, what.status, what.severity, what.slot),
        group_id=group.group_id,
        status=what.status,
        severity=what.severity,
        before=told.severity if told else None,
        why=what.why,
        at=now,
        opened_at=group.opened_at,
        named_series=group.named_series or what.lead.series,
        named_rule=group.named_rule or what.lead.rule,
        lead=what.lead,
        others=group.related_to(lead),
        acknowledged_by=ack.by if ack else None,
    )


def key_of(group_id: str, status: NotificationStatus, severity: Severity, slot: int) -> str:
    """The idempotency key: the same for the same group, status, severity and time slot."""
    text = f"{group_id}\x1f{status}\x1f{severity}\x1f{slot}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def told_by(notification: Notification, former: Told | None, at: datetime) -> Told:
    """What a sink knows once it took the notification."""
    return Told(
        status=notification.status,
        severity=max(notification.severity, former.severity if former else "info", key=RANKS.__getitem__),
        at=at,
        acknowledged=notification.status == "acknowledged" or (former is not None and former.acknowledged),
    )


def _first(group: Group, now: datetime, desk: Desk, wishes: Wishes) -> Owed | None:
    if not group.open:
        lead = group.lead.alert
        severity = _severity(group.members)
        silent = all(desk.is_silent(each.alert.series, now) for each in group.members)
        late = now - group.opened_at > wishes.stale
        if silent or late or group.status == "retracted" or _is_below(severity, wishes):
            return Owed(group.status, severity, "ended", lead, quiet=True)
        return Owed("firing", severity, "first", lead)
    member = group.lead_among(lambda each: desk_lets(each, now, desk))
    if member is None or now < group.opened_at + wishes.wait:
        return None
    severity = _severity([each for each in group.members if not desk.is_silent(each.alert.series, now)])
    return None if _is_below(severity, wishes) else Owed("firing", severity, "first", member.alert)


def _end(group: Group) -> Owed:
    return Owed(group.status, _severity(group.members), "ended", group.lead.alert)


def _news(group: Group, told: Told, now: datetime, desk: Desk, wishes: Wishes) -> Owed | None:
    member = group.lead_among(lambda each: desk_lets(each, now, desk))
    ack = desk.acknowledged(each.alert.alert_id for each in group.members)
    if ack is not None and wishes.acknowledgements and not told.acknowledged:
        return Owed("acknowledged", told.severity, "acknowledged", (member or group.lead).alert)
    if member is not None:
        heard = [each for each in group.members if not desk.is_silent(each.alert.series, now)]
        severity = _severity(heard)
        if RANKS[severity] > RANKS[told.severity]:
            return Owed("updated", severity, "graver", member.alert)
        if ack is None and wishes.repeat is not None and now >= told.at + wishes.repeat:
            slot = _slot(group, told, wishes.repeat)
            return Owed("updated", told.severity, "reminder", member.alert, slot)
    if wishes.refresh is not None and now >= told.at + wishes.refresh:
        slot = _slot(group, told, wishes.refresh)
        return Owed("firing", told.severity, "refresh", (member or group.lead).alert, slot)
    return None


def _slot(group: Group, told: Told, every: timedelta) -> int:
    """The time slot in which a word was due: it depends on what is written alone, so a restart gives the same."""
    return max(int((told.at + every - group.opened_at) / every), 1)


def _severity(members: tuple[Member, ...] | list[Member]) -> Severity:
    return max((each.alert.severity for each in members), key=RANKS.__getitem__)


def _is_below(severity: Severity, wishes: Wishes) -> bool:
    return RANKS[severity] < RANKS[wishes.at_least]
