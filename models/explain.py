"""Which words moved an answer: each is left out in turn, and the change of the score is its share.

This is occlusion, as Li, Monroe and Jurafsky use it for words ("Understanding Neural Networks through
Representation Erasure", 2016). It asks nothing of a model but answers, so it explains the very graph that serves.
Shares need not add up to the score: words that say the same stand in for each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import ModelError
from models.scorer import Answer, Scorer

MOST_WORDS = 120
"""Words beyond these are not tried: the model reads hardly more, and each costs a pass."""

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_HAN}]{{1,2}}|[^\s{_HAN}]+")


@dataclass(frozen=True, slots=True)
class WordShift:
    """A word of a text, its characters [start, end), and what it adds to the score.

    `shift` is the score of the text less the score without the word: positive where the word makes it better.
    """

    word: str
    start: int
    end: int
    shift: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What moved the answer to one text.

    Attributes:
        text: as it was given.
        entity: the characters of the entity that was asked for; None where the whole text was.
        sentiment: calibrated probabilities of negative, neutral, positive.
        words: in the order of the text, without those of the entity itself.
        release: who answered, `name@version`.
    """

    text: str
    entity: tuple[int, int] | None
    sentiment: tuple[float, float, float]
    words: tuple[WordShift, ...]
    release: str

    @property
    def score(self) -> float:
        """Positive less negative."""
        return self.sentiment[2] - self.sentiment[0]

    def strongest(self, count: int) -> tuple[WordShift, ...]:
        """The `count` words that moved the score most, the strongest first."""
        return tuple(sorted(self.words, key=lambda each: -abs(each.shift))[:count])


def explain(scorer: Scorer, text: str, entity: tuple[int, int] | None = None) -> Explanation:
    """Explains the sentiment of `text`, or of what it says of one entity.

    All variants are scored in one call. Chinese is tried in pairs of characters, everything else by what stands
    between blanks.

    Args:
        scorer: who answers.
        text: as it came.
        entity: the characters [start, end) of the entity to ask for.

    Raises:
        ModelError: if the scorer does not answer for the entity.
    """
    words = [match.span() for match in _WORD.finditer(text) if not _meet(match.span(), entity)][:MOST_WORDS]
    variants = [text, *(text[:start] + text[end:] for start, end in words)]
    spans = None
    if entity is not None:
        spans = [[entity], *([_moved(entity, start, end)] for start, end in words)]
    scoring = scorer.score(variants, spans)
    moods = [_mood(answer, entity) for answer in scoring.answers]
    whole = moods[0]
    if whole is None:
        raise ModelError(
            f"{scoring.release} does not answer for {text[slice(*entity)] if entity else text!r}:"
            " it has no head for entities, or does not read so far into the text"
        )
    return Explanation(text, entity, whole, tuple(_shifts(text, words, whole, moods[1:])), scoring.release)


def _shifts(
    text: str,
    words: Sequence[tuple[int, int]],
    whole: tuple[float, float, float],
    without: Sequence[tuple[float, float, float] | None],
) -> list[WordShift]:
    score = whole[2] - whole[0]
    return [
        WordShift(text[start:end], start, end, score - (mood[2] - mood[0]) if mood else 0.0)
        for (start, end), mood in zip(words, without, strict=True)
    ]


def _mood(answer: Answer, entity: tuple[int, int] | None) -> tuple[float, float, float] | None:
    if entity is None:
        return answer.sentiment
    return answer.entities[0] if answer.entities else None


def _meet(word: tuple[int, int], entity: tuple[int, int] | None) -> bool:
    return entity is not None and word[0] < entity[1] and word[1] > entity[0]


def _moved(entity: tuple[int, int], start: int, end: int) -> tuple[int, int]:
    """Where `entity` stands once the characters [start, end) are gone."""
    gone = end - start if end <= entity[0] else 0
    return entity[0] - gone, entity[1] - gone
