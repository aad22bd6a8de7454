"""Pairs of headlines that tell one story, and pairs that only look alike: made by rule from real headlines.

The rules are those by which wires and portals copy: they cut, put their name around it, change case, points and
the writing of figures, exchange a word of trade for another, turn the clauses round. The pairs that only look
alike change what tells news of one template apart: a figure, the quarter, the broker, the day. Nothing is left to
chance: the same headlines give the same pairs.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_SHORTEST = 7
"""A headline of fewer words is not cut further."""

_LONGEST_WORD = 15
"""Mean characters to a word from which a text is taken to be written without spaces."""

Rule = Callable[[str, random.Random], str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two headlines, by which rule they came together, and whether they tell one story."""

    one: str
    other: str
    rule: str
    same: bool


def make_pairs(headlines: Iterable[str], share: float) -> list[Pair]:
    """Pairs from a `share` of the headlines for each rule."""
    made: list[Pair] = []
    for headline in headlines:
        dice = random.Random(headline)  # noqa: S311 - the same pairs each time, no secret
        for same, rules in ((True, COPIES), (False, OTHERS)):
            for name, rule in rules.items():
                # What only looks alike is rarer in any file than what can be copied: so it is made more often.
                if dice.random() < (share if same else min(1.0, 2.0 * share)):
                    other = rule(headline, dice)
                    if other != headline:
                        made.append(Pair(headline, other, name, same))
    return made


def _pieces(text: str) -> tuple[list[str], str]:
    """The words of `text` and what joins them; its characters where it is written without spaces."""
    words = text.split()
    return (list(text), "") if len(text) > _LONGEST_WORD * len(words) else (words, " ")


def _cut_end(text: str, dice: random.Random) -> str:
    pieces, joint = _pieces(text)
    if len(pieces) < _SHORTEST:
        return text
    return joint.join(pieces[: round(len(pieces) * dice.uniform(0.7, 0.92))])


def _cut_short(text: str, dice: random.Random) -> str:
    """Cut to a length, as portals do."""
    if len(_pieces(text)[0]) < _SHORTEST:
        return text
    return f"{text[: round(len(text) * dice.uniform(0.75, 0.95))].rstrip()}\u2026"


def _cut_start(text: str, dice: random.Random) -> str:
    pieces, joint = _pieces(text)
    return text if len(pieces) <= _SHORTEST else joint.join(pieces[dice.choice((1, 2)) :])


def _drop_word(text: str, dice: random.Random) -> str:
    pieces, joint = _pieces(text)
    plain = [at for at, piece in enumerate(pieces[:-1]) if at > 1 and piece.isalpha()]
    if len(pieces) <= _SHORTEST or not plain:
        return text
    del pieces[dice.choice(plain)]
    return joint.join(pieces)


def _source(text: str, dice: random.Random) -> str:
    return dice.choice(
        (
            f"{text} - Reuters",
            f"{text} | MarketWatch",
            f"{text} | The Morning Ledger",
            f"{text} (Bloomberg)",
            f"{text} - Daily Market Wire",
            f"Market Wire: {text}",
            f"NEW YORK, May 4 (Reuters) - {text}",
        )
    )


def _update(text: str, dice: random.Random) -> str:
    return dice.choice((f"{text} - UPDATE 1", f"UPDATE 2-{text}", f"{text} (Updated)", f"EXCLUSIVE: {text}"))


def _case(text: str, dice: random.Random) -> str:
    return dice.choice((text.upper(), text.lower(), text.title()))


def _points(text: str, dice: random.Random) -> str:
    return dice.choice(
        (
            re.sub(r"[,;:.](?!\d)|['\u2019]", "", text),
            text.replace(", ", " - ").replace("'", "\u2019"),
            text.replace("\uff0c", " ").rstrip("\u3002") + "!",
            f"\u201c{text}\u201d",
        )
    )


def _figures(text: str, dice: random.Random) -> str:
    del dice
    for found, written in _WRITTEN:
        text = found.sub(written, text)
    return re.sub(r"\bQ([1-4])\b", lambda quarter: f"{_ORDINALS[int(quarter[1]) - 1]}-quarter", text)


