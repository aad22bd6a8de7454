from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_training import write_csv

from models.errors import ModelError
from models.tasks import MENTIONS
from models.training.batches import Encoded, shuffled
from models.training.companies import kind_of_company
from models.training.data import (
    DataSpec,
    Example,
    Span,
    labels_of,
    read_corpus,
    read_set,
    shares,
    standard_sets,
)
from models.training.split import split_of
from models.training.written import written_examples

pytestmark = pytest.mark.train


def spec_of(path: Path, **changes: object) -> DataSpec:
    return DataSpec(**({"name": "own", "path": path, "task": "sentiment", "licence": "CC0-1.0"} | changes))


def test_a_set_is_read_with_its_texts_normalised_and_each_once(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "a.csv",
        [
            ("Profit &amp; sales up https://t.co/x", "positive"),
            ("Profit & sales up", "positive"),
            ("Flat", "neutral"),
            ("https://t.co/y", "neutral"),
        ],
    )
    assert [(e.text, e.label) for e in read_set(spec_of(path))] == [("Profit & sales up", 2), ("Flat", 1)]


def test_a_text_that_two_people_label_differently_teaches_nothing(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [("Up", "positive"), ("Up", "negative"), ("Down", "negative")])
    assert [e.text for e in read_set(spec_of(path))] == ["Down"]


def test_a_headline_counts_only_if_all_its_companies_fare_alike(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "a.csv",
        [
            ("1", "A gains, B falls", "positive"),
            ("1", "A gains, B falls", "negative"),
            ("2", "C and D gain", "positive"),
            ("2", "C and D gain", "positive"),
        ],
        header=("doc_id", "text", "label"),
    )
    assert [e.text for e in read_set(spec_of(path, group_column="doc_id"))] == ["C and D gain"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"text,label\na,negative\nb,bad\n", "line 3: label 'bad'"),
        (b"text,mood\na,negative\n", "line 1: there is no column 'label'"),
        (b"text,label\na\n", "line 2, label: the line ends before"),
        (b"text,label\n\xff,negative\n", "is no UTF-8"),
    ],
)
def test_a_fault_in_a_set_is_named_with_its_line(tmp_path: Path, content: bytes, fault: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ModelError, match=fault):
        read_set(spec_of(tmp_path / "a.csv"))


def test_a_missing_or_empty_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can't be read"):
        read_corpus(standard_sets(tmp_path))
    with pytest.raises(ModelError, match="has no rows"):
        read_corpus([spec_of(write_csv(tmp_path / "a.csv", []))])


def test_a_text_and_its_copies_fall_on_the_same_side() -> None:
    draw = random.Random(3)
    words = [f"w{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(400)]
    texts = [" ".join(draw.choices(words, k=14)) for _ in range(400)]
    parts = split_of([f"{text} up 5" for text in texts] + [f"{text.upper()}: up 12!" for text in texts])
    assert parts[:400] == parts[400:]
    shares_of = {part: parts.count(part) / len(parts) for part in ("train", "tune", "dev")}
    assert shares_of["train"] == pytest.approx(0.84, abs=0.06)
    assert shares_of["dev"] == pytest.approx(0.12, abs=0.05)


@settings(deadline=None)
@given(st.lists(st.text(max_size=40), max_size=12), st.randoms(use_true_random=False))
def test_the_side_of_a_text_does_not_depend_on_the_order(texts: list[str], draw: random.Random) -> None:
    order = list(range(len(texts)))
    draw.shuffle(order)
    parts, mixed = split_of(texts), split_of([texts[index] for index in order])
    assert [parts[index] for index in order] == mixed


def test_shares_of_classes_are_never_nothing() -> None:
    found = shares([Example("a", "sentiment", 0, "x"), Example("b", "topic", 3, "x")], "sentiment", 3)
    assert found == [0.5, 0.25, 0.25]


@settings(deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=200), st.integers(1, 9), st.integers(0, 5))
def test_every_example_is_seen_once_in_an_epoch(lengths: list[int], size: int, seed: int) -> None:
    encoded = [
        Encoded(tuple(range(length)), Example(str(number), "topic", 0, "x"))
        for number, length in enumerate(lengths)
    ]
    batches = shuffled(encoded, size, seed)
    assert sorted(int(item.example.text) for batch in batches for item in batch) == list(range(len(lengths)))
    assert batches == shuffled(encoded, size, seed)
    assert max(len(batch) for batch in batches) <= size


def test_the_written_sentences_are_labelled_with_each_mood_and_stand_in_no_test_text() -> None:
    examples = written_examples()
    assert {e.label for e in examples} == {0, 1, 2}
    assert len({e.text for e in examples}) == len(examples)
    heldout = Path(__file__).parents[2] / "models/zoo/heldout.csv"
    with heldout.open(encoding="utf-8", newline="") as file:
        kept = {row["text"] for row in csv.DictReader(file)}
    assert kept.isdisjoint(e.text for e in examples)


