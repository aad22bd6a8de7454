from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import tiny_texts, tiny_tokenizer  # noqa: E402 - needs torch
from tokenizers import Tokenizer  # noqa: E402 - comes with the extra
from tokenizers.models import WordLevel  # noqa: E402 - the same
from tokenizers.pre_tokenizers import Metaspace  # noqa: E402 - the same

from models.tasks import TAGS  # noqa: E402 - needs torch
from models.training.batches import UNKNOWN, Encoded, collate, encode, in_order  # noqa: E402 - needs torch
from models.training.data import Example, Span  # noqa: E402 - needs torch

pytestmark = pytest.mark.train

B_ORG, I_ORG = TAGS.index("B-ORG"), TAGS.index("I-ORG")


def encoded(text: str, *, max_length: int | None = None, **told: Any) -> Encoded:
    tokenizer = tiny_tokenizer()
    if max_length:
        tokenizer.enable_truncation(max_length)
    return encode(tokenizer, [Example(text, "entity", -1, "x", **told)])[0]


def test_spans_of_characters_become_spans_of_tokens() -> None:
    item = encoded("the oil firm gains", spans=(Span(4, 12, 2), Span(0, 3, 0)))
    assert [(span.first, span.after, span.label) for span in item.spans] == [(2, 4, 2), (1, 2, 0)]
    assert item.labels("entity") == [2, 0]
    assert item.labels("sentiment") == item.labels("topic") == item.labels("ner") == []


def test_a_span_that_is_cut_off_is_left_out() -> None:
    item = encoded("the oil firm gains", max_length=4, spans=(Span(0, 3, 0), Span(13, 18, 1)))
    assert item.labels("entity") == [0]
    half = encoded("the oil firm gains", max_length=4, spans=(Span(4, 12, 2),))
    assert [(span.first, span.after) for span in half.spans] == [(2, 3)]


def test_names_get_tags_and_the_marks_of_the_tokenizer_none() -> None:
    item = encoded("the oil firm gains", mentions=(Span(4, 12, 0),), exhaustive=True)
    assert item.tags == (UNKNOWN, 0, B_ORG, I_ORG, 0, UNKNOWN)
    assert encoded("the oil firm gains").tags is None


def test_where_names_may_be_left_out_words_with_capitals_say_nothing() -> None:
    item = encoded("the Oil firm gold gains", mentions=(Span(8, 12, 0),))
    assert item.tags == (UNKNOWN, 0, UNKNOWN, B_ORG, 0, 0, UNKNOWN)
    # Some tokenizers count the blank before a word to it.
    words = Tokenizer(WordLevel({"\u2581Apple": 1, "\u2581sues": 2, "\u2581Tesla": 3, "?": 0}, unk_token="?"))
    words.pre_tokenizer = Metaspace()
    (item,) = encode(words, [Example("Apple sues Tesla", "ner", -1, "x", mentions=(Span(0, 5, 0),))])
    assert item.ids == (1, 2, 3)
    assert item.tags == (B_ORG, 0, UNKNOWN)


def test_a_batch_holds_any_number_of_spans_for_each_text() -> None:
    items = tiny_texts()
    batch = collate(items)
    assert batch.spans.text.tolist() == [0, 0, 2, 3, 3]
    assert batch.labels["entity"].tolist() == [2, 0, 1, 0, 2]
    assert torch.allclose(batch.spans.shares.sum(dim=1), torch.ones(5))
    assert (batch.spans.shares[1] > 0).nonzero().flatten().tolist() == [6, 7]
    assert batch.labels["sentiment"].tolist() == batch.labels["topic"].tolist() == [UNKNOWN] * 4
    assert batch.labels["ner"].shape == batch.input_ids.shape
    for row, item in enumerate(items):
        length = len(item.ids)
        assert batch.attention_mask[row].tolist() == [1] * length + [0] * (len(batch.input_ids[row]) - length)
        assert set(batch.labels["ner"][row, length:].tolist()) <= {UNKNOWN}


def test_texts_are_measured_in_their_order() -> None:
    items = tiny_texts()
    assert [item for batch in in_order(items, 3) for item in batch.items] == items
