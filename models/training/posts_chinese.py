"""Chinese training sentences of our own as people write them on stock forums: moods, and questions without any.

No Chinese set with labels may be learned from for a release, so these are written by us, in `posts_chinese.csv`.
News words and forum words are hardly the same. `{}` stands for the company where a post names one.
"""

from __future__ import annotations

import random

from models.training.data import Example
from models.training.events import sentences_of, told_of
from models.training.named_chinese import chinese_firm

NAME = "newstide_posts_chinese"
LICENCE = "Apache-2.0"

_BEGINNINGS = ("{}，", "{}：", "{} ", "${}$ ", "#{}# ")
"""How posts say first what they are about."""


def chinese_post_examples(each: int, seed: int = 37) -> list[Example]:
    """Each post so many times, about invented companies, once without any where it names none; always the same."""
    draw = random.Random(seed)  # noqa: S311 - a choice of names, no secret
    found: dict[str, Example] = {}
    for post, label in sentences_of("posts_chinese.csv"):
        for number in range(each):
            if "{}" in post:
                example = told_of(chinese_firm(draw), post, label, NAME)
            elif number:
                example = told_of(chinese_firm(draw), draw.choice(_BEGINNINGS) + post, label, NAME)
            else:
                example = Example(post, "sentiment", label, NAME)
            found[example.text] = example
    return list(found.values())
