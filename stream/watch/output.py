"""What WATCH hands to its loop."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from stream.events import Alert, Severity, Story
from stream.watch.novelty import Arrival


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert that is open now."""

    series: str
    kind: str
    rule: str
    alert_id: str
    severity: Severity


@dataclass(slots=True)
class WatchOutput:
    """What came of the records since the last drain.

    Attributes:
        alerts: in the order they were raised.
        stories: the latest telling of each story that changed.
        untold: ids of stories that were taken back; their records are to be deleted.
        state: records of `news.baselines` to write, None to delete; each key once.
        arrivals: how many signals were what, by kind of series.
        behind: signals and withdrawals beyond the bound of exactness.
    """

    alerts: list[Alert] = field(default_factory=list)
    stories: list[Story] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    state: list[tuple[str, bytes | None]] = field(default_factory=list)
    arrivals: Counter[tuple[str, Arrival]] = field(default_factory=Counter)
    behind: int = 0

    @property
    def novel(self) -> dict[str, int]:
        """Stories seen for the first time, by kind of series."""
        return self._by_kind(Arrival.NOVEL)

    @property
    def copies(self) -> dict[str, int]:
        """Copies of remembered stories, by kind of series; an article that was sent twice counts among them."""
        return dict(Counter(self._by_kind(Arrival.COPY)) + Counter(self._by_kind(Arrival.REPEATED)))

    @property
    def late(self) -> dict[str, int]:
        """Signals too late for their own series, by kind of series."""
        return self._by_kind(Arrival.LATE)

    def _by_kind(self, wanted: Arrival) -> dict[str, int]:
        return {kind: count for (kind, arrival), count in self.arrivals.items() if arrival is wanted}
