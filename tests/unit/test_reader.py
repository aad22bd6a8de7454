"""Texts to tokens, with words remembered: when the tokenizer is asked, and when it need not be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from models import reader
from models.reader import TextReader, Tokens
from models.text import load_tokenizer

WORDS = ("[UNK]", "[CLS]", "[SEP]", "bank", "run", "##s", "the", "s", ",", "is", "on", "a")


def words_cut_at_blanks(length: int = 16) -> Tokenizer:
    """A tokenizer as BERT has it, of few pieces."""
    made = Tokenizer(models.WordPiece({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.add_special_tokens(["[UNK]", "[CLS]", "[SEP]"])
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return load_tokenizer(made.to_str().encode(), length)


class Counting:
    """A tokenizer that notes which texts it is asked."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.asked: list[str] = []
        self._tokenizer = tokenizer

    def encode_batch(self, texts: Sequence[str]) -> Any:
        self.asked += texts
        return self._tokenizer.encode_batch(list(texts))

    def encode(self, text: str, **options: Any) -> Any:
        self.asked.append(text)
        return self._tokenizer.encode(text, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)


def counted(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> tuple[TextReader, Counting]:
    counting = Counting(tokenizer)
    monkeypatch.setattr(reader, "_without_end", lambda tokenizer: tokenizer)
    made = TextReader(counting)  # type: ignore[arg-type]  # it stands for the real one, which can't be watched
    counting.asked.clear()
    return made, counting


def test_each_word_is_cut_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, counting = counted(words_cut_at_blanks(), monkeypatch)
    (first,) = made.read(["bank runs, bank run"])
    assert first == Tokens(
        [1, 3, 4, 5, 8, 3, 4, 2], [(0, 0), (0, 4), (5, 8), (8, 9), (9, 10), (11, 15), (16, 19), (0, 0)]
    )
    assert sorted(word for text in counting.asked if text for word in text.split()) == [
        "bank",
        "run",
        "runs,",
    ]
    counting.asked.clear()
    assert made.read(["bank run", "bank run bank"])[0].ids == [1, 3, 4, 2]
    assert not any(counting.asked)
    made.forget()
    made.read(["bank run"])
    assert sorted(" ".join(counting.asked).split()) == ["bank", "run"]


def test_a_long_text_is_read_as_far_as_there_is_room_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    made, counting = counted(words_cut_at_blanks(5), monkeypatch)
    assert made.read(["bank runs run " + "the " * 10_000])[0].ids == [1, 3, 4, 5, 2]
    assert "the" not in " ".join(counting.asked)


def test_what_is_not_ascii_or_endless_goes_to_the_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    made, counting = counted(words_cut_at_blanks(), monkeypatch)
    texts = ["bank \u20ac", "a bank", "run " + "s" * 41, ""]
    told = words_cut_at_blanks().encode_batch(texts)
    assert made.read(texts) == [Tokens(each.ids, each.offsets) for each in told]
    assert {texts[0], texts[2]} <= set(counting.asked)
    assert "s" * 41 not in made._known


def test_more_words_than_it_keeps_are_forgotten_and_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_WORDS", 3)
    made = TextReader(words_cut_at_blanks())
    for text in ("bank run", "bank is on", "the bank"):
        assert made.read([text]) == [
            Tokens(each.ids, each.offsets) for each in words_cut_at_blanks().encode_batch([text])
        ]
    assert set(made._known) == {"the", "bank"}


@pytest.mark.parametrize("part", ["normalizer", "pre_tokenizer", "added", "truncation"])
def test_a_tokenizer_that_may_look_across_blanks_is_asked_itself(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = words_cut_at_blanks()
    if part == "normalizer":
        tokenizer.normalizer = normalizers.Replace("bank run", "run")
    elif part == "pre_tokenizer":
        tokenizer.pre_tokenizer = pre_tokenizers.Punctuation()
    elif part == "added":
        tokenizer.add_tokens(["bank run"])
    else:
        tokenizer.enable_truncation(16, direction="left")
    made, counting = counted(tokenizer, monkeypatch)
    made.read(["bank run"])
    made.read(["bank run"])
    assert counting.asked == ["bank run"] * 2
