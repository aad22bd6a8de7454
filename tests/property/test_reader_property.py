"""Texts put together from words that were met before have the tokenizer's own tokens, to the last offset."""

from __future__ import annotations

import functools

from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from models.packaged import packaged_releases
from models.reader import TextReader
from models.release import TOKENIZER
from models.text import load_tokenizer, normalise

PIECES = st.sampled_from(
    (
        "Nokia", "gains", "'s", "$AAPL", "3.5%", "U.S.", "[SEP]", "[MASK]", "##a", "x" * 24, "x" * 25,
        "unbelievably-ill-timed", ",", "~", "\\", "\u20ac5", "\u8d35\u5dde", "caf\u00e9", " ", " ", " ",
    )
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(st.characters(max_codepoint=126), max_size=6), max_size=40).map("".join)


@functools.cache
def tokenizers() -> tuple[Tokenizer, ...]:
    """Those of the releases that ship, each so short that many texts are cut."""
    return tuple(load_tokenizer(each.read(TOKENIZER), 24) for each in packaged_releases())


@functools.cache
def readers() -> tuple[TextReader, ...]:
    return tuple(TextReader(each) for each in tokenizers())


@given(st.lists(TEXTS, max_size=4))
def test_the_tokens_are_the_tokenizers_own(texts: list[str]) -> None:
    clean = [normalise(text) for text in texts]
    for tokenizer, reader in zip(tokenizers(), readers(), strict=True):
        told = [(each.ids, each.offsets) for each in tokenizer.encode_batch(clean)]
        assert [(each.ids, each.offsets) for each in reader.read(clean)] == told
