"""The like of `models.training.events` in Chinese: what risk desks watch for, and the opposite of each.

No Chinese set with labels may be learned from for a release, so these are written by us, in `events_chinese.csv`.
"""

from __future__ import annotations

import random

from models.training.data import Example
from models.training.events import sentences_of, told_of
from models.training.named_chinese import chinese_firm

NAME = "newstide_events_chinese"
LICENCE = "Apache-2.0"


def chinese_event_examples(each: int, seed: int = 31) -> list[Example]:
    """Each sentence about so many invented companies, marked with the sentiment of the whole; always the same."""
    draw = random.Random(seed)  # noqa: S311 - a choice of names, no secret
    found: dict[str, Example] = {}
    for sentence, label in sentences_of("events_chinese.csv"):
        for _ in range(each):
            example = told_of(chinese_firm(draw), sentence, label, NAME)
            found[example.text] = example
    return list(found.values())
