"""Scoring texts: from headlines to calibrated probabilities."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

from models.batches import BATCH_TOKENS
from models.errors import ModelError
from models.loaded import LoadedRelease
from models.reader import Tokens
from models.release import Release
from models.session import CPU
from models.spans import Normalised, names_in, tokens_of
from models.tags import TagReader
from models.tasks import SENTIMENT
from models.text import normalise

TOP_TOPICS = 3
"""How many topics an answer names."""


@dataclass(frozen=True, slots=True)
class FoundMention:
    """A name in a text: its kind (`ORG`, `PER`, `LOC`), and its characters [start, end) in the text as it came."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says of one text.

    Attributes:
        sentiment: calibrated probabilities of negative, neutral, positive; they sum to 1 within rounding.
        topics: label and calibrated probability of the likeliest topics, the likeliest first.
        entities: for each span that was asked for, in order, the calibrated probabilities of the sentiment towards
            it; None where the model has no such head, or does not read so far.
        mentions: the organisations, persons and places that the text names, as the model sees them.
    """

    sentiment: tuple[float, float, float]
    topics: tuple[tuple[str, float], ...]
    entities: tuple[tuple[float, float, float] | None, ...] = ()
    mentions: tuple[FoundMention, ...] = ()


@dataclass(frozen=True, slots=True)
class Scoring:
    """The answers to some texts, in their order, and what they cost.

    Attributes:
        answers: one for each text.
        release: who answered, `name@version`.
        batches: passes of the model.
        tokens: tokens of the distinct texts, as far as they were read.
        padded_tokens: tokens that the model computed; 1 - tokens / padded_tokens is waste.
        tokenize_seconds: time to normalise and tokenise.
        infer_seconds: time in the model and in turning its outputs into answers.
    """

    answers: tuple[Answer, ...]
    release: str
    batches: int = 0
    tokens: int = 0
    padded_tokens: int = 0
    tokenize_seconds: float = 0.0
    infer_seconds: float = 0.0


Places = Sequence[tuple[int, int]]
"""Pieces of a text as it came, each by its characters [start, end)."""


class Scorer(Protocol):
    """Answers texts. A text gets the same bits alone or in any batch; may be called from several threads."""

    @property
    def release(self) -> str:
        """Who answers, `name@version`."""
        ...

    def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> Scoring:
        """The answers to `texts`, in their order; `spans` are the entities to answer for in each text."""
        ...


class OnnxScorer:
    """Answers with the ONNX graph of a release. Made by `load`."""

    def __init__(self, loaded: LoadedRelease) -> None:
        self._loaded = loaded
        self._heads = loaded.heads
        self._tags = TagReader(loaded.heads["ner"].labels) if "ner" in loaded.heads else None

    @classmethod
    def load(
        cls,
        release: Release,
        *,
        batch_tokens: int = BATCH_TOKENS,
        max_length: int = 128,
        providers: Sequence[str] = (CPU,),
        threads: int = 1,
        allow_fallback: bool = False,
    ) -> Self:
        """The scorer of `release`; arguments and errors as those of `models.loaded.LoadedRelease.load`.

        Raises:
            ModelError: also if the release has no head for the sentiment.
        """
        sentiment = release.manifest.heads.get("sentiment")
        if sentiment is None or sentiment.labels != SENTIMENT:
            raise ModelError(f"{release.label}: heads.sentiment.labels must be {', '.join(SENTIMENT)}")
        return cls(
            LoadedRelease.load(
                release,
                batch_tokens=batch_tokens,
                max_length=max_length,
                providers=providers,
                threads=threads,
                allow_fallback=allow_fallback,
            )
        )

    @property
    def release(self) -> str:
        """Who answers, `name@version`."""
        return self._loaded.label

    def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> Scoring:
        """The answers to `texts`, in their order. A text that occurs several times is read once.

        Args:
            texts: as they came.
            spans: for each text the entities to answer for; none for any where left out.
        """
        started = time.perf_counter()
        readings = [self._read(text, spans[n] if spans else ()) for n, text in enumerate(texts)]
        distinct = list(dict.fromkeys((reading.clean, reading.places) for reading in readings))
        read = self._loaded.reader.read([clean for clean, _ in distinct])
        asked = [
            _Asked(clean, tokens, [tokens_of(tokens.offsets, *place) for place in places])
            for tokens, (clean, places) in zip(read, distinct, strict=True)
        ]
        count = sum(len(tokens.ids) for tokens in read)
        tokenized = time.perf_counter()
        found: dict[tuple[str, Places], Answer] = {}
        batches = self._loaded.batches(read)
        for batch in batches:
            answers = self._infer([asked[index] for index in batch])
            found.update(zip((distinct[index] for index in batch), answers, strict=True))
        return Scoring(
            answers=tuple(
                _placed(found[reading.clean, reading.places], reading.origins) for reading in readings
            ),
            release=self._loaded.label,
            batches=len(batches),
            tokens=count,
            padded_tokens=count,
            tokenize_seconds=tokenized - started,
            infer_seconds=time.perf_counter() - tokenized,
        )

    def forget(self) -> None:
        """Forget the words that were read: a measurement of speed is to meet texts, not to know them."""
        self._loaded.reader.forget()

    def _read(self, text: str, spans: Places) -> _Reading:
        if not spans and "ner" not in self._heads:
            return _Reading(normalise(text), (), None)
        clean = Normalised.of(text)
        return _Reading(clean.text, tuple(clean.place_of(*place) for place in spans), clean)

    def _infer(self, asked: Sequence[_Asked]) -> list[Answer]:
        """The answers to one batch of texts of equal length."""
        outputs = self._loaded.ask([each.tokens for each in asked], [each.spans for each in asked])
        moods = outputs["sentiment"].tolist()
        topics = outputs["topic"].tolist() if "topic" in outputs else [[]] * len(moods)
        towards = iter(outputs["entity"].tolist() if "entity" in outputs else ())
        offsets = [each.tokens.offsets for each in asked]
        tags = self._tags.read(outputs["ner"], offsets) if self._tags else [[]] * len(moods)
        return [
            Answer(
                self._mood(mood, "sentiment"),
                self._topics(topic),
                tuple(
                    self._mood(next(towards), "entity") if place and "entity" in self._heads else None
                    for place in each.spans
                ),
                tuple(FoundMention(*name) for name in names_in(each.text, told, places)) if told else (),
            )
            for each, mood, topic, told, places in zip(asked, moods, topics, tags, offsets, strict=True)
        ]

    def _mood(self, logits: list[float], head: str) -> tuple[float, float, float]:
        negative, neutral, positive = calibrated(logits, self._heads[head].temperature)
        return negative, neutral, positive

    def _topics(self, logits: list[float]) -> tuple[tuple[str, float], ...]:
        if not logits:
            return ()
        head = self._heads["topic"]
        weights, total = _weighed(logits, head.temperature)
        likeliest = []
        for _ in range(min(TOP_TOPICS, len(weights))):
            highest = max(weights)
            place = weights.index(highest)
            likeliest.append((head.labels[place], highest / total))
            weights[place] = -1.0
        return tuple(likeliest)


class _Reading(NamedTuple):
    """A text as the model reads it, the entities in it, and the way back to the text as it came."""

    clean: str
    places: tuple[tuple[int, int], ...]
    origins: Normalised | None


class _Asked(NamedTuple):
    """A text with its tokens, and those of each entity in it; None for one beyond what is read."""

    text: str
    tokens: Tokens
    spans: Sequence[tuple[int, int] | None]


def _placed(answer: Answer, clean: Normalised | None) -> Answer:
    """`answer` with its mentions where they are in the text as it came."""
    if not answer.mentions or clean is None or clean.origins is None:
        return answer
    mentions = tuple(
        FoundMention(each.kind, *clean.origin_of(each.start, each.end)) for each in answer.mentions
    )
    return replace(answer, mentions=mentions)


def calibrated(logits: Sequence[float], temperature: float) -> tuple[float, ...]:
    """The probabilities of `logits` divided by `temperature`.

    One text at a time and in doubles: array code may add in another order, by the number of rows beside it.
    """
    weights, total = _weighed(logits, temperature)
    return tuple([weight / total for weight in weights])


def _weighed(logits: Sequence[float], temperature: float) -> tuple[list[float], float]:
    """What `calibrated` divides, and by what."""
    highest, exp = max(logits), math.exp
    weights = [exp((logit - highest) / temperature) for logit in logits]
    return weights, math.fsum(weights)
