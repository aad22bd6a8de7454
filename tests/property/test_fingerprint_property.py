"""What holds for the fingerprint of any text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from stream.score.fingerprint import fingerprint, normalise

_words = st.lists(st.from_regex(r"[a-z]{3,9}", fullmatch=True), min_size=6, max_size=14, unique=True)


@given(st.text())
def test_any_text_has_128_hexadecimal_digits(text: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{128}", fingerprint(text))


@given(_words)
def test_case_punctuation_and_spaces_do_not_count(words: list[str]) -> None:
    plain = fingerprint(" ".join(words))
    assert fingerprint(",  ".join(words).title() + ".") == plain


@given(_words, _words)
def test_equal_bytes_estimate_the_share_of_common_runs(first: list[str], second: list[str]) -> None:
    half = [*first[: len(first) // 2], *second[len(second) // 2 :]]
    runs = []
    for words in (first, half):
        text = f" {' '.join(normalise(' '.join(words)))} "
        runs.append({text[i : i + 4] for i in range(len(text) - 3)})
    one, other = (bytes.fromhex(fingerprint(" ".join(words))) for words in (first, half))
    estimate = sum(a == b for a, b in zip(one, other, strict=True)) / 64
    # Five standard errors of 64 draws, and dates, which count more.
    assert abs(estimate - len(runs[0] & runs[1]) / len(runs[0] | runs[1])) < 0.4
