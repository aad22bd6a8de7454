"""What a graph answers to texts: logits, in any batch one likes. For checking graphs before they are a release."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.batches import BATCH_TOKENS, cut_batches
from models.session import MASK_INPUT, SPAN_INPUTS, TEXT_INPUT, open_session, takes_mask
from models.spans import Normalised
from models.tasks import TASKS, HeadName
from models.training.batches import Batch, Encoded, collate, encode
from models.training.data import Example, Span
from models.training.predict import Answers

Feed = dict[str, NDArray[np.generic]]


def read_texts(
    tokenizer: Tokenizer, texts: Sequence[str], mentions: Sequence[Sequence[tuple[int, int]]] = ()
) -> list[Encoded]:
    """The tokens of each text, normalised as in serving, without labels.

    Args:
        tokenizer: of the release.
        texts: as they come.
        mentions: for each text the characters of the entities in it; none where left out.
    """
    examples = []
    for number, text in enumerate(texts):
        clean = Normalised.of(text)
        places = [clean.place_of(*place) for place in (mentions[number] if mentions else ())]
        examples.append(Example(clean.text, "entity", -1, "", tuple(Span(*place, 0) for place in places)))
    return encode(tokenizer, examples)


def feed_of(batch: Batch, *, spans: bool = True) -> Feed:
    """What a graph takes of `batch`.

    Raises:
        ValueError: if its texts are not of equal length: a graph has no mask.
    """
    if not batch.attention_mask.all():
        raise ValueError("the texts of a batch have several lengths: give those of one length")
    found: Feed = {TEXT_INPUT: batch.input_ids.numpy()}
    if spans:
        found |= dict(zip(SPAN_INPUTS, (batch.spans.text.numpy(), batch.spans.shares.numpy()), strict=True))
    return found


class GraphAnswers:
    """A graph that can be asked. `optimise` as in `models.session.open_session`."""

    def __init__(self, graph: bytes, *, optimise: bool) -> None:
        self._session: ort.InferenceSession = open_session(
            graph, where="the exported graph", optimise=optimise
        )
        self._masked = takes_mask(self._session)
        names = {output.name for output in self._session.get_outputs()}
        self.heads: tuple[HeadName, ...] = tuple(head for head in (*TASKS, *_OF_PARTS) if head in names)

    def one_batch(self, items: Sequence[Encoded]) -> Answers:
        """The logits of `items`, which must be of equal length, in one pass."""
        feed = feed_of(collate(items), spans="entity" in self.heads)
        if self._masked:
            feed[MASK_INPUT] = np.ones_like(feed[TEXT_INPUT])
        outputs = self._session.run(list(self.heads), feed)
        whole = {
            head: np.asarray(output, dtype=np.float64)
            for head, output in zip(self.heads, outputs, strict=True)
        }
        ends = np.cumsum([0, *(len(item.spans) for item in items)])
        found: Answers = {}
        for head, values in whole.items():
            if head == "entity":
                found[head] = [values[a:b] for a, b in pairwise(ends)]
            elif head == "ner":
                found[head] = [row[: len(item.ids)] for row, item in zip(values, items, strict=True)]
            else:
                found[head] = list(values)
        return found

    def all_of(self, items: Sequence[Encoded]) -> Answers:
        """The logits of `items` in their order, in as many passes as serving would take."""
        found: Answers = {head: [np.zeros(0)] * len(items) for head in self.heads}
        for batch in cut_batches([len(item.ids) for item in items], BATCH_TOKENS):
            answers = self.one_batch([items[index] for index in batch])
            for head, values in answers.items():
                for index, value in zip(batch, values, strict=True):
                    found[head][index] = value
        return found


_OF_PARTS: tuple[HeadName, ...] = ("entity", "ner")
