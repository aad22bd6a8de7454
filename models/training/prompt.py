"""A learned prompt: tokens without words that stand before each text.

They are rows of the word embedding under names of their own, and the tokenizer sets them before every text. So
nothing but the embedding and `tokenizer.json` changes: export, serving and restoring read them like any token.
Prefixes of keys and values in every layer (prefix tuning) would need a graph of their own, and are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.training.marks import marks_around, template
from models.training.network import Network


def with_prompt(source: Path, rows: int, out: Path) -> tuple[Path, list[int]]:
    """Writes the tokenizer `source` to `out`, with `rows` more tokens that it sets before each text.

    They come after the marks with which it begins a text already.

    Returns:
        The file, and the ids of the new tokens.
    """
    tokenizer = Tokenizer.from_file(str(source))
    before, after = marks_around(tokenizer)
    first = tokenizer.get_vocab_size(with_added_tokens=True)
    names = [f"[PROMPT{first + number}]" for number in range(rows)]
    tokenizer.add_special_tokens(names)
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    new = [vocabulary[name] for name in names]
    tokenizer.post_processor = template([*before, *zip(new, names, strict=True)], after)
    out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out))
    return out, new


def add_rows(network: Network, ids: list[int], *, dropout: float, seed: int) -> Network:
    """A network like `network` with a word embedding for each of `ids`, begun from words that are drawn."""
    generator = torch.Generator().manual_seed(seed)
    state = network.state_dict()
    words = state["words.weight"]
    missing = max(0, max(ids) + 1 - len(words))
    drawn = words[torch.randint(len(words), (len(ids),), generator=generator)]
    state["words.weight"] = torch.cat([words, torch.zeros(missing, words.shape[1])])
    state["words.weight"][ids] = drawn
    grown = Network(
        network.shape.model_copy(update={"vocabulary": len(state["words.weight"])}), dropout=dropout
    )
    grown.load_state_dict(state)
    return grown


def learn_only(network: Network, ids: list[int]) -> None:
    """Lets the word embeddings `ids` learn, and no other."""
    kept = torch.zeros(network.shape.vocabulary, 1)
    kept[ids] = 1.0

    def keep(slope: Tensor) -> Tensor:
        return slope * kept

    weight: Any = network.words.weight  # the method has no types
    weight.register_hook(keep)
