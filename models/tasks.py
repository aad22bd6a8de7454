"""The label spaces: what each head answers, in the order of its outputs."""

from __future__ import annotations

import re
from typing import Literal

from models.errors import ModelError

TaskName = Literal["sentiment", "topic"]

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

TASKS: dict[TaskName, tuple[str, ...]] = {"sentiment": SENTIMENT, "topic": TOPICS}
"""Each task's labels, which new releases are trained on. A release in use names its own in its manifest."""


def task_named(name: str) -> TaskName:
    """The task called `name`.

    Raises:
        ModelError: if there is no such task; the text lists those there are.
    """
    for task in TASKS:
        if name == task:
            return task
    raise ModelError(f"task is {name!r}: give one of {', '.join(TASKS)}")


def index_of(task: TaskName, label: str) -> int:
    """The place of `label` among the outputs of `task`; a topic may also be given by its slug.

    Raises:
        ModelError: if the task has no such label; the text lists those it has.
    """
    labels = TASKS[task]
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
