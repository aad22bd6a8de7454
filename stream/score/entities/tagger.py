"""Finds the companies that a text names, in one pass over its words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Self

from stream.score.entities.codes import code_of, find_codes
from stream.score.entities.evidence import contradicted, is_the_rater, legal_end, supported
from stream.score.entities.table import Alias, CompanyTable, Guard
from stream.score.entities.unspaced import is_the_rater as is_the_chinese_rater
from stream.score.entities.unspaced import is_unspaced
from stream.score.entities.words import Words

MAX_MENTIONS = 16
BODY_CHARS = 2_000
"""How much of the body is searched."""

_PACKAGED = ("companies.csv", "names.csv", "a_shares.csv", "names_zh.csv")
_LATER_STEP, _LATER_LEAST = 0.05, 0.7
_BODY_RELEVANCE = 0.5
_RATER_RELEVANCE = 0.3

_LISTED = re.compile(
    r"\b(?:NASDAQ(?:GS|GM|CM)?|NYSE(?: ?(?:American|Arca|MKT))?|AMEX|CBOE|OTC(?:QB|QX|MKTS| Markets)?)"
    r"\s?:\s?([A-Z]{1,5}(?:[.\-/][A-Z])?)\b",
    re.IGNORECASE,
)
_TAG = re.compile(r"[A-Z0-9][A-Z0-9._/-]{0,31}")
_DIGITS = 6
"""So long is a Chinese share's code without its exchange."""
_CHINESE_VENUES = frozenset(
    {"", "SH", "SHA", "SSE", "SHSE", "XSHG", "SZ", "SHE", "SZSE", "XSHE", "BJ", "BSE", "BJSE"}
)
_VENUE = re.compile(r"\.(?:O|N|A|K|OQ|US|NYS|NAS)$")


@dataclass(frozen=True, slots=True)
class Mention:
    """A company that a text names.

    `start` and `end` are character offsets into the headline, or None where only the body or the publisher's
    tickers name it. `relevance` is in (0, 1].
    """

    id: str
    name: str
    start: int | None
    end: int | None
    relevance: float


@dataclass(slots=True)
class _Candidate:
    """A name found in the text, from word `first` up to `after`, and whether it is believed."""

    first: int
    after: int
    alias: Alias
    believed: bool
    refuted: bool


