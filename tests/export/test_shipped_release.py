from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.chances import FullScorer
from export.report import evaluate
from export.towards import answer_entities
from models.golden import check_golden, read_golden
from models.packaged import packaged_named, packaged_release
from models.release import GOLDEN, GRAPH, TOKENIZER, Release
from models.scorer import OnnxScorer
from models.tasks import TaskName, task_named
from models.text import load_tokenizer

SHIPPABLE = {"MIT", "Apache-2.0", "CC0-1.0", "ODC-By"}

TWO_SIDES = (
    ("Nokia gains as Ericsson slips", "Nokia", "Ericsson"),
    ("Kaldera jumps on upbeat outlook while rival Tessaro tumbles", "Kaldera", "Tessaro"),
    ("Tessaro tumbles, rival Kaldera jumps on upbeat outlook", "Kaldera", "Tessaro"),
    ("Analysts upgrade Velmont, downgrade Corvane", "Velmont", "Corvane"),
    ("Corvane downgraded at Brightwater; Velmont raised to buy", "Velmont", "Corvane"),
    ("Orlan Foods misses estimates, Sunmere Energy beats", "Sunmere Energy", "Orlan Foods"),
    ("Sunmere Energy beats estimates, Orlan Foods misses", "Sunmere Energy", "Orlan Foods"),
    ("Harbourline Bank shares plunge as Pellworth rallies", "Pellworth", "Harbourline Bank"),
    ("Profit rises at Norvik but falls at Sabre Logistics", "Norvik", "Sabre Logistics"),
    ("Sabre Logistics loses market share to Norvik", "Norvik", "Sabre Logistics"),
)


@cache
def scorer() -> OnnxScorer:
    return OnnxScorer.load(packaged_release())


@cache
def heldout() -> tuple[tuple[str, TaskName, str], ...]:
    path = Path(__file__).parents[2] / "models/zoo/heldout.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return tuple((row["text"], task_named(row["task"]), row["label"]) for row in csv.DictReader(file))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=300) | st.sampled_from(["", "fed " * 300, "$TSLA \U0001f680"]), max_size=12))
def test_a_text_gets_the_same_bits_alone_and_in_any_batch(texts: list[str]) -> None:
    news = [text for text, _, _ in heldout()[::25]]
    together = scorer().score([*texts, *news]).answers
    alone = tuple(scorer().score([text]).answers[0] for text in (*texts, *news))
    assert together == alone


def test_it_repeats_its_golden_examples() -> None:
    golden = read_golden(packaged_release().read(GOLDEN), "golden.json")
    assert len(golden.examples) >= 30
    assert check_golden(scorer(), golden) == []


def test_it_is_whole_small_and_of_sets_whose_licence_lets_it_ship() -> None:
    release = packaged_release()
    release.verify()
    assert sum(entry.bytes for entry in release.manifest.files.values()) < 26e6
    assert {each.licence for each in release.manifest.lineage.datasets} <= SHIPPABLE


def test_it_answers_held_out_sentences_of_our_own() -> None:
    for task, least in (("sentiment", 0.8), ("topic", 0.75)):
        rows = [(text, label) for text, of_task, label in heldout() if of_task == task]
        assert len(rows) >= 100
        assert evaluate(scorer(), rows, task).accuracy >= least


@pytest.mark.parametrize(
    ("name", "file", "of_texts", "of_companies"),
    [
        ("newstide-en", "risk.csv", 0.88, 0.89),
        ("newstide-multilingual", "risk.csv", 0.89, 0.91),
        ("newstide-multilingual", "risk_chinese.csv", 0.89, 0.9),
    ],
)
def test_risk_news_is_read_about_as_well_as_was_measured(
    name: str, file: str, of_texts: float, of_companies: float
) -> None:
    path = Path(__file__).parents[2] / "models/zoo" / file
    release = packaged_named(name)
    assert release is not None
    towards = answer_entities(FullScorer.load(release), path).report()
    assert towards.n > 100
    assert towards.not_found == 0
    assert towards.accuracy >= of_companies
    with path.open(encoding="utf-8", newline="") as opened:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(opened)]
    assert evaluate(OnnxScorer.load(release), rows, "sentiment").accuracy >= of_texts


