from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import tiny_encoder  # noqa: E402 - needs torch
from transformers import AutoModel  # noqa: E402 - needs the extra

from models.errors import ModelError  # noqa: E402 - needs torch
from models.training.network import Network, Shape, pretrained  # noqa: E402 - needs torch

pytestmark = pytest.mark.train

IDS = torch.tensor([[2, 5, 9, 11, 3], [2, 7, 3, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


def test_the_encoder_computes_what_bert_computes(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "bert")
    bert = AutoModel.from_pretrained(str(folder), add_pooling_layer=False).eval()
    with torch.inference_mode():
        rows = bert(input_ids=IDS, attention_mask=MASK).last_hidden_state
        first = pretrained(folder, dropout=0.0, seed=1).eval().pool(IDS, MASK)
    assert np.allclose(first, rows[:, 0], atol=1e-5)


def test_heads_are_drawn_from_the_seed(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "bert")
    one, same, other = (pretrained(folder, dropout=0.0, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.topic.weight, same.topic.weight)
    assert not torch.equal(one.topic.weight, other.topic.weight)


def test_a_width_that_the_heads_do_not_divide_is_refused() -> None:
    with pytest.raises(ModelError, match="width 30 is no multiple of attention_heads 4"):
        Network(Shape(width=30, attention_heads=4, vocabulary=9, layers=1))
