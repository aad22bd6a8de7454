"""Training sentences of our own about what risk desks watch for, and about the opposite of each.

A bankruptcy, a receivership, a charge of fraud or a delisting is rare in the public sets, and much of it is called
neutral there, because it only reports. `events.csv` tells each kind in many ways, beside news in which the same
words mean relief ("leaves receivership") or nothing ("affirms its rating"), so that a word alone does not decide.
`{}` stands for the company; the label is that of the sentence and of the company.
"""

from __future__ import annotations

import csv
import random
from functools import cache
from importlib.resources import files
from io import StringIO
from random import Random

from models.tasks import MENTIONS, SENTIMENT
from models.training.data import Example, Span
from models.training.names import by_chance, invented_firm

NAME = "newstide_events"
LICENCE = "Apache-2.0"
MOST_COMPANIES = 100

_BEFORE = ("UPDATE 1-", "UPDATE 2-", "EXCLUSIVE-", "BRIEF-", "Breaking: ")
_AFTER = (
    ", sources say", " - report", " - filing", ", documents show", ", paper says", " - statement", " this week",
    " on Monday", " late on Friday", ", company says", " (updated)",
)  # fmt: skip
_PLAIN = 0.6
"""The share of sentences that stand as they are; to others a wire has added what tells no mood."""


@cache
def sentences_of(file: str) -> tuple[tuple[str, int], ...]:
    """The sentences of a file beside this one, with `{}` for the company, and the class of each."""
    text = (files(__package__) / file).read_text(encoding="utf-8")
    rows = csv.DictReader(StringIO(text, newline=""))
    return tuple((row["sentence"], SENTIMENT.index(row["label"])) for row in rows)


def event_examples(each: int, seed: int = 29) -> list[Example]:
    """Each sentence about so many invented companies, marked with the sentiment of the whole; always the same.

    A company that is drawn twice for a sentence is told of once.
    """
    draw = random.Random(seed)  # noqa: S311 - a choice of names, no secret
    found: dict[str, Example] = {}
    for sentence, label in sentences_of("events.csv"):
        for _ in range(each):
            example = told_of(invented_firm(draw), _as_a_wire_has_it(sentence, draw), label, NAME)
            found[example.text] = example
    return list(found.values())


def _as_a_wire_has_it(sentence: str, draw: Random) -> str:
    if by_chance(draw, _PLAIN):
        return sentence
    if sentence.startswith("{}") and by_chance(draw, 0.3):
        return draw.choice(_BEFORE) + sentence
    return sentence + draw.choice(_AFTER)


def told_of(company: str, sentence: str, label: int, source: str) -> Example:
    """What `sentence` says, with `label`, of `company`, which is marked where it stands."""
    start = sentence.index("{}")
    end = start + len(company)
    organisations = (Span(start, end, MENTIONS.index("ORG")),)
    text = sentence.replace("{}", company)
    return Example(text, "sentiment", label, source, (Span(start, end, label),), organisations)
