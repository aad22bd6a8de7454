"""Scoring texts: from headlines to calibrated probabilities."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from models.batches import cut_batches
from models.errors import ModelError
from models.manifest import Head
from models.release import GRAPH, TOKENIZER, Release
from models.session import CPU, SPAN_INPUTS, check_graph, open_session
from models.spans import Normalised, names_in, tokens_of
from models.tasks import SENTIMENT
from models.text import load_tokenizer, normalise

if TYPE_CHECKING:
    import onnxruntime as ort
    from tokenizers import Encoding, Tokenizer

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

    def __init__(
        self,
        session: ort.InferenceSession,
        tokenizer: Tokenizer,
        heads: dict[str, Head],
        release: str,
        batch_tokens: int,
    ) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._heads = heads
        self._release = release
        self._batch_tokens = batch_tokens

    @classmethod
    def load(
        cls,
        release: Release,
        *,
        batch_tokens: int = 384,
        max_length: int = 128,
        providers: Sequence[str] = (CPU,),
        threads: int = 1,
        allow_fallback: bool = False,
    ) -> Self:
        """The scorer of `release`, whose files are checked as they are read.

        Args:
            release: what to load.
            batch_tokens: the most padded tokens of one pass.
            max_length: where texts are cut, in tokens; never beyond what the release was made for.
            providers: what shall run the graph, the preferred one first.
            threads: how many cores one pass may use.
            allow_fallback: run on the processor where the preferred provider is not to be had.

        Raises:
            ModelError: if a file is missing or altered, if the runtime refuses the graph or does not give the
                preferred provider, or if the graph's outputs are not what the manifest says.
        """
        manifest = release.manifest
        sentiment = manifest.heads.get("sentiment")
        if sentiment is None or sentiment.labels != SENTIMENT:
            raise ModelError(f"{release.label}: heads.sentiment.labels must be {', '.join(SENTIMENT)}")
        session = open_session(
            release.read(GRAPH),
            where=str(release.path / GRAPH),
            providers=providers,
            threads=threads,
            optimise=not manifest.requires.graph_optimised,
            allow_fallback=allow_fallback,
        )
        heads = {str(task): head for task, head in manifest.heads.items()}
        check_graph(session, heads, release.label)
        tokenizer = load_tokenizer(release.read(TOKENIZER), min(max_length, manifest.max_length))
        return cls(session, tokenizer, heads, release.label, batch_tokens)

    @property
    def release(self) -> str:
        """Who answers, `name@version`."""
        return self._release

    def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> Scoring:
        """The answers to `texts`, in their order. A text that occurs several times is read once.

        Args:
            texts: as they came.
            spans: for each text the entities to answer for; none for any where left out.
        """
        started = time.perf_counter()
        readings = [self._read(text, spans[n] if spans else ()) for n, text in enumerate(texts)]
        distinct = list(dict.fromkeys((reading.clean, reading.places) for reading in readings))
        encodings = self._encode([clean for clean, _ in distinct])
        asked = [
            _Asked(clean, encoding, [tokens_of(encoding.offsets, *place) for place in places])
            for encoding, (clean, places) in zip(encodings, distinct, strict=True)
        ]
        lengths = [len(each.encoding.ids) for each in asked]
        tokenized = time.perf_counter()
        found: dict[tuple[str, Places], Answer] = {}
        batches = cut_batches(lengths, self._batch_tokens)
        for batch in batches:
            answers = self._infer([asked[index] for index in batch])
            found.update(zip((distinct[index] for index in batch), answers, strict=True))
        return Scoring(
            answers=tuple(
                _placed(found[reading.clean, reading.places], reading.origins) for reading in readings
            ),
            release=self._release,
            batches=len(batches),
            tokens=sum(lengths),
            padded_tokens=sum(lengths),
            tokenize_seconds=tokenized - started,
            infer_seconds=time.perf_counter() - tokenized,
        )

    def _read(self, text: str, spans: Places) -> _Reading:
        if not spans and "ner" not in self._heads:
            return _Reading(normalise(text), (), None)
        clean = Normalised.of(text)
        return _Reading(clean.text, tuple(clean.place_of(*place) for place in spans), clean)

    def _encode(self, texts: list[str]) -> list[Encoding]:
        """The tokens of `texts`; where each begins and ends is only looked up where it is wanted."""
        if self._heads.keys() & {"entity", "ner"}:
            return list(self._tokenizer.encode_batch(texts))
        return list(self._tokenizer.encode_batch_fast(texts))

    def _infer(self, asked: Sequence[_Asked]) -> list[Answer]:
        """The answers to one batch of texts of equal length."""
        ids = np.array([each.encoding.ids for each in asked], dtype=np.int64)
        feed: dict[str, NDArray[np.generic]] = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        if "entity" in self._heads:
            flat = [(row, place) for row, each in enumerate(asked) for place in each.spans if place]
            shares = np.zeros((len(flat), ids.shape[1]), dtype=np.float32)
            for number, (_, (first, after)) in enumerate(flat):
                shares[number, first:after] = 1.0 / (after - first)
            feed |= dict(
                zip(SPAN_INPUTS, (np.array([row for row, _ in flat], dtype=np.int64), shares), strict=True)
            )
        outputs = dict(zip(self._heads, self._session.run(list(self._heads), feed), strict=True))
        moods = outputs["sentiment"].tolist()
        topics = outputs["topic"].tolist() if "topic" in outputs else [[]] * len(moods)
        towards = iter(outputs["entity"].tolist() if "entity" in outputs else ())
        tags = outputs["ner"].argmax(axis=-1) if "ner" in outputs else None
        return [
            Answer(
                self._mood(mood, "sentiment"),
                self._topics(topic),
                tuple(
                    self._mood(next(towards), "entity") if place and "entity" in self._heads else None
                    for place in each.spans
                ),
                self._mentions(each, tags[row]) if tags is not None else (),
            )
            for row, (each, mood, topic) in enumerate(zip(asked, moods, topics, strict=True))
        ]

    def _mood(self, logits: list[float], head: str) -> tuple[float, float, float]:
        negative, neutral, positive = calibrated(logits, self._heads[head].temperature)
        return negative, neutral, positive

    def _topics(self, logits: list[float]) -> tuple[tuple[str, float], ...]:
        if not logits:
            return ()
        head = self._heads["topic"]
        ranked = sorted(zip(head.labels, calibrated(logits, head.temperature), strict=True), key=_likeliest)
        return tuple(ranked[:TOP_TOPICS])

    def _mentions(self, asked: _Asked, tags: NDArray[np.int64]) -> tuple[FoundMention, ...]:
        told = tags.tolist()
        if not any(told):  # the first label is O: no names
            return ()
        labels = self._heads["ner"].labels
        found = names_in(asked.text, [labels[tag] for tag in told], asked.encoding.offsets)
        return tuple(FoundMention(*mention) for mention in found)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text as the model reads it, the entities in it, and the way back to the text as it came."""

    clean: str
    places: tuple[tuple[int, int], ...]
    origins: Normalised | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A text with its tokens, and those of each entity in it; None for one beyond what is read."""

    text: str
    encoding: Encoding
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
    highest = max(logits)
    weights = [math.exp((logit - highest) / temperature) for logit in logits]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)


def _likeliest(topic: tuple[str, float]) -> float:
    return -topic[1]
