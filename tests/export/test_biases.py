"""Wide layers do without a bias, and the int8 graph rounds their sums at once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import mood_rows, tiny_answers, tiny_config, tiny_network, tiny_texts  # noqa: E402 - needs torch

from export.limit import Arithmetic  # noqa: E402 - needs torch
from export.onnx import export_release  # noqa: E402 - needs torch
from export.retrain import LabelledRow, retrain  # noqa: E402 - needs torch
from models.release import GRAPH, Release  # noqa: E402 - needs torch
from models.training.batches import collate  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint  # noqa: E402 - needs torch
from models.training.constant_column import leave_out_biases  # noqa: E402 - needs torch
from models.training.network import Network  # noqa: E402 - needs torch
from models.training.predict import forward  # noqa: E402 - needs torch
from models.training.restore import restore_network  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch
from models.training.units import keep_units  # noqa: E402 - needs torch

pytestmark = pytest.mark.train


def with_a_silent_column(column: int) -> Network:
    """A network whose layers give this column the same number always; it has biases to be left out."""
    network = tiny_network()
    with torch.no_grad():
        for number in range(2):
            network.get_parameter(f"layers.{number}.attended_norm.weight")[column] = 0.0
            network.get_parameter(f"layers.{number}.attended_norm.bias")[column] = 0.4
            network.get_parameter(f"layers.{number}.widen.bias").normal_(std=0.1)
    return network.eval()


def test_a_column_that_says_nothing_takes_the_bias_over_and_no_answer_changes() -> None:
    network = with_a_silent_column(5)
    plain = leave_out_biases(network, tiny_texts(), dropout=0.0)
    assert not plain.shape.widening_bias
    assert not [name for name in plain.state_dict() if name.endswith("widen.bias")]
    assert float(plain.state_dict()["layers.0.attended_norm.bias"][5]) >= 1.0
    for before, after in zip(tiny_answers(network), tiny_answers(plain), strict=True):
        assert torch.allclose(before, after, atol=1e-4)
    assert leave_out_biases(plain, tiny_texts(), dropout=0.0) is plain


def test_of_columns_that_all_say_something_the_one_that_says_least_goes() -> None:
    network = tiny_network()
    with torch.no_grad():
        network.get_parameter("layers.0.attended_norm.weight")[[3, 9]] = torch.tensor([0.02, 0.01])
        network.get_parameter("layers.0.widen.weight")[:, 9] = 20.0  # small, but much is made of it
    plain = leave_out_biases(network, tiny_texts(), dropout=0.0)
    gains = plain.get_parameter("layers.0.attended_norm.weight")
    assert (gains == 0).nonzero().flatten().tolist() == [3]


def test_no_weights_of_a_unit_get_coarser_steps_and_no_number_is_larger_than_that_takes() -> None:
    network = with_a_silent_column(5)
    plain = leave_out_biases(network, tiny_texts(), dropout=0.0)
    for number in range(2):
        before, after = (each.state_dict()[f"layers.{number}.widen.weight"] for each in (network, plain))
        steps = after.abs().amax(dim=1) / before.abs().amax(dim=1)
        assert float(steps.max()) <= 1.0 + 1e-5
        constant = float(plain.state_dict()[f"layers.{number}.attended_norm.bias"][5])
        bias = network.state_dict()[f"layers.{number}.widen.bias"]
        needed = float((bias.abs() / before.abs().amax(dim=1)).max())
        assert constant < 1.2 * needed + 1.0


def test_while_it_learns_what_is_dropped_out_disturbs_no_more_than_before() -> None:
    network = with_a_silent_column(5)
    with torch.no_grad():
        for number in range(2):  # an outlier, as encoders have them
            network.get_parameter(f"layers.{number}.attended_norm.bias")[7] = 20.0
    plain = leave_out_biases(network, tiny_texts(), dropout=0.1)
    noisy = Network(network.shape, dropout=0.1)
    noisy.load_state_dict(network.state_dict())

    def noise(learning: Network) -> float:
        learning.train()
        torch.manual_seed(1)
        with torch.no_grad():
            told = [forward(learning, collate(tiny_texts()), "fp32").ner for _ in range(100)]
        return float(torch.stack(told).std(dim=0).mean())

    assert noise(plain) < 1.15 * noise(noisy)


def test_wide_layers_without_a_bias_can_be_made_narrower() -> None:
    plain = leave_out_biases(tiny_network(), tiny_texts(), dropout=0.0)
    small = keep_units(plain, 48, tiny_texts(), dropout=0.0)
    assert (small.shape.inner, small.shape.widening_bias) == (48, False)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbiased")
    changes = {"widening_bias": False, "attention_heads": 2, "rounded": True, "activation": "relu"}
    return run(tiny_config(folder, out=folder / "run", epochs=4, **changes))


@pytest.fixture(scope="module")
def release(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Release:
    place = tmp_path_factory.mktemp("release") / "tiny"
    return export_release(checkpoint, place, name="tiny", version="1.0.0", least_agreement=0.8)


def test_the_sums_of_the_widening_products_are_rounded_by_the_products_themselves(
    checkpoint: Path, release: Release
) -> None:
    page, network = load_checkpoint(checkpoint)
    assert not page.shape.widening_bias
    assert page.dev["sentiment"].accuracy > 0.8
    graph = onnx.load_model_from_string(release.read(GRAPH)).graph
    found = Counter(node.op_type for node in graph.node)
    assert found["QLinearMatMul"] == len(network.layers)
    assert "Relu" not in found
    wide = [node for node in graph.node if node.op_type == "QLinearMatMul"]
    assert all("widen.weight" in node.input[3] for node in wide)


def test_they_count_among_the_products_of_the_release(release: Release) -> None:
    assert Arithmetic(release).rows(10)[32, 64] == 10 + 1


def test_what_is_restored_and_retrained_has_no_bias_and_as_few_heads(
    release: Release, tmp_path: Path
) -> None:
    shape = restore_network(release).shape
    assert (shape.widening_bias, shape.attention_heads) == (False, 2)
    labels: list[LabelledRow] = [("the court run of the chief", "sentiment", "negative")]
    heldout: list[LabelledRow] = [(text, "sentiment", label) for text, label in mood_rows(20, seed=91)]
    candidate, _ = retrain(release, labels, heldout, tmp_path / "new", version="1.0.1", least_agreement=0.8)
    again = restore_network(candidate).shape
    assert (again.widening_bias, again.attention_heads) == (False, 2)


def test_a_network_with_gelu_does_without_a_bias_too(tmp_path: Path) -> None:
    out = run(tiny_config(tmp_path, out=tmp_path / "run", widening_bias=False, epochs=1))
    release = export_release(out, tmp_path / "tiny", name="tiny", version="1.0.0", least_agreement=0.8)
    assert not restore_network(release).shape.widening_bias