def test_companies_of_one_text_are_gathered_with_the_sentiment_towards_each(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "a.csv",
        [
            ("1", "Nokia gains as Ericsson slips", "Nokia", "positive"),
            ("1", "Nokia gains as Ericsson slips", "Ericsson", "negative"),
            ("1", "Nokia gains as Ericsson slips", "Siemens", "neutral"),
            ("2", "gold rises with Acme", "gold", "positive"),
            ("2", "gold rises with Acme", "Acme", "positive"),
            ("3", "Acme", "Acme", "positive"),
            ("3", "Acme", "Acme", "negative"),
        ],
        header=("doc_id", "text", "entity", "label"),
    )
    told = {"group_column": "doc_id", "entity_column": "entity", "mentions": True}
    one, two = read_set(spec_of(path, **told))[:2]
    assert (one.task, one.label, one.spans) == ("entity", -1, (Span(0, 5, 2), Span(15, 23, 0)))
    assert one.mentions == (Span(0, 5, 0), Span(15, 23, 0))
    assert (two.task, two.label) == ("sentiment", 2)
    assert two.mentions == (Span(16, 20, 0),)
    towards = read_set(spec_of(path, task="entity", **told))
    assert [(example.task, example.label) for example in towards] == [("entity", -1)] * 3
    assert towards[2].spans == ()
    assert labels_of(towards[0], "entity") == [2, 0]
    assert shares(towards, "entity", 3)[2] == pytest.approx(4 / 7)


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("Indian Oil gains", "Indian Oil", "ORG"),
        ("Barrick Gold falls", "Barrick Gold", "ORG"),
        ("easyJet up", "easyJet", "ORG"),
        ("3i Infotech up", "3i Infotech", "ORG"),
        ("Vijaya bank up", "Vijaya bank", "ORG"),
        ("Saxo Markets, Religare Capital Markets", "Religare Capital Markets", "ORG"),
        ("Asian markets mixed", "Asian markets", ""),
        ("Markets mixed", "Markets", ""),
        ("gold falls", "gold", ""),
        ("BSE Sensex up", "BSE Sensex", ""),
        ("Nifty 50 up", "Nifty 50", ""),
        ("Gold falls", "Gold", ""),
        ("China yuan slips", "China yuan", ""),
        ("Asian Shares slip", "Asian Shares", ""),
        ("PSU banks lead", "PSU banks", ""),
        ("S&P 500 up", "S&P 500", ""),
        ("China slows", "China", "LOC"),
        ("Hong Kong halts trade", "Hong Kong", "LOC"),
        ("Activision Blizzard up", "ctivision Bliz", ""),
        ("Saudi Audi dealer", "audi", ""),
    ],
)
def test_what_a_set_calls_a_company_may_be_a_price_a_place_or_no_name(
    text: str, name: str, kind: str
) -> None:
    start = text.find(name)
    assert kind_of_company(text, start, start + len(name)) == kind


def test_places_of_companies_are_those_of_the_text_as_it_came(tmp_path: Path) -> None:
    text = "AT&amp;T and Caf\u0065\u0301 Co up"
    path = write_csv(
        tmp_path / "a.csv",
        [(text, "x", "13", "21", "positive")],
        header=("text", "entity", "start", "end", "label"),
    )
    places = {"entity_column": "entity", "start_column": "start", "end_column": "end"}
    (example,) = read_set(spec_of(path, task="entity", **places))
    (span,) = example.spans
    assert example.text[span.start : span.end] == "Caf\u00e9 Co"
    write_csv(path, [(text, "x", "one", "2", "positive")], header=("text", "entity", "start", "end", "label"))
    with pytest.raises(ModelError, match="line 2: start and end are 'one' and '2': give numbers"):
        read_set(spec_of(path, task="entity", **places))


def test_a_set_names_the_heads_that_it_has_labels_for() -> None:
    path = Path("a.csv")
    assert spec_of(path).tasks == ("sentiment",)
    assert spec_of(path, entity_column="entity", mentions=True).tasks == ("sentiment", "entity", "ner")
    assert spec_of(path, reference=True).reference == ("sentiment",)
    assert spec_of(path, reference=False).reference == ()


def test_tagged_tokens_become_a_text_with_mentions(tmp_path: Path) -> None:
    rows = [
        {"tokens": ["Ann", "Lee", "of", "AT&amp;T", "."], "tags": ["B-PER", "I-PER", "O", "B-ORG", "O"]},
        {"tokens": ["Ann", "Lee", "of", "AT&amp;T", "."], "tags": ["O", "O", "O", "O", "O"]},
        {"tokens": ["\u200b", "nobody"], "tags": ["O", "O"]},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    one, two = read_set(spec_of(path, task="ner"))
    assert one.text == "Ann Lee of AT&T ."
    assert one.exhaustive
    assert [one.text[m.start : m.end] for m in one.mentions or ()] == ["Ann Lee", "AT&T"]
    assert [MENTIONS[m.label] for m in one.mentions or ()] == ["PER", "ORG"]
    assert (two.text, two.mentions) == ("nobody", ())


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"{", "line 1: this is no JSON"),
        (b"[]", 'line 1: write an object with "tokens" and "tags"'),
        (b'{"tokens": "abc", "tags": "OOO"}', "both lists of strings"),
        (b'{"tokens": [1, null], "tags": ["O", "O"]}', "both lists of strings"),
        (b'{"tokens": ["a"]}', 'line 1: write an object with "tokens" and "tags"'),
        (b'{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a"], "tags": []}', "line 2: 1 tokens have 0 tags"),
        (b'{"tokens": ["a"], "tags": ["B-X"]}', "tag 'B-X' is none of B-LOC, B-ORG"),
        (b"\xff", "is no UTF-8"),
    ],
)
def test_a_fault_in_a_tagged_file_is_named_with_its_line(tmp_path: Path, content: bytes, fault: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(ModelError, match=fault):
        read_set(spec_of(tmp_path / "a.jsonl", task="ner"))


def test_a_missing_tagged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can't be read"):
        read_set(spec_of(tmp_path / "none.jsonl", task="ner"))
