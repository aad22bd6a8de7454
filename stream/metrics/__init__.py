"""What newstide tells Prometheus: `Metrics`, all of it on one registry given by the caller.

In the order a record meets them: `sources.py` (feeds), `loops.py` (what SCORE and WATCH share: lag, progress,
transactions), `score.py` (news in, scored, rejected, and how long it took), `watch.py` (stories and alerts),
`notify.py` (who was told).
Nothing is registered on import. Names follow Prometheus: prefix `newstide_`, base units, `_total` for
counters. Each label is an enum, or bounded by `bounded` or `FirstSeen`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    Info,
    ProcessCollector,
    disable_created_metrics,
)

from stream.metrics.labels import OTHER, FirstSeen, bounded
from stream.metrics.loops import LoopMetrics
from stream.metrics.notify import NotifyMetrics
from stream.metrics.score import ScoreMetrics
from stream.metrics.sources import SourceMetrics
from stream.metrics.watch import WatchMetrics

__all__ = ["OTHER", "FirstSeen", "Metrics", "bounded"]


class Metrics(SourceMetrics, LoopMetrics, ScoreMetrics, WatchMetrics, NotifyMetrics):
    """Every metric of one process.

    Methods may be called from any thread, and never raise for a value they don't know: it is counted as
    `other`.

    Args:
        registry: where the metrics are registered; one `Metrics` for each registry.
        topics: the labels that the topic head answers. Further ones keep their names up to 64 in all.
        rules: the rules of WATCH; a rule named here is shown at zero before its first alert.
        version: of the newstide that runs, for `newstide_build_info`.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        topics: Collection[str] = (),
        rules: Collection[str] = (),
        version: str = "unknown",
    ) -> None:
        # Without this each counter and histogram brings a second series with the time of its birth.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives no annotation
        self.registry = registry
        SourceMetrics.__init__(self, registry)
        LoopMetrics.__init__(self, registry)
        ScoreMetrics.__init__(self, registry, topics)
        WatchMetrics.__init__(self, registry, rules)
        NotifyMetrics.__init__(self, registry)
        Info("newstide_build", "The newstide that runs here", registry=registry).info({"version": version})
        self._ready = Gauge(
            "newstide_ready", "1 when /readyz answers 200, else 0; asked at each scrape", registry=registry
        )
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

    def ready_by(self, is_ready: Callable[[], bool]) -> None:
        """Ask `is_ready` at each scrape for `newstide_ready`."""
        self._ready.set_function(lambda: float(is_ready()))
