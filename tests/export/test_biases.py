"""Products do without biases, and the int8 graph rounds the sums of wide ones at once."""

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
from models.errors import WrongSettingError  # noqa: E402 - needs torch
from models.release import GRAPH, Release  # noqa: E402 - needs torch
from models.training.batches import collate  # noqa: E402 - needs torch
from models.training.biases import leave_out_biases  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint  # noqa: E402 - needs torch
from models.training.network import Network  # noqa: E402 - needs torch
from models.training.predict import forward  # noqa: E402 - needs torch
from models.training.restore import is_evened_out, restore_network  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch
from models.training.units import keep_units  # noqa: E402 - needs torch

pytestmark = pytest.mark.train


def with_biases(*, seed: int = 0) -> Network:
    """A network whose products have biases and whose norms have gains, as learned ones have them."""
    network = tiny_network(seed=seed)
    with torch.no_grad():
        for name, values in network.named_parameters():
            if name.endswith("bias"):
                values.normal_(std=0.3)
            elif "norm" in name:
                values.uniform_(0.3, 1.2)
    return network.eval()


NORMS = ("embedding_norm", "layers.0.attended_norm", "layers.0.output_norm", "layers.1.attended_norm")
"""Those whose rows a product with weights reads."""


def test_answers_stay_as_they_are_without_the_biases() -> None:
    network = with_biases()
    plain = leave_out_biases(network, dropout=0.0).eval()
    assert not plain.shape.widening_bias
    state = plain.state_dict()
    assert not [name for name in state if name.endswith("widen.bias")]
    assert not any(bool(state[f"layers.{number}.qkv.bias"].any()) for number in range(2))
    for before, after in zip(tiny_answers(network), tiny_answers(plain), strict=True):
        assert torch.allclose(before, after, atol=2e-5)


def test_it_is_done_once() -> None:
    """A release that is restored, retrained and exported again must not drift."""
    once = leave_out_biases(with_biases(), dropout=0.0)
    again = leave_out_biases(once, dropout=0.0)
    for name, values in once.state_dict().items():
        assert torch.allclose(values, again.state_dict()[name], atol=1e-6), name


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_a_norm_always_says_is_large_enough_to_be_rounded(seed: int) -> None:
    state = leave_out_biases(with_biases(seed=seed), dropout=0.0).state_dict()
    for norm in NORMS:
        shares = 1.0 / state[f"{norm}.weight"]
        constant = float(state[f"{norm}.bias"] @ shares)
        assert abs(constant) > 2.9 * float(shares.norm())


def test_a_column_that_is_always_the_same_says_the_constant_alone() -> None:
    network = with_biases()
    with torch.no_grad():
        for norm in NORMS:
            network.get_parameter(f"{norm}.weight")[5] = 0.0
            network.get_parameter(f"{norm}.bias")[5] = 4.0
    plain = leave_out_biases(network, dropout=0.0).eval()
    for before, after in zip(tiny_answers(network), tiny_answers(plain), strict=True):
        assert torch.allclose(before, after, atol=2e-5)
    before, after = (each.state_dict()["layers.0.widen.weight"] for each in (network, plain))
    moved = (after - before).abs().amax(dim=0)
    assert float(moved[5]) > 1e3 * float(moved[6])


def without_a_constant() -> Network:
    network = with_biases()
    with torch.no_grad():
        gains = network.get_parameter("layers.1.attended_norm.weight")
        gains[::2], gains[1::2] = 0.7, -0.7
    return network


def test_a_norm_that_says_no_constant_keeps_the_network_as_it_is(tmp_path: Path) -> None:
    network = without_a_constant()
    assert leave_out_biases(network, dropout=0.0) is network
    start = tmp_path / "start"
    out = run(tiny_config(tmp_path, out=start, epochs=1))
    torch.save(network.state_dict(), out / "network.pt")
    with pytest.raises(WrongSettingError, match="widening_bias is false, but"):
        run(tiny_config(tmp_path, out=tmp_path / "next", start=out, widening_bias=False, epochs=1))
    release = export_release(out, tmp_path / "tiny", name="tiny", version="1.0.0", least_agreement=0.0)
    assert restore_network(release).shape.widening_bias


