"""Where the words of the invented day come from, and how a phrase becomes a text.

A phrase holds slots and choices: in `{co} [tops|beats] forecasts on {driver}` the slots are filled from the
word lists or with a number, and one of the choices is taken.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from stream.demo.dice import Dice

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_ORDINALS = ("third", "fourth", "fifth", "sixth", "seventh")
_RUN = 4

Words = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Company:
    """A company of the invented market; `id` is its ticker."""

    id: str
    name: str
    aliases: tuple[str, ...]
    sector: str

    @property
    def short(self) -> str:
        """What people call it."""
        return self.aliases[0] if self.aliases else self.name


@dataclass(frozen=True, slots=True)
class Phrase:
    """A headline to be, and the companies it suits; no sectors means all."""

    text: str
    topic: str
    mood: str
    sectors: tuple[str, ...] = ()

    def suits(self, company: Company | None) -> bool:
        """Whether it can be said of `company`."""
        return not self.sectors or (company is not None and company.sector in self.sectors)


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """The headlines of one scope, the sentences that may follow them by mood, and words of its own."""

    phrases: tuple[Phrase, ...]
    sentences: Mapping[str, tuple[str, ...]]
    words: Words = field(default_factory=dict)


def load(name: str) -> dict[str, Any]:
    """One of the TOML files in `stream/demo/data`."""
    return tomllib.loads((files("stream.demo") / "data" / name).read_text(encoding="utf-8"))


def load_phrasebook(name: str) -> Phrasebook:
    """The phrases of `company.toml` or `market.toml`."""
    read = load(name)
    phrases = tuple(
        Phrase(line, group["topic"], group["mood"], tuple(group.get("sectors", ())))
        for group in read["set"]
        for line in group["lines"]
    )
    sentences = {group["mood"]: tuple(group["lines"]) for group in read["body"]}
    return Phrasebook(phrases, sentences, read.get("words", {}))


def load_companies() -> tuple[Company, ...]:
    """The companies of the invented market, as the alias table for `CompanyTagger` lists them."""
    lines = (files("stream.demo") / "data" / "companies.csv").read_text(encoding="utf-8").splitlines()
    return tuple(
        Company(row["id"], row["name"], tuple(filter(None, row["aliases"].split("|"))), row["sector"])
        for row in csv.DictReader(lines)
    )


class Filling:
    """Fills the slots of one story. A slot keeps its filling, so that the body speaks of the headline's people."""

    def __init__(self, dice: Dice, words: Iterable[Words], company: Company | None = None) -> None:
        self._dice = dice
        self._words: dict[str, Sequence[str]] = {}
        for some in words:
            self._words |= some
        self._filled: dict[str, str] = {}
        if company is not None:
            named = company.name if dice.happens(60) else company.short
            self._filled |= {"co": named, "short": company.short, "tk": f"${company.id}"}

    def say(self, phrase: str) -> str:
        """`phrase` as a text that begins with a capital."""
        text = _CHOICE.sub(lambda found: self._dice.pick(found[1].split("|")), phrase)
        text = _SLOT.sub(lambda found: self._fill(found[1]), text)
        return text[:1].upper() + text[1:]

    def _fill(self, slot: str) -> str:
        if slot not in self._filled:
            number = _NUMBERS.get(slot)
            self._filled[slot] = number(self._dice) if number else self._dice.pick(self._words[slot])
        return self._filled[slot]


def shingles(text: str) -> frozenset[str]:
    """The runs of four characters of `text`."""
    folded = f" {text.lower()} "
    return frozenset(folded[place : place + _RUN] for place in range(len(folded) - _RUN + 1))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """How much two sets of shingles share, from 0 to 1: their Jaccard similarity."""
    return len(one & other) / len(one | other)


_NUMBERS: Mapping[str, Callable[[Dice], str]] = {
    "pct": lambda dice: f"{dice.between(1, 6)}.{dice.between(1, 9)}%",
    "bigpct": lambda dice: f"{dice.between(12, 38)}%",
    "money": lambda dice: f"${dice.between(20, 79) * 10} million",
    "bn": lambda dice: f"${dice.between(1, 6)}.{dice.between(1, 9)} billion",
    "eps": lambda dice: f"${dice.between(0, 3)}.{dice.between(11, 98)}",
    "cents": lambda dice: f"{dice.between(12, 94)} cents a share",
    "price": lambda dice: f"${dice.between(61, 190)}",
    "price2": lambda dice: f"${dice.between(24, 59)}",
    "jobs": lambda dice: f"{dice.between(2, 48) * 100:,}",
    "sqft": lambda dice: f"{dice.between(20, 79) * 1000:,}",
    "nth": lambda dice: dice.pick(_ORDINALS),
}
"""The figures of a story. Where "a" stands before one, it begins with no vowel's sound. `price2` is the lower."""
