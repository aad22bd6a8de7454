"""What holds of every normalised text."""

from __future__ import annotations

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from models.text import normalise

_PIECES = st.sampled_from(
    [
        "&", "amp;", "&amp;", "&amp", ";", "&#38;", "&#x26;", "#", "&#", "38;", "12;", "&lt;", "&nbsp;", "&#0;",
        "&shy;", "\u037e", "\u0301", "e", "http", "s://", "https://a.b/c", "www.", "www.a", ".", "\u200b", "\x00",
        " ", "\n", "\u2028", "\ud800", "\u0958", "\U0001d160", "K", "\U0001f600", "bank",
    ]
)  # fmt: skip
_TEXTS = st.one_of(st.text(alphabet=st.characters(exclude_categories=())), st.lists(_PIECES).map("".join))


@given(_TEXTS)
@example("&" + "amp;" * 9 + "lt;")
@example("&#&#&#&#&#49;12;12;12;12;")
@example("e&amp;#x301;")
@example("&amp\u037e")
def test_normalising_twice_is_the_same_as_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(_TEXTS)
def test_a_normalised_text_is_composed_and_has_no_control_characters_nor_double_blanks(text: str) -> None:
    read = normalise(text)
    assert unicodedata.is_normalized("NFC", read)
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in read)
    assert "  " not in read
    assert read == read.strip()
    assert "https://" not in read.lower()
    read.encode()


@given(st.text())
def test_blanks_around_a_text_change_nothing(text: str) -> None:
    assert normalise(f" \t{text}\n") == normalise(text)
