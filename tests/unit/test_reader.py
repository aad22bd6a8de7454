"""Texts to tokens, with words remembered: when the tokenizer is asked, and when it need not be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from models import reader
from models.packaged import packaged_named
from models.reader import TextReader, Tokens
from models.release import TOKENIZER
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

    def __init__(self, tokenizer: Tokenizer, asked: list[str]) -> None:
        self._tokenizer = tokenizer
        self._asked = asked

    def encode_batch(self, texts: Sequence[str], **options: Any) -> Any:
        self._asked += texts
        return self._tokenizer.encode_batch(list(texts), **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)


def counted(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> tuple[TextReader, list[str], list[str]]:
    """A reader by `tokenizer`, and what it will ask of it: whole texts, and words in one text."""
    texts: list[str] = []
    words: list[str] = []
    without_end = reader._without_end
    monkeypatch.setattr(reader, "_without_end", lambda whole: Counting(without_end(whole), words))
    made = TextReader(Counting(tokenizer, texts))  # type: ignore[arg-type]  # the real one can't be watched
    return made, texts, words


def test_each_word_is_cut_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, texts, words = counted(words_cut_at_blanks(), monkeypatch)
    (first,) = made.read(["bank runs, bank run"])
    assert first.ids == [1, 3, 4, 5, 8, 3, 4, 2]
    assert first.offsets == [(0, 0), (0, 4), (5, 8), (8, 9), (9, 10), (11, 15), (16, 19), (0, 0)]
    assert words == ["runs,"]  # the others are pieces themselves, so nobody need be asked
    words.clear()
    assert made.read(["bank run", "bank run bank"])[0].ids == [1, 3, 4, 2]
    assert not words
    made.forget()
    made.read(["bank runs,"])
    assert words == ["runs,"]
    assert not texts


@pytest.mark.parametrize("folded", [True, False])
def test_a_word_that_is_a_piece_is_what_the_tokenizer_says(
    *, folded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = words_cut_at_blanks()
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=folded)
    tokenizer.model.max_input_chars_per_word = 3
    made, _, words = counted(tokenizer, monkeypatch)
    texts = ["The RUN", "run on a bank", "s , [UNK]", "unk"]
    told = tokenizer.encode_batch(texts)
    assert made.read(texts) == [Tokens(each.ids, each.offsets) for each in told]
    asked = set(" ".join(words).split())
    assert asked & {"run", "on", "a", "s"} == set()
    assert ("RUN" in asked) is not folded
    # Too long a word, and what is not of letters alone or no piece, is still cut by the tokenizer.
    assert {"bank", ",", "[UNK]", "unk"} <= asked


def test_a_long_text_is_read_as_far_as_there_is_room_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    made, texts, words = counted(words_cut_at_blanks(5), monkeypatch)
    assert made.read(["bank runs run " + "the " * 10_000])[0].ids == [1, 3, 4, 5, 2]
    assert words == ["runs"]
    assert not texts


def test_what_is_not_ascii_or_endless_goes_to_the_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    made, asked, words = counted(words_cut_at_blanks(), monkeypatch)
    texts = ["bank \u20ac", "a bank", "run " + "s" * 25, ""]
    told = words_cut_at_blanks().encode_batch(texts)
    assert made.read(texts) == [Tokens(each.ids, each.offsets) for each in told]
    assert asked == [texts[0], texts[2]]
    assert "s" * 25 not in " ".join(words)


def test_beyond_its_bound_it_forgets_and_still_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_PIECES", 5)
    monkeypatch.setattr(reader, "_AT_ONCE", 2)
    made, _, words = counted(words_cut_at_blanks(), monkeypatch)
    texts = ["banks run", "banks runs", "thes banks iss ons as run", "run", "ons as banks"]
    told = words_cut_at_blanks().encode_batch(texts)
    assert made.read(texts) == [Tokens(each.ids, each.offsets) for each in told]
    # Five pieces of the first two texts are kept; eight more of the next two are not, so the last are cut anew.
    assert [sorted(each.split()) for each in words] == [
        ["banks", "runs"],
        ["as", "iss", "ons", "thes"],
        ["as", "banks", "ons"],
    ]


def test_the_release_for_english_is_read_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    release = packaged_named("newstide-en")
    assert release
    tokenizer = load_tokenizer(release.read(TOKENIZER), 128)
    made, texts, words = counted(tokenizer, monkeypatch)
    made.read(["Nokia gains as Ericsson slips"])
    assert not texts
    assert len(words) == 1


def blank_free(tokenizer: Tokenizer) -> None:
    tokenizer.normalizer = normalizers.Replace("bank run", "run")


def unsplit(tokenizer: Tokenizer) -> None:
    tokenizer.pre_tokenizer = pre_tokenizers.Punctuation()


def of_another_model(tokenizer: Tokenizer) -> None:
    tokenizer.model = models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]")


def with_a_phrase(tokenizer: Tokenizer) -> None:
    tokenizer.add_tokens(["bank run"])


def that_finds_its_marks_in_texts(tokenizer: Tokenizer) -> None:
    tokenizer.encode_special_tokens = False


def cut_at_its_beginning(tokenizer: Tokenizer) -> None:
    tokenizer.enable_truncation(16, direction="left")


def with_a_prompt(tokenizer: Tokenizer) -> None:
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] run $A [SEP]", special_tokens=[("[CLS]", 1), ("run", 4), ("[SEP]", 2)]
    )


@pytest.mark.parametrize(
    "change",
    [
        blank_free, unsplit, of_another_model, with_a_phrase, that_finds_its_marks_in_texts, cut_at_its_beginning,
        with_a_prompt,
    ],
)  # fmt: skip
def test_a_tokenizer_that_may_look_beyond_a_word_is_asked_itself(
    change: Callable[[Tokenizer], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = words_cut_at_blanks()
    change(tokenizer)
    made, texts, words = counted(tokenizer, monkeypatch)
    (told,) = tokenizer.encode_batch(["bank run"])
    assert made.read(["bank run"]) == made.read(["bank run"]) == [Tokens(told.ids, told.offsets)]
    assert texts == ["bank run"] * 2
    assert not words
