"""From how likely each tag of each token is to the tags that a text is read by."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.spans import Offsets


class TagReader:
    """Reads BIO tags as a whole: an `I-` follows only a `B-` or an `I-` of its kind.

    The likeliest tag of each token by itself may begin a name as an organisation and end it as a place. Of all
    sequences that tell whole names the likeliest is taken (Viterbi, 1967), as if each token's chances had nothing
    to do with the others'. Where the likeliest tags tell whole names they are that sequence, and most do.

    Args:
        labels: the tags, `O` among them.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._outside = self._labels.index("O")
        self._inside = [
            (number, self._labels.index(f"B-{label[2:]}"))
            for number, label in enumerate(labels)
            if label.startswith("I-")
        ]
        self._fit = np.ones((len(labels), len(labels)), dtype=bool)
        for inside, begins in self._inside:
            self._fit[:, inside] = False
            self._fit[[inside, begins], inside] = True

    def read(self, scores: NDArray[np.floating], offsets: Sequence[Offsets]) -> list[list[str]]:
        """For each text the likeliest tags that tell whole names; none at all where all are `O`.

        Args:
            scores: of shape [texts, tokens, tags], the logarithm of each tag's chance, or its logit.
            offsets: for each text the characters that each token stands for. A token without any is passed over:
                it begins no name and ends none, whatever its tag.
        """
        likeliest = scores.argmax(axis=-1)
        # Before the first token, which is a mark of the tokenizer's, nothing is named.
        before = likeliest[:, :-1].copy()
        before[:, :1] = self._outside
        whole = self._fit[before, likeliest[:, 1:]].all(axis=1)
        told: list[list[str]] = []
        for row, tags in enumerate(likeliest.tolist()):
            if tags.count(self._outside) == len(tags):
                told.append([])
            elif whole[row]:
                told.append([self._labels[tag] for tag in tags])
            else:
                told.append(self._whole(scores[row], offsets[row]))
        return told

    def _whole(self, scores: NDArray[np.floating], offsets: Offsets) -> list[str]:
        places = [number for number, (start, end) in enumerate(offsets) if start < end]
        tags = ["O"] * len(offsets)
        for place, tag in zip(places, self._path(scores[places].tolist()), strict=True):
            tags[place] = self._labels[tag]
        return tags

    def _path(self, scores: list[list[float]]) -> list[int]:
        """The best way through `scores`, by the number of each token's tag."""
        best = [0.0 if tag == self._outside else -math.inf for tag in range(len(self._labels))]
        back: list[tuple[int, dict[int, int]]] = []
        for row in scores:
            top = max(best)
            now = [top + score for score in row]
            came = {}
            for inside, begins in self._inside:
                came[inside] = best_before = inside if best[inside] > best[begins] else begins
                now[inside] = best[best_before] + row[inside]
            back.append((best.index(top), came))
            best = now
        tag, path = best.index(max(best)), []
        for any_before, came in reversed(back):
            path.append(tag)
            tag = came.get(tag, any_before)
        return path[::-1]
