from __future__ import annotations

import random

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tokenizers import Tokenizer  # noqa: E402 - after torch
from tokenizers.models import WordPiece  # noqa: E402 - after torch
from tokenizers.normalizers import BertNormalizer  # noqa: E402 - after torch
from tokenizers.pre_tokenizers import BertPreTokenizer  # noqa: E402 - after torch

from models.training.batches import UNKNOWN  # noqa: E402 - needs torch
from models.training.data import Example, Span  # noqa: E402 - needs torch
from models.training.near_words import NearWords  # noqa: E402 - needs torch
from models.training.transfer import transfer_set  # noqa: E402 - needs torch

pytestmark = pytest.mark.train

FALLS = tuple(sorted(f"fall{letter * 3}" for letter in "abcdefghijklm"))
RISES = tuple(sorted(f"rise{letter * 3}" for letter in "abcdefghijklm"))
OTHERS = ("the", "of", "shares", "##ing", "12", "firm")


@pytest.fixture
def near() -> NearWords:
    """Thirteen words that say that something falls, all alike, and thirteen that it rises."""
    pieces = ["[UNK]", *FALLS, *RISES, *OTHERS]
    tokenizer = Tokenizer(
        WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    table = torch.randn(len(pieces), 16, generator=torch.Generator().manual_seed(1))
    table[:, :2] = 0.0
    for column, words in enumerate((FALLS, RISES)):
        rows = [pieces.index(word) for word in words]
        table[rows] *= 0.1
        table[rows, column] = 5.0
    return NearWords(tokenizer, table)


def test_near_are_the_words_whose_rows_point_the_same_way(near: NearWords) -> None:
    for words in (FALLS, RISES):
        for word in words:
            assert near.of(word) == tuple(each for each in words if each != word)


def test_near_words_are_written_like_the_word_that_they_replace(near: NearWords) -> None:
    assert near.of("Fallaaa") == tuple(each.capitalize() for each in FALLS[1:])
    assert near.of("FALLAAA") == tuple(each.upper() for each in FALLS[1:])


def test_what_is_no_piece_has_none_near(near: NearWords) -> None:
    for word in ("ing", "Nokia", "of"):  # a piece of a word, an unknown one, one too short to say much
        assert near.of(word) == ()


def test_words_become_near_ones_and_all_else_stays(near: NearWords) -> None:
    text = "Fallaaa Fallbbb of $FALLAAA, 12 #fallaaa fallaaa12 fallaaa.x rise falls " + "riseaaa " * 20
    company = (Span(0, 7, UNKNOWN),)
    told = Example(text, "sentiment", 1, "news", company)
    seen = set()
    for seed in range(20):
        made = near.changed(told, random.Random(seed))
        assert made.spans == company
        words = made.text.split(" ")
        assert words[0] == "Fallaaa"
        assert words[1] in {"Fallbbb", *near.of("Fallbbb")}
        assert words[2:9] == ["of", "$FALLAAA,", "12", "#fallaaa", "fallaaa12", "fallaaa.x", "rise"]
        assert set(words[10:]) <= {*RISES, ""}
        seen |= {*words[10:]}
    assert len(seen) > len(RISES) // 2


def test_a_vocabulary_without_words_has_none_near() -> None:
    tokenizer = Tokenizer(WordPiece({"[UNK]": 0, "fall": 1, "##s": 2}, unk_token="[UNK]"))
    assert NearWords(tokenizer, torch.ones(3, 4)).of("fall") == ()


def test_copies_say_near_words_in_the_share_that_is_asked_for(
    near: NearWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.training.transfer._NOISED", 0.0)
    learned = [
        Example(f"riseaaa {number} " + "riseaaa " * 12, "sentiment", 1, "news") for number in range(200)
    ]
    assert not {"risebbb", "risemmm"} & _words(transfer_set(learned, 1, seed=1))
    for share in (0.3, 1.0):
        made = transfer_set(learned, 1, seed=1, near=near, near_share=share)
        changed = sum(bool({*each.text.split()} & {*RISES[1:]}) for each in made)
        assert share - 0.1 < changed / len(made) <= share + 0.1
        assert made == transfer_set(learned, 1, seed=1, near=near, near_share=share)


def _words(examples: list[Example]) -> set[str]:
    return {word for example in examples for word in example.text.split()}
