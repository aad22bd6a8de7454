from __future__ import annotations

import random
import re

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from models.training.augment import Augmenter, Edit, edited
from models.training.choices import Augment
from models.training.data import Example, Span
from models.training.lexicon_chinese import lexicon

pytestmark = pytest.mark.train

WORDS = st.sampled_from(
    ["Nokia", "Acme", "gains", "$TSLA", "3.5%", "2019", "涨停", "é", "after", "the", "🙂"]
)


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """Texts of a few words, some of which are named, labelled or both."""
    words = draw(st.lists(WORDS, min_size=1, max_size=12))
    spans, mentions, place = [], [], 0
    for number, word in enumerate(words):
        kind = draw(st.sampled_from(["none", "span", "mention", "both"]))
        piece = Span(place, place + len(word), number % 3)
        if kind in {"span", "both"}:
            spans.append(piece)
        if kind in {"mention", "both"}:
            mentions.append(piece)
        place += len(word) + 1
    told = tuple(mentions) if draw(st.booleans()) else None
    return Example(" ".join(words), "entity", -1, "x", tuple(spans), told)


EXAMPLES = [
    Example("Nokia gains", "entity", -1, "x", (Span(0, 5, 2),)),
    Example("$ACME rises as Acme wins", "entity", -1, "x", (), (Span(15, 19, 0),)),
]


def pieces(example: Example) -> list[str]:
    return [example.text[span.start : span.end] for span in (*example.spans, *(example.mentions or ()))]


@settings(deadline=None)
@given(examples(), st.integers(0, 1000))
def test_without_new_names_every_span_still_says_what_it_said(example: Example, seed: int) -> None:
    chances = Augment(drop=0.4, swap=0.4, numbers=0.7)
    changed = Augmenter(chances, EXAMPLES).change(example, random.Random(seed))
    assert pieces(changed) == pieces(example)
    assert [span.label for span in changed.spans] == [span.label for span in example.spans]
    assert (changed.mentions is None) == (example.mentions is None)
    assert changed.text.strip()


@settings(deadline=None)
@given(examples(), st.integers(0, 1000))
def test_with_new_names_every_span_says_its_name_or_another_one(example: Example, seed: int) -> None:
    chances = Augment(drop=0.3, swap=0.3, numbers=0.5, names=1.0)
    changed = Augmenter(chances, EXAMPLES).change(example, random.Random(seed))
    for before, after in zip(pieces(example), pieces(changed), strict=True):
        assert after in {before, "Nokia", "Acme"}


@settings(deadline=None)
@given(examples(), st.integers(0, 1000))
def test_the_same_draw_gives_the_same_text(example: Example, seed: int) -> None:
    augmenter = Augmenter(Augment(drop=0.3, swap=0.3, numbers=0.5, names=0.5), EXAMPLES)
    assert augmenter.change(example, random.Random(seed)) == augmenter.change(example, random.Random(seed))


@settings(deadline=None)
@given(examples(), st.integers(0, 1000))
def test_with_no_chances_nothing_changes(example: Example, seed: int) -> None:
    assert Augmenter(Augment(), EXAMPLES).change(example, random.Random(seed)) == example


def change(example: Example, seed: int = 0, **chances: float) -> Example:
    return Augmenter(Augment(**chances), EXAMPLES).change(example, random.Random(seed))


def test_words_are_left_out_with_their_blank() -> None:
    example = Example("one two three four five six", "topic", 3, "x")
    texts = {change(example, seed, drop=0.3).text for seed in range(40)}
    assert len(texts) > 10
    for text in texts:
        assert text == " ".join(text.split())
        assert set(text.split()) <= set(example.text.split())


def test_short_texts_are_left_whole_and_no_text_is_emptied() -> None:
    for text in ("up", "shares jump today"):
        assert change(Example(text, "topic", 3, "x"), drop=1.0).text == text
    assert change(Example("one two three four", "topic", 3, "x"), drop=1.0).text


def test_neighbours_change_places() -> None:
    assert change(Example("a b c d", "topic", 3, "x"), swap=1.0).text == "b a d c"


