from __future__ import annotations

import shutil
from collections import Counter
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

import onnx  # noqa: E402 - needs the extra
from hypothesis import HealthCheck, given, settings  # noqa: E402 - after the extra
from hypothesis import strategies as st  # noqa: E402 - after the extra
from onnx import numpy_helper  # noqa: E402 - needs the extra
from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: E402 - needs the extra
from tiny_training import WORDS, tiny_config, tiny_texts, write_csv  # noqa: E402 - needs torch

from export.answers import GraphAnswers, feed_of, read_texts  # noqa: E402 - needs onnx
from export.golden import GOLDEN_TEXTS  # noqa: E402 - needs onnx
from export.graph import build_graph  # noqa: E402 - needs torch
from export.limit import Arithmetic  # noqa: E402 - needs onnx
from export.onnx import export_release  # noqa: E402 - needs torch
from export.parity import check_batch_invariance, check_parity, network_answers  # noqa: E402 - needs torch
from export.quantize import join_biases, lower, optimise, quantise  # noqa: E402 - needs onnx
from export.report import evaluate  # noqa: E402 - needs onnx
from export.smoothing import factors, fold, smooth  # noqa: E402 - needs onnx
from export.weights import describe_weights  # noqa: E402 - needs torch
from models.errors import ModelError  # noqa: E402 - after the extra
from models.golden import check_golden, read_golden  # noqa: E402 - after the extra
from models.manifest import Precision  # noqa: E402 - after the extra
from models.release import GOLDEN, GRAPH, TOKENIZER, Release, write_release  # noqa: E402 - after the extra
from models.scorer import OnnxScorer  # noqa: E402 - after the extra
from models.session import open_session  # noqa: E402 - after the extra
from models.spans import mentions_like  # noqa: E402 - needs onnx
from models.tasks import SENTIMENT as MOODS_IN_ORDER  # noqa: E402 - after the extra
from models.tasks import HeadName  # noqa: E402 - after the extra
from models.text import load_tokenizer  # noqa: E402 - after the extra
from models.training.batches import Encoded, TokenSpan, collate  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint, load_examples  # noqa: E402 - needs torch
from models.training.data import DataSpec, Example  # noqa: E402 - needs torch
from models.training.named import REMINDER  # noqa: E402 - needs torch
from models.training.network import Network, Shape  # noqa: E402 - needs torch
from models.training.predict import predict  # noqa: E402 - needs torch
from models.training.restore import WEIGHTS, WeightMap, read_part, restore_network  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tiny_config(tmp_path_factory.mktemp("checkpoint"), epochs=6))


