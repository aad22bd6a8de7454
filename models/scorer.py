"""Scoring texts: from headlines to calibrated probabilities."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from models.batches import cut_batches
from models.errors import ModelError
from models.manifest import Head
from models.release import GRAPH, TOKENIZER, Release
from models.session import CPU, check_graph, open_session
from models.tasks import SENTIMENT
from models.text import load_tokenizer, normalise

if TYPE_CHECKING:
    import onnxruntime as ort
    from tokenizers import Tokenizer

TOP_TOPICS = 3
"""How many topics an answer names."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says of one text.

    Attributes:
        sentiment: calibrated probabilities of negative, neutral, positive; they sum to 1 within rounding.
        topics: label and calibrated probability of the likeliest topics, the likeliest first.
    """

    sentiment: tuple[float, float, float]
    topics: tuple[tuple[str, float], ...]


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


class Scorer(Protocol):
    """Answers texts. A text gets the same bits alone or in any batch; may be called from several threads."""

    @property
    def release(self) -> str:
        """Who answers, `name@version`."""
        ...

    def score(self, texts: Sequence[str]) -> Scoring:
        """The answers to `texts`, in their order."""
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

    def score(self, texts: Sequence[str]) -> Scoring:
        """The answers to `texts`, in their order. A text that occurs several times is read once."""
        started = time.perf_counter()
        clean = [normalise(text) for text in texts]
        distinct = list(dict.fromkeys(clean))
        encodings = self._tokenizer.encode_batch_fast(distinct)
        rows = [encoding.ids for encoding in encodings]
        lengths = [len(row) for row in rows]
        tokenized = time.perf_counter()
        answers: dict[str, Answer] = {}
        batches = cut_batches(lengths, self._batch_tokens)
        for batch in batches:
            found = self._infer([rows[index] for index in batch])
            answers.update(zip((distinct[index] for index in batch), found, strict=True))
        return Scoring(
            answers=tuple(answers[text] for text in clean),
            release=self._release,
            batches=len(batches),
            tokens=sum(lengths),
            padded_tokens=sum(lengths),
            tokenize_seconds=tokenized - started,
            infer_seconds=time.perf_counter() - tokenized,
        )

    def _infer(self, rows: list[list[int]]) -> list[Answer]:
        """The answers to one batch of rows of equal length."""
        ids = np.array(rows, dtype=np.int64)
        outputs = self._session.run(
            list(self._heads), {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        )
        logits = dict(zip(self._heads, (output.tolist() for output in outputs), strict=True))
        moods = logits["sentiment"]
        topics = logits.get("topic", [[]] * len(moods))
        return [self._answer(mood, topic) for mood, topic in zip(moods, topics, strict=True)]

    def _answer(self, mood: list[float], topic: list[float]) -> Answer:
        """One text's answer from its logits."""
        negative, neutral, positive = calibrated(mood, self._heads["sentiment"].temperature)
        if not topic:
            return Answer((negative, neutral, positive), ())
        head = self._heads["topic"]
        ranked = sorted(zip(head.labels, calibrated(topic, head.temperature), strict=True), key=_likeliest)
        return Answer((negative, neutral, positive), tuple(ranked[:TOP_TOPICS]))


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
