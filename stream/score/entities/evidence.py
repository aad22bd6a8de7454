"""Whether a name that is also an ordinary word means the company, by the words beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stream.score.entities.table import Alias, Guard
from stream.score.entities.vocabulary import (
    BETWEEN,
    DONE,
    FORMS,
    HELD_OF,
    HOUSES,
    INTENDED,
    KINDS,
    MOVES,
    OPENERS,
    OWNED,
    RATED,
    RATED_BY,
    RATES,
)
from stream.score.entities.words import Style, Words

_PERCENT = re.compile(r"\d ?%|percent|pct|\bafter\b|\bon\b", re.IGNORECASE)
_RANGE = 3


def contradicted(words: Words, i: int, j: int, alias: Alias) -> bool:
    """Whether a word beside the name shows that another thing is meant, as "price" does beside Target."""
    return words.key(j) in alias.not_before or words.key(i - 1) in alias.not_after


def supported(words: Words, i: int, j: int, alias: Alias) -> bool:
    """Whether the text shows that the name from `i` up to `j` means the company, as far as `alias` needs it."""
    if alias.guard is Guard.SURE or legal_end(words, j) > j:
        return True
    if alias.guard is Guard.TAGGED:
        return False
    return (
        _is_followed_by_business(words, j)
        or _follows_business(words, i, j)
        or _is_rated(words, i, j)
        or (alias.guard is Guard.WORD and _stands_out(words, i, j))
    )


def is_the_rater(words: Words, i: int, j: int, company: str) -> bool:
    """Whether the name is that of the analyst's house in a headline about what it thinks of another company."""
    if company not in HOUSES or not _speaks_of_rating(words.keys):
        return False
    rates = words.opens_sentence(i) and words.key(words.after_possessive(j)) in RATES
    rated_by = words.key(i - 1) in {"at", "by"} and not RATED_BY.isdisjoint(words.keys)
    return rates or rated_by or (words.key(j) == "says" and j + 1 == len(words))


def legal_end(words: Words, j: int) -> int:
    """Where a name that ends before `j` ends with the legal form after it; `j` where it has none."""
    if j < len(words) and words.shown[j] in FORMS and words.gap(j) in {" ", ", "}:
        return j + 1
    if words.key(j) == "&" and j + 1 < len(words) and words.shown[j + 1] in {"Co", "Company"}:
        return j + 2
    return j


def _speaks_of_rating(keys: Sequence[str]) -> bool:
    return "target" in keys or not RATED.isdisjoint(keys)


def _is_followed_by_business(words: Words, j: int) -> bool:
    if words.opens_sentence(j) and j < len(words):
        # "Gap: Shares plunge" still speaks of Gap, "the gap. Shares plunge" does not.
        return words.gap(j).startswith(":") and words.key(j) in OWNED
    k = words.after_possessive(j)
    after, then = words.key(k), words.key(k + 1)
    acts = after in DONE or (after == "to" and then in INTENDED) or (after == "a" and then in {"buy", "sell"})
    moves = after in MOVES and _PERCENT.search(words.text, words.ends[k]) is not None
    return acts or moves or _has_business(words, k)


def _has_business(words: Words, k: int) -> bool:
    """Whether what a company has comes at `k`, or soon after it with only qualifying words between."""
    for place in range(k, k + _RANGE):
        if words.key(place) in OWNED:
            return True
        if words.key(place) not in BETWEEN:
            return False
    return False


def _follows_business(words: Words, i: int, j: int) -> bool:
    before = words.key(i - 1)
    if not before or words.opens_sentence(i):
        return False
    if before in {"buy", "sell"}:
        return j == len(words) or words.gap(j)[:1] in {",", ";", "."}
    return before in KINDS or (before in {"of", "in"} and words.key(i - 2) in HELD_OF)


def _is_rated(words: Words, i: int, j: int) -> bool:
    """Whether the name stands where a headline about analysts names the company: "... Buy on Target, ..."."""
    if words.key(i - 1) not in {"on", "for"} or not _speaks_of_rating(words.keys[:i]):
        return False
    return (
        j == len(words)
        or words.gap(j)[:1] in {",", ";", "(", "."}
        or words.key(j) in {"at", "to", "with", "after"}
    )


def _stands_out(words: Words, i: int, j: int) -> bool:
    """Whether the name is capitalised where an ordinary word would not be, and is no part of a longer name."""
    if words.style is not Style.SENTENCE or words.opens_sentence(i):
        # What opens a sentence is capitalised anyway; a second word tells, if the name has one.
        return words.style is Style.SENTENCE and any(words.capitalised(k) for k in range(i + 1, j))
    if words.capitalised(j) and words.gap(j) == " ":
        return False
    # "Golden Visa" and "On Target" may open a sentence; "Why Visa" speaks of the company.
    alone = words.opens_sentence(i - 1) and words.keys[i - 1] in OPENERS
    return alone or words.gap(i) != " " or not words.capitalised(i - 1)
