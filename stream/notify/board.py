"""All groups, and which of them are not written yet.

An alert joins the group whose lead it has its cause in common with, and no other: a market that two causes move
does not make one of them. Of one company all is one cause while the alert on the company itself is open: what its
topics count, it counts too. Applying a record twice changes nothing, so a batch may come again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from stream.events import Alert
from stream.notify.cause import articles_of, is_one_cause, shared
from stream.notify.group import ENDS, Group, Member, Told

MOST_GROUPS = 10_000
MOST_MEMBERS = 100
LINGER = timedelta(hours=1)
"""How long an ended group is kept: a record of one of its alerts that comes again must not open it anew."""


class Board:
    """The groups by their ids.

    Args:
        forget: after so long without a word an alert counts as resolved: whoever wrote it will not end it.
    """

    def __init__(self, forget: timedelta) -> None:
        self._forget = forget
        self._groups: dict[str, Group] = {}
        self._home: dict[str, str] = {}
        self._changed: dict[str, int] = {}
        self._changes = 0

    def __iter__(self) -> Iterator[Group]:
        return iter(list(self._groups.values()))

    def __len__(self) -> int:
        return len(self._groups)

    def get(self, group_id: str) -> Group | None:
        """The group, if it is there."""
        return self._groups.get(group_id)

    def hear(self, alert: Alert, *, partition: int, offset: int, at: datetime) -> set[str]:
        """Take one record of `news.alerts` in, written at `at`; returns the groups that it changed."""
        home = self._groups.get(self._home.get(alert.alert_id, ""))
        if home is None:
            if alert.status in ENDS:
                return set()  # Its beginning is not known here, so nobody was told of it.
            known_by = articles_of(alert.evidence)
            return self._join(Member(alert=alert, partition=partition, offset=offset, articles=known_by), at)
        known = next(each for each in home.members if each.alert.alert_id == alert.alert_id)
        if known.partition == partition and offset <= known.offset:
            return {home.group_id}  # It came again: the group is written once more, and nothing else.
        member = known.heard(alert, offset).model_copy(update={"partition": partition})
        if len(home.members) == 1 and not home.told and home.named_series is None:
            # Nobody heard of it alone yet, so it may still turn out to be part of something.
            other = self._nearest(alert, home.group_id)
            if other is not None:
                self._drop(home.group_id)
                self._put(other.with_member(member, at))
                return {home.group_id, other.group_id}
        self._put(home.with_member(member, at))
        return {home.group_id}

    def tell(self, group_id: str, sink: str, told: Told) -> None:
        """A sink was told. A group that is gone meanwhile is left alone."""
        group = self._groups.get(group_id)
        if group is not None:
            self._put(group.model_copy(update={"told": {**group.told, sink: told}}))

    def name(self, group_id: str, lead: Alert) -> None:
        """Fix the series and the rule under which a group is told from now on."""
        names = {"named_series": lead.series, "named_rule": lead.rule}
        self._put(self._groups[group_id].model_copy(update=names))

    def tidy(self, now: datetime, is_settled: Callable[[Group], bool]) -> None:
        """End what nobody spoke of for too long; drop what ended a while ago and is settled, or beyond the bound.

        Args:
            now: the time.
            is_settled: whether every sink was told all that it is owed of a group.
        """
        for group in self:
            if group.open and now - group.heard_at > self._forget:
                ended = tuple(_resolved(each) for each in group.members)
                self._put(group.model_copy(update={"members": ended, "heard_at": now}))
            elif not group.open and now - group.heard_at > LINGER and is_settled(group):
                self._drop(group.group_id)
        beyond = len(self._groups) - MOST_GROUPS
        for group in sorted(self, key=lambda each: each.heard_at)[: max(beyond, 0)]:
            self._drop(group.group_id)

    def changes(self) -> dict[str, int]:
        """The groups that are not written as they are, each with the number of its last change."""
        return dict(self._changed)

    def record(self, group_id: str) -> bytes | None:
        """What is to be written of a group; None where it is gone."""
        group = self._groups.get(group_id)
        return None if group is None else group.to_json()

    def written(self, changes: Mapping[str, int]) -> None:
        """These changes are committed; a group that changed once more since is to be written again."""
        for group_id, change in changes.items():
            if self._changed.get(group_id) == change:
                del self._changed[group_id]

    def reload(self, groups: Iterable[Group]) -> None:
        """Take over what is written, but for groups that changed here and are not written yet."""
        fresh = {each.group_id: each for each in groups}
        own = {group_id: each for group_id, each in self._groups.items() if group_id in self._changed}
        gone = self._changed.keys() - own.keys()
        self._groups = {group_id: each for group_id, each in fresh.items() if group_id not in gone} | own
        self._home = {each.alert.alert_id: group.group_id for group in self for each in group.members}

    def clear(self) -> None:
        """Forget everything: it is another's now."""
        self._groups, self._home, self._changed = {}, {}, {}

    def _join(self, member: Member, at: datetime) -> set[str]:
        found = self._nearest(member.alert)
        group = Group.begin(member, at) if found is None else found.with_member(member, at)
        self._put(group)
        return {group.group_id}

    def _nearest(self, alert: Alert, but: str | None = None) -> Group | None:
        """The open group of the same cause that shares most of the evidence; of equals the first."""
        found = [
            (
                group.has(alert.series),
                group.has_part_of(alert.series),
                shared(alert, group.lead.articles),
                group,
            )
            for group in self._groups.values()
            if group.open and group.group_id != but and len(group.members) < MOST_MEMBERS
            if group.has(alert.series)
            or group.has_part_of(alert.series)
            or is_one_cause(alert, group.lead.alert, group.lead.articles)
        ]
        return max(found, key=lambda each: each[:3], default=(False, False, 0, None))[3]

    def _put(self, group: Group) -> None:
        self._groups[group.group_id] = group
        self._home |= {each.alert.alert_id: group.group_id for each in group.members}
        self._note(group.group_id)

    def _drop(self, group_id: str) -> None:
        for each in self._groups.pop(group_id).members:
            del self._home[each.alert.alert_id]
        self._note(group_id)

    def _note(self, group_id: str) -> None:
        self._changes += 1
        self._changed[group_id] = self._changes


def _resolved(member: Member) -> Member:
    if not member.open:
        return member
    return member.model_copy(update={"alert": member.alert.model_copy(update={"status": "resolved"})})