_ORDINALS = ("first", "second", "third", "fourth")
_WRITTEN = (
    (re.compile(r"(\d)B\b"), r"\1 billion"),
    (re.compile(r"(\d)M\b"), r"\1 million"),
    (re.compile(r"(\d)%"), r"\1 percent"),
    (re.compile(r"(\$\d+)\.00\b"), r"\1"),
    (re.compile(r"\b(\d{1,3}),(\d{3})\b"), r"\1\2"),
)


def _reword(text: str, dice: random.Random) -> str:
    """Two words of trade exchanged for others, and the company's legal form left out."""
    left = 2
    for one, other in dice.sample(_SYNONYMS, len(_SYNONYMS)):
        text, done = re.subn(rf"(?i)\b{one}\b", other, text, count=1)
        left -= done
        if not left:
            break
    return re.sub(r",? (?:Inc|Corporation|Corp|Ltd)\b\.?", "", text)


_SYNONYMS = (
    ("raises", "lifts"),
    ("lowers", "cuts"),
    ("maintains", "reiterates"),
    ("reports", "posts"),
    ("announces", "unveils"),
    ("price target", "PT"),
    ("upgrades", "lifts rating on"),
    ("downgrades", "cuts rating on"),
    ("shares", "stock"),
    ("initiates coverage on", "starts coverage of"),
    ("sees", "expects"),
    ("beats", "tops"),
    ("misses", "falls short of"),
    ("sales", "revenue"),
    ("to acquire", "to buy"),
    ("falls", "drops"),
    ("rises", "climbs"),
    ("names", "appoints"),
    ("results", "earnings"),
    ("deal", "agreement"),
)


def _turn(text: str, dice: random.Random) -> str:
    del dice
    parts = re.fullmatch(r"(.{15,}?)(?:, | - |; )(.{15,})", text)
    if parts:
        return f"{parts[2]}, {parts[1]}"
    parts = re.fullmatch(r"(.{15,}) (on|after|as|amid|following) (.{12,})", text)
    return f"{parts[2].title()} {parts[3]}, {parts[1]}" if parts else text


def _other_figures(text: str, dice: random.Random) -> str:
    def other(found: re.Match[str]) -> str:
        figure = float(found[0]) * dice.uniform(1.08, 1.6)
        return f"{figure:.2f}" if "." in found[0] else str(round(figure + 1))

    return re.sub(r"(?<=\$)\d+(?:\.\d+)?|\d+(?:\.\d+)?(?=%|\u4ebf|\u4e07)", other, text)


def _other_quarter(text: str, dice: random.Random) -> str:
    turned = re.sub(r"\bQ([1-4])\b", lambda quarter: f"Q{int(quarter[1]) % 4 + 1}", text)
    return text if turned == text else _other_figures(turned, dice)


def _other_of(names: Sequence[str]) -> Rule:
    def exchange(text: str, dice: random.Random) -> str:
        name = next((name for name in names if name in text), None)
        return text if name is None else text.replace(name, dice.choice([n for n in names if n != name]))

    return exchange


_other_broker = _other_of(
    (
        "UBS",
        "Barclays",
        "Citigroup",
        "Deutsche Bank",
        "Goldman Sachs",
        "Morgan Stanley",
        "Jefferies",
        "Wells Fargo",
        "Credit Suisse",
        "Baird",
    )
)


def _other_broker_and_target(text: str, dice: random.Random) -> str:
    other = _other_broker(text, dice)
    return text if other == text else _other_figures(other, dice)


COPIES: dict[str, Rule] = {
    "end cut": _cut_end,
    "cut to a length": _cut_short,
    "start cut": _cut_start,
    "word dropped": _drop_word,
    "source": _source,
    "update": _update,
    "case": _case,
    "points": _points,
    "figures rewritten": _figures,
    "reworded": _reword,
    "clauses turned": _turn,
}
"""What a copy does to a headline; it gives back the same text where it does not apply."""

OTHERS: dict[str, Rule] = {
    "other figures": _other_figures,
    "other quarter": _other_quarter,
    "other broker": _other_broker,
    "other broker and target": _other_broker_and_target,
    "other day": _other_of(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")),
}
"""What makes another story of the same template."""
