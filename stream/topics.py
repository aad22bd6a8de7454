"""The topics: names, keys, partitions and configs, in one table.

`newstide topics` creates them and shows them. `news.signals` and `news.baselines` must have the same number of
partitions: the state of a series is written to the partition of the same number its signals come from.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stream.errors import UsageError

MAX_RECORD_BYTES = 8 * 1024 * 1024
"""The largest record the topics take. Far above the largest article that is scored, so that one that is too
large still arrives, is refused with its reason, and is kept byte for byte in `news.rejected`."""

HEADER_BYTES = 64 * 1024
"""What a record may grow by the headers that newstide adds."""

_SEGMENT_BYTES = 64 * 1024 * 1024
_SEGMENT_MS = 60 * 60 * 1000
_MOST_PARTITIONS = 1000
_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `key` says what its records are keyed by; `config` holds Kafka topic settings."""

    name: str
    key: str
    holds: str
    compacted: bool = False
    retention_days: int = 7
    wide: bool = True
    """Whether it has as many partitions as asked for; a narrow one has a single partition."""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, str]:
        """The settings the topic is created with, by Kafka's own names."""
        base = {"max.message.bytes": str(MAX_RECORD_BYTES)}
        if self.compacted:
            # A segment is compacted only once it is closed: small ones keep short what a restart reads back.
            base |= {
                "cleanup.policy": "compact",
                "segment.bytes": str(_SEGMENT_BYTES),
                "segment.ms": str(_SEGMENT_MS),
                "min.cleanable.dirty.ratio": "0.1",
            }
        else:
            base |= {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * _DAY_MS)}
        return base | self.extra


RAW = Topic("news.raw", "id", "articles as their publishers sent them")
SCORED = Topic("news.scored", "id", "articles with sentiment, topics and companies")
SIGNALS = Topic("news.signals", "series", "what each article says of each series")
REJECTED = Topic(
    "news.rejected",
    "as it came",
    "records that could not be read, byte for byte",
    retention_days=30,
    # The largest record comes back with its origin and its reason in headers, and must not be refused for them.
    extra={"max.message.bytes": str(MAX_RECORD_BYTES + HEADER_BYTES)},
)
ALERTS = Topic("news.alerts", "series", "surges: firing, updated, resolved, retracted", retention_days=90)
STORIES = Topic("news.stories", "story_id", "each story once, however often copied", compacted=True)
BASELINES = Topic("news.baselines", "series", "the state of each series, to recover from", compacted=True)
SILENCES = Topic(
    "news.silences", "silence or alert", "silences and acknowledgements", compacted=True, wide=False
)
GROUPS = Topic(
    "news.groups", "group_id", "alerts of one cause, and who was told of them", compacted=True, wide=False
)
UNDELIVERED = Topic(
    "news.undelivered", "group_id", "notifications that a sink did not take", wide=False, retention_days=30
)
LABELS = Topic("news.labels", "news_id", "what people say the answer is", wide=False, retention_days=3650)
RELEASES = Topic(
    "models.releases", "alias", "which release is in force, and since when", compacted=True, wide=False
)

TOPICS: tuple[Topic, ...] = (
    *(RAW, SCORED, SIGNALS, REJECTED, ALERTS, STORIES, BASELINES),
    *(SILENCES, GROUPS, UNDELIVERED, LABELS, RELEASES),
)


def partitions_of(topic: Topic, wide: int) -> int:
    """How many partitions `topic` has where the wide ones have `wide`.

    Raises:
        UsageError: if `wide` is not between 1 and 1000.
    """
    if not 1 <= wide <= _MOST_PARTITIONS:
        raise UsageError(f"topics.partitions is {wide}: give a number from 1 to {_MOST_PARTITIONS}")
    return wide if topic.wide else 1
