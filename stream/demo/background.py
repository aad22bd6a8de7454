"""The quiet part of the day: news as it comes on any day, spread so evenly that nothing surges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from stream.demo.dice import Dice
from stream.demo.phrases import (
    Company,
    Filling,
    Phrase,
    Phrasebook,
    Words,
    likeness,
    load,
    load_phrasebook,
    shingles,
)
from stream.demo.wire import Draft, Newsroom


class Allowed(Protocol):
    """Says whether a company may have quiet news at a time."""

    def __call__(self, company: Company, at: datetime) -> bool:
        """Whether `company` may have quiet news at `at`."""
        ...


_MARKET_WIDE = 20  # of a hundred stories
_NEGATIVE, _POSITIVE = 17, 42  # of a hundred: below the first negative, then below the second positive
_WITH_BODY = 55
_TRIES = 4
_TOO_LIKE = 0.45


class _Carousel:
    """Deals the same items again and again in one order, so that each comes equally often and evenly spread."""

    def __init__(self, items: Sequence[Company]) -> None:
        self._items = list(items)

    def take(self, fits: Callable[[Company], bool]) -> Company:
        """The item that has waited longest among those that fit."""
        place = next(place for place, item in enumerate(self._items) if fits(item))
        item = self._items.pop(place)
        self._items.append(item)
        return item


class _Desk:
    """Writes headlines of one scope and remembers them: no two of a kind may sound alike."""

    def __init__(self, book: Phrasebook, dice: Dice) -> None:
        self._book = book
        self._dice = dice
        self._lines = {
            mood: dice.shuffled([phrase for phrase in book.phrases if phrase.mood == mood])
            for mood in book.sentences
        }
        self._told: dict[Phrase, list[frozenset[str]]] = {}
        self._used: dict[str, set[Phrase]] = {}
        self._said: dict[str, list[frozenset[str]]] = {}

    def write(self, mood: str, words: Sequence[Words], company: Company | None) -> tuple[str, str | None]:
        """A headline and perhaps a body, unlike what was said before in this phrase or of this company."""
        about = company.id if company else ""
        used, said = self._used.setdefault(about, set()), self._said.setdefault(about, [])
        for phrase in [line for line in self._lines[mood] if line.suits(company)]:
            if company is not None and phrase in used:
                continue
            # Said or not, it goes to the end: what found no new words now will hardly find them for the next.
            self._lines[mood].remove(phrase)
            self._lines[mood].append(phrase)
            told = self._told.setdefault(phrase, [])
            for _ in range(_TRIES):
                filling = Filling(self._dice, (*words, self._book.words), company)
                headline = filling.say(phrase.text)
                runs = shingles(headline)
                if all(likeness(runs, earlier) <= _TOO_LIKE for earlier in (*told, *said)):
                    told.append(runs)
                    said.append(runs)
                    used.add(phrase)
                    return headline, self._body(mood, filling)
        raise AssertionError(f"too few {mood} phrases for {company}: add some to the data files")

    def _body(self, mood: str, filling: Filling) -> str | None:
        if not self._dice.happens(_WITH_BODY):
            return None
        pool = self._book.sentences[mood]
        chosen = self._dice.shuffled(pool)[: self._dice.between(1, 2)]
        return " ".join(filling.say(sentence) for sentence in chosen)


def write_background(
    count: int,
    opens: datetime,
    lasts: timedelta,
    companies: Sequence[Company],
    allowed: Allowed,
    room: Newsroom,
    dice: Dice,
) -> list[Draft]:
    """`count` quiet stories spread over the day.

    Moods, scopes and companies take turns instead of being drawn, since a real draw would now and then bunch bad
    news up, and that is what the day must not have outside its run.
    """
    words = load("words.toml")
    desks = {
        True: _Desk(load_phrasebook("company.toml"), dice),
        False: _Desk(load_phrasebook("market.toml"), dice),
    }
    turns = {mood: _Carousel(dice.shuffled(companies)) for mood in ("negative", "neutral", "positive")}
    stories = []
    for number in range(count):
        at = opens + (number * 1000 + dice.below(1000)) * lasts / (count * 1000)
        mood = _mood_of(number)
        company = None
        if number * 7549 % 10007 * 100 >= _MARKET_WIDE * 10007:
            company = turns[mood].take(partial(allowed, at=at))
        own = words[company.sector] if company else {}
        headline, body = desks[company is not None].write(mood, (words["common"], own), company)
        stories.append(room.breaks(_to_seconds(at), headline, body, company, mood))
    return stories


def _mood_of(number: int) -> str:
    """The mood of the story of that number. Multiples of the golden ratio fill every stretch evenly."""
    place = number * 6180 % 9973 * 100 // 9973
    return "negative" if place < _NEGATIVE else "positive" if place < _POSITIVE else "neutral"


def _to_seconds(at: datetime) -> datetime:
    return at.replace(microsecond=0)
