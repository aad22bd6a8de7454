"""NOTIFY, whole: one poll of `news.alerts` becomes groups, and the groups become what each sink is told.

A poll takes in what the outlets settled, then the alerts, and writes the groups that changed in one transaction
with the offsets (a group that alerts of several partitions changed, in the transaction of each). Only what is
written is told: the outlets get what each sink is owed of the groups that are not changed. What a sink did not
take goes to `news.undelivered` in the transaction that counts it as told. Where notifications are explained, one
whose explanation is asked for is offered at a later poll, a few seconds on at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from pydantic import ValidationError

from stream.bus import Connection, Outcome, Outgoing, Record, open_reader
from stream.bus.records import cloud_event
from stream.bus.rejects import reject_record
from stream.errors import BrokerRefusedError, BrokerUnavailableError
from stream.events import Alert, Notification, Reject, RejectReason
from stream.metrics import Metrics
from stream.notify.board import Board
from stream.notify.channel import Channel
from stream.notify.desk import Desk
from stream.notify.explained import LONGEST_WAIT, Explains, is_explained, may_wait
from stream.notify.group import Group, Told
from stream.notify.ledger import Ledger, Letter, Outdated, Sheet
from stream.notify.owed import is_silent, make_notification, owed, told_by
from stream.topics import GROUPS, SILENCES, UNDELIVERED

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 5.0
_FINISH_SECONDS = 5.0
_TIDY_SECONDS = 60.0
_OLD, _HOLD = timedelta(minutes=1), timedelta(seconds=1)
"""After an outage, and at the first start, old alerts come whose end comes behind them: nothing is told before no
alert that old came for so long."""


@dataclass(frozen=True, slots=True)
class _Told(Outcome):
    """An outcome with what is written once it is committed, by partition."""

    sheets: Mapping[int, Sheet] = field(default_factory=dict)


class NotifyPipeline:
    """Tells the sinks. All partitions of `news.alerts` must be this process's.

    Args:
        connection: where groups and silences are read back from.
        channels: the ways to the sinks, by distinct names.
        metrics: where it is counted.
        clock: what time it is, aware.
        forget: after so long without a word an alert counts as resolved.
        link: where people read on; `{alert_id}`, `{group_id}` and `{series}` are filled in.
        explains: says what moved the score of an alert's first article; None where that is not wanted.
    """

    def __init__(
        self,
        connection: Connection,
        channels: Iterable[Channel],
        *,
        metrics: Metrics,
        clock: Callable[[], datetime],
        forget: timedelta,
        link: str | None = None,
        explains: Explains | None = None,
    ) -> None:
        self._connection = connection
        self._channels = {each.name: each for each in channels}
        self._metrics = metrics
        self._clock = clock
        self._link = link
        self._explains = explains
        self._board = Board(forget)
        self._desk = Desk()
        self._owned: set[int] = set()
        self._offered: set[tuple[str, str]] = set()
        self._put_off: dict[tuple[str, str], datetime] = {}
        self._ledger = Ledger()
        self._finishing = False
        self._tidied: datetime | None = None
        self._hold_until = clock()
        self._reading = asyncio.Lock()

    async def restore(self, partition: int) -> None:
        """Read groups and silences back; called when nobody else can write for the partition any more.

        What changed here and is not written yet stays. Every partition reads the groups anew: the former owner may
        have written them in the transaction of any.
        """
        # One after the other: what is read last is then what was written last, by whomever.
        async with self._reading:
            await self._read_silences()
            self._board.reload([group async for group in self._read_groups()])
            self._owned.add(partition)
            self._hold_until = self._clock() + _HOLD

    def forget(self, partition: int) -> None:
        """The partition is another's, or about to be opened anew. With the last one all is forgotten."""
        self._owned.discard(partition)
        self._ledger.forget(partition)
        if self._owned:
            return
        self._board.clear()
        self._ledger.clear()
        self._offered.clear()
        self._put_off.clear()
        for channel in self._channels.values():
            channel.drop()

    async def finish(self) -> None:
        """Tell nothing more, and wait a little for what is being sent: who comes next need not send it again."""
        self._finishing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FINISH_SECONDS):
                await asyncio.gather(*(each.finish() for each in self._channels.values()))

    async def heed(self) -> None:
        """Follow what people silence and acknowledge, until cancelled; without a broker, wait for it."""
        while True:
            try:
                async with open_reader(self._connection, [SILENCES.name], from_beginning=True) as records:
                    async for record in records:
                        _hear(self._desk, record)
            except (BrokerUnavailableError, BrokerRefusedError) as error:
                log.warning("silences can't be read now, those known stay in force: %s", error)
                await asyncio.sleep(_AGAIN_SECONDS)

    async def process(self, batch: Mapping[int, Sequence[Record]]) -> Outcome:
        """Take in what was settled and what came, write what changed, and tell what is owed."""
        if not self._owned:
            return Outcome({})
        now = self._clock()
        self._settle()
        outgoing: dict[int, list[Outgoing]] = defaultdict(list)
        touched: dict[int, set[str]] = {}
        for partition, records in batch.items():
            touched[partition] = set()
            for record in records:
                reject = self._hear(record, now, touched[partition])
                outgoing[partition] += [reject] if reject is not None else []
        if any(now - record.timestamp > _OLD for records in batch.values() for record in records):
            self._hold_until = now + _HOLD
        if now >= self._hold_until and not self._finishing:
            self._tidy(now)
            self._tell(now)
        return self._written(outgoing, touched, {n: len(records) for n, records in batch.items()})

    def delivered(self, outcome: Outcome, partition: int) -> None:
        """What this transaction held is written."""
        if isinstance(outcome, _Told) and (sheet := outcome.sheets.get(partition)) is not None:
            self._board.written(sheet.changes)
            self._ledger.written(partition, sheet)

    def _hear(self, record: Record, now: datetime, touched: set[str]) -> Outgoing | None:
        """Take one alert in; returns the reject where it is none."""
        if record.value is None:
            return None
        try:
            alert = Alert.model_validate_json(record.value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"])) or "record"
            detail = f"no alert: `{where}`: {first['msg']}; only WATCH may write to this topic"
            return reject_record(record, Reject(RejectReason.INVALID_VALUE, detail))
        # A clock that runs ahead on another machine must not make people wait.
        at = min(record.timestamp, now)
        touched |= self._board.hear(alert, partition=record.partition, offset=record.offset, at=at)
        return None

    def _settle(self) -> None:
        for channel in self._channels.values():
            for each in channel.settled():
                said = each.notification
                self._offered.discard((said.group_id, each.sink))
                group = self._board.get(said.group_id)
                if group is not None:
                    former = group.told.get(each.sink)
                    self._board.tell(said.group_id, each.sink, told_by(said, former, each.at))
                if each.ending != "delivered":
                    self._ledger.note(each.letter())
                status = "refresh" if said.why == "refresh" else said.status
                self._metrics.notified(each.sink, each.ending, status, (each.at - said.at).total_seconds())

    def _tidy(self, now: datetime) -> None:
        if self._tidied is not None and (now - self._tidied).total_seconds() < _TIDY_SECONDS:
            return
        self._tidied = now
        self._board.tidy(now, lambda group: self._is_settled(group, now))
        self._put_off = {place: at for place, at in self._put_off.items() if self._board.get(place[0])}
        for key in self._desk.outdated(now):
            self._ledger.note(Outdated(key))
            self._desk.hear(key, None)

    def _is_settled(self, group: Group, now: datetime) -> bool:
        return all(owed(group, now, self._desk, each.wishes) is None for each in self._channels.values())

    def _tell(self, now: datetime) -> None:
        """Offer each channel what its sink is owed of the groups that are written as they are."""
        changed = self._board.changes()
        silent = still_open = 0
        for group in self._board:
            still_open += group.open
            silent += is_silent(group, now, self._desk)
            if group.group_id not in changed:
                for channel in self._channels.values():
                    self._tell_one(group, channel, now)
        self._metrics.groups(still_open, silent, sum(1 for _ in self._desk.in_force(now)))

    def _tell_one(self, group: Group, channel: Channel, now: datetime) -> None:
        place = (group.group_id, channel.name)
        what = None if place in self._offered else owed(group, now, self._desk, channel.wishes)
        if what is None:
            return
        if what.quiet:
            quiet = Told(status=what.status, severity=what.severity, at=now, quiet=True)
            self._board.tell(group.group_id, channel.name, quiet)
        elif group.named_series is None:
            self._board.name(group.group_id, what.lead)  # It is told once this is written.
        else:
            notification = make_notification(group, what, now, self._desk, channel.wishes)
            if self._may_go(notification, channel) and channel.offer(self._complete(notification)):
                self._offered.add(place)
                self._put_off.pop(place, None)

    def _may_go(self, notification: Notification, channel: Channel) -> bool:
        """Whether nothing is to be waited for. Asks for the explanation, so that it is there when it can be."""
        if self._explains is None or not is_explained(notification):
            return True
        if self._explains.ready(notification.lead) or not may_wait(notification, channel.wishes):
            return True
        # The first article of a surge may be another one at each poll: what is put off is so once, not for each.
        since = self._put_off.setdefault((notification.group_id, channel.name), notification.at)
        return notification.at - since >= LONGEST_WAIT

    def _complete(self, notification: Notification) -> Notification:
        """With what its key does not depend on: the link, and the explanation as far as it is known."""
        if self._explains is not None and is_explained(notification):
            known = self._explains.of(notification.lead)
            notification = notification.model_copy(update={"explanation": known})
        return self._with_link(notification)

    def _with_link(self, notification: Notification) -> Notification:
        if self._link is None:
            return notification
        lead = notification.lead
        names = {"{alert_id}": lead.alert_id, "{group_id}": notification.group_id, "{series}": lead.series}
        link = self._link
        for name, value in names.items():
            link = link.replace(name, quote(value, safe=""))
        return notification.model_copy(update={"link": link})

    def _written(
        self, outgoing: dict[int, list[Outgoing]], touched: Mapping[int, set[str]], done: Mapping[int, int]
    ) -> Outcome:
        sheets = self._ledger.plan(self._board.changes(), touched, home=min(self._owned))
        for partition, sheet in sheets.items():
            outgoing[partition] += [
                Outgoing(GROUPS.name, each.encode(), self._board.record(each)) for each in sheet.changes
            ]
            outgoing[partition] += [_record_of(each) for each in sheet.letters]
        return _Told(outgoing=outgoing, done=done, sheets=sheets)

    async def _read_groups(self) -> AsyncIterator[Group]:
        found: dict[bytes, bytes | None] = {}
        reading = open_reader(self._connection, [GROUPS.name], from_beginning=True, follow=False)
        async with reading as records:
            async for record in records:
                found[record.key or b""] = record.value
        for key, value in found.items():
            if value is None:
                continue
            try:
                yield Group.model_validate_json(value)
            except ValidationError as error:
                said = error.errors(include_url=False, include_context=False)[0]["msg"]
                log.warning("%s: the group %r can't be read: %s", GROUPS.name, key, said)

    async def _read_silences(self) -> None:
        reading = open_reader(self._connection, [SILENCES.name], from_beginning=True, follow=False)
        async with reading as records:
            async for record in records:
                _hear(self._desk, record)


def _hear(desk: Desk, record: Record) -> None:
    wrong = desk.hear((record.key or b"").decode("utf-8", "replace"), record.value)
    if wrong is not None:
        log.warning("%s: a record is ignored: %s", SILENCES.name, wrong)


def _record_of(letter: Letter) -> Outgoing:
    if isinstance(letter, Outdated):
        return Outgoing(SILENCES.name, letter.key.encode(), None)
    said = letter.notification
    event = cloud_event("newstide.news.undelivered", f"{letter.sink}/{said.key}", letter.given_up_at)
    return Outgoing(UNDELIVERED.name, said.group_id.encode(), letter.to_json(), event)
