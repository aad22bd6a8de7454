"""What WATCH tells: stories, copies, late signals and alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge

from stream.events import AlertStatus, Severity
from stream.metrics.labels import FirstSeen, bounded

SeriesKind = Literal["company", "topic", "company_topic", "market"]
SERIES_KINDS: Final[tuple[str, ...]] = get_args(SeriesKind)

_STATUSES: Final[tuple[str, ...]] = get_args(AlertStatus)
_SEVERITIES: Final[tuple[str, ...]] = get_args(Severity)
_NAMED_RULES: Final = 16


def series_kind(series: str) -> SeriesKind:
    """The kind of a series, by its name: `company:AAPL/topic:legal` is a `company_topic`."""
    if "/" in series:
        return "company_topic"
    if series.startswith("company:"):
        return "company"
    return "topic" if series.startswith("topic:") else "market"


class WatchMetrics:
    """Stories and alerts. Rules keep their names up to sixteen."""

    def __init__(self, registry: CollectorRegistry, rules: Iterable[str] = ()) -> None:
        self._rule_label = FirstSeen(_NAMED_RULES, rules)
        self._copies = Counter(
            "newstide_copies_total",
            "Signals that were copies of a story their series had counted",
            ("series_kind",),
            registry=registry,
        )
        for kind in SERIES_KINDS:
            self._copies.labels(kind)
        self._stories = Counter("newstide_stories_total", "Stories first seen", registry=registry)
        self._late = Counter(
            "newstide_late_signals_total",
            "Signals that came after their window had closed",
            registry=registry,
        )
        self._disordered = Counter(
            "newstide_disordered_signals_total",
            "Signals further behind their partition's clock than watch.grace: counted, but a replay may differ",
            registry=registry,
        )
        self._series = Gauge("newstide_watched_series", "Series whose state is held", registry=registry)
        self._beyond = Gauge(
            "newstide_series_beyond_profile",
            "Series held here beyond those that the profile knows: the false-alarm budget is not kept for them",
            ("series_kind",),
            registry=registry,
        )
        self.series_beyond_profile({})
        self._alerts = Counter(
            "newstide_alerts_total",
            "Alerts written, by rule and status",
            ("rule", "status"),
            registry=registry,
        )
        for rule in rules:
            for status in _STATUSES:
                self._alerts.labels(self._rule_label(rule), status)
        self._open = Gauge(
            "newstide_open_alerts", "Alerts that fire and are not resolved", ("severity",), registry=registry
        )
        self.open_alerts({})

    def copies(self, series_kind: str, n: int = 1) -> None:
        """`n` signals of series of one kind repeated a story that was counted already."""
        self._copies.labels(bounded(series_kind, SERIES_KINDS)).inc(n)

    def stories(self, n: int = 1) -> None:
        """`n` stories were seen for the first time."""
        self._stories.inc(n)

    def late_signals(self, n: int = 1) -> None:
        """`n` signals came too late for their window."""
        self._late.inc(n)

    def disordered_signals(self, n: int = 1) -> None:
        """`n` signals were further behind the partition's clock than the grace in which a replay is exact."""
        self._disordered.inc(n)

    def watched_series(self, n: int) -> None:
        """The state of `n` series is held now."""
        self._series.set(n)

    def series_beyond_profile(self, by_kind: Mapping[str, int]) -> None:
        """So many series of each kind are more than the profile knows; a kind that is not named has none."""
        for kind in SERIES_KINDS:
            self._beyond.labels(kind).set(by_kind.get(kind, 0))

    def alert(self, rule: str, status: AlertStatus | str) -> None:
        """One alert was written to `news.alerts`."""
        self._alerts.labels(self._rule_label(rule), bounded(status, _STATUSES)).inc()

    def open_alerts(self, by_severity: Mapping[str, int]) -> None:
        """How many alerts are open now; a severity that is not named has none."""
        for severity in _SEVERITIES:
            self._open.labels(severity).set(by_severity.get(severity, 0))
