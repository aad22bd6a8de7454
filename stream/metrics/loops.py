"""What both loops tell: what they own, how far behind they are, and that they go on."""

from __future__ import annotations

from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

Loop = Literal["score", "watch", "notify"]
LOOPS: Final[tuple[Loop, ...]] = ("score", "watch", "notify")
TransactionOutcome = Literal["committed", "aborted"]
TRANSACTION_OUTCOMES: Final[tuple[TransactionOutcome, ...]] = ("committed", "aborted")


class LoopMetrics:
    """Partitions, lag, transactions and progress of SCORE and WATCH.

    A loop's series appear with its first report, so that a process that runs only one loop shows nothing of
    the other.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._records = Counter(
            "newstide_records_processed_total",
            "Records whose transaction was committed",
            ("loop",),
            registry=registry,
        )
        self._lag = Gauge(
            "newstide_consumer_lag_records",
            "Records between the position and the end of an assigned partition",
            ("topic", "partition"),
            registry=registry,
        )
        self._assigned = Gauge(
            "newstide_assigned_partitions",
            "Input partitions that this process owns",
            ("loop",),
            registry=registry,
        )
        self._rebalances = Counter(
            "newstide_rebalances_total",
            "Times that the partitions were dealt anew",
            ("loop",),
            registry=registry,
        )
        self._transactions = Counter(
            "newstide_transactions_total",
            "Kafka transactions, by how they ended",
            ("loop", "outcome"),
            registry=registry,
        )
        self._progress = Gauge(
            "newstide_last_progress_timestamp_seconds",
            "When the loop last polled or committed, in Unix time",
            ("loop",),
            registry=registry,
        )

    def start_loop(self, loop: Loop) -> None:
        """Show `loop` with all its counters at zero, so that the first events count as an increase."""
        self._records.labels(loop)
        self._rebalances.labels(loop)
        self._assigned.labels(loop).set(0)
        for outcome in TRANSACTION_OUTCOMES:
            self._transactions.labels(loop, outcome)

    def processed(self, loop: Loop, n: int) -> None:
        """`n` input records of `loop` were committed."""
        self._records.labels(loop).inc(n)

    def lag(self, topic: str, partition: int, records: int) -> None:
        """This process is `records` behind the end of the partition it owns. Call `revoked` when it goes."""
        self._lag.labels(topic, str(partition)).set(records)

    def revoked(self, topic: str, partition: int) -> None:
        """The partition is somebody else's now: what was known of its lag no longer holds."""
        self._lag.remove(topic, str(partition))

    def rebalanced(self, loop: Loop, assigned: int) -> None:
        """The partitions were dealt anew, and this process owns `assigned` of the input's."""
        self._rebalances.labels(loop).inc()
        self._assigned.labels(loop).set(assigned)

    def transaction(self, loop: Loop, outcome: TransactionOutcome) -> None:
        """One transaction of `loop` ended."""
        self._transactions.labels(loop, outcome).inc()

    def progress(self, loop: Loop, unix_time: float) -> None:
        """`loop` polled or committed at `unix_time`."""
        self._progress.labels(loop).set(unix_time)
