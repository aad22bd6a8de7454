from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import mood_rows  # noqa: E402 - needs torch

from models.training.batches import Encoded  # noqa: E402 - needs torch
from models.training.data import Example  # noqa: E402 - needs torch
from models.training.network import Network, Shape  # noqa: E402 - needs torch
from models.training.prior import power_left_out, take_back_weights  # noqa: E402 - needs torch

pytestmark = pytest.mark.train


def test_only_the_bias_moves_and_by_what_is_told() -> None:
    torch.manual_seed(3)
    shape = Shape(vocabulary=40, positions=32, width=16, layers=2, attention_heads=2, inner=32)
    network = Network(shape, dropout=0.0)
    labels = [0, 1, 2, 2, 2, 2, 2, 2]
    examples = [
        Example(text, "sentiment", label, "mine")
        for (text, _), label in zip(mood_rows(8), labels, strict=True)
    ]
    examples.append(Example("of a set that is no reference", "sentiment", 0, "other"))
    tune = [Encoded((1, 5 + number, 2), each) for number, each in enumerate(examples[:4])]
    before = {name: values.clone() for name, values in network.state_dict().items()}
    powers = take_back_weights(
        network,
        examples,
        tune,
        {"sentiment": ("mine",), "ner": ("mine",)},
        balance={"sentiment": 0.25},
        precision="fp32",
    )
    assert set(powers) == {"sentiment"}, "the loss of tags has no weights"
    assert powers["sentiment"] == pytest.approx(0.25, abs=0.2), "four texts say little"
    moved = {name for name, values in network.state_dict().items() if not torch.equal(values, before[name])}
    assert moved == {"sentiment.bias"}
    shares = torch.tensor([2 / 11, 2 / 11, 7 / 11])
    given = network.sentiment.bias - before["sentiment.bias"]
    assert torch.allclose(given, powers["sentiment"] * shares.log(), atol=1e-5)


def test_without_texts_to_tune_on_it_is_what_the_recipe_says() -> None:
    shape = Shape(vocabulary=40, positions=32, width=16, layers=2, attention_heads=2, inner=32)
    network = Network(shape, dropout=0.0)
    examples = [Example("a", "sentiment", 0, "mine"), Example("b", "sentiment", 2, "mine")]
    powers = take_back_weights(
        network, examples, [], {"sentiment": ("mine",)}, balance={"sentiment": 0.5}, precision="fp32"
    )
    assert powers["sentiment"] == pytest.approx(0.5, abs=1e-3)


def test_teachers_leave_nothing_out_so_less_is_given_back_where_they_are_followed() -> None:
    answer = torch.zeros(3)
    left = power_left_out(0.25, 0.8, {"a": {"sentiment": answer}, "b": {"entity": answer[None]}})
    assert left == pytest.approx({"sentiment": 0.05, "topic": 0.25, "entity": 0.05, "ner": 0.25})
    assert power_left_out(0.25, 0.8, {}) == dict.fromkeys(("sentiment", "topic", "entity", "ner"), 0.25)
