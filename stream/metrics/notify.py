"""What NOTIFY tells: how notifications end, what waits, and how many groups are open or silent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from stream.events import NotificationStatus
from stream.metrics.labels import FirstSeen, bounded

NOTIFICATION_OUTCOMES: Final = ("delivered", "refused", "gave_up")
"""How it ends with a notification: the values of `stream.notify.settled.Ending`, which lies above this room."""

TRIAL_OUTCOMES: Final = (
    *("ok", "throttled", "timeout", "unreachable"),
    *("server_error", "client_error", "redirect"),
)
"""How one try ends: the values of `stream.sinks.post.Trial`."""

_STATUSES: Final[tuple[str, ...]] = (*get_args(NotificationStatus), "refresh")
_NAMED_SINKS: Final = 16
_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)


class NotifyMetrics:
    """Notifications by sink: the first sixteen by name, the rest as `other`.

    A sink's series appear with `show_sinks`, so that a process that tells nobody shows none of them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sink_label = FirstSeen(_NAMED_SINKS)
        self._notifications = Counter(
            "newstide_notifications_total",
            "Notifications that are done with, by how it ended",
            ("sink", "status", "outcome"),
            registry=registry,
        )
        self._tries = Counter(
            "newstide_notification_tries_total",
            "Tries to deliver a notification, by how they ended",
            ("sink", "outcome"),
            registry=registry,
        )
        self._queue = Gauge(
            "newstide_notification_queue_depth",
            "Notifications that wait for a sink, the one that is being sent included",
            ("sink",),
            registry=registry,
        )
        self._seconds = Histogram(
            "newstide_notification_delivery_seconds",
            "From the moment a notification was due to its delivery",
            ("sink",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._groups = Gauge("newstide_notify_groups_open", "Causes with an open alert", registry=registry)
        self._silenced = Gauge(
            "newstide_notify_groups_silenced", "Open causes of which all is silenced", registry=registry
        )
        self._silences = Gauge("newstide_silences_active", "Silences in force", registry=registry)

    def show_sinks(self, sinks: Iterable[str]) -> None:
        """Show each sink with its counters at zero, so that the first events count as an increase."""
        for sink in sinks:
            label = self._sink_label(sink)
            self._queue.labels(label)
            self._seconds.labels(label)
            for outcome in TRIAL_OUTCOMES:
                self._tries.labels(label, outcome)
            for status in _STATUSES:
                for outcome in NOTIFICATION_OUTCOMES:
                    self._notifications.labels(label, status, outcome)

    def notified(self, sink: str, outcome: str, status: str, seconds: float) -> None:
        """It is done with a notification, `seconds` after it was due; those that were delivered are timed.

        Args:
            sink: its name.
            outcome: one of `NOTIFICATION_OUTCOMES`.
            status: that of the notification; `refresh` where a machine hears again what it knows.
            seconds: from the moment it was due.
        """
        label = self._sink_label(sink)
        self._notifications.labels(
            label, bounded(status, _STATUSES), bounded(outcome, NOTIFICATION_OUTCOMES)
        ).inc()
        if outcome == "delivered":
            self._seconds.labels(label).observe(max(seconds, 0.0))

    def notification_tried(self, sink: str, outcome: str) -> None:
        """One try to deliver ended with `outcome`, one of `TRIAL_OUTCOMES`."""
        self._tries.labels(self._sink_label(sink), bounded(outcome, TRIAL_OUTCOMES)).inc()

    def notification_queue(self, sink: str, depth: int) -> None:
        """So many notifications wait for the sink."""
        self._queue.labels(self._sink_label(sink)).set(depth)

    def groups(self, still_open: int, silenced: int, silences: int) -> None:
        """So many causes are open, so many of them are silenced as a whole, and so many silences hold."""
        self._groups.set(still_open)
        self._silenced.set(silenced)
        self._silences.set(silences)
