from __future__ import annotations

import re

import pytest

from models.spans import Normalised, find_mention, names_in, spans_of_tags, tokens_of
from models.text import normalise, normalise_with_origins


@pytest.mark.parametrize(
    ("text", "piece", "expected"),
    [
        ("Nokia gains", "Nokia", "Nokia"),
        ("  Nokia \n gains", "gains", "gains"),
        ("AT&amp;T falls, Verizon gains", "AT&amp;T", "AT&T"),
        ("AT&amp;T falls, Verizon gains", "Verizon", "Verizon"),
        ("Soci\u0065\u0301te\u0301 rises", "Soci\u0065\u0301te\u0301", "Soci\u00e9t\u00e9"),
        ("\u1112\u1161\u11ab bank up", "\u1112\u1161\u11ab", "\ud55c"),
        ("\U0001f680\U0001f680 $TSLA to the moon", "$TSLA", "$TSLA"),
        ("\U0001f468\u200d\U0001f469 Acme", "Acme", "Acme"),
        (
            "\u8d35\u5dde\u8305\u53f0\u80a1\u4ef7\u4e0a\u6da8",
            "\u8d35\u5dde\u8305\u53f0",
            "\u8d35\u5dde\u8305\u53f0",
        ),
        ("see https://t.co/abc Nokia", "Nokia", "Nokia"),
        ("No\u00adkia\u200b gains", "No\u00adkia\u200b", "Nokia"),
        ("&amp;amp; Nokia", "Nokia", "Nokia"),
    ],
)
def test_a_piece_of_a_raw_text_is_found_in_the_normalised_one_and_back(
    text: str, piece: str, expected: str
) -> None:
    start = text.index(piece)
    clean = Normalised.of(text)
    place = clean.place_of(start, start + len(piece))
    assert clean.text[slice(*place)] == expected
    begins, ends = clean.origin_of(*place)
    assert begins == start
    assert normalise(text[begins:ends]) == expected


def test_what_normalising_takes_out_has_no_place() -> None:
    text = "up https://t.co/abc today"
    start, end = Normalised.of(text).place_of(3, 19)
    assert Normalised.of(text).text[start:end].strip() == ""


def test_a_text_that_is_normal_needs_no_table() -> None:
    assert normalise_with_origins("Nokia gains") == ("Nokia gains", None)
    assert Normalised.of("Nokia gains").origin_of(3, 3) == (3, 3)


OFFSETS = [(0, 0), (0, 3), (3, 5), (6, 11), (0, 0)]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 5, (1, 3)),
        (0, 3, (1, 2)),
        (4, 7, (2, 4)),
        (6, 11, (3, 4)),
        (5, 6, None),
        (11, 20, None),
        (2, 2, None),
        (3, 3, None),
    ],
)
def test_characters_are_held_by_the_tokens_that_share_any(
    start: int, end: int, expected: tuple[int, int] | None
) -> None:
    assert tokens_of(OFFSETS, start, end) == expected


@pytest.mark.parametrize(
    ("text", "mention", "expected"),
    [
        ("Nokia gains", "Nokia", (0, 5)),
        ("Pineapple and Apple", "Apple", (14, 19)),
        ("pineapple falls", "apple", (4, 9)),
        ("apple falls as APPLE gains", "APPLE", (15, 20)),
        ("apple falls", "Apple", (0, 5)),
        ("pineapple and apple", "Apple", (14, 19)),
        ("AT&T", "AT&T", (0, 4)),
        ("\u8d35\u5dde\u8305\u53f0\u80a1\u4ef7", "\u8305\u53f0", (2, 4)),
        ("nothing here", "Nokia", None),
        ("nothing here", "", None),
        ("S&P500 up", "S&P", (0, 3)),
    ],
)
def test_a_mention_is_found_as_a_whole_word_first(
    text: str, mention: str, expected: tuple[int, int] | None
) -> None:
    assert find_mention(text, mention) == expected


def test_where_lower_case_is_longer_only_the_exact_words_are_found() -> None:
    assert find_mention("\u0130stanbul and Nokia", "Nokia") == (13, 18)
    assert find_mention("\u0130stanbul and Nokia", "nokia") is None


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("B-ORG I-ORG O", [("ORG", 0, 5)]),
        ("I-ORG I-ORG O", [("ORG", 0, 5)]),
        ("B-ORG B-ORG O", [("ORG", 0, 2), ("ORG", 3, 5)]),
        ("B-ORG I-PER O", [("ORG", 0, 2), ("PER", 3, 5)]),
        ("B-ORG O I-ORG", [("ORG", 0, 2), ("ORG", 6, 8)]),
        ("O O O", []),
    ],
)
def test_tags_tell_mentions(tags: str, expected: list[tuple[str, int, int]]) -> None:
    assert spans_of_tags(tags.split(), [(0, 2), (3, 5), (6, 8)]) == expected


def test_marks_without_characters_end_no_mention_and_begin_none() -> None:
    tags = ["B-PER", "B-ORG", "O", "I-ORG", "B-LOC"]
    assert spans_of_tags(tags, [(0, 0), (0, 2), (2, 2), (3, 5), (0, 0)]) == [("ORG", 0, 5)]


@pytest.mark.parametrize(
    ("text", "tags", "expected"),
    [
        ("Al der Bank", "B-ORG I-ORG I-ORG", ["Al der Bank"]),
        ("Alder Bank", "B-ORG B-ORG", ["Alder Bank"]),
        ("Alder, Bank", "B-ORG O B-ORG", ["Alder", "Bank"]),
        ("Alder Rome", "B-ORG B-LOC", ["Alder", "Rome"]),
        ("alder falls", "B-ORG O", []),
        ("Q3 falls", "B-ORG O", []),
        ("Boeing 737 falls", "B-ORG I-ORG O", ["Boeing 737"]),
        ("\u8d35\u5dde\u8305\u53f0", "B-ORG", ["\u8d35\u5dde\u8305\u53f0"]),
    ],
)
def test_names_are_whole_words_that_look_like_names(text: str, tags: str, expected: list[str]) -> None:
    offsets = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
    marks = ["O", *tags.split(), "O"]
    found = names_in(text, marks, [(0, 0), *offsets, (0, 0)])
    assert [text[start:end] for _, start, end in found] == expected


def test_a_word_in_several_tokens_has_the_tag_of_its_first() -> None:
    assert names_in("Ericsson up", ["B-ORG", "O", "O"], [(0, 3), (3, 8), (9, 11)]) == [("ORG", 0, 8)]
    assert names_in("Ericsson up", ["O", "I-ORG", "O"], [(0, 3), (3, 8), (9, 11)]) == []


def test_the_blank_that_a_token_begins_with_is_no_part_of_a_name() -> None:
    text = "Tesla Motors and Ford up, Q3"
    offsets = [(0, 5), (5, 12), (12, 16), (16, 21), (21, 24), (24, 25), (25, 28)]
    tags = ["B-ORG", "B-ORG", "O", "B-ORG", "O", "O", "B-ORG"]
    assert names_in(text, tags, offsets) == [("ORG", 0, 12), ("ORG", 17, 21)]


def test_a_chinese_name_ends_where_its_tags_do() -> None:
    text = "\u534e\u4e2d\u94f6\u884c\u5728\u6df1\u5733\u65b0\u5efa\u5de5\u5382"
    offsets = [(0, 2), (2, 4), (4, 5), (5, 7), (7, 9), (9, 11)]
    tags = ["B-ORG", "I-ORG", "O", "B-LOC", "O", "O"]
    assert names_in(text, tags, offsets) == [("ORG", 0, 4), ("LOC", 5, 7)]
