"""What the sources tell: how each feed answers, and how much news it brings."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter

from stream.metrics.labels import FirstSeen, bounded

FEED_OUTCOMES: Final = (
    *("ok", "not_modified", "timeout", "unreachable", "tls_error", "protocol_error", "http_error"),
    *("throttled", "bad_redirect", "too_large", "malformed", "not_a_feed", "sink_failed"),
)
"""How one poll of a feed can end: the values of `stream.sources.outcome.Outcome`, which lies above this room."""

_NAMED_FEEDS: Final = 100


class SourceMetrics:
    """Feeds: the first hundred by name, the rest as `other`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._feed_label = FirstSeen(_NAMED_FEEDS)
        self._feed_polls = Counter(
            "newstide_feed_polls_total",
            "Polls of a feed, by how they ended",
            ("feed", "outcome"),
            registry=registry,
        )
        self._feed_items = Counter(
            "newstide_feed_items_total", "New articles a feed brought", ("feed",), registry=registry
        )

    def feed(self, outcome: str, feed: str = "unnamed") -> None:
        """One poll of `feed` ended with `outcome`, one of `FEED_OUTCOMES`."""
        self._feed_polls.labels(self._feed_label(feed), bounded(outcome, FEED_OUTCOMES)).inc()

    def feed_items(self, n: int, feed: str = "unnamed") -> None:
        """`feed` brought `n` articles that had not been sent before."""
        self._feed_items.labels(self._feed_label(feed)).inc(n)
