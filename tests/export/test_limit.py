"""How fast a release could be, and releases side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the extra `train` is not installed")

from command import Command  # noqa: E402 - needs onnx
from tiny_release import tiny_files, tiny_manifest, tiny_release  # noqa: E402 - needs onnx

from export.limit import Arithmetic  # noqa: E402 - needs onnx
from models.manifest import Requirements  # noqa: E402 - needs onnx
from models.packaged import packaged_named, packaged_release  # noqa: E402 - needs onnx
from models.release import GOLDEN, GRAPH, write_release  # noqa: E402 - needs onnx

pytestmark = pytest.mark.train


def test_of_the_last_layer_most_products_are_of_one_token_of_a_text() -> None:
    release = packaged_release()
    # Three whole layers, each with four products as wide as it is; in the fourth keys and values of every token, and
    # the query and what comes after attention of the first.
    assert Arithmetic(release).rows(20) == {
        (384, 384): 20 * (3 * 4 + 2) + 2,
        (384, 1536): 20 * 3 + 1,
        (1536, 384): 20 * 3 + 1,
    }
    assert Arithmetic(release).rows(50, texts=3)[384, 1536] == 50 * 3 + 3


def test_of_the_older_form_queries_keys_and_values_are_one_product(tmp_path: Path) -> None:
    layer = {
        "qkv.weight": (8, 24),
        "attended.weight": (8, 8),
        "widen.weight": (8, 32),
        "narrow.weight": (32, 8),
    }
    last = layer | {"qkv.weight.query": (8, 8), "qkv.weight.key_value": (8, 16)}
    del last["qkv.weight"]
    shapes = {
        f"layers.{number}.{name}_quantized": shape
        for number, weights in enumerate((layer, layer, last))
        for name, shape in weights.items()
    }
    graph = onnx.helper.make_graph(
        [],
        "older",
        [],
        [],
        [onnx.numpy_helper.from_array(np.zeros(s, np.int8), n) for n, s in shapes.items()],
    )
    manifest = tiny_manifest(requires=Requirements(opset=17, precision="int8"))
    files = tiny_files() | {GRAPH: onnx.helper.make_model(graph).SerializeToString(), GOLDEN: b"{}"}
    older = write_release(tmp_path / "older", manifest, files)
    assert Arithmetic(older).rows(10) == {
        (8, 24): 20,
        (8, 8): 20 + 2,
        (8, 32): 20 + 1,
        (32, 8): 20 + 1,
        (8, 16): 10,
    }


def test_more_products_take_more_time() -> None:
    products = Arithmetic(packaged_release())
    # So many times more that no disturbance turns it round, and a share of a pass for what is less than one.
    assert 0 < products.seconds(20, 1) < products.seconds(100_000, 5_000)


def test_releases_are_measured_side_by_side(newstide: Command, tmp_path: Path) -> None:
    shipped, tiny = packaged_release(), tiny_release(tmp_path / "tiny")
    ran = newstide(
        "bench", "release", shipped.manifest.name, tiny.path, "--count", 256, "--rounds", 1, "--json"
    )
    assert ran.code == 0, ran.err
    told = ran.record()
    ours, other = told["releases"]
    assert (ours["release"], other["release"]) == (shipped.label, tiny.label)
    assert ours["times_first"] == 1.0 < other["times_first"]
    assert 0 < ours["of_limit"] == pytest.approx(ours["per_s"] / ours["limit_per_s"], abs=1e-3)
    assert (other["limit_per_s"], other["of_limit"]) == (None, None)
    measured: Any = shipped.manifest.metrics
    assert ours["figures"]["topic"]["macro_f1"] == measured["dev"]["topic"]["macro_f1"]
    assert 0 < ours["figures"]["entity"]["agreement"] <= 1


def test_texts_of_ones_own_may_be_read(newstide: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("Acme gains\nAcme gains\nOil falls as the bank of the firm fails\n")
    words = ("bench", "release", "--rounds", 1, "--no-limit", "--json")
    told = newstide(*words, "--file", "mine.txt").record()
    assert told["texts"] == 2
    assert told["releases"][0]["tokens"] > 4
    refused = newstide(*words, "--file", "none.txt")
    assert refused.code == 2
    assert "none.txt can't be read" in refused.err


def test_for_people_it_is_a_table(newstide: Command) -> None:
    ran = newstide("bench", "release", "--count", 256, "--rounds", 1, "--no-limit")
    assert ran.code == 0, ran.err
    assert packaged_release().label in ran.out
    assert "one core of this machine" in ran.out


def test_what_it_costs_to_answer_for_companies_is_told_on_request(newstide: Command) -> None:
    words = ("bench", "release", "--count", 256, "--rounds", 1, "--no-limit", "--companies")
    told = newstide(*words, "--json").record()
    assert 128 < told["companies"] < 512  # the invented market names its own
    assert -0.5 < told["releases"][0]["companies_cost"] < 1.0
    ran = newstide(*words)
    assert f"({told['companies'] / 256:.2f} in a text)" in " ".join(ran.out.split())


def test_the_same_release_twice_is_refused(newstide: Command) -> None:
    label = packaged_release().label
    ran = newstide("bench", "release", label, label, "--no-limit")
    assert ran.code == 2
    assert "two of the releases have the same name and version" in ran.err


def test_a_release_that_ships_is_named_in_short_or_in_full() -> None:
    shipped = packaged_release()
    assert packaged_named(shipped.manifest.name) is not None
    assert packaged_named(shipped.label) is not None
    assert packaged_named("other") is None
