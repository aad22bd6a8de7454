"""Training sentences of our own that name organisations, persons and places, each name marked.

The public sets that a release may be trained on name companies and hardly mark anybody else. These sentences are
put together from templates: headlines, and the prose of reports. Words with capitals that name nobody stand beside
the names, and so do words for banks and firms that are no names.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from random import Random

from models.tasks import MENTIONS
from models.training import names
from models.training.data import Example, Span
from models.training.names import by_chance
from models.training.templates import HEADLINES, NAMELESS, PROSE

NAME = "newstide_named"
LICENCE = "Apache-2.0"
COUNT = 5_000
REMINDER = 1_600
"""So many keep what a network has learned of names."""
MOST_NAMED = 50_000
"""Beyond, unlike sentences become rare."""

_DAYS = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "Tue", "Fri", "Christmas Eve",
)  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December", "Jan", "Feb", "Aug", "Sept", "Dec",
)  # fmt: skip
_ROLES = (
    "chief executive", "CEO", "Chief Executive Officer", "chairman", "Chairman", "finance minister", "spokesman",
    "Finance Minister", "President", "vice president", "analyst", "managing director", "Treasurer", "Director",
    "fund manager", "founder", "Judge", "Congressman", "former president", "CFO", "MP", "economist", "Secretary",
)  # fmt: skip
_SLOT = re.compile(r"\{([A-Z]+)\}")
_KIND_OF = {"ORG": "ORG", "BODY": "ORG", "PER": "PER", "LAST": "PER", "LOC": "LOC", "CITY": "LOC"}
_FILLED: dict[str, Callable[[Random], str]] = {
    "ORG": names.organisation,
    "BODY": names.public_body,
    "PER": names.person,
    "LAST": names.last_name,
    "LOC": names.place,
    "CITY": names.city_in_capitals,
    "NAT": lambda draw: draw.choice(names.NATIONS),
    "DAY": lambda draw: draw.choice(_DAYS),
    "MONTH": lambda draw: draw.choice(_MONTHS),
    "ROLE": lambda draw: draw.choice(_ROLES),
    "N": lambda draw: str(draw.randint(2, 60)),
    "Q": lambda draw: str(draw.randint(1, 4)),
    "TICKER": lambda draw: "".join(draw.choice("ABCDEFGHKLMNOPRST") for _ in range(draw.randint(2, 4))),
}
_LOWER_FIRST = re.compile(r"(?<![\w'])[a-z]")
_MARKS = re.compile(
    r"(?<![ .][A-Z])(?<!\b[DM]r)(?<!\bMs)(?<!\bMrs)(?<=[\w%)])(?=[.,](?!\w))"  # not within a word, nor after Mr
    r"|(?<=\w)(?=[;:?!)%]|'s\b)|(?=n't\b)|(?<=[(\"$])(?=\w)|(?<=[.,?!])(?=\")|(?<=\")(?=[.,])"
)
"""Between a word and the mark beside it: some sources set a blank there."""


def named_examples(count: int = COUNT, seed: int = 11) -> list[Example]:
    """So many sentences with all their names marked; the same ones each time, and more begin as fewer do."""
    draw = random.Random(seed)  # noqa: S311 - a choice of names, no secret
    found: dict[str, Example] = {}
    while len(found) < count:
        pieces = _pieces(_template(draw), draw)
        example = _example(pieces)
        found.setdefault(example.text, example)
    return list(found.values())


def _template(draw: Random) -> str:
    kinds = (HEADLINES, PROSE, NAMELESS)
    kind = draw.choices(kinds, (0.42, 0.43, 0.15))[0]
    told = draw.choice(kind)
    # The nameless ones are few: two of them make enough that are unlike each other.
    while by_chance(draw, 0.6 if kind is NAMELESS else 0.25):
        told += "" if told.endswith((".", "?", "!", '"')) else "."
        told += f" {draw.choice(NAMELESS if kind is NAMELESS or by_chance(draw, 0.2) else PROSE)}"
    return told


def _pieces(template: str, draw: Random) -> list[tuple[str, str]]:
    """The sentence in pieces: what each is, and its kind if it is a name; empty if not."""
    titled, parted = by_chance(draw, 0.12), by_chance(draw, 0.4)
    pieces = []
    for number, told in enumerate(_SLOT.split(template)):
        kind = _KIND_OF.get(told, "") if number % 2 else ""
        said = _FILLED[told](draw) if number % 2 else told
        if titled and not number % 2:
            said = _LOWER_FIRST.sub(lambda letter: letter.group().upper(), said)
        pieces.append((said, kind))
    return _parted(pieces) if parted else pieces


def _parted(pieces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pieces with blanks between words and the marks beside them, as some sources write."""
    found: list[tuple[str, str]] = []
    before = ""
    for said, kind in pieces:
        spaced = _MARKS.sub(" ", f"{before[-1:]}{said}")[len(before[-1:]) :]
        if kind and spaced.startswith(" "):
            found.append((" ", ""))
            spaced = spaced[1:]
        found.append((spaced, kind))
        before = spaced or before
    return found


def _example(pieces: list[tuple[str, str]]) -> Example:
    text, spans = "", []
    for told, kind in pieces:
        said = told.removeprefix(" ") if text.endswith(" ") else told
        if text.endswith("."):  # of a name such as Inc.: the sentence needs no other
            said = said.removeprefix(" .").removeprefix(".")
        if kind:
            spans.append(Span(len(text), len(text) + len(said), MENTIONS.index(kind)))
        text += said
    return Example(text, "ner", -1, NAME, mentions=tuple(spans), exhaustive=True)
