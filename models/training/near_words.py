"""Words that stand near a word in a network's own table: what else a text could have said in its place.

Near are other forms of a word, its synonyms and its opposites (`falls`: `drops`, `slips`, `rises`), so a text with
some of its words replaced still reads as one, may say something else, and has words that no text of the sets has
(Jiao et al., "TinyBERT: Distilling BERT for Natural Language Understanding", 2020, section 3.2, by GloVe's vectors
and BERT's guesses). What it says then is for a teacher to answer.
"""

from __future__ import annotations

import random
import re

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.training.augment import Edit, edited
from models.training.data import Example

_WORD = re.compile(r"(?<![\w$@#])[A-Za-z]{3,}(?![\w.]\w)(?!\w)")
"""English words. Not a ticker, a tag, or part of something with figures in it."""
_BEGINS = "\u2581"
"""What pieces that begin a word begin with, in tokenizers that mark them."""
_NEAR = 12
"""How many words count as near: beyond it they have less and less to do with each other."""
_REPLACED = 0.3
"""The share of words that become others."""
_AT_ONCE = 1024


class NearWords:
    """The words near each that `tokenizer` has a piece for, by the cosine of their rows in `table`.

    Args:
        tokenizer: of the network.
        table: its word embeddings, [pieces, width].
    """

    def __init__(self, tokenizer: Tokenizer, table: Tensor) -> None:
        self._near = _near(tokenizer, table)

    def of(self, word: str) -> tuple[str, ...]:
        """Those near `word`, in letters like its own; none for a word that is no piece."""
        found = self._near.get(word.lower(), ())
        if word.isupper():
            return tuple(each.upper() for each in found)
        return tuple(each.capitalize() for each in found) if word[0].isupper() else found

    def changed(self, example: Example, draw: random.Random) -> Example:
        """`example` with some of its words replaced by near ones, and its companies left whole."""
        words = (found for found in _WORD.finditer(example.text) if draw.random() < _REPLACED)
        edits = [
            Edit(*found.span(), draw.choice(near)) for found in words if (near := self.of(found.group()))
        ]
        return edited(example, edits)


def _near(tokenizer: Tokenizer, table: Tensor) -> dict[str, tuple[str, ...]]:
    pieces = (piece.removeprefix(_BEGINS).lower() for piece in tokenizer.get_vocab(with_added_tokens=False))
    words = sorted({word for word in pieces if _WORD.fullmatch(word)})
    read = tokenizer.encode_batch(words, add_special_tokens=False)
    whole = [(word, each.ids[0]) for word, each in zip(words, read, strict=True) if len(each.ids) == 1]
    if len(whole) <= _NEAR:
        return {}
    rows = table.detach().float()[torch.tensor([number for _, number in whole])]
    # What all rows have in common says nothing of any.
    rows = torch.nn.functional.normalize(rows - rows.mean(dim=0), dim=1)
    found = {}
    for first in range(0, len(rows), _AT_ONCE):
        alike = rows[first : first + _AT_ONCE] @ rows.T
        for place, near in enumerate(alike.topk(_NEAR + 1, dim=1).indices.tolist(), start=first):
            # By the alphabet: how alike two are may differ in its last bit from one processor to another.
            others = sorted(whole[number][0] for number in near if number != place)
            found[whole[place][0]] = tuple(others[:_NEAR])
    return found
