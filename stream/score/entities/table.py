"""Who there is and what each is called: the alias table, read from CSV files.

A file has a header and one row for each company, or several for one:

    id       the primary ticker, such as BRK.B; what the company is called in series
    name     how it is shown; may be empty where an earlier row of the same id gave it
    tickers  further tickers of the same company, separated by |: other share classes, former ones
    aliases  names that mean the company wherever they stand capitalised, separated by |
    words    names that are ordinary words too (Apple, Target): they need evidence in the text
    names    names that people or places have too (Ford, Dover): evidence, and a capital letter is none
    tagged   names that count only with Inc or the like, or where a ticker says so too (Dow)
    unless   words beside any of the row's names that show that another thing is meant, separated by |:
             "price" on either side, "profit ~" only before the name, "~ range" only after it

Names in Chinese characters have no blanks around them: they are looked for at every place of a text, `words` and
`names` mean the same there, and `unless` are characters right after the name or, as "profit ~", right before it.

Only `id` and `name` are needed. A file without any of the four columns of names gives each company its name less
its legal suffix. Later rows and files add to a company and take a name or ticker over from an earlier one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from stream.errors import UsageError
from stream.score.entities.unspaced import UnspacedNames, is_unspaced
from stream.score.entities.words import Words, fold, word_set

COLUMNS = ("id", "name", "tickers", "aliases", "words", "names", "tagged", "unless")

LEGAL = word_set(
    "inc incorporated corp corporation co company cos companies ltd limited plc llc lp llp nv sa ag se"
    " spa asa ab oyj adr holdings holding group bancorp trust"
)
"""Words that show that a company is meant when they follow a name."""

_ENDINGS = LEGAL - {"bancorp", "trust"} | {"the"}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_NOTE = re.compile(r"\s*(?:[/\\] ?\w{0,5}[/\\]?|\([^)]*\))$")
MAX_ALIAS_WORDS = 8
_ACRONYM = 3
"""Names in capitals up to this length count only in capitals; longer ones are also written as words (Nvidia)."""


class Guard(IntEnum):
    """What it takes, besides a capital letter, for a name to mean the company."""

    SURE = 0
    WORD = 1
    NAME = 2
    TAGGED = 3


_GUARDS = {"aliases": Guard.SURE, "words": Guard.WORD, "names": Guard.NAME, "tagged": Guard.TAGGED}


@dataclass(frozen=True, slots=True)
class Alias:
    """One name of a company: its words as they are written, and what it takes to believe it.

    Right after a word of `not_after`, or right before one of `not_before`, another thing is meant.
    """

    id: str
    shown: tuple[str, ...]
    guard: Guard
    not_after: frozenset[str] = frozenset()
    not_before: frozenset[str] = frozenset()

    @property
    def is_sure(self) -> bool:
        """Whether the name alone is enough."""
        return self.guard is Guard.SURE

    @property
    def needs_tag(self) -> bool:
        """Whether nothing but a legal form or a ticker makes the name mean the company."""
        return self.guard is Guard.TAGGED


class CompanyTable:
    """Companies by alias and by ticker. Looking up costs the same however many there are.

    Attributes:
        unspaced: the names in Chinese characters.
    """

    __slots__ = ("_aliases", "_longest", "_names", "_tickers", "unspaced")

    def __init__(self) -> None:
        self.unspaced = UnspacedNames()
        self._aliases: dict[str, Alias] = {}
        self._longest: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._tickers: dict[str, str] = {}

    @classmethod
    def from_csv(cls, paths: Iterable[Path]) -> CompanyTable:
        """The table of all files, later ones over earlier ones.

        Raises:
            UsageError: if a file can't be read or a row is wrong; the text names file, line and fix.
        """
        table = cls()
        for path in paths:
            try:
                with path.open(encoding="utf-8-sig", newline="") as lines:
                    table._read(path, csv.DictReader(lines))
            except OSError as error:
                raise UsageError(
                    f"{path}: {error.strerror}: give a company table that can be read"
                ) from error
            except (UnicodeDecodeError, csv.Error) as error:
                raise UsageError(f"{path}: {error}: save the company table as CSV in UTF-8") from error
        return table

    def name_of(self, company: str) -> str:
        """How the company is shown; its id where the table has no name for it."""
        return self._names.get(company, company)

    def knows(self, company: str) -> bool:
        """Whether the table has a company with this id."""
        return company in self._names

    def by_ticker(self, ticker: str) -> str | None:
        """The id of the company with this ticker, in capitals; classes may be written BRK.B, BRK-B or BRK/B."""
        return self._tickers.get(ticker.replace("-", ".").replace("/", "."))

    def longest_at(self, words: Words, i: int) -> tuple[int, Alias] | None:
        """The longest name that begins with word `i`, with the place of the word after it."""
        first = words.keys[i]
        longest = self._longest.get(first)
        if longest is None or (first[0].isdigit() and words.ends_figure(i)):
            # The end of a figure, such as the 3M of $1.3M, is no name.
            return None
        for j in range(min(i + longest, len(words)), i, -1):
            alias = self._aliases.get(" ".join(words.keys[i:j]) if j - i > 1 else first)
            if alias is not None and _fits(alias.shown, words.shown[i:j]) and words.joined(i, j):
                return j, alias
        return None

    def _read(self, path: Path, rows: csv.DictReader[str]) -> None:
        header = rows.fieldnames or ()
        missing = {"id", "name"} - set(header)
        if missing:
            raise UsageError(
                f"{path}, line 1: no column {' and '.join(sorted(missing))}: "
                f"begin with a header of {','.join(COLUMNS)}"
            )
        named = not _GUARDS.keys().isdisjoint(header)
        for row in rows:
            try:
                self._add(row, named=named)
            except ValueError as error:
                raise UsageError(f"{path}, line {rows.line_num}: {error}") from None

    def _add(self, row: Mapping[str | None, str | None], *, named: bool) -> None:
        """Takes in one row; a ValueError says what is wrong with it and the fix."""
        if None in row:
            raise ValueError("more fields than the header has: put fields that hold commas in double quotes")
        cells = {column: (row.get(column) or "").strip() for column in COLUMNS}
        company = cells["id"].upper()
        if not _ID.fullmatch(company):
            raise ValueError(f"id is {cells['id']!r}: give a ticker of letters, digits, dots and hyphens")
        name = cells["name"]
        if not name and company not in self._names:
            raise ValueError(f"name is empty: give the name of {company}")
        if name:
            self._names[company] = name
        for ticker in (company, *_split(cells["tickers"])):
            self._tickers[ticker.upper().replace("-", ".")] = company
        unless = _split(cells["unless"])
        for column, guard in _GUARDS.items():
            for text in _split(cells[column]):
                self._call(company, text, guard, unless)
        if not named:
            self._call(company, short_name(name), Guard.SURE, unless)

    def _call(self, company: str, text: str, guard: Guard, unless: Sequence[str]) -> None:
        if is_unspaced(text):
            self.unspaced.add(text, _alias(company, (text,), guard, unless))
            return
        words = Words(text)
        if not 0 < len(words) <= MAX_ALIAS_WORDS:
            raise ValueError(f"the name {text!r} has {len(words)} words: give 1 to {MAX_ALIAS_WORDS}")
        first = words.keys[0]
        self._aliases[" ".join(words.keys)] = _alias(company, words.shown, guard, unless)
        self._longest[first] = max(self._longest.get(first, 0), len(words))


def short_name(name: str) -> str:
    """`name` as news write it: without notes in brackets and legal endings ("Apple Inc." is "Apple")."""
    bare = name
    while (cut := _NOTE.sub("", bare)) != bare:
        bare = cut
    parts = bare.replace(",", " ").split()
    if len(parts) > 1 and parts[0].casefold() == "the":
        parts = parts[1:]
    while len(parts) > 1 and (fold(parts[-1]).replace(".", "") in _ENDINGS or parts[-1] == "&"):
        parts.pop()
    return " ".join(parts)


def _alias(company: str, shown: Sequence[str], guard: Guard, unless: Sequence[str]) -> Alias:
    not_after = frozenset(fold(word.rstrip("~ ")) for word in unless if not word.startswith("~"))
    not_before = frozenset(fold(word.lstrip("~ ")) for word in unless if not word.endswith("~"))
    return Alias(company, tuple(shown), guard, not_after, not_before)


def _split(cell: str) -> Sequence[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def _fits(alias: Sequence[str], shown: Sequence[str]) -> bool:
    """Whether the words are capitalised as the name is: acronyms in full, other words at their beginning."""
    for known, word in zip(alias, shown, strict=True):
        if word == known or not known[0].isupper():
            continue
        acronym = known.isupper() and 1 < len(known) <= _ACRONYM
        if not (word.isupper() if acronym else word[0].isupper()):
            return False
    return True