def test_weights_get_hardly_coarser_steps() -> None:
    network = with_biases()
    plain = leave_out_biases(network, dropout=0.0)
    for number in range(2):
        before, after = (each.state_dict()[f"layers.{number}.widen.weight"] for each in (network, plain))
        assert float((after.abs().amax(dim=1) / before.abs().amax(dim=1)).mean()) < 1.2


def test_while_it_learns_what_is_dropped_out_disturbs_no_more_than_before() -> None:
    network = with_biases()
    plain = leave_out_biases(network, dropout=0.1, attention=False)
    assert plain.get_parameter("layers.0.qkv.bias").equal(network.get_parameter("layers.0.qkv.bias"))
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
    plain = leave_out_biases(tiny_network(), dropout=0.0)
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


def test_a_network_that_learned_with_biases_is_served_without_them(tmp_path: Path) -> None:
    out = run(tiny_config(tmp_path, out=tmp_path / "run", activation="relu", epochs=1))
    assert load_checkpoint(out)[0].shape.widening_bias
    release = export_release(out, tmp_path / "tiny", name="tiny", version="1.0.0", least_agreement=0.8)
    graph = onnx.load_model_from_string(release.read(GRAPH)).graph
    found = Counter(node.op_type for node in graph.node)
    assert found["QLinearMatMul"] == 2
    assert {each.name for each in graph.initializer if each.name.endswith("bias")} >= {"layers.0.narrow.bias"}
    assert not [
        each.name for each in graph.initializer if ".widen.bias" in each.name or "qkv.bias" in each.name
    ]
    restored = restore_network(release)
    assert not restored.shape.widening_bias
    assert not bool(restored.get_parameter("layers.0.qkv.bias").any())
    whole = export_release(
        out, tmp_path / "whole", name="tiny", version="1.0.1", precision="fp32", least_agreement=0.8
    )
    assert restore_network(whole).shape.widening_bias


def test_a_head_whose_bias_is_zero_keeps_it(tmp_path: Path) -> None:
    out = run(tiny_config(tmp_path, out=tmp_path / "run", epochs=1))
    state = torch.load(out / "network.pt", weights_only=True)
    state["sentiment.bias"].zero_()
    torch.save(state, out / "network.pt")
    release = export_release(
        out, tmp_path / "tiny", name="tiny", version="1.0.0", precision="fp32", least_agreement=0.8
    )
    assert not bool(restore_network(release).get_parameter("sentiment.bias").any())


@pytest.mark.parametrize(("activation", "parts"), [("gelu", {"qkv", "widen", "narrow"}), ("relu", {"widen"})])
def test_of_a_network_with_relu_only_what_needs_it_is_evened_out(
    activation: str, parts: set[str], tmp_path: Path
) -> None:
    out = run(tiny_config(tmp_path, out=tmp_path / "run", activation=activation, epochs=1))
    release = export_release(out, tmp_path / "tiny", name="tiny", version="1.0.0", least_agreement=0.8)
    graph = onnx.load_model_from_string(release.read(GRAPH)).graph
    evened = {each.name.split(".")[2] for each in graph.initializer if each.name.endswith("_smooth")}
    assert evened == parts
    assert is_evened_out(release)


def test_a_network_with_gelu_that_learned_without_a_bias_does_without(tmp_path: Path) -> None:
    out = run(tiny_config(tmp_path, out=tmp_path / "run", widening_bias=False, epochs=1))
    release = export_release(out, tmp_path / "tiny", name="tiny", version="1.0.0", least_agreement=0.8)
    assert not restore_network(release).shape.widening_bias
