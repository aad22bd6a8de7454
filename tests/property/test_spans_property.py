"""Places in a text survive normalising, whatever Unicode it holds."""

from __future__ import annotations

import functools

from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from models.packaged import packaged_releases
from models.release import TOKENIZER
from models.spans import Normalised, find_mention, spans_of_tags, tokens_of
from models.tasks import TAGS
from models.text import load_tokenizer, normalise, normalise_with_origins

PIECES = st.sampled_from(
    (
        "Nokia", "&amp;", "&amp;lt;", "&#8364;", "&eacute;", "e\u0301", "o\u0323\u0302", "\u1112\u1161\u11ab",
        "\U0001f680", "\U0001f468\u200d\U0001f469", "\u8d35\u5dde", "https://t.co/x", " ", "\t", "\u200b", "\u00ad",
        "www.a.b", "\u212b", "\u0130", "&", "&notit;", "3%",
    )
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join)


@given(TEXTS)
def test_with_and_without_origins_a_text_is_normalised_alike(text: str) -> None:
    clean, origins = normalise_with_origins(text)
    assert clean == normalise(text)
    assert origins is None or len(origins) == len(clean) + 1


@given(TEXTS)
def test_origins_rise_and_lie_in_the_text(text: str) -> None:
    clean, origins = normalise_with_origins(text)
    places = list(range(len(text) + 1)) if origins is None else list(origins)
    assert places == sorted(places)
    assert places[-1] == len(text)
    assert all(place < len(text) for place in places[: len(clean)])


@given(TEXTS, TEXTS)
def test_a_name_between_blanks_is_found_again_in_the_normalised_text(before: str, after: str) -> None:
    text = f"{before} Acme-Z9 {after}"
    start = len(before) + 1
    clean = Normalised.of(text)
    place = clean.place_of(start, start + 7)
    # What stands before may join the name (a URL up to the blank, a mark): then it has no place of its own.
    assert clean.text[slice(*place)] == "Acme-Z9"
    assert text[slice(*clean.origin_of(*place))].startswith("Acme-Z9")


@functools.cache
def tokenizers() -> tuple[Tokenizer, ...]:
    """Those of the releases that ship: WordPiece for English, SentencePiece for Chinese too."""
    return tuple(load_tokenizer(each.read(TOKENIZER), 512) for each in packaged_releases())


NAMES = st.sampled_from(
    ("Nokia", "Nestl\u00e9", "Nestle\u0301", "\u8d35\u5dde\u8305\u53f0", "S\u0327i\u0307\u015fecam", "AT&T")
)


@given(TEXTS, NAMES, TEXTS)
@settings(deadline=None)
def test_the_tokens_of_a_name_stand_for_its_characters_and_for_no_others(
    before: str, name: str, after: str
) -> None:
    text = f"{before} {name} {after}"
    clean = Normalised.of(text)
    place = clean.place_of(len(before) + 1, len(before) + 1 + len(name))
    for tokenizer in tokenizers():
        offsets = tokenizer.encode(clean.text).offsets
        tokens = tokens_of(offsets, *place)
        assert tokens is not None
        theirs = offsets[slice(*tokens)]
        read = clean.text[theirs[0][0] : theirs[-1][1]]
        # Some tokens begin with the blank before their word. A mark that begins what follows joins the name.
        assert read.strip().startswith(clean.text[slice(*place)].strip())
        assert not any(
            max(begins, place[0]) < min(ends, place[1])
            for number, (begins, ends) in enumerate(offsets)
            if not tokens[0] <= number < tokens[1]
        )


def test_what_looks_like_an_html_entity_and_is_none_keeps_its_places() -> None:
    clean = Normalised.of("&amp;&notit; up")
    assert clean.text == "&&notit; up"
    assert clean.origins == (0, *range(5, 16))


@given(TEXTS, st.data())
def test_there_and_back_again_a_place_holds_at_least_what_it_held(text: str, data: st.DataObject) -> None:
    clean = Normalised.of(text)
    start = data.draw(st.integers(0, len(clean.text)))
    end = data.draw(st.integers(start, len(clean.text)))
    begins, ends = clean.origin_of(start, end)
    if clean.origins is None or start == end or begins == ends:
        return
    again = clean.place_of(begins, ends)
    assert again[0] <= start
    assert end <= again[1]


@given(st.text(max_size=30), st.text(min_size=1, max_size=4))
def test_a_mention_that_is_found_is_what_was_looked_for(text: str, mention: str) -> None:
    place = find_mention(text, mention)
    if place is None:
        assert mention not in text
    else:
        assert text[slice(*place)].lower() == mention.lower()


@given(st.lists(st.sampled_from(TAGS), max_size=12))
def test_mentions_of_tags_are_apart_and_each_begins_where_a_tag_says_so(tags: list[str]) -> None:
    offsets = [(2 * number, 2 * number + 1) for number in range(len(tags))]
    found = spans_of_tags(tags, offsets)
    covered = [place for _, start, end in found for place in range(start, end)]
    assert len(covered) == len(set(covered))
    for number, tag in enumerate(tags):
        assert (tag != "O") == any(start <= 2 * number < end for _, start, end in found)
    assert all(tags[start // 2].endswith(kind) for kind, start, _ in found)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=10), st.integers(0, 40), st.integers(0, 40))
def test_tokens_of_a_place_are_those_that_touch_it(lengths: list[int], one: int, other: int) -> None:
    offsets, place = [(0, 0)], 0
    for length in lengths:
        offsets.append((place, place + length))
        place += length
    start, end = sorted((one, other))
    touching = [n for n, (a, b) in enumerate(offsets) if max(a, start) < min(b, end)]
    found = tokens_of(offsets, start, end)
    assert found == ((touching[0], touching[-1] + 1) if touching else None)
