"""Pieces of a multilingual vocabulary that English and Chinese need, and the tokenizer made of them.

A multilingual encoder spends most of its weights on the words of languages that a release never reads. Rows of the
embedding are looked up and never mixed, so dropping a piece changes nothing for a text that does not use it
(Abdaoui et al., "Load What You Need", 2020). Which pieces are used is estimated from word frequencies of English
(package `wordfreq`), from no labelled set.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from models.errors import ModelError

SPACE = "\u2581"
"""What stands for a blank before a word in a SentencePiece vocabulary."""

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
"""The marks that every vocabulary begins with, in this order: their ids are 0 to 3."""

NEVER = -100.0
"""The score of a mark: so low that the same characters in a text are read as text."""

WORDS = 60_000
"""How many of the most frequent English words vote for pieces."""

_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "HIRAGANA", "KATAKANA", "BOPOMOFO", "CJK", "FULLWIDTH", "HALFWIDTH")
_UNSEEN = Regex("[\\x00-\\x08\\x0b\\x0e-\\x1f\\x7f\\x8f\\x9f]")
_BLANK = Regex("[\\t\\n\\f\\r\\x{1680}\\x{200b}-\\x{200f}\\x{2028}\\x{2029}\\x{2581}\\x{feff}\\x{fffd}]")


def unigram_tokenizer(
    pieces: Sequence[str], scores: Sequence[float], prefix: Sequence[str] = ()
) -> Tokenizer:
    """The tokenizer whose piece number `i` is `pieces[i]`.

    It normalises as SentencePiece's `nmt_nfkc` does, as far as `models.text.normalise` has not done so already.
    Each text comes out as `<s>`, the pieces `prefix`, its own pieces, `</s>`. Because no piece reaches from one
    word into the next, that is what a text with the prefix written before it would give.

    Args:
        pieces: the vocabulary, beginning with `SPECIALS`.
        scores: the log-probability of each piece.
        prefix: pieces that the model was trained to read before each text.

    Raises:
        ModelError: if `pieces` does not begin with `SPECIALS`, or a piece of `prefix` is none of them.
    """
    numbers = {piece: number for number, piece in enumerate(pieces)}
    if tuple(pieces[: len(SPECIALS)]) != SPECIALS:
        raise ModelError(
            f"the vocabulary begins with {list(pieces[:4])}: it has to begin with {list(SPECIALS)}"
        )
    missing = [piece for piece in prefix if piece not in numbers]
    if missing:
        raise ModelError(f"the prefix piece {missing[0]!r} is not in the vocabulary: keep it")
    rated = list(zip(pieces, map(float, scores), strict=True))
    rated[: len(SPECIALS)] = [(mark, NEVER) for mark in SPECIALS]
    tokenizer = Tokenizer(models.Unigram(rated, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(_UNSEEN, ""),
            normalizers.Replace(_BLANK, " "),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.add_special_tokens([*SPECIALS])
    tokenizer.post_processor = _template(prefix, numbers)
    return tokenizer


def _template(prefix: Sequence[str], numbers: dict[str, int]) -> processors.TemplateProcessing:
    """Wraps a text in its marks; pieces of the prefix have names of their own, as `:` means something there."""
    named = {f"<prefix{place}>": piece for place, piece in enumerate(prefix)}
    return processors.TemplateProcessing(
        single=["<s>", *named, "$A", "</s>"],
        special_tokens=[
            *((mark, numbers[mark]) for mark in ("<s>", "</s>")),
            *({"id": name, "ids": [numbers[piece]], "tokens": [piece]} for name, piece in named.items()),
        ],
    )


def choose_pieces(
    pieces: Sequence[str], scores: Sequence[float], size: int, *, keep: Collection[str] = ()
) -> list[int]:
    """Numbers of the pieces to keep, in their old order.

    Kept whatever the size: the pieces in `keep`, the marks, each single character of the scripts of both languages
    (and of Greek, Cyrillic and kana, which their texts borrow) with or without a blank, punctuation, symbols,
    digits, and all words of Han characters. So no character of such a text becomes unknown. The rest, up to
    `size`, are the pieces of the most frequent English words.

    Raises:
        ModelError: if `size` is less than what has to be kept.
    """
    always = {
        number
        for number, piece in enumerate(pieces)
        if number < len(SPECIALS) or piece in keep or _is_needed(piece)
    }
    if size < len(always):
        raise ModelError(f"size is {size}: {len(always)} pieces have to be kept, so give more")
    candidates = [number for number, piece in enumerate(pieces) if number in always or _is_english(piece)]
    votes = _votes([pieces[number] for number in candidates], [scores[number] for number in candidates])
    ranked = sorted(
        (number for number in candidates if number not in always and votes[pieces[number]]),
        key=lambda number: (-votes[pieces[number]], number),
    )
    return sorted(always | set(ranked[: size - len(always)]))


def _is_needed(piece: str) -> bool:
    bare = piece.replace(SPACE, "")
    if len(bare) <= 1:
        return not bare or _is_shared(bare)
    return all(_is_han(character) for character in bare) or (
        not any(character.isalpha() for character in bare) and all(character < "\u0100" for character in bare)
    )


def _is_shared(character: str) -> bool:
    """Whether English or Chinese texts use the character: letters of a few scripts, digits, all symbols."""
    if unicodedata.category(character)[0] in "PS":
        return True
    return unicodedata.name(character, "?").startswith(_SCRIPTS) or character.isascii()


def _is_han(character: str) -> bool:
    return unicodedata.name(character, "?").startswith("CJK UNIFIED")


def _is_english(piece: str) -> bool:
    return all(character < "\u0250" for character in piece.replace(SPACE, ""))


def _votes(pieces: Sequence[str], scores: Sequence[float]) -> dict[str, float]:
    """How often each piece occurs in English, by the frequencies of its words in their three usual spellings."""
    tokenizer = unigram_tokenizer(pieces, scores)
    votes: dict[str, float] = defaultdict(float)
    for word, frequency in islice(english_words(), WORDS):
        for spelling in {word, word.capitalize(), word.upper()}:
            for piece in tokenizer.encode(spelling, add_special_tokens=False).tokens:
                votes[piece] += frequency
    return votes


def english_words() -> list[tuple[str, float]]:
    """English words with their frequencies, the most frequent first."""
    # Imported here: only this one step of a training needs it.
    from wordfreq import get_frequency_dict  # noqa: PLC0415 - part of the extra `train` only

    frequencies: Iterable[tuple[str, float]] = get_frequency_dict("en", "large").items()
    return sorted(frequencies, key=lambda pair: (-pair[1], pair[0]))
