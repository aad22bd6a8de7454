"""The label spaces: what each head answers, in the order of its outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from models.errors import ModelError

TaskName = Literal["sentiment", "topic"]
"""What is asked of a whole text."""

HeadName = Literal["sentiment", "topic", "entity", "ner"]
"""What a model can answer: of a whole text, of an entity in it, of each token."""

SENTIMENT: tuple[str, ...] = ("negative", "neutral", "positive")

TOPICS: tuple[str, ...] = (
    "Analyst Update",
    "Company | Product News",
    "Currencies",
    "Dividend",
    "Earnings",
    "Energy | Oil",
    "Fed | Central Banks",
    "Financials",
    "General News | Opinion",
    "Gold | Metals | Materials",
    "IPO",
    "Legal | Regulation",
    "M&A | Investments",
    "Macro",
    "Markets",
    "Personnel Change",
    "Politics",
    "Stock Commentary",
    "Stock Movement",
    "Treasuries | Corporate Debt",
)

TAGS: tuple[str, ...] = ("O", "B-ORG", "I-ORG", "B-PER", "I-PER", "B-LOC", "I-LOC")
"""The tags of mentions: of organisations, persons and places."""

MENTIONS: tuple[str, ...] = ("ORG", "PER", "LOC")

TASKS: dict[TaskName, tuple[str, ...]] = {"sentiment": SENTIMENT, "topic": TOPICS}
"""Each task's labels, which new releases are trained on. A release in use names its own in its manifest."""

HEADS: dict[HeadName, tuple[str, ...]] = {
    "sentiment": SENTIMENT,
    "topic": TOPICS,
    "entity": SENTIMENT,
    "ner": TAGS,
}
"""The labels of each head of a new release. `entity` is the sentiment towards one entity."""

Labels = Mapping[HeadName, tuple[str, ...]]
"""The labels of each head, in the order of its outputs."""

MOST_TOPICS = 64
"""As many topics of one's own as a release may have: each may become a series and a label of a metric."""

LONGEST_TOPIC = 60
"""Characters in the name of a topic."""


def labels_with(topics: Sequence[str]) -> Labels:
    """The labels of each head where the topics are `topics`; none stand for newstide's own."""
    return {**HEADS, "topic": tuple(topics)} if topics else HEADS


def names_series(topic: str) -> bool:
    """Whether a series can be called after `topic`."""
    return (
        bool(slug(topic)) and len(topic) <= LONGEST_TOPIC and topic.isprintable() and topic == topic.strip()
    )


def check_topics(topics: Sequence[str]) -> None:
    """Make sure that a head can answer with `topics`, and that series can be called after them.

    Raises:
        ModelError: if they are too few or too many, or one is empty, too long, not printable, without a name for
            its series, or the same as another but for case and signs.
    """
    if not 2 <= len(topics) <= MOST_TOPICS:  # noqa: PLR2004 - what can be told apart
        raise ModelError(f"topics are {len(topics)}: give 2 to {MOST_TOPICS}")
    for topic in topics:
        if not names_series(topic):
            raise ModelError(
                f"topic {topic[:80]!r} can't name a series: give up to {LONGEST_TOPIC} characters in one line,"
                " with a letter from a to z or a figure among them"
            )
    if clash := called_alike(topics):
        raise ModelError(
            f"topics {clash[0]!r} and {clash[1]!r} are both {slug(clash[0])}: call one otherwise"
        )


def called_alike(topics: Sequence[str]) -> tuple[str, str] | None:
    """The first two of `topics` whose series would have one name; None if all have their own."""
    seen: dict[str, str] = {}
    for topic in topics:
        short = slug(topic)
        if short in seen:
            return seen[short], topic
        seen[short] = topic
    return None


def as_written(label: str) -> str:
    """What two spellings of one label have in common: all but the case and the number of blanks."""
    return " ".join(label.casefold().split())


def task_named(name: str) -> TaskName:
    """The task called `name`.

    Raises:
        ModelError: if there is no such task; the text lists those there are.
    """
    for task in TASKS:
        if name == task:
            return task
    raise ModelError(f"task is {name!r}: give one of {', '.join(TASKS)}")


def index_in(labels: Sequence[str], label: str, task: str) -> int:
    """The place of `label`, or of the label with that slug, among the `labels` of a head for `task`.

    Raises:
        ModelError: if it is none of them; the text lists them.
    """
    if label in labels:
        return labels.index(label)
    slugs = [slug(known) for known in labels]
    if label in slugs:
        return slugs.index(label)
    raise ModelError(f"label {label!r} is none of the task {task}: give one of {', '.join(labels)}")


def slug(label: str) -> str:
    """`label` as it stands in names of series and metrics: lower case words joined by hyphens.

    >>> slug("Fed | Central Banks")
    'fed-central-banks'
    """
    return "-".join(re.findall(r"[a-z0-9]+", label.lower()))
