"""What a graph answers to texts: logits, in any batch one likes. For checking graphs before they are a release."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Tokenizer

from export.graph import OUTPUTS
from models.batches import cut_batches
from models.session import open_session
from models.text import normalise

Ids = Sequence[int]
Logits = dict[str, NDArray[np.float64]]


def ids_of(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """The token ids of each text, normalised as in serving."""
    return [encoding.ids for encoding in tokenizer.encode_batch_fast([normalise(text) for text in texts])]


def feed_of(rows: Sequence[Ids], length: int | None = None) -> dict[str, NDArray[np.int64]]:
    """One batch of `rows`, padded on the right to `length` tokens (None: to the longest)."""
    longest = max(len(row) for row in rows) if length is None else length
    ids = np.zeros((len(rows), longest), dtype=np.int64)
    mask = np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": mask}


class GraphAnswers:
    """A graph that can be asked. `optimise` as in `models.session.open_session`."""

    def __init__(self, graph: bytes, *, optimise: bool) -> None:
        self._session: ort.InferenceSession = open_session(
            graph, where="the exported graph", optimise=optimise
        )

    def one_batch(self, rows: Sequence[Ids], length: int | None = None) -> Logits:
        """The logits of `rows` in one pass."""
        found = self._session.run(list(OUTPUTS), feed_of(rows, length))
        return {task: np.asarray(part, dtype=np.float64) for task, part in zip(OUTPUTS, found, strict=True)}

    def all_of(self, rows: Sequence[Ids]) -> Logits:
        """The logits of `rows` in their order, in as many passes as serving would take."""
        batches = cut_batches([len(row) for row in rows], 384)
        parts = [self.one_batch([rows[index] for index in batch]) for batch in batches]
        back = np.argsort([index for batch in batches for index in batch])
        return {task: np.concatenate([part[task] for part in parts])[back] for task in OUTPUTS}