class CompanyTagger:
    """Names the companies in news. Keeps nothing in mind between two calls; safe to share between threads."""

    __slots__ = ("_table",)

    def __init__(self, table: CompanyTable) -> None:
        self._table = table

    @classmethod
    def default(cls, extra: Iterable[Path] = ()) -> Self:
        """The tagger with the packaged tables, and `extra` ones over them.

        Raises:
            UsageError: if a file of `extra` can't be read or a row is wrong; the text names file, line and fix.
        """
        data = resources.files("stream.score") / "data"
        with ExitStack() as stack:
            packaged = [stack.enter_context(resources.as_file(data / name)) for name in _PACKAGED]
            return cls.from_csv([*packaged, *extra])

    @classmethod
    def from_csv(cls, paths: Iterable[Path]) -> Self:
        """The tagger with only these tables, later ones over earlier ones; see `table` for their columns.

        Raises:
            UsageError: if a file can't be read or a row is wrong; the text names file, line and fix.
        """
        return cls(CompanyTable.from_csv(paths))

    def tag(self, headline: str, body: str | None, tickers: Sequence[str]) -> tuple[Mention, ...]:
        """The companies that the article names, at most 16, each once.

        Those of the headline come first, by their place in it, the first with relevance 1.0 and later ones a
        little less (0.3 for an analyst's house that speaks of another company); then those that only the
        publisher's `tickers` name, with 1.0; then those that only the body names, with 0.5.
        """
        published = list(dict.fromkeys(filter(None, map(self._published, tickers))))
        mentions: dict[str, Mention] = {}
        fresh = 1.0
        for company, start, end, rater in self._named(headline, published):
            if company in published:
                relevance = 1.0
            elif rater:
                relevance = _RATER_RELEVANCE
            else:
                relevance = max(fresh, _LATER_LEAST)
                fresh -= _LATER_STEP
            mentions[company] = Mention(
                company, self._table.name_of(company), start, end, round(relevance, 2)
            )
        for company in published:
            mentions.setdefault(company, Mention(company, self._table.name_of(company), None, None, 1.0))
        if body and len(mentions) < MAX_MENTIONS:
            for company, *_ in self._named(body[:BODY_CHARS], list(mentions)):
                name = self._table.name_of(company)
                mentions.setdefault(company, Mention(company, name, None, None, _BODY_RELEVANCE))
        return tuple(mentions.values())[:MAX_MENTIONS]

    def _published(self, ticker: str) -> str | None:
        """The id of a company that the publisher tagged; an unknown ticker is its own id."""
        venue, _, bare = (part.strip() for part in ticker.upper().rpartition(":"))
        bare = bare.lstrip("$")
        if not _TAG.fullmatch(bare):
            return None
        known = self._table.by_ticker(bare) or self._table.by_ticker(_VENUE.sub("", bare))
        code = code_of(bare) if venue in _CHINESE_VENUES else None
        if code is not None and (self._table.knows(code) or not bare.isdigit()):
            known = known or code
        return known or bare.replace("/", ".")

    def _named(self, text: str, believed: Sequence[str]) -> list[tuple[str, int, int, bool]]:
        """Each company of `text` at its first place: id, start, end, and whether it only rates another one."""
        words = Words(text)
        tags = [*self._cashtags(words), *self._listings(text), *self._codes(text)]
        given = {*believed, *(company for company, *_ in tags)}
        candidates = list(self._candidates(words, given))
        _believe_neighbours(words, candidates)
        found = [(company, start, end, False) for company, start, end in tags]
        for candidate in candidates:
            if candidate.believed:
                company, end = candidate.alias.id, legal_end(words, candidate.after)
                rater = is_the_rater(words, candidate.first, candidate.after, company)
                found.append((company, words.starts[candidate.first], words.ends[end - 1], rater))
        if is_unspaced(text):
            names = self._table.unspaced.find(text, given)
            for each in names:
                if each.believed:
                    rater = is_the_chinese_rater(text, each.start, each.end)
                    found.append((each.alias.id, each.start, each.end, rater))
        found.sort(key=lambda mention: mention[1])
        first: dict[str, tuple[str, int, int, bool]] = {}
        for mention in found:
            first.setdefault(mention[0], mention)
        return list(first.values())

    def _cashtags(self, words: Words) -> Iterator[tuple[str, int, int]]:
        if "$" not in words.text:
            return
        for i, word in enumerate(words.shown):
            if word[0] == "$":
                company = self._table.by_ticker(word[1:].upper())
                # A single small letter after a dollar sign is a sum's unit or a slip, no ticker.
                if company is not None and (word[2:] or word.isupper()):
                    yield company, words.starts[i], words.ends[i]

    def _listings(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Tickers with their exchange, as in "(NASDAQ: AAPL)"; an unknown one is its own id."""
        if ":" not in text:
            return
        for match in _LISTED.finditer(text):
            ticker = match[1]
            if ticker.isupper():
                yield self._table.by_ticker(ticker) or ticker.replace("/", "."), match.start(1), match.end(1)

    def _codes(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Codes of Chinese shares that the table knows; six digits alone only in a Chinese text."""
        for code, start, end in find_codes(text):
            if self._table.knows(code) and (end - start > _DIGITS or is_unspaced(text)):
                yield code, start, end

    def _candidates(self, words: Words, given: set[str]) -> Iterator[_Candidate]:
        """The names in the text, longest first, not overlapping, each judged by itself."""
        i, longest_at = 0, self._table.longest_at
        while i < len(words):
            found = longest_at(words, i)
            if found is None:
                i += 1
                continue
            j, alias = found
            refuted = alias.guard is Guard.TAGGED or contradicted(words, i, j, alias)
            believed = not contradicted(words, i, j, alias) and (
                alias.id in given or supported(words, i, j, alias)
            )
            yield _Candidate(i, j, alias, believed, refuted)
            i = j


def _believe_neighbours(words: Words, candidates: list[_Candidate]) -> None:
    """Believes a name that stands in a list beside one that is believed: "Walmart, Target and Gap"."""
    for row in (candidates, candidates[::-1]):
        for known, other in pairwise(row):
            if known.believed and not other.believed and not other.refuted:
                left, right = (known, other) if known.first < other.first else (other, known)
                between = words.text[words.ends[left.after - 1] : words.starts[right.first]].casefold()
                other.believed = between in {", ", " and ", " & ", ", and ", "/", " vs ", " vs. ", " or "}
