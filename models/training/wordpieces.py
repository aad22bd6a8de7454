"""A smaller vocabulary for an encoder that reads WordPiece: most bytes of a small one are words, many never used.

Rows of the embedding are looked up and never mixed, so dropping a piece changes nothing for a text that does not
use it (Abdaoui et al., "Load What You Need", 2020); one that does is spelled by other pieces, and learns them with
the rest. Which pieces are used is told by the frequencies of English words (package `wordfreq`) and by the texts
that the run learns from, in equal parts.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tokenizers import Tokenizer, models

from models.errors import WrongSettingError
from models.text import normalise
from models.training.marks import marks_around, template
from models.training.network import Network
from models.training.pruning import english_words

_LATIN = "\u0250"
"""Letters before this one are Latin."""


def with_pieces(
    source: Path, network: Network, size: int, texts: Iterable[str], out: Path, *, dropout: float
) -> tuple[Path, Network]:
    """Writes the tokenizer `source` with `size` of its pieces to `out`; and the network with their rows alone.

    Kept whatever the size: the marks, digits, and each single Latin letter, sign of punctuation and symbol, within
    a word and at its beginning. So every word in Latin letters can still be spelled. Ids become the places in the
    old order.

    Args:
        source: the tokenizer that `network` reads by.
        network: what is made smaller.
        size: how many pieces are kept.
        texts: what the run learns from.
        out: where the new tokenizer goes.
        dropout: of the network that is returned.

    Raises:
        WrongSettingError: if the vocabulary is no WordPiece, or has fewer pieces than `size`, or `size` is less
            than what has to be kept.
    """
    told = json.loads(source.read_text(encoding="utf-8"))["model"]
    if told["type"] != "WordPiece":
        raise WrongSettingError(
            f"pieces is {size}: the encoder reads by a vocabulary of the kind {told['type']}, and only that of a"
            " WordPiece can be made smaller: leave pieces out"
        )
    old = Tokenizer.from_file(str(source))
    before, after = marks_around(old)
    numbers = old.get_vocab(with_added_tokens=True)
    marks = {str(each.content) for each in old.get_added_tokens_decoder().values()}
    if size == len(told["vocab"]):
        return source, network
    kept = _chosen(told["vocab"], marks, size, _votes(old, texts))
    new = Tokenizer(
        models.WordPiece(
            {piece: place for place, piece in enumerate(kept)},
            unk_token=told["unk_token"],
            max_input_chars_per_word=told["max_input_chars_per_word"],
            continuing_subword_prefix=told["continuing_subword_prefix"],
        )
    )
    new.normalizer, new.pre_tokenizer, new.decoder = old.normalizer, old.pre_tokenizer, old.decoder
    new.add_special_tokens(sorted(marks, key=numbers.__getitem__))
    places = new.get_vocab(with_added_tokens=True)
    new.post_processor = template(
        [(places[piece], piece) for _, piece in before], [(places[piece], piece) for _, piece in after]
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    new.save(str(out), pretty=False)
    return out, _with_rows(
        network, [numbers[piece] for piece in sorted(places, key=places.__getitem__)], dropout
    )


def _chosen(
    vocabulary: Mapping[str, int], marks: set[str], size: int, votes: Mapping[str, float]
) -> list[str]:
    """The pieces to keep, in their old order."""
    needed = {piece for piece in vocabulary if piece in marks or _is_needed(piece)}
    if not len(needed) <= size < len(vocabulary):
        raise WrongSettingError(
            f"pieces is {size}: the vocabulary has {len(vocabulary)}, of which {len(needed)} have to be kept: give"
            " a number between, or leave pieces out"
        )
    others = sorted(
        (piece for piece in vocabulary if piece not in needed),
        key=lambda piece: (-votes.get(piece, 0.0), vocabulary[piece]),
    )
    return sorted(needed | set(others[: size - len(needed)]), key=vocabulary.__getitem__)


def _is_needed(piece: str) -> bool:
    bare = piece.removeprefix("##")
    if len(bare) == 1:
        return bare < _LATIN or unicodedata.category(bare)[0] in "PS"
    return bare.isascii() and bare.isdigit()


def _votes(tokenizer: Tokenizer, texts: Iterable[str]) -> dict[str, float]:
    """How often each piece occurs: its share in English, and that in `texts`."""
    english = dict(english_words())
    votes = _shares(tokenizer, english)
    for piece, share in _shares(tokenizer, Counter(normalise(text) for text in texts)).items():
        votes[piece] = votes.get(piece, 0.0) + share
    return votes


def _shares(tokenizer: Tokenizer, frequencies: Mapping[str, float]) -> dict[str, float]:
    """How much of some texts, each with its frequency, each piece is."""
    found: Counter[str] = Counter()
    read = tokenizer.encode_batch(list(frequencies), add_special_tokens=False)
    for frequency, each in zip(frequencies.values(), read, strict=True):
        for piece in each.tokens:
            found[piece] += frequency  # type: ignore[assignment]  # a Counter of floats
    total = sum(found.values())
    return {piece: count / total for piece, count in found.items()}


def _with_rows(network: Network, rows: list[int], dropout: float) -> Network:
    """The network with the word embeddings `rows` alone, in this order."""
    state = network.state_dict()
    state["words.weight"] = state["words.weight"][rows]
    small = Network(network.shape.model_copy(update={"vocabulary": len(rows)}), dropout=dropout)
    small.load_state_dict(state)
    return small
