"""A count series from end to end: judged, its alarms as alerts, and NAB's score where it is labelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b

from stream.backtest.counts import Judged, judge
from stream.backtest.nab import NabScore, score_alarms
from stream.backtest.tables import CountTable
from stream.events import Alert, AlertStatus, Severity
from stream.watch.times import rounded

RULE = "volume"
_CRITICAL = 2.0
"""A surprise of so many times its level is critical."""


@dataclass(frozen=True, slots=True)
class CountRun:
    """What was said of a count series: `judged` has one judgement for each row of `table`."""

    table: CountTable
    judged: tuple[Judged, ...]
    alerts: tuple[Alert, ...]
    nab: NabScore | None

    @property
    def found_after(self) -> list[timedelta]:
        """For each labelled window with an alarm, how far into it the first one came."""
        alarms = [at for (at, _), each in zip(self.table.rows, self.judged, strict=True) if each.told]
        firsts = (
            (window.start, next((at for at in alarms if window.start <= at <= window.end), None))
            for window in self.table.windows
        )
        return [first - start for start, first in firsts if first is not None]


def watch_counts(table: CountTable, per_week: float) -> CountRun:
    """Watch a count series from its first row to its last."""
    judged = tuple(judge(table.rows, table.bucket, per_week))
    alarms = [row for row, each in enumerate(judged) if each.told]
    nab = score_alarms([at for at, _ in table.rows], alarms, table.windows) if table.labelled else None
    return CountRun(table, judged, tuple(_alerts(table, judged)), nab)


def _alerts(table: CountTable, judged: tuple[Judged, ...]) -> Iterator[Alert]:
    onset = -1
    for row, each in enumerate(judged):
        if each.alarm:
            onset = row
            yield _alert(table, judged, row, row, "firing")
        elif each.grew:
            yield _alert(table, judged, onset, row, "updated")
        elif onset >= 0 and not each.raised:
            yield _alert(table, judged, onset, row, "resolved")
            onset = -1


def _alert(table: CountTable, judged: tuple[Judged, ...], onset: int, row: int, status: AlertStatus) -> Alert:
    began, now = table.rows[onset][0], judged[row]
    severity: Severity = (
        "critical" if judged[onset].surprise >= _CRITICAL * judged[onset].level else "warning"
    )
    named = f"{table.name}\x1f{RULE}\x1f{began.isoformat()}"
    return Alert(
        alert_id=blake2b(named.encode(), digest_size=12).hexdigest(),
        status=status,
        severity=severity,
        series=table.name,
        rule=RULE,
        onset=began,
        as_of=table.rows[row][0] + table.bucket,
        window_seconds=max(1, int(table.bucket.total_seconds())),
        observed=table.rows[row][1],
        expected=rounded(now.expected),
        p_value=rounded(10.0**-now.surprise),
        surprise=rounded(now.surprise),
        sources=0,
        model="counts",
    )
