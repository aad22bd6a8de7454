from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.report import evaluate
from models.golden import check_golden, read_golden
from models.packaged import packaged_release
from models.release import GOLDEN, GRAPH, TOKENIZER
from models.scorer import OnnxScorer
from models.tasks import TaskName, task_named
from models.text import load_tokenizer

SHIPPABLE = {"MIT", "Apache-2.0", "CC0-1.0", "ODC-BY"}


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


@pytest.mark.train
def test_the_network_restored_from_it_answers_alike() -> None:
    # Imported here: the other tests of this file need none of the extra `train`.
    parity = pytest.importorskip("export.parity", reason="the extra `train` is not installed")
    answers = pytest.importorskip("export.answers", reason="the extra `train` is not installed")
    restore = pytest.importorskip("models.training.restore", reason="the extra `train` is not installed")
    release = packaged_release()
    texts = [text for text, _, _ in heldout()]
    rows = answers.ids_of(load_tokenizer(release.read(TOKENIZER), 128), texts)
    told = answers.GraphAnswers(release.read(GRAPH), optimise=False).all_of(rows)
    restored = parity.network_logits(restore.restore_network(release), rows)
    for task, logits in told.items():
        assert np.mean(logits.argmax(axis=1) == restored[task].argmax(axis=1)) >= 0.97
