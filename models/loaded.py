"""A release that is loaded: its graph, its tokenizer and its heads, and one pass over texts of equal length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.batches import BATCH_TOKENS, cut_batches
from models.manifest import Head
from models.reader import TextReader, Tokens
from models.release import GRAPH, TOKENIZER, Release
from models.session import (
    CPU,
    MASK_INPUT,
    SPAN_INPUTS,
    TEXT_INPUT,
    check_graph,
    open_session,
    takes_mask,
)
from models.text import load_tokenizer

if TYPE_CHECKING:
    import onnxruntime as ort

TokenPlaces = Sequence[tuple[int, int] | None]
"""Pieces of a text, each by its tokens [first, after); None for one that is not read."""


@dataclass(frozen=True, slots=True)
class LoadedRelease:
    """A release in memory. Made by `load`; may be asked from several threads."""

    label: str
    heads: Mapping[str, Head]
    reader: TextReader
    batch_tokens: int
    session: ort.InferenceSession
    masked: bool
    """Whether the graph takes a mask, as those of older releases do."""

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
        """`release`, whose files are checked as they are read.

        Args:
            release: what to load.
            batch_tokens: the most tokens of one pass.
            max_length: where texts are cut, in tokens; never beyond what the release was made for.
            providers: what shall run the graph, the preferred one first.
            threads: how many cores one pass may use.
            allow_fallback: run on the processor where the preferred provider is not to be had.

        Raises:
            ModelError: if a file is missing or altered, if the runtime refuses the graph or does not give the
                preferred provider, or if the graph's outputs are not what the manifest says.
        """
        manifest = release.manifest
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
        return cls(release.label, heads, TextReader(tokenizer), batch_tokens, session, takes_mask(session))

    def batches(self, texts: Sequence[Tokens]) -> list[list[int]]:
        """The places of texts that are to be asked together: of equal length, as many as a pass may hold."""
        return cut_batches([len(each.ids) for each in texts], self.batch_tokens)

    def ask(self, texts: Sequence[Tokens], places: Sequence[TokenPlaces]) -> dict[str, NDArray[np.float32]]:
        """The logits of each head for texts of equal length.

        Args:
            texts: their tokens.
            places: the entities to answer for, of each text; those that are None are left out.

        Returns:
            By head [texts, labels]; `ner` [texts, tokens, labels]; `entity` [entities, labels], text by text.
        """
        ids = np.array([each.ids for each in texts], dtype=np.int64)
        feed: dict[str, NDArray[np.generic]] = {TEXT_INPUT: ids}
        if self.masked:
            feed[MASK_INPUT] = np.ones_like(ids)
        if "entity" in self.heads:
            asked = [(row, place) for row, of_text in enumerate(places) for place in of_text if place]
            shares = np.zeros((len(asked), ids.shape[1]), dtype=np.float32)
            for number, (_, (first, after)) in enumerate(asked):
                shares[number, first:after] = 1.0 / (after - first)
            owners = np.array([row for row, _ in asked], dtype=np.int64)
            feed |= dict(zip(SPAN_INPUTS, (owners, shares), strict=True))
        return dict(zip(self.heads, self.session.run(list(self.heads), feed), strict=True))