@pytest.fixture(scope="module")
def release(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Release:
    out = tmp_path_factory.mktemp("release") / "out"
    return export_release(checkpoint, out, name="tiny", version="1.0.0", max_length=24, least_agreement=0.8)


def tokens_of(release: Release) -> list[Encoded]:
    texts = [*GOLDEN_TEXTS, *(" ".join(WORDS[n:]) for n in range(20))]
    tokenizer = load_tokenizer(release.read(TOKENIZER), 24)
    return read_texts(tokenizer, texts, [mentions_like(text) for text in texts])


def feeds_of(graph: onnx.ModelProto, items: list[Encoded]) -> list[dict[str, np.ndarray]]:
    """What a graph takes of each text alone."""
    spans = "span_text" in {each.name for each in graph.graph.input}
    return [feed_of(collate([item]), spans=spans) for item in items]


def test_a_release_is_written_whole_with_its_lineage_licences_and_figures(
    release: Release, checkpoint: Path
) -> None:
    release.verify()
    manifest = release.manifest
    assert manifest.label == "tiny@1.0.0"
    assert manifest.requires.graph_optimised
    assert {(d.name, d.licence) for d in manifest.lineage.datasets} >= {
        ("moods", "CC0-1.0"),
        ("newstide_written", "Apache-2.0"),
    }
    assert str(checkpoint.parent) not in manifest.to_json().decode()
    dev = manifest.metrics["dev"]
    assert isinstance(dev, dict)
    assert set(dev) == {"sentiment", "topic"}


def test_the_figures_in_the_manifest_are_those_of_the_release_itself(
    release: Release, checkpoint: Path
) -> None:
    dev = [e for e in load_examples(checkpoint)["dev"] if e.source == "moods"]
    labels = ("negative", "neutral", "positive")
    found = evaluate(OnnxScorer.load(release), [(e.text, labels[e.label]) for e in dev], "sentiment")
    told = release.manifest.metrics["dev"]
    assert isinstance(told, dict)
    assert isinstance(told["sentiment"], dict)
    assert told["sentiment"]["macro_f1"] == pytest.approx(found.macro_f1, abs=1e-4)
    assert told["sentiment"]["ece"] == pytest.approx(found.ece, abs=1e-4)


def test_a_release_repeats_its_golden_examples(release: Release) -> None:
    golden = read_golden(release.read(GOLDEN), "golden.json")
    assert len(golden.examples) == len(GOLDEN_TEXTS)
    assert check_golden(OnnxScorer.load(release), golden) == []


def test_a_release_holds_no_text_that_was_trained_on(release: Release, checkpoint: Path) -> None:
    held = b"".join(release.read(name) for name in release.manifest.files)
    texts = [
        example.text
        for part in load_examples(checkpoint).values()
        for example in part
        if len(example.text) > 20
    ]
    assert texts
    assert not any(text.encode() in held for text in texts)


def test_a_network_restored_from_a_release_answers_as_the_release(release: Release) -> None:
    rows = tokens_of(release)
    told = GraphAnswers(release.read(GRAPH), optimise=False).all_of(rows)
    restored = network_answers(restore_network(release), rows)
    for head, logits in told.items():
        shown, expected = np.vstack(logits), np.vstack(restored[head])
        assert np.abs(shown - expected).max() < 0.5
        assert (shown.argmax(axis=1) == expected.argmax(axis=1)).mean() >= 0.9


def test_a_restored_network_holds_what_the_release_computes_with_to_the_last_int8(release: Release) -> None:
    graph = onnx.load_model_from_string(release.read(GRAPH)).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for name, parts in (("layers.0.qkv", (".query", ".key", ".value")), ("layers.0.narrow", ("",))):
        weight = restore_network(release).get_parameter(f"{name}.weight").detach().numpy().T
        scale, held = (
            np.concatenate([tensors[f"{name}.weight{part}_{kind}"] for part in parts], axis=-1)
            for kind in ("scale", "quantized")
        )
        even = weight / tensors[f"{name}.weight_smooth"][:, None] / scale
        assert np.abs(even - held).max() < 1e-3


def test_exporting_a_restored_network_moves_its_weights_by_no_more_than_a_rounding(release: Release) -> None:
    network = restore_network(release)
    graph = build_graph(network, 24, tuple(release.manifest.heads))
    again = optimise(quantise(graph, feeds_of(graph, tokens_of(release))))
    assert describe_weights(network, again)  # which checks every weight


def test_smoothing_changes_nothing_but_what_is_rounded(release: Release) -> None:
    graph = build_graph(restore_network(release), 24, tuple(release.manifest.heads))
    feeds = feeds_of(graph, tokens_of(release))
    even = smooth(graph, feeds)
    assert sum(node.op_type == "Mul" and node.name.endswith("/even") for node in even.graph.node) == 7
    one, other = (
        open_session(each.SerializeToString(), where="graph").run(None, feeds[0]) for each in (graph, even)
    )
    for plain, smoothed in zip(one, other, strict=True):
        assert np.allclose(plain, smoothed, atol=1e-5)


@pytest.fixture(scope="module")
def with_relu(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Release]:
    """A network with ReLU, and the release that was made of it."""
    folder = tmp_path_factory.mktemp("relu")
    made = run(tiny_config(folder, epochs=4, activation="relu"))
    release = export_release(
        made, folder / "out", name="tiny", version="1.0.0", max_length=24, least_agreement=0.8
    )
    return load_checkpoint(made)[1], release


def test_a_relu_is_left_to_the_rounding_behind_it(with_relu: tuple[Network, Release]) -> None:
    graph = onnx.load_model_from_string(with_relu[1].read(GRAPH)).graph
    kinds = Counter(node.op_type for node in graph.node)
    assert not {"Relu", "Gelu", "Erf"} & set(kinds)
    zeros = [each for each in graph.initializer if each.name.endswith("/relu_zero_point")]
    assert [int(numpy_helper.to_array(each)) for each in zeros] == [0, 0], "so nothing below 0 is left"


def test_outliers_of_a_relu_are_handed_over_within_the_network(with_relu: tuple[Network, Release]) -> None:
    network, release = with_relu
    feeds = feeds_of(build_graph(network, 24), tokens_of(release))
    graph = build_graph(network, 24)
    even = fold(network, graph, feeds)
    names = ("layers.0/relu", "layers.1/relu")
    shown = onnx.ModelProto()
    shown.CopyFrom(build_graph(even, 24))
    spread: list[float] = []
    answers = []
    for each in (graph, shown):
        each.graph.output.extend(
            onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in names
        )
        session = open_session(each.SerializeToString(), where="graph")
        told = [session.run([*names, "sentiment", "topic"], dict(feed)) for feed in feeds]
        largest = np.concatenate([rows[0].reshape(-1, 64) for rows in told]).max(axis=0)
        spread.append(float(largest.max() / np.median(largest[largest > 0])))
        answers.append(np.concatenate([np.concatenate(rows[2:], axis=1) for rows in told]))
    assert spread[1] < spread[0]
    assert np.allclose(answers[0], answers[1], atol=1e-4)
    gelu, _ = drawn()
    assert fold(gelu, build_graph(gelu, 32), []) is gelu


def test_what_says_nothing_here_is_not_blown_up_however_often_it_is_evened_out(
    with_relu: tuple[Network, Release],
) -> None:
    network, release = deepcopy(with_relu[0]), with_relu[1]
    feeds = feeds_of(build_graph(network, 24), tokens_of(release))
    layers = [f"layers.{number}" for number in range(network.shape.layers)]
    for layer in layers:
        network.get_parameter(f"{layer}.widen.bias").data[:3] = -100.0  # too low to let anything through
        network.get_parameter(f"{layer}.narrow.weight").data[:, 0] = 0.0
    before = network_answers(network, tokens_of(release))
    for _ in range(3):
        network = fold(network, build_graph(network, 24), feeds)
    for layer in layers:
        size = network.get_parameter(f"{layer}.widen.weight").detach().abs().amax(dim=1)
        assert float(size[:3].max() / size.median()) < 16
        assert float(size[:3].min() / size.median()) > 1 / 16
    after = network_answers(network, tokens_of(release))
    assert np.allclose(np.vstack(before["topic"]), np.vstack(after["topic"]), atol=1e-4)


def test_a_network_with_relu_is_restored_as_what_the_release_computes(
    with_relu: tuple[Network, Release],
) -> None:
    network, release = with_relu
    restored = restore_network(release)
    assert restored.shape.activation == "relu"
    rows = tokens_of(release)
    told, expected = network_answers(restored, rows), network_answers(network, rows)
    for head in ("sentiment", "topic"):
        shown, wanted = np.vstack(told[head]), np.vstack(expected[head])
        assert (shown.argmax(axis=1) == wanted.argmax(axis=1)).mean() >= 0.9


def test_an_outlier_is_shared_between_the_input_and_its_weights() -> None:
    largest, weights = np.array([30.0, 1.0, 0.0], np.float32), np.array([1.0, 1.0, 1.0], np.float32)
    factor = factors(largest, weights)
    even = largest / factor
    assert even[0] < 3 * even[1]
    assert factor[0] > factor[1] > factor[2] > 0


def test_a_key_signs_the_release(checkpoint: Path, tmp_path: Path) -> None:
    signed = export_release(
        checkpoint,
        tmp_path / "out",
        name="tiny",
        version="2",
        max_length=24,
        least_agreement=0.0,
        key=b"k" * 32,
    )
    assert Release.open(tmp_path / "out", key=b"k" * 32).signature == signed.signature is not None


def test_a_release_without_a_page_of_weights_cannot_be_restored(release: Release, tmp_path: Path) -> None:
    files: dict[str, bytes | Path] = {name: release.read(name) for name in (GRAPH, TOKENIZER)}
    whole = WeightMap.model_validate_json(release.read(WEIGHTS))
    without = whole.model_copy(update={"parameters": whole.parameters | {"layers.0.widen.weight": ()}})
    for number, (page, fault) in enumerate(
        [
            (b"{}", "weights.json is wrong"),
            (without.model_dump_json().encode(), "does not fit"),
            (release.read(WEIGHTS).replace(b"words.weight_quantized", b"words.lost"), "does not fit"),
        ]
    ):
        broken = write_release(tmp_path / str(number), release.manifest, files | {WEIGHTS: page})
        with pytest.raises(ModelError, match=fault):
            restore_network(broken)
    with pytest.raises(ModelError, match=r"holds no file weights\.json"):
        restore_network(write_release(tmp_path / "none", release.manifest, files))


def test_weights_that_are_not_the_networks_are_refused(release: Release, checkpoint: Path) -> None:
    _, network = load_checkpoint(checkpoint)
    graph = release.read(GRAPH)
    assert isinstance(describe_weights(network, graph), WeightMap)
    with torch.no_grad():
        network.words.weight.add_(1.0)
    with pytest.raises(ModelError, match=r"parameter words\.weight differs"):
        describe_weights(network, graph)
    wider = Network(
        Shape(width=64, attention_heads=4, vocabulary=len(WORDS) + 7, layers=2, inner=64, positions=48)
    )
    with pytest.raises(ModelError, match=r"parameter words\.weight has shape"):
        describe_weights(wider, graph)


def drawn(**changes: object) -> tuple[Network, list[Encoded]]:
    """A network of drawn weights, and texts for it with no, one or several spans."""
    torch.manual_seed(5)
    network = Network(
        Shape(
            **(
                {
                    "width": 32,
                    "attention_heads": 4,
                    "vocabulary": 40,
                    "layers": 2,
                    "inner": 64,
                    "positions": 32,
                }
                | changes
            )
        )
    )
    draw = np.random.default_rng(6)
    items = []
    for number in range(60):
        ids = tuple(draw.integers(1, 40, size=draw.integers(3, 20)).tolist())
        firsts = draw.integers(1, len(ids) - 1, size=number % 4).tolist()
        spans = tuple(TokenSpan(first, int(draw.integers(first + 1, len(ids))), 0) for first in firsts)
        items.append(Encoded(ids, Example(str(number), "entity", -1, ""), spans))
    return network.eval(), items


def test_an_fp32_graph_that_is_off_the_network_is_refused() -> None:
    network, rows = drawn()
    graph = build_graph(network, 32)
    int8 = optimise(quantise(graph, feeds_of(graph, rows)))
    with torch.no_grad():
        network.sentiment.bias.add_(0.01)
    with pytest.raises(ModelError, match=r"the fp32 graph is 0\.01 off the network"):
        check_parity(network, graph, int8, rows)


def test_what_the_distance_between_two_tokens_says_is_in_the_graph_and_comes_back_from_it() -> None:
    network, rows = drawn(distances=8)
    graph = build_graph(network, 32)
    assert network.distances is not None
    said = network.distances.weight
    int8 = lower(graph, feeds_of(graph, rows), "int8")
    parity = check_parity(network, graph, int8, rows, least_agreement=0.9)
    assert parity.fp32_difference < 1e-5
    before = GraphAnswers(int8, optimise=False).all_of(rows)
    parts = describe_weights(network, int8).parameters["distances.weight"]
    tensors = {each.name: each for each in onnx.load_model_from_string(int8).graph.initializer}
    assert np.array_equal(np.concatenate([read_part(tensors, part) for part in parts]), said.detach().numpy())
    with torch.no_grad():
        said.zero_()
    silent = build_graph(network, 32)
    after = GraphAnswers(lower(silent, feeds_of(silent, rows), "int8"), optimise=False).all_of(rows)
    for head in ("sentiment", "topic", "ner"):
        changed = [np.abs(a - b).max() for a, b in zip(before[head], after[head], strict=True)]
        assert max(changed) > 0.01, f"distances have a say in {head}"
    towards = [np.abs(a - b).max(initial=0) for a, b in zip(before["entity"], after["entity"], strict=True)]
    assert max(towards) > 0.01


def test_distances_have_a_say_in_a_graph_without_entities_too() -> None:
    network, rows = drawn(distances=8)
    graph = GraphAnswers(build_graph(network, 32, heads=("sentiment",)).SerializeToString(), optimise=True)
    theirs = predict(network, rows, "fp32")["sentiment"]
    for ours, expected in zip(graph.all_of(rows)["sentiment"], theirs, strict=True):
        assert np.allclose(ours, expected, atol=1e-5)


def test_an_int8_graph_that_answers_otherwise_is_refused() -> None:
    network, rows = drawn()
    other, _ = drawn(inner=32)
    graph = build_graph(network, 32)
    strange_graph = build_graph(other, 32)
    strange = optimise(quantise(strange_graph, feeds_of(strange_graph, rows)))
    with pytest.raises(ModelError, match=r"agrees with the fp32 graph on .* of 60 texts in task sentiment"):
        check_parity(network, graph, strange, rows, least_agreement=0.999)
    with pytest.raises(ModelError, match="no texts to compare"):
        check_parity(network, graph, strange, [])


def test_a_graph_whose_bits_depend_on_the_batch_is_refused(tmp_path: Path) -> None:
    network, rows = drawn()
    onnx.save(build_graph(network, 32), tmp_path / "fp32.onnx")
    quantize_dynamic(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", weight_type=QuantType.QInt8)
    dynamic = GraphAnswers((tmp_path / "int8.onnx").read_bytes(), optimise=True)
    with pytest.raises(ModelError, match="not batch-invariant"):
        check_batch_invariance(dynamic, rows, batchings=50, seed=1)


@pytest.mark.parametrize(("precision", "share"), [("int8_weights", 0.6), ("fp32", 1.1)])
def test_a_release_may_be_nearer_to_fp32_than_int8(
    checkpoint: Path, tmp_path: Path, precision: Precision, share: float
) -> None:
    made = export_release(
        checkpoint, tmp_path / precision, name="tiny", version="1", max_length=24, precision=precision
    )
    parity: Any = made.manifest.metrics["parity"]
    assert made.manifest.requires.precision == precision
    assert min(parity["agreement"].values()) >= (0.98 if precision == "int8_weights" else 1.0)
    _, network = load_checkpoint(checkpoint)
    weights = sum(4 * each.numel() for each in network.parameters())
    assert (made.path / GRAPH).stat().st_size < share * weights
    answers = OnnxScorer.load(made).score(["shares rise", "shares fall"]).answers
    assert len(answers) == 2
    again = dict(restore_network(made).named_parameters())
    known = WeightMap.model_validate_json(made.read(WEIGHTS)).parameters
    near = 0.02 if precision == "int8_weights" else 1e-6
    for name, values in network.named_parameters():
        if name in known and name != "positions.weight":
            assert torch.allclose(again[name], values, atol=near)
    with pytest.raises(ModelError, match=f"is in {precision}: give a release in int8"):
        Arithmetic(made)


def test_a_bias_is_added_by_the_product_itself_and_changes_no_bit() -> None:
    network, rows = drawn()
    graph = build_graph(network, 32)
    apart = optimise(quantise(graph, feeds_of(graph, rows)))
    joined = join_biases(apart)
    counts = [
        Counter(node.op_type for node in onnx.load_model_from_string(each).graph.node)
        for each in (apart, joined)
    ]
    products = counts[0]["MatMulIntegerToFloat"]
    assert products > 0
    assert counts[1]["MatMulIntegerToFloat"] == products
    assert counts[0]["Add"] - counts[1]["Add"] == products
    answers = [GraphAnswers(each, optimise=False).all_of(rows) for each in (apart, joined)]
    for head, values in answers[0].items():
        assert all(np.array_equal(a, b) for a, b in zip(values, answers[1][head], strict=True))
    assert join_biases(joined) == joined


def test_the_products_of_a_text_are_counted_in_the_newer_form_of_the_graph_too(release: Release) -> None:
    shape = WeightMap.model_validate_json(release.read(WEIGHTS)).shape
    whole = shape.layers - 1
    # Queries, keys, values and what attention gathered in each whole layer; keys and values in the last.
    assert Arithmetic(release).rows(10) == {
        (shape.width, shape.width): 10 * (4 * whole + 2) + 2,
        (shape.width, shape.inner): 10 * whole + 1,
        (shape.inner, shape.width): 10 * whole + 1,
    }


@pytest.mark.parametrize("even_out", [True, False])
def test_only_products_read_rounded_numbers(*, even_out: bool) -> None:
    network, rows = drawn()
    graph = build_graph(network, 32)
    int8 = quantise(graph, feeds_of(graph, rows), even_out=even_out)
    nodes = onnx.load_model_from_string(optimise(int8)).graph.node
    kinds = Counter(node.op_type for node in nodes)
    assert kinds["QuantizeLinear"] > 0
    assert kinds["DequantizeLinear"] == 0, "what was rounded for a product is no input of anything else"
    assert kinds["MatMulIntegerToFloat"] == 6 * 2
    assert any("/even" in node.name for node in nodes) == even_out


def test_attention_reads_its_heads_by_strides_and_copies_none_of_the_rows_before_it() -> None:
    network, rows = drawn()
    graph = build_graph(network, 32)
    nodes = onnx.load_model_from_string(optimise(quantise(graph, feeds_of(graph, rows)))).graph.node
    strided = [
        {each.name: each.i for each in node.attribute}
        for node in nodes
        if node.op_type == "FusedMatMul" and node.name.startswith("layers.0/")
    ]
    assert [(each["transBatchA"], each["transBatchB"]) for each in strided] == [(1, 1), (0, 1)]
    copied = [
        node.name for node in nodes if node.op_type in ("Transpose", "Split") and "layers.0/" in node.name
    ]
    assert len(copied) == 1, "only what attention gathered is turned back"


def test_products_can_be_kept_in_fp32() -> None:
    network, rows = drawn()
    feeds = feeds_of(build_graph(network, 32), rows)
    every, spared = (
        quantise(build_graph(network, 32), feeds, keep=keep) for keep in ((), ("layers.0.narrow/product",))
    )
    names = {tensor.name for tensor in spared.graph.initializer}
    assert "layers.0.narrow.weight" in names
    assert "layers.0.narrow.weight_quantized" in {tensor.name for tensor in every.graph.initializer}


def test_a_checkpoint_without_its_texts_is_not_exported(checkpoint: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(checkpoint, tmp_path / "copied")
    (copied / "examples.jsonl").unlink()
    with pytest.raises(ModelError, match=r"examples\.jsonl can't be read"):
        export_release(copied, tmp_path / "out", name="tiny", version="1")


HEAD_SETS: tuple[tuple[HeadName, ...], ...] = (
    ("sentiment",),
    ("sentiment", "topic"),
    ("sentiment", "entity"),
    ("sentiment", "ner"),
    ("sentiment", "topic", "entity", "ner"),
)


@pytest.mark.parametrize("heads", HEAD_SETS)
def test_a_graph_with_any_heads_answers_as_the_network_does(heads: tuple[HeadName, ...]) -> None:
    network, items = drawn()
    graph = build_graph(network, 32, heads)
    answers = GraphAnswers(graph.SerializeToString(), optimise=True)
    assert set(answers.heads) == set(heads)
    expected = network_answers(network, items)
    found = answers.all_of(items)
    for head in heads:
        for told, wanted in zip(found[head], expected[head], strict=True):
            assert told.shape == wanted.shape
            assert np.allclose(told, wanted, atol=1e-5)


def test_the_head_for_entities_costs_few_nodes() -> None:
    network, _ = drawn(layers=6)
    whole = len(build_graph(network, 32).graph.node)
    without = len(build_graph(network, 32, ("sentiment", "topic", "ner")).graph.node)
    assert whole - without <= 30


@pytest.fixture(scope="module")
def drawn_int8() -> tuple[GraphAnswers, list[Encoded]]:
    network, items = drawn()
    graph = build_graph(network, 32)
    return GraphAnswers(optimise(quantise(graph, feeds_of(graph, items))), optimise=False), items


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_head_gives_a_text_the_same_bits_alone_and_in_any_batch(
    drawn_int8: tuple[GraphAnswers, list[Encoded]], data: st.DataObject
) -> None:
    graph, items = drawn_int8
    by_length: dict[int, list[Encoded]] = {}
    for item in items:
        by_length.setdefault(len(item.ids), []).append(item)
    alike = data.draw(st.sampled_from([each for each in by_length.values() if len(each) > 1]))
    batch = data.draw(st.lists(st.sampled_from(alike), min_size=1, max_size=7))
    together = graph.one_batch(batch)
    for place, item in enumerate(batch):
        alone = graph.one_batch([item])
        for head in graph.heads:
            assert np.array_equal(together[head][place], alone[head][0])


def test_a_release_with_every_head_is_written_and_answers_for_entities_and_names(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    rows = [
        (text, text[start:end], MOODS_IN_ORDER[label])
        for number, item in enumerate(tiny_texts() * 12)
        for text in (f"{item.example.text} {WORDS[number % len(WORDS)]}",)
        for start, end, label in ((span.start, span.end, span.label) for span in item.example.spans)
    ]
    entities = write_csv(folder / "entities.csv", rows, header=("text", "entity", "label"))
    base = tiny_config(folder, epochs=2)
    spec = DataSpec(
        name="towards",
        path=entities,
        task="entity",
        licence="CC0-1.0",
        entity_column="entity",
        reference=True,
    )
    config = base.model_copy(update={"data": (*base.data, spec), "named": 300})
    made = export_release(run(config), tmp_path / "out", name="all", version="1", least_agreement=0.0)
    assert set(made.manifest.heads) == {"sentiment", "topic", "entity", "ner"}
    text = "shares of bank gains after oil firm falls"
    scorer = OnnxScorer.load(made)
    (answer,) = scorer.score([text], [[(10, 14), (27, 35)]]).answers
    assert [each is not None for each in answer.entities] == [True, True]
    assert scorer.score([text]).answers[0].sentiment == answer.sentiment
    onwards = run(base.model_copy(update={"start": made.path, "out": tmp_path / "onwards", "epochs": 1}))
    page, _ = load_checkpoint(onwards)
    assert page.config.named == page.rows["newstide_named"] == REMINDER, "what it knew of names is kept"
