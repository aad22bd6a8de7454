"""From a raw text to tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_release import tiny_tokenizer

from models.errors import ModelError
from models.text import load_tokenizer, normalise


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("AT&amp;T cuts its dividend", "AT&T cuts its dividend"),
        ("M&amp;amp;A is back", "M&A is back"),
        ("Q4 &#8364;2.1bn &#x2014; a record", "Q4 €2.1bn — a record"),
        ("AT&LT, S&P and &notit; stay", "AT&LT, S&P and &notit; stay"),
        ("$AAPL beats https://t.co/AbC123 again", "$AAPL beats again"),
        ("see WWW.Example.com/a?b=1&copy;2", "see"),
        ("notwww.example is a word", "notwww.example is a word"),
        ("line\r\none\x00two\u2028three\u00a0four", "line one two three four"),
        ("so\u00adft zero\u200bwidth \u202ebidi\ufeff", "soft zerowidth bidi"),
        ("half \ud83d of a pair", "half of a pair"),
        ("cafe\u0301", "café"),
        ("   ", ""),
        ("", ""),
    ],
)
def test_a_text_is_read_as_a_reader_sees_it(raw: str, read: str) -> None:
    assert normalise(raw) == read


def test_an_entity_hidden_deeper_than_anybody_writes_loses_its_ampersands() -> None:
    assert normalise("&" + "amp;" * 100 + "lt; x") == "amp;" * 96 + "lt; x"


def test_a_tokenizer_cuts_at_its_longest_length_and_pads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(tiny_tokenizer())
    tokenizer = load_tokenizer(path, 8)
    short, long = tokenizer.encode_batch_fast(["bank run", "bank " * 50])
    assert len(short) == 4
    assert len(long) == 8


def test_marks_of_the_tokenizer_in_a_text_are_plain_text() -> None:
    tokenizer = load_tokenizer(tiny_tokenizer(), 16)
    assert tokenizer.encode("bank [SEP] run").tokens.count("[SEP]") == 1


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.json cannot be read: No such file"):
        load_tokenizer(tmp_path / "nowhere.json", 8)


def test_a_file_that_is_no_tokenizer_is_named() -> None:
    with pytest.raises(ModelError, match=r"tokenizer\.json is not a tokenizer"):
        load_tokenizer(b"{}", 8)


def test_a_length_without_room_for_a_word_is_refused() -> None:
    with pytest.raises(ModelError, match="max_length is 2"):
        load_tokenizer(tiny_tokenizer(), 2)
