from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import tiny_texts  # noqa: E402 - needs torch
from torch.nn.functional import cross_entropy, kl_div  # noqa: E402 - needs the extra

from models.training.batches import UNKNOWN, Encoded, collate  # noqa: E402 - needs torch
from models.training.config import TrainConfig  # noqa: E402 - needs torch
from models.training.data import DataSpec, Example, shares  # noqa: E402 - needs torch
from models.training.loss import Loss  # noqa: E402 - needs torch
from models.training.network import Logits  # noqa: E402 - needs torch

pytestmark = pytest.mark.train


def config(**changes: Any) -> TrainConfig:
    return TrainConfig(data=(), **({"balance": 0.0, "label_smoothing": 0.0, "ner_share": 1.0} | changes))


def moods(*labels: int, source: str = "x") -> list[Encoded]:
    return [
        Encoded((2, 4 + n, 3), Example(f"text {n}", "sentiment", label, source))
        for n, label in enumerate(labels)
    ]


def logits_for(items: list[Encoded], seed: int = 0) -> Logits:
    torch.manual_seed(seed)
    batch = collate(items)
    return Logits(
        torch.randn(len(items), 3),
        torch.randn(len(items), 20),
        torch.randn(len(batch.spans.text), 3),
        torch.randn(*batch.input_ids.shape, 7),
    )


def loss_over(items: list[Encoded], soft: Any = None, specs: Any = (), **changes: Any) -> Loss:
    return Loss.over([item.example for item in items], specs, config(**changes), soft)


def test_what_has_no_label_adds_nothing() -> None:
    items = moods(0, 2, 1)
    logits = logits_for(items)
    expected = cross_entropy(logits.sentiment, torch.tensor([0, 2, 1]))
    assert torch.allclose(loss_over(items)(logits, collate(items)), expected, atol=1e-6)


def test_each_head_is_held_against_its_labels_per_text_of_the_batch() -> None:
    items = tiny_texts()
    batch, logits = collate(items), logits_for(items)
    entities = cross_entropy(logits.entity, batch.labels["entity"], reduction="sum") / len(items)
    tags = cross_entropy(logits.ner.flatten(0, 1), batch.labels["ner"].flatten(), ignore_index=UNKNOWN)
    found = loss_over(items, ner_share=0.3)(logits, batch)
    assert torch.allclose(found, entities + 0.3 * tags, atol=1e-5)


def test_rare_classes_weigh_more_by_the_power_that_is_asked_for() -> None:
    items = moods(0, 0, 0, 0, 0, 0, 1, 2)
    share = torch.tensor(shares([item.example for item in items], "sentiment", 3))
    for power in (0.0, 0.5, 1.0):
        weights = loss_over(items, balance=power).weights["sentiment"]
        assert torch.allclose(weights / weights[0], (share / share[0]) ** -power)
        assert float((weights * share).sum()) == pytest.approx(1.0)
    logits = logits_for(items)
    weighed = loss_over(items, balance=1.0)
    told = cross_entropy(
        logits.sentiment,
        collate(items).labels["sentiment"],
        weight=weighed.weights["sentiment"],
        reduction="none",
    )
    assert torch.allclose(weighed(logits, collate(items)), told.mean())


def test_smoothing_gives_every_class_a_share_of_the_label() -> None:
    items = moods(0, 2)
    logits = logits_for(items)
    found = loss_over(items, label_smoothing=0.3)(logits, collate(items))
    wanted = torch.full((2, 3), 0.1)
    wanted[0, 0] = wanted[1, 2] = 0.8
    assert torch.allclose(found, -(wanted * logits.sentiment.log_softmax(-1)).sum(-1).mean(), atol=1e-6)


def test_habits_of_labelling_are_corrected_towards_the_reference() -> None:
    path = Path("x.csv")
    reference = DataSpec(name="x", path=path, task="sentiment", licence="MIT", reference=True)
    other = DataSpec(name="y", path=path, task="sentiment", licence="MIT")
    items = [*moods(0, 1, 2), *moods(2, 2, 2, source="y")]
    loss = loss_over(items, specs=(reference, other))
    assert set(loss.habits["sentiment"]) == {"y"}
    assert loss.habits["sentiment"]["y"][2] > 0 > loss.habits["sentiment"]["y"][0]
    theirs = moods(2, source="y")
    logits = logits_for(theirs)
    expected = cross_entropy(logits.sentiment + loss.habits["sentiment"]["y"], torch.tensor([2]))
    assert torch.allclose(loss(logits, collate(theirs)), expected)
    assert loss_over(items, specs=(other,)).habits["sentiment"] == {}


def test_a_teacher_is_followed_by_its_share_at_its_heat() -> None:
    items = moods(1)
    logits = logits_for(items)
    told = torch.randn(3)
    distance = 9 * kl_div(
        (logits.sentiment / 3).log_softmax(-1), (told / 3).softmax(-1)[None], reduction="batchmean"
    )
    label = cross_entropy(logits.sentiment, torch.tensor([1]))
    soft = {"text 0": {"sentiment": told}}
    found = loss_over(items, soft, taught=0.25, heat=3.0)(logits, collate(items))
    assert torch.allclose(found, 0.25 * distance + 0.75 * label, atol=1e-5)
    changed = [replace(items[0], example=replace(items[0].example, text="txt 0"), origin="text 0")]
    again = loss_over(items, soft, taught=0.25, heat=3.0)(logits, collate(changed))
    assert torch.allclose(again, found)


def test_a_student_that_answers_as_its_teacher_does_has_nothing_to_learn() -> None:
    items = tiny_texts()
    logits = logits_for(items)
    soft = {
        item.example.text: {"sentiment": logits.sentiment[n], "topic": logits.topic[n]}
        for n, item in enumerate(items)
    }
    begin = 0
    for item in items:
        if item.spans:
            soft[item.example.text]["entity"] = logits.entity[begin : begin + len(item.spans)]
        begin += len(item.spans)
    loss = loss_over(items, soft, taught=1.0, ner_share=0.0)
    assert float(loss(logits, collate(items))) == pytest.approx(0.0, abs=1e-6)


def test_where_there_is_no_label_the_teacher_alone_is_followed() -> None:
    items = moods(1)
    logits = logits_for(items)
    told = torch.randn(20)
    soft = {"text 0": {"topic": told}}
    distance = kl_div(logits.topic.log_softmax(-1), told.softmax(-1)[None], reduction="batchmean")
    label = cross_entropy(logits.sentiment, torch.tensor([1]))
    found = loss_over(items, soft, heat=1.0, taught=0.5)(logits, collate(items))
    assert torch.allclose(found, distance + label, atol=1e-5)


def test_a_teacher_that_saw_another_number_of_entities_is_not_asked() -> None:
    items = tiny_texts()[:1]
    logits = logits_for(items)
    soft = {items[0].example.text: {"entity": torch.randn(1, 3)}}
    plain, taught = loss_over(items), loss_over(items, soft)
    assert torch.allclose(plain(logits, collate(items)), taught(logits, collate(items)))
