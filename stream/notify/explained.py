"""What is asked of the model about a notification, and what is told of its answer.

The first article of the leading alert is explained: of the score towards the company that the series is of, where
its headline names it, else of the whole headline's. An alert carries headlines and no more, so a score that also
heard the body may be another one; `Explanation.score` says which was explained.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from models.explain import Explanation as Found
from stream.events import Alert, Explanation, MovedWord, Notification
from stream.notify.owed import Wishes

LONGEST_WAIT = timedelta(seconds=5)
"""How long a notification may wait for its explanation."""

MOST_CHARS = 500
"""Of a longer headline only so much is explained."""

_MOST_WORDS, _LONGEST_WORD = 5, 40
_LEAST_SHIFT = 0.01
"""Words that move the score by less are not told: a person would read 0.00."""

_AROUND = "\"'.,;:!?()[]\u201c\u201d\u2018\u2019\u3002\uff0c\uff1a\uff1b\uff01\uff1f"
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Question:
    """An article's text, and the company whose score is meant, if one is."""

    news_id: str
    text: str
    company: str | None


class Explains(Protocol):
    """Who asks the model, as the pipeline sees it; `stream.explainer.Explainer` is one."""

    def ready(self, lead: Alert) -> bool:
        """Whether there is nothing to wait for: it is known, or can't be had. The first call asks. Never waits."""
        ...

    def of(self, lead: Alert) -> Explanation | None:
        """What is known now of the alert's first article."""
        ...


def question_of(lead: Alert) -> Question | None:
    """What to ask about the alert's first article; None where it has none."""
    if not lead.evidence:
        return None
    first = lead.evidence[0]
    kind, _, name = lead.series.partition("/")[0].partition(":")
    return Question(first.news_id, first.headline[:MOST_CHARS], name if kind == "company" else None)


def may_wait(notification: Notification, wishes: Wishes) -> bool:
    """Whether a notification is put off until its explanation is there.

    Not where it says that something is over or looked after: that is no news of an article. And not where the sink
    must hear again in time that an alert is open; it is told again soon, and gets the explanation then.
    """
    if notification.why == "first":
        return True
    return notification.why in {"graver", "reminder"} and wishes.refresh is None


def is_explained(notification: Notification) -> bool:
    """Whether an explanation belongs into it: not where the news behind the alert was taken back."""
    return notification.status != "retracted"


def tell(found: Found, question: Question) -> Explanation | None:
    """The few words that moved the score most; None where none moved it much."""
    moved = [each for each in found.strongest(_MOST_WORDS) if abs(each.shift) >= _LEAST_SHIFT]
    if not moved:
        return None
    return Explanation(
        news_id=question.news_id,
        towards=None if found.entity is None else question.company,
        score=round(found.score, _DIGITS),
        words=tuple(MovedWord(word=_bare(each.word), shift=round(each.shift, _DIGITS)) for each in moved),
        model=found.release,
    )


def _bare(word: str) -> str:
    """`word` without the punctuation around it, and cut where it is an address or the like."""
    bare = word.strip(_AROUND) or word
    return bare if len(bare) <= _LONGEST_WORD else f"{bare[: _LONGEST_WORD - 1]}…"