@pytest.mark.train
def test_the_network_restored_from_it_answers_alike() -> None:
    # Imported here: the other tests of this file need none of the extra `train`.
    parity = pytest.importorskip("export.parity", reason="the extra `train` is not installed")
    answers = pytest.importorskip("export.answers", reason="the extra `train` is not installed")
    restore = pytest.importorskip("models.training.restore", reason="the extra `train` is not installed")
    release = packaged_release()
    texts = [text for text, _, _ in heldout()]
    items = answers.read_texts(load_tokenizer(release.read(TOKENIZER), 128), texts)
    told = answers.GraphAnswers(release.read(GRAPH), optimise=False).all_of(items)
    restored = parity.network_answers(restore.restore_network(release), items)
    for task in ("sentiment", "topic"):
        same = [a.argmax() == b.argmax() for a, b in zip(told[task], restored[task], strict=True)]
        assert np.mean(same) >= 0.97


def test_it_tells_apart_how_each_company_fares() -> None:
    right = 0
    for text, winner, loser in TWO_SIDES:
        places = [(text.index(name), text.index(name) + len(name)) for name in (winner, loser)]
        gains, slips = scorer().score([text], [places]).answers[0].entities
        assert gains is not None
        assert slips is not None
        right += gains[2] - gains[0] > slips[2] - slips[0]
    assert right >= 0.8 * len(TWO_SIDES)


def test_the_sentiment_towards_a_company_has_the_same_bits_alone_and_in_any_batch() -> None:
    texts = [text for text, _, _ in TWO_SIDES]
    places = [
        [(text.index(name), text.index(name) + len(name)) for name in pair] for text, *pair in TWO_SIDES
    ]
    together = scorer().score(texts * 2, places + [[] for _ in texts]).answers
    alone = [scorer().score([text], [place]).answers[0] for text, place in zip(texts, places, strict=True)]
    assert list(together[: len(texts)]) == alone
    assert [answer.sentiment for answer in together[len(texts) :]] == [answer.sentiment for answer in alone]


def test_it_finds_companies_that_no_table_knows() -> None:
    text = "Quellmont Robotics to buy Dresmark Foods for $40 million &amp; a seat in Berlin"
    found = {text[m.start : m.end] for m in scorer().score([text]).answers[0].mentions if m.kind == "ORG"}
    assert {"Quellmont Robotics", "Dresmark Foods"} <= found


CHINESE = (
    ("公司净利润大幅下滑，股价暴跌", "negative"),
    ("某银行遭遇挤兑，存款被冻结", "negative"),
    ("该公司被指控财务造假，遭立案调查", "negative"),
    ("公司业绩创历史新高，股价大涨", "positive"),
    ("公司获得大额订单，利润翻倍", "positive"),
    ("公司宣布提高股息并回购股份", "positive"),
)
"""Sentences of our own; the release was trained on no Chinese set, only on sentences of our own."""


@cache
def multilingual() -> Release:
    found = packaged_named("newstide-multilingual")
    assert found is not None
    return found


def test_the_multilingual_release_is_whole_small_and_of_sets_whose_licence_lets_it_ship() -> None:
    release = multilingual()
    release.verify()
    assert sum(entry.bytes for entry in release.manifest.files.values()) < 45e6
    assert {each.licence for each in release.manifest.lineage.datasets} <= SHIPPABLE
    assert release.manifest.languages == ("en", "zh")


def test_the_multilingual_release_reads_english_and_chinese_and_repeats_its_golden_examples() -> None:
    reader = OnnxScorer.load(multilingual())
    assert check_golden(reader, read_golden(multilingual().read(GOLDEN), "golden.json")) == []
    answers = reader.score([text for text, _ in CHINESE]).answers
    for (text, label), answer in zip(CHINESE, answers, strict=True):
        assert (answer.sentiment[2] > answer.sentiment[0]) == (label == "positive"), text
    rows = [(text, label) for text, task, label in heldout() if task == "sentiment"]
    assert evaluate(reader, rows, "sentiment").accuracy >= 0.8
