"""A network can learn with numbers rounded as the int8 graph rounds them."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import mood_rows, tiny_config, tiny_network, tiny_texts  # noqa: E402 - needs torch
from torch import Tensor, nn  # noqa: E402 - needs the extra

from export.onnx import export_release  # noqa: E402 - needs torch
from export.retrain import LabelledRow, retrain  # noqa: E402 - needs torch
from models.errors import WrongSettingError  # noqa: E402 - needs torch
from models.release import GRAPH  # noqa: E402 - needs torch
from models.training.batches import collate  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint  # noqa: E402 - needs torch
from models.training.network import Network  # noqa: E402 - needs torch
from models.training.predict import forward  # noqa: E402 - needs torch
from models.training.restore import is_evened_out  # noqa: E402 - needs torch
from models.training.rounding import Rounded, round_no_more, round_products  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch

pytestmark = pytest.mark.train


def answers_of(network: Network) -> Tensor:
    with torch.no_grad():
        logits = forward(network, collate(tiny_texts()), "fp32")
    both: Tensor = torch.cat([logits.sentiment, logits.topic], dim=1)
    return both


def rounded(width: int, outputs: int) -> Rounded:
    torch.manual_seed(3)
    return Rounded(width, outputs)


def test_inputs_take_256_steps_and_each_outputs_weights_255(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Tensor] = []

    def note(rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        taken.extend((rows, weight))
        return rows @ weight.T + bias

    monkeypatch.setattr(nn.functional, "linear", note)
    rows = torch.randn(40, 50, 32) * 3
    rounded(32, 1000)(rows)
    given, weight = taken
    assert 200 < len(set(given.flatten().tolist())) <= 256
    assert float((given - rows).abs().max()) <= float(rows.max() - rows.min()) / 255 * 0.51
    steps = weight / weight.abs().amax(dim=1, keepdim=True) * 127
    assert torch.allclose(steps, steps.round(), atol=1e-3)


def test_gradients_pass_as_if_nothing_had_been_rounded() -> None:
    layer, rows = rounded(32, 16), torch.randn(8, 32, requires_grad=True)
    layer(rows).sum().backward()
    assert rows.grad is not None
    assert layer.weight.grad is not None
    assert torch.allclose(rows.grad, layer.weight.sum(dim=0).expand(8, 32), atol=0.05)
    assert torch.allclose(layer.weight.grad, rows.sum(dim=0).expand(16, 32), atol=0.2)


def test_rounded_products_answer_nearly_the_same_and_can_be_made_whole_again() -> None:
    network = tiny_network().eval()
    names, before = list(network.state_dict()), answers_of(network)
    round_products(network)
    between = answers_of(network)
    assert list(network.state_dict()) == names
    round_no_more(network)
    assert 0 < float((between - before).abs().max()) < 0.1
    assert torch.equal(answers_of(network), before)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run as usual, and the same with rounded numbers."""
    folder = tmp_path_factory.mktemp("runs")
    plain, other = (
        run(tiny_config(folder, out=folder / name, epochs=2, rounded=name == "rounded"))
        for name in ("plain", "rounded")
    )
    return plain, other


def test_a_run_learns_with_rounded_numbers_and_leaves_a_whole_network(
    checkpoints: tuple[Path, Path],
) -> None:
    found = [load_checkpoint(each) for each in checkpoints]
    plain, other = (network for _, network in found)
    assert not torch.equal(answers_of(plain), answers_of(other))
    assert not any(isinstance(part, Rounded) for part in other.modules())
    accuracies = [page.dev["sentiment"].accuracy for page, _ in found]
    assert accuracies[1] > accuracies[0] - 0.1


def test_what_learned_rounded_is_exported_without_evening_out_and_stays_so_when_retrained(
    checkpoints: tuple[Path, Path], tmp_path: Path
) -> None:
    plain, other = (
        export_release(each, tmp_path / each.parent.name, name="tiny", version="1.0.0", least_agreement=0.8)
        for each in checkpoints
    )
    assert is_evened_out(plain)
    assert not is_evened_out(other)
    assert b"_smooth" not in other.read(GRAPH)
    labels: list[LabelledRow] = [("the court run of the chief", "sentiment", "negative")]
    heldout: list[LabelledRow] = [(text, "sentiment", label) for text, label in mood_rows(20, seed=91)]
    candidate, _ = retrain(other, labels, heldout, tmp_path / "new", version="1.0.1", least_agreement=0.8)
    assert not is_evened_out(candidate)


def test_adapters_can_not_stand_beside_rounded_weights(tmp_path: Path) -> None:
    config = tiny_config(tmp_path)
    with pytest.raises(WrongSettingError, match="adapters stand beside weights, which rounded rounds"):
        config.changed({"rounded": True, "adapters": "lora"})
