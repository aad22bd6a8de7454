"""A narrower network: which units go, and what is left of what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import tiny_config, tiny_network, tiny_texts  # noqa: E402 - needs torch

from models.errors import WrongSettingError  # noqa: E402 - needs torch
from models.packaged import packaged_release  # noqa: E402 - after the extra
from models.training.batches import collate  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint  # noqa: E402 - needs torch
from models.training.encoders import with_activation  # noqa: E402 - needs torch
from models.training.network import Network  # noqa: E402 - needs torch
from models.training.predict import forward  # noqa: E402 - needs torch
from models.training.restore import restore_network  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch
from models.training.units import keep_units, settle_units  # noqa: E402 - needs torch

pytestmark = pytest.mark.train


def silenced(*units: int) -> Network:
    """A network in which nobody reads these units of the first layer, nor the first 8 of the second."""
    network = tiny_network()
    with torch.no_grad():
        network.get_parameter("layers.0.narrow.weight")[:, list(units)] = 0.0
        network.get_parameter("layers.1.narrow.weight")[:, :8] = 0.0
    return network.eval()


def test_units_that_nobody_reads_go_first_and_nothing_changes() -> None:
    units = (3, 9, 20, 21, 40, 55, 60, 63)
    network = silenced(*units)
    small = keep_units(network, 56, tiny_texts(), dropout=0.0).eval()
    assert small.shape.inner == 56
    kept = [n for n in range(64) if n not in units]
    assert torch.equal(
        small.get_parameter("layers.0.widen.bias"), network.get_parameter("layers.0.widen.bias")[kept]
    )
    batch = collate(tiny_texts())
    before, after = forward(network, batch, "fp32"), forward(small, batch, "fp32")
    for head in ("sentiment", "topic", "entity", "ner"):
        assert torch.allclose(getattr(before, head), getattr(after, head), atol=1e-5)


def test_units_that_say_hardly_anything_go_before_those_that_are_read_less() -> None:
    network = tiny_network()
    with torch.no_grad():
        bias, read = (network.get_parameter(f"layers.0.{name}") for name in ("widen.bias", "narrow.weight"))
        bias[:32] = -30.0  # Gelu lets next to nothing through
        read[:, :32] *= 3.0
    small = keep_units(network, 32, tiny_texts(), dropout=0.0)
    assert torch.equal(small.get_parameter("layers.0.narrow.weight"), read[:, 32:])


@pytest.mark.parametrize("size", [65, 10_000])
def test_more_units_than_there_are_can_not_be_kept(size: int) -> None:
    with pytest.raises(WrongSettingError, match=f"inner is {size}, but the wide layers have 64 units"):
        keep_units(tiny_network(), size, tiny_texts(), dropout=0.0)
    network = tiny_network()
    assert keep_units(network, 64, tiny_texts(), dropout=0.0) is network


def test_a_run_ends_in_a_network_as_narrow_as_it_was_told_beside_every_other_choice(tmp_path: Path) -> None:
    out = run(tiny_config(tmp_path, inner=48, activation="relu", prompt={"rows": 2}, epochs=1))
    page, network = load_checkpoint(out)
    assert page.shape.inner == 48
    assert network.get_parameter("layers.1.narrow.weight").shape == (32, 48)
    assert page.shape.vocabulary == tiny_network().shape.vocabulary + 2


def blown_up(network: Network, times: float) -> Network:
    """`network` with the weights of three units of each layer so many times as large, and what reads them smaller."""
    with torch.no_grad():
        for number in range(network.shape.layers):
            for name in ("widen.weight", "widen.bias"):
                network.get_parameter(f"layers.{number}.{name}")[:3] *= times
            network.get_parameter(f"layers.{number}.narrow.weight")[:, :3] /= times
    return network.eval()


def test_units_out_of_all_proportion_are_taken_back_and_no_answer_changes_by_a_bit() -> None:
    plain = with_activation(tiny_network(), "relu", 0.0).eval()
    settled = blown_up(with_activation(tiny_network(), "relu", 0.0), 2.0**20)
    settle_units(settled)
    for number in range(2):
        size = settled.get_parameter(f"layers.{number}.widen.weight").detach().abs().amax(dim=1)
        assert float(size.max() / size.median()) <= 16
    batch = collate(tiny_texts())
    before, after = forward(plain, batch, "fp32"), forward(settled, batch, "fp32")
    for head in ("sentiment", "topic", "entity", "ner"):
        assert torch.equal(getattr(before, head), getattr(after, head))


def test_units_of_usual_size_and_those_that_no_factor_passes_stay_as_they_are() -> None:
    for network in (with_activation(tiny_network(), "relu", 0.0), blown_up(tiny_network(), 2.0**20)):
        before = {name: values.clone() for name, values in network.state_dict().items()}
        settle_units(network)
        assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())


def test_a_run_can_learn_on_from_all_units_of_the_release_that_ships() -> None:
    network = restore_network(packaged_release())
    for number in range(network.shape.layers):
        size = network.get_parameter(f"layers.{number}.widen.weight").detach().abs().amax(dim=1)
        assert float(size.max() / size.median()) <= 16
