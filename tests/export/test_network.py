from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import tiny_encoder, tiny_network, tiny_texts  # noqa: E402 - needs torch
from transformers import AutoModel  # noqa: E402 - needs the extra

from models.errors import ModelError  # noqa: E402 - needs torch
from models.training.batches import collate  # noqa: E402 - needs torch
from models.training.dropout import Dropout  # noqa: E402 - needs torch
from models.training.network import Network, Shape, Spans, pretrained  # noqa: E402 - needs torch
from models.training.predict import forward, predict  # noqa: E402 - needs torch

pytestmark = pytest.mark.train

IDS = torch.tensor([[2, 5, 9, 11, 3], [2, 7, 3, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_the_encoder_computes_what_bert_computes(activation: str, tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "bert", hidden_act=activation)
    bert = AutoModel.from_pretrained(str(folder), add_pooling_layer=False).eval()
    network = pretrained(folder, dropout=0.0, seed=1).eval()
    with torch.inference_mode():
        told = bert(input_ids=IDS, attention_mask=MASK, output_hidden_states=True)
        below, mask = network.encode(IDS, MASK)
        first, _ = network.ask(below, mask, torch.zeros(0, 32), torch.zeros(0, dtype=torch.int64))
    known = MASK.bool()
    assert np.allclose(below[known], told.hidden_states[-2][known], atol=1e-5)
    assert np.allclose(first, told.last_hidden_state[:, 0], atol=1e-5)


def test_a_span_of_one_token_asks_the_last_layer_as_that_token_would(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "bert")
    bert = AutoModel.from_pretrained(str(folder), add_pooling_layer=False).eval()
    network = pretrained(folder, dropout=0.0, seed=1).eval()
    texts = torch.tensor([1, 0, 0])
    places = [1, 3, 4]
    with torch.inference_mode():
        rows = bert(input_ids=IDS, attention_mask=MASK).last_hidden_state
        below, mask = network.encode(IDS, MASK)
        _, asked = network.ask(below, mask, below[texts, places], texts)
    assert np.allclose(asked, rows[texts, places], atol=1e-5)


def test_what_stands_in_a_text_does_not_depend_on_the_texts_and_spans_beside_it() -> None:
    network = tiny_network().eval()
    items = tiny_texts()
    together = predict(network, items, "fp32")
    for number, item in enumerate(items):
        alone = predict(network, [item], "fp32")
        for head, answers in together.items():
            assert np.allclose(answers[number], alone[head][0], atol=1e-5)
    assert [len(rows) for rows in together["entity"]] == [2, 0, 1, 2]
    assert [len(rows) for rows in together["ner"]] == [len(item.ids) for item in items]


def test_a_batch_without_spans_has_no_answers_about_entities() -> None:
    network = tiny_network().eval()
    batch = collate([item for item in tiny_texts() if not item.spans])
    assert batch.spans.shares.shape == (0, batch.input_ids.shape[1])
    logits = forward(network, batch, "fp32")
    assert logits.entity.shape == (0, 3)
    without = network(batch.input_ids, batch.attention_mask)
    assert torch.equal(without.topic, logits.topic)


def test_the_mean_over_a_span_is_what_asks() -> None:
    network = tiny_network().eval()
    shares = torch.tensor([[0, 0.5, 0.5, 0, 0]])
    with torch.inference_mode():
        below, mask = network.encode(IDS, MASK)
        mean = below[:1, 1:3].mean(dim=1)
        first, asked = network.ask(below, mask, mean, torch.tensor([0]))
        expected = network.entity(torch.cat([asked, first[:1]], dim=-1))
        found = network(IDS, MASK, Spans(torch.tensor([0]), shares)).entity
    assert torch.allclose(found, expected, atol=1e-6)


def test_heads_are_drawn_from_the_seed(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "bert")
    one, same, other = (pretrained(folder, dropout=0.0, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.topic.weight, same.topic.weight)
    assert not torch.equal(one.topic.weight, other.topic.weight)


def test_an_encoder_with_another_activation_is_refused(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "bert", hidden_act="silu")
    with pytest.raises(ModelError, match="hidden_act 'silu': give an encoder with gelu or relu"):
        pretrained(folder, dropout=0.0, seed=1)


def test_a_width_that_the_heads_do_not_divide_is_refused() -> None:
    with pytest.raises(ModelError, match="width 30 is no multiple of attention_heads 4"):
        Network(Shape(width=30, attention_heads=4, vocabulary=9, layers=2))


def test_one_layer_is_not_enough() -> None:
    with pytest.raises(ModelError, match="layers is 1: give 2 or more"):
        Network(Shape(width=32, attention_heads=4, vocabulary=9, layers=1))


def test_dropout_sets_the_asked_share_to_nothing_and_keeps_the_mean() -> None:
    torch.manual_seed(5)
    rows = torch.ones(1000, 1003)
    dropped = Dropout(0.1)(rows)
    assert float((dropped == 0).float().mean()) == pytest.approx(0.1, abs=0.001)
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.001)
    assert len(dropped.unique()) == 2


def test_dropout_goes_by_the_seed_of_torch_and_only_in_training() -> None:
    layer, rows = Dropout(0.5), torch.ones(7, 9)
    torch.manual_seed(3)
    one, other = layer(rows), layer(rows)
    torch.manual_seed(3)
    assert torch.equal(layer(rows), one)
    assert not torch.equal(one, other)
    assert layer(torch.ones(0, 4)).shape == (0, 4)
    assert layer.eval()(rows) is rows
    assert Dropout(0.0)(rows) is rows


def test_dropout_lets_gradients_through_where_it_lets_numbers_through() -> None:
    for kind in (torch.float32, torch.bfloat16):
        rows = torch.ones(64, 8, dtype=kind, requires_grad=True)
        dropped = Dropout(0.25)(rows)
        assert dropped.dtype is kind
        torch.autograd.backward(dropped.sum())
        assert rows.grad is not None
        assert torch.equal(rows.grad, dropped.detach())
