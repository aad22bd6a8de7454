from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import tiny_encoder, tiny_network, tiny_texts  # noqa: E402 - needs torch
from transformers import (  # noqa: E402 - needs the extra
    AutoModel,
    ElectraConfig,
    ElectraModel,
    MPNetConfig,
    MPNetModel,
)

from models.errors import ModelError  # noqa: E402 - needs torch
from models.training.batches import collate  # noqa: E402 - needs torch
from models.training.dropout import Dropout  # noqa: E402 - needs torch
from models.training.network import Network, Shape, Spans, pretrained  # noqa: E402 - needs torch
from models.training.predict import forward, predict  # noqa: E402 - needs torch

pytestmark = pytest.mark.train

IDS = torch.tensor([[2, 5, 9, 11, 3], [2, 7, 3, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
NO_SPANS = Spans(torch.zeros(0, dtype=torch.int64), torch.zeros(0, 5))


def tiny_mpnet(folder: Path) -> Path:
    """An MPNet checkpoint of transformers in `folder`."""
    config = MPNetConfig(
        vocab_size=40,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=402,
    )
    torch.manual_seed(4)
    MPNetModel(config, add_pooling_layer=False).save_pretrained(str(folder))
    return folder


@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_the_encoder_computes_what_bert_computes(activation: str, tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "bert", hidden_act=activation)
    bert = AutoModel.from_pretrained(str(folder), add_pooling_layer=False).eval()
    network = pretrained(folder, dropout=0.0, seed=1).eval()
    with torch.inference_mode():
        told = bert(input_ids=IDS, attention_mask=MASK, output_hidden_states=True)
        below, mask = network.encode(IDS, MASK)
        first, _ = network.ask(below, mask, torch.zeros(0, 32), NO_SPANS)
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
        spans = Spans(texts, torch.nn.functional.one_hot(torch.tensor(places), 5).float())
        _, asked = network.ask(below, mask, below[texts, places], spans)
    assert np.allclose(asked, rows[texts, places], atol=1e-5)


def test_an_mpnet_encoder_is_computed_as_transformers_does_however_far_tokens_are_apart(
    tmp_path: Path,
) -> None:
    folder = tiny_mpnet(tmp_path / "mpnet")
    mpnet = AutoModel.from_pretrained(str(folder), add_pooling_layer=False).eval()
    network = pretrained(folder, dropout=0.0, seed=1).eval()
    ids = torch.randint(3, 40, (2, 400), generator=torch.Generator().manual_seed(2))
    known = torch.ones_like(ids)
    ids[1, 300:], known[1, 300:] = 1, 0
    texts, places = torch.tensor([0, 1, 1]), torch.tensor([399, 0, 200])
    spans = Spans(texts, torch.nn.functional.one_hot(places, 400).float())
    with torch.inference_mode():
        rows = mpnet(input_ids=ids, attention_mask=known).last_hidden_state
        below, mask = network.encode(ids, known)
        first, asked = network.ask(below, mask, below[texts, places], spans)
    assert np.allclose(first, rows[:, 0], atol=1e-5)
    assert np.allclose(asked, rows[texts, places], atol=1e-5)


def test_an_mpnet_text_does_not_depend_on_those_beside_it_and_its_distances_learn(tmp_path: Path) -> None:
    network = pretrained(tiny_mpnet(tmp_path / "mpnet"), dropout=0.0, seed=1)
    items = tiny_texts()
    together = predict(network, items, "fp32")
    for number, item in enumerate(items):
        for head, answers in predict(network, [item], "fp32").items():
            assert np.allclose(together[head][number], answers[0], atol=1e-5)
    logits = forward(network.train(), collate(items), "fp32")
    torch.autograd.backward(logits.entity.sum() + logits.sentiment.sum())
    assert network.distances is not None
    assert network.distances.weight.grad is not None
    assert network.distances.weight.grad.abs().sum() > 0


def test_an_encoder_of_another_kind_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    folder = tmp_path / "electra"
    config = ElectraConfig(
        vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
    )
    ElectraModel(config).save_pretrained(str(folder))
    with pytest.raises(ModelError, match="of the kind electra: give one of the kind bert or mpnet"):
        pretrained(folder, dropout=0.0, seed=1)


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
        first, asked = network.ask(below, mask, mean, Spans(torch.tensor([0]), shares))
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
