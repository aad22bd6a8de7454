"""From an fp32 graph to what is served: an int8 graph that gives the same text the same bits in any batch.

Ranges of activations are fixed here, from example texts. Were they taken from each batch, as dynamic quantisation
does, a score would depend on the texts that share its batch.
"""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from export.smoothing import smooth
from models.manifest import Precision

Feed = dict[str, NDArray[np.generic]]

WEIGHT_FUSIONS = ("ConstantFolding", "QDQSelectorActionTransformer")
"""These would store small weights at their full size again, or also round the activations, by blocks."""

SLOW_FUSIONS = ("SkipLayerNormFusion", "BiasGeluFusion")
"""The runtime's fused nodes for these are several times slower on a processor than the plain ones."""


_PRODUCT = "MatMulIntegerToFloat"
_WITHOUT_BIAS = 6
"""The runtime's node for an int8 product and its scaling, which takes so many inputs, and a bias behind them."""


class _Feeds(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Hands the batches to the calibrator one by one."""

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._left: Iterator[Feed] = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self._left, None)


def lower(
    graph: onnx.ModelProto, feeds: Sequence[Feed], precision: Precision, *, even_out: bool = True
) -> bytes:
    """What is served in place of the fp32 graph `graph`, in `precision`; arguments as those of `quantise`."""
    if precision == "int8":
        return join_biases(optimise(quantise(graph, feeds, even_out=even_out)))
    if precision == "int8_weights":
        return optimise(quantise_weights(graph), leave=WEIGHT_FUSIONS)
    return optimise(graph)


def quantise(
    graph: onnx.ModelProto, feeds: Sequence[Feed], keep: Sequence[str] = (), *, even_out: bool = True
) -> onnx.ModelProto:
    """The int8 graph (QDQ) of `graph`.

    Products with weights are quantised, once the outliers of their inputs are evened out: activations as uint8
    with one range, weights as int8 with one scale for each output. Attention and the heads stay in fp32. Word
    embeddings are kept as int8 with one scale per word.

    Args:
        graph: as `export.graph.build_graph` makes it.
        feeds: batches of texts from which the ranges are taken, without padding (its rows would count too).
        keep: products to leave in fp32 besides, by the names of their nodes.
        even_out: False for a network that learned to do without (`models.training.rounding`).
    """
    if even_out:
        graph = smooth(graph, feeds)
    products = [node.name for node in _products(graph) if node.name not in keep]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        onnx.save(graph, source)
        logging.getLogger().disabled, before = True, logging.getLogger().disabled
        try:
            quantize_static(
                str(source),
                str(target),
                _Feeds(feeds),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["MatMul"],
                nodes_to_quantize=products,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                calibrate_method=CalibrationMethod.MinMax,
                # A product's sum is left in fp32: what follows it is a norm, a Gelu or attention, all in fp32. But
                # where nothing stands between it and the next rounding but a ReLU, the optimiser joins all three.
                extra_options={"MatMulConstBOnly": True, "OpTypesToExcludeOutputQuantization": ["MatMul"]},
            )
        finally:
            logging.getLogger().disabled = before
        quantised = onnx.load(target)
    _round_for_products_alone(quantised, products)
    _quantise_words(quantised)
    return quantised


def _round_for_products_alone(model: onnx.ModelProto, products: Sequence[str]) -> None:
    """Gives all nodes but `products` the activations as they were before they were rounded.

    The library rounds a tensor for everything that reads it, so also what a layer adds to its output.
    """
    made_by = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if node.name in products or node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            continue
        for place, name in enumerate(node.input):
            back = made_by.get(name)
            rounded = made_by.get(back.input[0]) if back and back.op_type == "DequantizeLinear" else None
            if rounded and rounded.op_type == "QuantizeLinear":
                node.input[place] = rounded.input[0]


def quantise_weights(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with int8 weights, of one scale for each output, and products in fp32 all the same."""
    small = onnx.ModelProto()
    small.CopyFrom(graph)
    weights = {tensor.name: tensor for tensor in small.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    chosen = {node.name for node in _products(graph)}
    for node in small.graph.node:
        if node.name in chosen:
            name = node.input[1]
            values = numpy_helper.to_array(weights[name])
            rounded, scale = _rounded(values, axis=0)
            small.graph.initializer.remove(weights[name])
            small.graph.initializer.append(numpy_helper.from_array(rounded, f"{name}_quantized"))
            small.graph.initializer.append(numpy_helper.from_array(scale.ravel(), f"{name}_scale"))
            made = f"{name}/float"
            node.input[1] = made
            given = [f"{name}_quantized", f"{name}_scale"]
            nodes.append(helper.make_node("DequantizeLinear", given, [made], made, axis=1))
        nodes.append(node)
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del small.graph.node[:]
    small.graph.node.extend(kept)
    _quantise_words(small)
    return small


def _products(graph: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The products with weights in the layers."""
    return [
        node
        for node in graph.graph.node
        if node.op_type == "MatMul" and node.name.startswith("layers.") and node.name.endswith("/product")
    ]


def _rounded(values: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """`values` as int8, and the scale along `axis` that turns them back."""
    scale = np.maximum(np.abs(values).max(axis=axis, keepdims=True) / 127.0, 1e-12).astype(np.float32)
    return np.clip(np.rint(values / scale), -127, 127).astype(np.int8), scale


def _quantise_words(model: onnx.ModelProto) -> None:
    """Turns the word embeddings into int8 with one scale per word, looked up together with the word."""
    graph = model.graph
    place, node = next((i, n) for i, n in enumerate(graph.node) if "words.weight" in n.input)
    whole = next(tensor for tensor in graph.initializer if tensor.name == "words.weight")
    rounded, scale = _rounded(numpy_helper.to_array(whole), axis=1)
    graph.initializer.remove(whole)
    graph.initializer.append(numpy_helper.from_array(rounded, "words.weight_quantized"))
    graph.initializer.append(numpy_helper.from_array(scale, "words.weight_scale"))
    ids, output = node.input[1], node.output[0]
    graph.node.remove(node)
    for step, new in enumerate(
        (
            helper.make_node("Gather", ["words.weight_quantized", ids], ["words/int8"], "words/int8"),
            helper.make_node("Cast", ["words/int8"], ["words/float"], "words/float", to=TensorProto.FLOAT),
            helper.make_node("Gather", ["words.weight_scale", ids], ["words/scale"], "words/scale"),
            helper.make_node("Mul", ["words/float", "words/scale"], [output], "words/scaled"),
        )
    ):
        graph.node.insert(place + step, new)


def optimise(graph: onnx.ModelProto, leave: Sequence[str] = ()) -> bytes:
    """The graph as the runtime would optimise it on loading, saved, so that it is loaded as it is.

    Only rewritings that hold on every processor (level "extended") are made: no layouts for this one's cache.
    Those named in `leave` are not.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "optimised.onnx")
        options.optimized_model_filepath = str(target)
        ort.InferenceSession(
            graph.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=[*SLOW_FUSIONS, *leave],
        )
        return target.read_bytes()


def join_biases(content: bytes) -> bytes:
    """The int8 graph `content`, as `optimise` leaves it, with each product's bias added by the product itself.

    The runtime's node for the product takes a bias, but its optimiser only joins one that stands before the
    scaling. The same numbers come out, without another pass over all rows.
    """
    model = onnx.load_model_from_string(content)
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    made_by = {name: node for node in graph.node for name in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    for addition in [node for node in graph.node if node.op_type == "Add"]:
        product, bias = (made_by.get(addition.input[0]), constants.get(addition.input[1]))
        if product is None or product.op_type != _PRODUCT or bias is None or len(bias.dims) != 1:
            continue
        if uses[product.output[0]] == 1 and len(product.input) == _WITHOUT_BIAS:
            product.input.append(bias.name)
            product.output[0] = addition.output[0]
            graph.node.remove(addition)
    joined: bytes = model.SerializeToString()
    return joined
