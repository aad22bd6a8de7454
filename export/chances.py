"""All that a release says of texts, before serving boils it down to an answer: for measuring.

Serving names three topics and the mentions it found. Curves and calibration need the probability of every label.
Texts are read, put into batches and calibrated as in `models.scorer`; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.loaded import LoadedRelease, TokenPlaces
from models.reader import Tokens
from models.release import Release
from models.scorer import Places, calibrated
from models.spans import Normalised, Offsets, tokens_of

if TYPE_CHECKING:
    from models.tasks import HeadName

Row = tuple[float, ...]
"""The calibrated probability of each label of a head."""


@dataclass(frozen=True, slots=True)
class Chances:
    """The calibrated probabilities of one text; empty for a head that the release lacks.

    Attributes:
        sentiment: by label.
        topic: by label.
        entities: for each span that was asked for, by label; None for one beyond what the model reads.
        tags: for each token, by label.
        offsets: the characters of the normalised text that each token stands for.
    """

    sentiment: Row
    topic: Row
    entities: tuple[Row | None, ...]
    tags: tuple[Row, ...]
    offsets: Offsets


class FullScorer:
    """Answers with all probabilities of all heads. Made by `load`."""

    def __init__(self, loaded: LoadedRelease) -> None:
        self._loaded = loaded
        self._heads = loaded.heads
        self.release = loaded.label
        """Who answers, `name@version`."""

    @classmethod
    def load(cls, release: Release, **options: Any) -> Self:
        """The scorer of `release`; arguments and errors as those of `models.loaded.LoadedRelease.load`."""
        return cls(LoadedRelease.load(release, **options))

    def labels(self, head: HeadName) -> tuple[str, ...]:
        """What `head` may answer.

        Raises:
            ModelError: if the release has no such head.
        """
        if head not in self._heads:
            raise ModelError(
                f"{self.release} has no head for the task {head}: give a release that has one"
                f" (this one has {', '.join(self._heads)})"
            )
        return self._heads[head].labels

    def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> list[Chances]:
        """The probabilities for `texts`, in their order; `spans` are the entities to answer for in each."""
        read = [Normalised.of(text) for text in texts]
        tokens = self._loaded.reader.read([each.text for each in read])
        places = [
            [tokens_of(each.offsets, *clean.place_of(*place)) for place in (spans[n] if spans else ())]
            for n, (clean, each) in enumerate(zip(read, tokens, strict=True))
        ]
        found: dict[int, Chances] = {}
        for batch in self._loaded.batches(tokens):
            answers = self._infer([tokens[n] for n in batch], [places[n] for n in batch])
            found.update(zip(batch, answers, strict=True))
        return [found[n] for n in range(len(texts))]

    def _infer(self, tokens: Sequence[Tokens], places: Sequence[TokenPlaces]) -> list[Chances]:
        outputs = self._loaded.ask(tokens, places)
        towards = iter(outputs["entity"].tolist() if "entity" in outputs else ())
        return [
            Chances(
                sentiment=self._row(outputs, "sentiment", row),
                topic=self._row(outputs, "topic", row),
                entities=tuple(
                    self._chances("entity", next(towards)) if place and "entity" in outputs else None
                    for place in places[row]
                ),
                tags=tuple(
                    self._chances("ner", logits)
                    for logits in (outputs["ner"][row].tolist() if "ner" in outputs else ())
                ),
                offsets=each.offsets,
            )
            for row, each in enumerate(tokens)
        ]

    def _row(self, outputs: dict[str, NDArray[np.float32]], head: HeadName, row: int) -> Row:
        return self._chances(head, outputs[head][row].tolist()) if head in outputs else ()

    def _chances(self, head: HeadName, logits: list[float]) -> Row:
        return calibrated(logits, self._heads[head].temperature)
