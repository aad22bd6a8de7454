"""Training headlines of our own in which one company fares well and another badly.

The public sets have few of them, so a network learns that companies in one text fare alike. What is said of each
is put together from the sentences of `models.training.written` and from short ones; most companies are invented.
"""

from __future__ import annotations

import random
from random import Random

from models.tasks import MENTIONS
from models.training.data import Example, Span
from models.training.names import by_chance, organisation
from models.training.written import NEGATIVE, NEUTRAL, POSITIVE

NAME = "newstide_contrasted"
LICENCE = "Apache-2.0"
COUNT = 2_000

_FALLS = (
    "plunges", "tumbles", "sinks", "slides", "falls", "drops", "slumps", "slips", "shares fall", "stock dives",
)  # fmt: skip
_FALLS_FOR = (
    "", "", "", "on weak demand", "after a profit warning", "on a fraud probe", "as costs mount",
    "after a downgrade", "on a safety scare", "as clients leave", "after missing estimates",
    "on a dim forecast", "after a data leak",
)  # fmt: skip
_RISES = (
    "soars", "jumps", "climbs", "gains", "rallies", "surges", "rises", "advances", "shares rise", "stock leaps",
)  # fmt: skip
_RISES_FOR = (
    "", "", "", "on solid demand", "after a strong quarter", "on a large order", "as costs ease",
    "after an upgrade", "on a drug approval", "as clients return", "after beating estimates",
    "on a bright forecast", "on a takeover bid",
)  # fmt: skip
_STAYS = ("is flat", "is little changed", "holds steady", "ends unchanged", "trades sideways")
_JOINED = (", ", ", ", "; ", " while ", " as ", " but ", ", while ", ", but rival ", " and ", ". ", " - ")


def contrasted_examples(count: int = COUNT, seed: int = 13) -> list[Example]:
    """So many headlines, each company in them marked; the same ones each time, and more begin as fewer do."""
    draw = random.Random(seed)  # noqa: S311 - a choice of words, no secret
    found: dict[str, Example] = {}
    while len(found) < count:
        example = _headline(draw)
        found.setdefault(example.text, example)
    return list(found.values())


def _headline(draw: Random) -> Example:
    moods = [0, 2] if by_chance(draw, 0.8) else [1, draw.choice((0, 2))]
    draw.shuffle(moods)
    text = ""
    spans: list[Span] = []
    # The two are told in the same way: at length, or in two words.
    short = by_chance(draw, 0.7)
    for mood in moods:
        text += draw.choice(_JOINED) if text else ""
        name = organisation(draw)
        told = _short(mood, draw) if short else draw.choice((NEGATIVE, NEUTRAL, POSITIVE)[mood])
        if told[0] != "{" and text and not text.endswith((". ", "- ")):
            told = told[0].lower() + told[1:]
        before, after = told.split("{}", 1)
        start = len(text) + len(before)
        spans.append(Span(start, start + len(name), mood))
        text += before + name + after.replace("{}", name)
    organisations = tuple(Span(span.start, span.end, MENTIONS.index("ORG")) for span in spans)
    return Example(text, "entity", -1, NAME, tuple(spans), mentions=organisations)


def _short(mood: int, draw: Random) -> str:
    if mood == 1:
        return f"{{}} {draw.choice(_STAYS)}"
    verbs, reasons = (_FALLS, _FALLS_FOR) if mood == 0 else (_RISES, _RISES_FOR)
    return f"{{}} {draw.choice(verbs)} {draw.choice(reasons)}".rstrip()