def test_digits_are_drawn_anew_in_the_same_form() -> None:
    found = change(Example("up 3.50% to 1,200 in 2021, 007", "topic", 3, "x"), numbers=1.0).text
    assert re.fullmatch(r"up [1-9]\.[1-9]\d% to [1-9],[1-9]\d\d in [1-9]\d{3}, 0\d\d", found)
    assert found != "up 3.50% to 1,200 in 2021, 007"


def test_tickers_come_from_other_texts_where_there_are_some() -> None:
    assert change(Example("$TSLA up", "topic", 3, "x"), numbers=1.0).text == "$ACME up"
    alone = Augmenter(Augment(numbers=1.0), [])
    assert alone.change(Example("$TSLA up", "topic", 3, "x"), random.Random(1)).text == "$TSLA up"


def test_a_company_gets_the_name_of_another_and_persons_and_places_keep_theirs() -> None:
    text = "Ann Lee of Globex left for Rome"
    example = Example(
        text, "entity", -1, "x", (Span(11, 17, 0),), (Span(0, 7, 1), Span(11, 17, 0), Span(27, 31, 2))
    )
    changed = change(example, names=1.0)
    assert pieces(changed)[0] in {"Nokia", "Acme"}
    assert pieces(changed) == [pieces(changed)[0], "Ann Lee", pieces(changed)[0], "Rome"]
    assert changed.spans[0].label == 0


def test_a_company_that_is_named_twice_keeps_its_name() -> None:
    example = Example("Globex says Globex wins", "entity", -1, "x", (Span(0, 6, 2),))
    assert change(example, names=1.0) == example


def test_edits_that_cut_through_a_name_or_meet_another_are_left_out() -> None:
    example = Example("abcdefgh", "entity", -1, "x", (Span(2, 5, 1),))
    changed = edited(
        example, [Edit(1, 3, "-"), Edit(2, 5, "NAME"), Edit(5, 7, ""), Edit(6, 8, "!")], over_names=True
    )
    assert changed.text == "abNAMEh"
    assert changed.spans == (Span(2, 6, 1),)
    assert edited(example, [Edit(0, 8, ""), Edit(2, 5, "NAME")]) is example
    assert edited(Example("abc", "topic", 0, "x"), [Edit(0, 3, " ")]).text == "abc"


def test_a_text_is_said_in_chinese_but_for_its_names_and_what_nobody_knows() -> None:
    text = "Nokia surges 12% after record profit at Surge Energy, Qwxz says"
    spans = (Span(0, 5, 2), Span(text.index("Surge"), text.index(","), 1))
    example = Example(text, "entity", -1, "x", spans)
    found = [change(example, seed, chinese=1.0) for seed in range(30)]
    assert {tuple(pieces(each)) for each in found} == {("Nokia", "Surge Energy")}
    assert all(
        each.text.startswith("Nokia ") and "12%" in each.text and "Qwxz" in each.text for each in found
    )
    assert any("暴涨" in each.text or "飙升" in each.text or "大涨" in each.text for each in found)
    assert len({each.text for each in found}) > 20
    # Chinese words stand without blanks; English ones that stay keep theirs.
    assert not any(re.search("[\u3400-\u9fff] [\u3400-\u9fff]", each.text) for each in found)
    assert change(example, 1, chinese=0.0) == example
    native = Example("夏欧地产 拐点到了，业绩要起来", "sentiment", 2, "x")
    assert change(native, 1, chinese=1.0) == native


def test_several_words_have_a_name_of_their_own_in_the_lexicon() -> None:
    example = Example("Price target of net profit", "topic", 1, "x")
    found = {change(example, seed, chinese=1.0).text for seed in range(40)}
    assert any(text.startswith("目标价 of ") for text in found)
    assert not any("价格" in text or "净" in text.replace("净利润", "") for text in found)


def test_the_lexicon_is_in_small_letters_and_in_chinese() -> None:
    for english, chinese in lexicon().items():
        assert english == english.lower().strip()
        assert len(english.split()) <= 3
        assert chinese
        assert all(re.fullmatch("[\u3400-\u9fff]+", each) for each in chinese)
