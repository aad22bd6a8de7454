"""The network as an ONNX graph, node by node.

It is written out instead of traced: no shape arithmetic that a tracer leaves behind, every tensor under the name
of the parameter it comes from (so that a release can be turned back into a network), and no change of a tracer's
habits between two versions of torch. `export.parity` proves it equal to the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from models.training.network import MASKED, Layer, Network

OPSET = 17
IR_VERSION = 8
"""The oldest form that holds opset 17, so that older runtimes read it too."""

INPUTS = ("input_ids", "attention_mask")
OUTPUTS = ("sentiment", "topic")


class _Graph:
    """Nodes and initializers as they are added; each method returns the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}

    def tensor(self, name: str, value: NDArray[np.generic]) -> str:
        self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def integers(self, *values: int) -> str:
        return self.tensor("integers_" + "_".join(str(v) for v in values), np.array(values, dtype=np.int64))

    def number(self, value: float) -> str:
        return self.tensor(f"number_{value}", np.array(value, dtype=np.float32))

    def op(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def linear(
        self, rows: str, layer: nn.Linear, name: str, part: slice = slice(None), suffix: str = ""
    ) -> str:
        """`rows` times the weights of `layer` (of its outputs `part`), plus its bias."""
        weight = self.tensor(f"{name}.weight{suffix}", _array(layer.weight)[part].T)
        bias = self.tensor(f"{name}.bias{suffix}", _array(layer.bias)[part])
        product = self.op("MatMul", [rows, weight], f"{name}{suffix}/product")
        return self.op("Add", [product, bias], f"{name}{suffix}/sum")

    def norm(self, rows: str, layer: nn.LayerNorm, name: str) -> str:
        weight, bias = (
            self.tensor(f"{name}.weight", _array(layer.weight)),
            self.tensor(f"{name}.bias", _array(layer.bias)),
        )
        return self.op("LayerNormalization", [rows, weight, bias], f"{name}/out", axis=-1, epsilon=layer.eps)

    def first_row(self, rows: str, output: str) -> str:
        bounds = [self.integers(0), self.integers(1), self.integers(1)]
        return self.op("Slice", [rows, *bounds], output)


def build_graph(network: Network, max_length: int) -> onnx.ModelProto:
    """The fp32 graph of `network` for texts of at most `max_length` tokens.

    Inputs: `input_ids` and `attention_mask`, int64 [texts, tokens]. Outputs: `sentiment` and `topic`, uncalibrated
    logits, float32 [texts, classes].
    """
    graph = _Graph()
    shape = network.shape
    rows = _embed(graph, network, max_length)
    hidden = graph.op("Cast", ["attention_mask"], "mask/float", to=TensorProto.FLOAT)
    mask = graph.op("Sub", [graph.number(1.0), hidden], "mask/padding")
    mask = graph.op("Mul", [mask, graph.number(MASKED)], "mask/scores")
    mask = graph.op("Unsqueeze", [mask, graph.integers(1, 2)], "mask/broadcast")
    for number, layer in enumerate(network.layers):
        only_first = number == shape.layers - 1
        rows = _layer(graph, cast("Layer", layer), f"layers.{number}", rows, mask, only_first=only_first)
    pooled = graph.op("Reshape", [rows, graph.integers(-1, shape.width)], "pooled")
    for head in OUTPUTS:
        graph.op("Identity", [graph.linear(pooled, getattr(network, head), head)], head)
    return _model(graph, network)


def _embed(graph: _Graph, network: Network, max_length: int) -> str:
    words = graph.tensor("words.weight", _array(network.words.weight))
    places = graph.tensor("positions.weight", _array(network.positions.weight)[:max_length])
    found = graph.op("Gather", [words, "input_ids"], "words/rows", axis=0)
    size = graph.op("Shape", ["input_ids"], "tokens/shape")
    length = graph.op("Slice", [size, graph.integers(1), graph.integers(2)], "tokens/length")
    shown = graph.op("Slice", [places, graph.integers(0), length, graph.integers(0)], "positions/rows")
    return graph.norm(
        graph.op("Add", [found, shown], "embedding/sum"), network.embedding_norm, "embedding_norm"
    )


def _layer(graph: _Graph, layer: Layer, name: str, rows: str, mask: str, *, only_first: bool) -> str:
    width, heads = layer.width, layer.heads
    kept = graph.first_row(rows, f"{name}/first") if only_first else rows
    if only_first:
        query = graph.linear(kept, layer.qkv, f"{name}.qkv", slice(width), ".query")
        both = graph.linear(rows, layer.qkv, f"{name}.qkv", slice(width, None), ".key_value")
        key, value = f"{name}/key", f"{name}/value"
        _split(graph, both, [key, value], width)
    else:
        all_three = graph.linear(rows, layer.qkv, f"{name}.qkv")
        query, key, value = f"{name}/query", f"{name}/key", f"{name}/value"
        _split(graph, all_three, [query, key, value], width)
    per_head = width // heads
    apart = graph.integers(0, 0, heads, per_head)
    query, key, value = (
        graph.op(
            "Transpose",
            [graph.op("Reshape", [part, apart], f"{name}/{what}/apart")],
            f"{name}/{what}/turned",
            perm=order,
        )
        for part, what, order in (
            (query, "query", [0, 2, 1, 3]),
            (key, "key", [0, 2, 3, 1]),
            (value, "value", [0, 2, 1, 3]),
        )
    )
    scaled = graph.op("Mul", [query, graph.number(per_head**-0.5)], f"{name}/query/scaled")
    scores = graph.op("Add", [graph.op("MatMul", [scaled, key], f"{name}/scores"), mask], f"{name}/masked")
    shares = graph.op("Softmax", [scores], f"{name}/shares", axis=-1)
    mixed = graph.op("MatMul", [shares, value], f"{name}/mixed")
    turned = graph.op("Transpose", [mixed], f"{name}/mixed/turned", perm=[0, 2, 1, 3])
    context = graph.op("Reshape", [turned, graph.integers(0, 0, width)], f"{name}/context")
    kept = graph.op(
        "Add", [graph.linear(context, layer.attended, f"{name}.attended"), kept], f"{name}/attended"
    )
    kept = graph.norm(kept, layer.attended_norm, f"{name}.attended_norm")
    inner = _gelu(graph, graph.linear(kept, layer.widen, f"{name}.widen"), f"{name}/gelu")
    output = graph.op("Add", [graph.linear(inner, layer.narrow, f"{name}.narrow"), kept], f"{name}/output")
    return graph.norm(output, layer.output_norm, f"{name}.output_norm")


def _split(graph: _Graph, rows: str, outputs: list[str], width: int) -> None:
    sizes = graph.integers(*[width] * len(outputs))
    graph.nodes.append(helper.make_node("Split", [rows, sizes], outputs, name=f"{rows}/split", axis=-1))


def _gelu(graph: _Graph, rows: str, name: str) -> str:
    """The exact Gelu, in the form that the runtime's optimiser knows and joins into one node."""
    error = graph.op("Erf", [graph.op("Div", [rows, graph.number(2**0.5)], f"{name}/scaled")], f"{name}/erf")
    above = graph.op("Add", [error, graph.number(1.0)], f"{name}/above")
    return graph.op(
        "Mul", [graph.op("Mul", [rows, above], f"{name}/twice"), graph.number(0.5)], f"{name}/out"
    )


def _model(graph: _Graph, network: Network) -> onnx.ModelProto:
    shape = network.shape
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"]) for name in INPUTS]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["texts", classes])
        for name, classes in zip(OUTPUTS, (shape.sentiments, shape.topics), strict=True)
    ]
    body = helper.make_graph(graph.nodes, "newstide", inputs, outputs, list(graph.initializers.values()))
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="newstide")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def _array(parameter: Tensor) -> NDArray[np.float32]:
    return parameter.detach().to("cpu").float().numpy()
