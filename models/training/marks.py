"""The marks that a tokenizer sets around each text, read from it and given to another."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer, processors

Mark = tuple[int, str]
"""The id of a token, and what it is called."""


def marks_around(tokenizer: Tokenizer) -> tuple[list[Mark], list[Mark]]:
    """The marks before each text and those behind it. Padding is turned off: it would pass for marks."""
    tokenizer.no_padding()
    read = tokenizer.encode("a")
    begins = read.special_tokens_mask.index(0)
    ends = begins + read.special_tokens_mask[begins:].count(0)
    marks = list(zip(read.ids, read.tokens, strict=True))
    return marks[:begins], marks[ends:]


def template(before: Sequence[Mark], after: Sequence[Mark]) -> processors.TemplateProcessing:
    """What sets these marks around each text."""
    # A template has a meaning of its own for `:`, so its tokens get plain names.
    marks = {f"<mark{place}>": mark for place, mark in enumerate([*before, *after])}
    named = list(marks)
    return processors.TemplateProcessing(
        single=[*named[: len(before)], "$A", *named[len(before) :]],
        special_tokens=[
            {"id": name, "ids": [number], "tokens": [token]} for name, (number, token) in marks.items()
        ],
    )
