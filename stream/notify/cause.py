"""Whether two alerts have one cause: their series are the same or akin, and they stand on the same articles.

An article is known by its id, and by its headline too: of a story that was copied, each series may have counted
another copy first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from hashlib import blake2b

from stream.events import MARKET, Alert, Evidence

_SHORTEST_TEXT = 16
"""A headline with fewer characters ("Market update") may stand over many stories."""

_PEERS_SHARE = 0.5


def closeness(series: str) -> int:
    """How specific a series is: the market 0, a topic 1, a company 2, a company's topic 3."""
    if series == MARKET:
        return 0
    if "/" in series:
        return 3
    return 2 if series.startswith("company:") else 1


def articles_of(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    """What the articles are known by: each one's id, and its headline where that is long enough."""
    found: dict[str, None] = {}
    for each in evidence:
        found[each.news_id] = None
        if (text := _text(each)) is not None:
            found[text] = None
    return tuple(found)


def shared(alert: Alert, articles: Collection[str]) -> int:
    """How many articles of the alert's evidence are among `articles`, which `articles_of` gave."""
    return sum(1 for each in alert.evidence if each.news_id in articles or _text(each) in articles)


def is_one_cause(alert: Alert, lead: Alert, lead_articles: Collection[str]) -> bool:
    """Whether `alert` belongs to what `lead` leads; `lead_articles` is all that ever stood in its evidence.

    The market, a topic and a company's own topics are wider or narrower views of the same news: one article in
    common is enough. Two companies, or two topics, are peers that a single article may name together: at least
    half of the smaller evidence must be the same.
    """
    if alert.series == lead.series:
        return True
    common = shared(alert, lead_articles)
    if common == 0:
        return False
    if _are_akin(alert.series, lead.series):
        return True
    return common >= _PEERS_SHARE * min(len(alert.evidence), max(len(lead.evidence), 1))


def is_part(one: str, other: str) -> bool:
    """Whether one is a company, the other the same company and a topic: the first counts all of the second."""
    return one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _are_akin(one: str, other: str) -> bool:
    """Whether one is a wider view of the other."""
    wide, narrow = sorted((one, other), key=closeness)
    if closeness(wide) == closeness(narrow):
        return False
    if closeness(wide) == closeness("company:"):
        return narrow.startswith(f"{wide}/")
    return True


def _text(article: Evidence) -> str | None:
    words = " ".join(re.findall(r"\w+", article.headline.casefold()))
    if len(words) < _SHORTEST_TEXT:
        return None
    return f"text:{blake2b(words.encode(), digest_size=8).hexdigest()}"
