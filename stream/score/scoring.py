"""A news item, the model's answer and the companies become what is said of each series."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from models.scorer import Answer
from models.tasks import slug
from stream.events import (
    MARKET,
    EntityScore,
    NameInHeadline,
    NewsItem,
    ScoredNews,
    Sentiment,
    Signal,
    TopicScore,
    Withdrawal,
)
from stream.score.entities import Mention

BODY_CHARS = 400
"""How much of the body the model reads: leads say what happened, and more would only cost time."""

SHOWN_FROM, SHOWN_MOST = 0.1, 3
"""Topics below this probability, and beyond this many, are not written."""

COUNTED_FROM = 0.5
"""A topic at least this probable gets a signal of its own."""

_DIGITS = 6
_MAX_SERIES = 256
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def model_text(item: NewsItem) -> str:
    """What the model reads of `item`: the headline and, on the next line, the beginning of the body."""
    lead = " ".join((item.body or "")[: 2 * BODY_CHARS].split())
    if lead.startswith(item.headline):
        lead = lead[len(item.headline) :].lstrip(" .:-\u2013\u2014|")
    if not lead:
        return item.headline
    if len(lead) > BODY_CHARS:
        lead = lead[:BODY_CHARS].rpartition(" ")[0] or lead[:BODY_CHARS]
    return f"{item.headline}\n{lead}"


def places_of(mentions: Sequence[Mention]) -> tuple[tuple[int, int], ...]:
    """Where the headline names the companies: what the model is asked about, in the order of `mentions`."""
    return tuple(
        (mention.start, mention.end)
        for mention in mentions
        if mention.start is not None and mention.end is not None
    )


def towards_each(
    answer: Answer, mentions: Sequence[Mention]
) -> Iterator[tuple[Mention, tuple[float, float, float] | None]]:
    """Each company with the sentiment towards it, where `answer` has one: answers go to `places_of(mentions)`."""
    told = iter(answer.entities)
    for mention in mentions:
        asked = mention.start is not None and mention.end is not None
        yield mention, next(told, None) if asked else None


def make_scored(
    item: NewsItem,
    answer: Answer,
    mentions: Sequence[Mention],
    *,
    fingerprint: str,
    release: str,
    received_at: datetime,
    scored_at: datetime,
) -> ScoredNews:
    """`item` with the model's answer, the companies it names and the fingerprint of its headline.

    A company that the headline names carries the sentiment towards itself, as far as the model tells it; any other
    one that of the whole text. `answer.entities` are the answers to `places_of(mentions)`. Probabilities are
    rounded to six digits, so that the JSON is short and the same on every machine; the three classes still sum to
    1 within 0.00001.
    """
    sentiment = _sentiment_of(answer.sentiment)
    entities = []
    for mention, told in towards_each(answer, mentions):
        own = _sentiment_of(told) if told else sentiment
        entities.append(
            EntityScore(
                id=mention.id,
                name=mention.name,
                start=mention.start,
                end=mention.end,
                relevance=mention.relevance,
                sentiment=own,
                score=_score_of(own),
            )
        )
    return ScoredNews(
        **{name: getattr(item, name) for name in NewsItem.model_fields},
        model=release,
        sentiment=sentiment,
        score=_score_of(sentiment),
        topics=_topics_of(answer),
        entities=tuple(entities),
        names=names_besides(item.headline, answer, mentions),
        fingerprint=fingerprint,
        received_at=received_at,
        scored_at=scored_at,
    )


_KINDS: dict[str, Literal["organisation", "person", "place"]] = {
    "ORG": "organisation",
    "PER": "person",
    "LOC": "place",
}
_MOST_NAMES = 16


def names_besides(headline: str, answer: Answer, mentions: Sequence[Mention]) -> tuple[NameInHeadline, ...]:
    """What the model took for names in the headline besides the companies that the tables know, each once."""
    known = places_of(mentions)
    told: dict[tuple[str, str], NameInHeadline] = {}
    for found in answer.mentions:
        if found.end > len(headline) or any(found.start < end and found.end > start for start, end in known):
            continue
        name = headline[found.start : found.end].removesuffix("'s").removesuffix("\u2019s")
        kind = _KINDS[found.kind]
        told.setdefault(
            (kind, name.casefold()),
            NameInHeadline(kind=kind, name=name, start=found.start, end=found.start + len(name)),
        )
    return tuple(told.values())[:_MOST_NAMES]


def signals_of(scored: ScoredNews) -> tuple[Signal, ...]:
    """What `scored` says of each series it speaks of, the market first; nothing where it withdraws an article.

    The market's signal weighs 1, a company's as much as the company matters in the text, a topic's as much as
    it is probable, and that of a company's likeliest topic the product of both. A company's signals tell the
    sentiment towards the company, the others that of the text.
    """
    if scored.status == "withdrawn":
        return ()
    topics = [(slug(topic.label), topic.probability) for topic in scored.topics]
    companies = {_safe(entity.id): entity for entity in reversed(scored.entities) if entity.kind == "company"}
    # Reversed twice: of two entities whose ids look the same once made safe, the first one counts.
    companies = dict(reversed(companies.items()))
    certain = [(name, p) for name, p in topics if name and p >= COUNTED_FROM]
    said: dict[str, tuple[float, ScoredNews | EntityScore]] = {
        f"company:{company}": (entity.relevance, entity) for company, entity in companies.items()
    }
    said |= {f"topic:{name}": (p, scored) for name, p in certain}
    if certain:
        name, p = max(certain, key=lambda topic: topic[1])
        said |= {
            f"company:{company}/topic:{name}": (entity.relevance * p, entity)
            for company, entity in companies.items()
        }
    market = _signal(scored, MARKET, 1.0, scored).model_copy(
        update={"companies": tuple(companies), "topics": tuple(name for name, _ in topics)}
    )
    return market, *(_signal(scored, series[:_MAX_SERIES], *told) for series, told in said.items())


def withdrawal_of(item: NewsItem) -> Withdrawal | None:
    """The control record that takes an article back, where `item` withdraws one."""
    if item.status != "withdrawn" or item.revises is None:
        return None
    return Withdrawal(news_id=item.id, withdraws=item.revises, published_at=item.published_at)


def _signal(scored: ScoredNews, series: str, weight: float, told: ScoredNews | EntityScore) -> Signal:
    # Made of checked parts, so not checked again: it is made for every series of every article.
    return Signal.model_construct(
        series=series,
        news_id=scored.id,
        published_at=scored.published_at,
        source=scored.source,
        status=scored.status,
        revises=scored.revises,
        weight=max(round(weight, _DIGITS), 10**-_DIGITS),
        fingerprint=scored.fingerprint,
        sentiment=told.sentiment,
        score=told.score,
        headline=scored.headline,
        url=scored.url,
        model=scored.model,
    )


def _sentiment_of(told: tuple[float, float, float]) -> Sentiment:
    negative, neutral, positive = (_probability(p) for p in told)
    return Sentiment(negative=negative, neutral=neutral, positive=positive)


def _score_of(sentiment: Sentiment) -> float:
    return round(sentiment.positive - sentiment.negative, _DIGITS)


def _topics_of(answer: Answer) -> tuple[TopicScore, ...]:
    """The topics worth writing, likeliest first."""
    likely = sorted(answer.topics, key=lambda topic: -topic[1])[:SHOWN_MOST]
    return tuple(
        TopicScore(label=label, probability=_probability(p)) for label, p in likely if p >= SHOWN_FROM
    )


def _probability(p: float) -> float:
    """`p` rounded; a softmax in 32 bits may pass 1 by a hair."""
    return min(1.0, max(0.0, round(float(p), _DIGITS)))


def _safe(name: str) -> str:
    """`name` with only the characters that are safe in series, metrics and file names."""
    return _UNSAFE.sub("_", name)[:64] or "_"
