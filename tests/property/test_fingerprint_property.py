"""What holds for the fingerprint of any text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from stream.score.fingerprint import PERMUTATIONS, fingerprint, shingles_of

_words = st.lists(st.from_regex(r"[a-z]{3,9}", fullmatch=True), min_size=6, max_size=14, unique=True)


@given(st.text())
def test_any_text_has_128_hexadecimal_digits(text: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{128}", fingerprint(text))


@given(_words)
def test_case_punctuation_and_spaces_do_not_count(words: list[str]) -> None:
    plain = fingerprint(" ".join(words))
    assert fingerprint(",  ".join(words).title() + ".") == plain


@given(_words, _words)
def test_equal_bytes_estimate_the_share_of_common_shingles(first: list[str], second: list[str]) -> None:
    half = " ".join([*first[: len(first) // 2], *second[len(second) // 2 :]])
    whole = " ".join(first)
    one, other = ({*shingles_of(text).tolist()} for text in (whole, half))
    prints = (bytes.fromhex(fingerprint(text))[:PERMUTATIONS] for text in (whole, half))
    estimate = sum(a == b for a, b in zip(*prints, strict=True)) / PERMUTATIONS
    # Five standard errors of 63 draws.
    assert abs(estimate - len(one & other) / len(one | other)) < 0.32
