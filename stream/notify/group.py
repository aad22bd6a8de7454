"""Alerts of one cause, and what each sink was told of them. One record of `news.groups`, key `group_id`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Self

from pydantic import Field

from stream.events import (
    Alert,
    AlertStatus,
    Contract,
    Name,
    NotificationStatus,
    RelatedAlert,
    Severity,
    UtcTime,
)
from stream.notify.cause import articles_of, closeness, is_part

RANKS: dict[Severity, int] = {"info": 0, "warning": 1, "critical": 2}
ENDS: frozenset[str] = frozenset({"resolved", "retracted"})
_MOST_ARTICLES = 40


class Member(Contract):
    """An alert of the group as it was last heard, and where: an older record of it is known by its offset.

    `articles` is what its evidence is known by, now and before, the newest first.
    """

    alert: Alert
    partition: int
    offset: int
    articles: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether the alert has not ended."""
        return self.alert.status not in ENDS

    def heard(self, alert: Alert, offset: int) -> Self:
        """The same with its next record. Its severity never falls: what was said can't be unsaid."""
        graver = max(alert.severity, self.alert.severity, key=RANKS.__getitem__)
        known = dict.fromkeys((*articles_of(alert.evidence), *self.articles))
        return self.model_copy(
            update={
                "alert": alert.model_copy(update={"severity": graver}),
                "offset": offset,
                "articles": tuple(known)[:_MOST_ARTICLES],
            }
        )


class Told(Contract):
    """What one sink was told last of a group, and when. `quiet` says that it was to be told nothing."""

    status: NotificationStatus
    severity: Severity
    at: UtcTime
    acknowledged: bool = False
    quiet: bool = False


class Group(Contract):
    """What is known of one cause.

    `group_id` is the id of its first alert. `opened_at` and `heard_at` are when its first and its last record were
    written. `named_series` and `named_rule` are those of its lead when it was told first: labels that people's
    tools know an incident by must stay, while the lead may change.
    """

    group_id: Name
    opened_at: UtcTime
    heard_at: UtcTime
    members: tuple[Member, ...]
    told: dict[str, Told] = Field(default_factory=dict)
    named_series: str | None = None
    named_rule: str | None = None

    @classmethod
    def begin(cls, member: Member, at: datetime) -> Self:
        """A group of one."""
        return cls(group_id=member.alert.alert_id, opened_at=at, heard_at=at, members=(member,))

    @property
    def open(self) -> bool:
        """Whether one of its alerts has not ended."""
        return any(each.open for each in self.members)

    @property
    def status(self) -> AlertStatus:
        """Firing as long as one alert is open; then resolved, or retracted where all were."""
        if self.open:
            return "firing"
        return "retracted" if all(each.alert.status == "retracted" for each in self.members) else "resolved"

    @property
    def lead(self) -> Member:
        """That of the most specific series; of such the gravest, then the first. An open one, if there is one."""
        return self.lead_among(lambda each: each.open) or self.members[0]

    def lead_among(self, wanted: Callable[[Member], bool]) -> Member | None:
        """The lead of those wanted, if any; of all, where the group has ended."""
        found = [each for each in self.members if wanted(each) or not self.open]
        return max(found, key=_rank, default=None)

    def has(self, series: str) -> bool:
        """Whether an open alert of this very series is in it."""
        return any(each.open and each.alert.series == series for each in self.members)

    def has_part_of(self, series: str) -> bool:
        """Whether an open alert in it is on a part of this series, or on what this is part of: of one company."""
        return any(each.open and is_part(each.alert.series, series) for each in self.members)

    def with_member(self, member: Member, at: datetime) -> Self:
        """The group with one more alert, or with what was last heard of one of its own."""
        own = {each.alert.alert_id: each for each in self.members} | {member.alert.alert_id: member}
        return self.model_copy(update={"members": tuple(own.values()), "heard_at": max(self.heard_at, at)})

    def related_to(self, lead: Member) -> tuple[RelatedAlert, ...]:
        """The other alerts, the most specific first."""
        others = [each.alert for each in sorted(self.members, key=_rank, reverse=True) if each is not lead]
        return tuple(
            RelatedAlert(
                alert_id=each.alert_id,
                series=each.series,
                rule=each.rule,
                status=each.status,
                severity=each.severity,
            )
            for each in others
        )


def _rank(member: Member) -> tuple[int, int]:
    return closeness(member.alert.series), RANKS[member.alert.severity]
