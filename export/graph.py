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

from models.session import SPAN_INPUTS, TEXT_INPUT
from models.tasks import HEADS, HeadName
from models.training.network import Layer, Network, kinds_of_distance

OPSET = 17
IR_VERSION = 8
"""The oldest form that holds opset 17, so that older runtimes read it too."""

WHOLE: tuple[HeadName, ...] = ("sentiment", "topic")
"""The heads that answer for a whole text."""

PROJECTED = ("query", "key", "value")
"""The parts of the wide product before attention, in the order of its rows."""


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
        """`rows` times the weights of `layer` (of its outputs `part`), plus its bias if there is one.

        Below the heads one of zeros is none.
        """
        weight = self.tensor(f"{name}.weight{suffix}", _array(layer.weight)[part].T)
        product = self.op("MatMul", [rows, weight], f"{name}{suffix}/product")
        if cast("Tensor | None", layer.bias) is None:
            return product
        if name.startswith("layers.") and not _array(layer.bias).any():
            return product
        bias = self.tensor(f"{name}.bias{suffix}", _array(layer.bias)[part])
        return self.op("Add", [product, bias], f"{name}{suffix}/sum")

    def norm(self, rows: str, layer: nn.LayerNorm, name: str) -> str:
        weight, bias = (
            self.tensor(f"{name}.weight", _array(layer.weight)),
            self.tensor(f"{name}.bias", _array(layer.bias)),
        )
        return self.op("LayerNormalization", [rows, weight, bias], f"{name}/out", axis=-1, epsilon=layer.eps)

    def first_row(self, rows: str, width: int, output: str) -> str:
        """Of [tokens, texts, width] the first of each text: [texts, 1, width]."""
        bounds = [self.integers(0), self.integers(1), self.integers(0)]
        first = self.op("Slice", [rows, *bounds], f"{output}/line")
        return self.op("Reshape", [first, self.integers(-1, 1, width)], output)

    def heads_apart(self, rows: str, shape: Sequence[int], order: Sequence[int], name: str) -> str:
        """`rows` with one axis for the attention heads, which comes second."""
        apart = self.op("Reshape", [rows, self.integers(*shape)], f"{name}/apart")
        return self.op("Transpose", [apart], f"{name}/turned", perm=list(order))


def build_graph(
    network: Network, max_length: int, heads: Sequence[HeadName] = tuple(HEADS)
) -> onnx.ModelProto:
    """The fp32 graph of `network` for texts of at most `max_length` tokens.

    Inputs: `input_ids`, int64 [texts, tokens], of texts of equal length: there is no mask, as nothing is padded.
    With the head `entity` also `span_text`, int64 [spans], and `span_shares`, float32 [spans, tokens], as
    `models.training.network.Spans` tells them. Outputs:
    the uncalibrated logits of `heads`, float32: `sentiment` and `topic` [texts, classes], `entity` [spans,
    classes], `ner` [texts, tokens, tags].

    Within, tokens come before texts: from there the runtime takes queries, keys and values apart by heads inside
    the products of attention, by strides (`FusedMatMul`, `transBatchA`). With texts first it would copy them.
    """
    graph = _Graph()
    rows = _embed(graph, network, max_length)
    far = _distances(graph, network, max_length)
    layers = [cast("Layer", layer) for layer in network.layers]
    for number, layer in enumerate(layers[:-1]):
        rows = _layer(graph, layer, f"layers.{number}", rows, far)
    with_spans = "entity" in heads
    last = f"layers.{len(layers) - 1}"
    first, asked = _ask(graph, layers[-1], last, rows, far, with_spans=with_spans)
    # Rows stay [rows, 1, width]: of two axes the runtime's optimiser would make a Gemm, which adds in another
    # order when a row is alone, and which is not computed in int8.
    by_text = graph.op("Transpose", [rows], "texts/rows", perm=[1, 0, 2])
    pooled = graph.op("Concat", [first, _mean(graph, by_text)], "pooled", axis=2)
    for head in WHOLE:
        if head in heads:
            _answer(graph, pooled, getattr(network, head), head)
    if with_spans:
        theirs = graph.op("Gather", [first, "span_text"], "span/first", axis=0)
        _answer(graph, graph.op("Concat", [asked, theirs], "towards", axis=2), network.entity, "entity")
    if "ner" in heads:
        graph.op("Transpose", [graph.linear(rows, network.ner, "ner")], "ner", perm=[1, 0, 2])
    return _model(graph, network, heads)


def _answer(graph: _Graph, rows: str, layer: nn.Linear, head: HeadName) -> str:
    """The logits of a head for [rows, 1, ...]: [rows, classes]."""
    logits = graph.linear(rows, layer, head)
    return graph.op("Reshape", [logits, graph.integers(-1, layer.out_features)], head)


def _mean(graph: _Graph, rows: str) -> str:
    """The mean of each text's rows, [texts, 1, width].

    As a product of matrices: a sum adds in another order when a text is alone.
    """
    counted = graph.op("Cast", ["tokens/length"], "mean/tokens", to=TensorProto.FLOAT)
    share = graph.op("Div", [graph.number(1.0), counted], "mean/share")
    one = graph.op("Reshape", [share, graph.integers(1, 1, 1)], "mean/one")
    line = graph.op("Concat", [graph.integers(1, 1), "tokens/length"], "mean/shape", axis=0)
    shares = graph.op("Expand", [one, line], "mean/shares")
    return graph.op("MatMul", [shares, rows], "mean/rows")


def _ask(
    graph: _Graph, layer: Layer, name: str, rows: str, far: str | None, *, with_spans: bool
) -> tuple[str, str]:
    """The last layer for the first row of each text and the mean row of each span: [rows, 1, width] each.

    Both kinds go through one product with each weight; only attention is apart, where a span needs the keys of its
    text. What distances say (`far`) it hears as its own tokens do on average. What spans need of their texts is
    gathered before it is turned for the product: what all texts have stays as it is, and most have no span.
    """
    taken = {part: _taken(graph, layer, name, rows, part) for part in ("key", "value")}
    key, value = (_by_heads(graph, layer, of_all, f"{name}/{part}", part) for part, of_all in taken.items())
    first = graph.first_row(rows, layer.width, f"{name}/first")
    bounds = [graph.integers(0), graph.integers(1), graph.integers(1)]
    far_of_first = graph.op("Slice", [far, *bounds], "distances/first") if far else None
    if not with_spans:
        query = _taken(graph, layer, name, first, "query")
        context = _attend_one(graph, layer, f"{name}/text", query, key, value, far_of_first)
        return _finish(graph, layer, name, first, context), ""
    theirs = graph.op("Gather", [rows, "span_text"], "span/theirs", axis=1)
    theirs = graph.op("Transpose", [theirs], "span/rows", perm=[1, 0, 2])
    line = graph.op("Unsqueeze", ["span_shares", graph.integers(1)], "span/line")
    mean = graph.op("MatMul", [line, theirs], "span/row")
    asking = graph.op("Concat", [first, mean], f"{name}/asking", axis=0)
    query = _taken(graph, layer, name, asking, "query")
    texts = graph.op("Slice", ["tokens/shape", graph.integers(0), graph.integers(1)], "texts/count")
    of_texts, of_spans = _apart(graph, query, texts, f"{name}/query")
    key_of_spans, value_of_spans = (
        _by_heads(
            graph,
            layer,
            graph.op("Gather", [of_all, "span_text"], f"span/{part}", axis=1),
            f"{name}/span/{part}",
            part,
        )
        for part, of_all in taken.items()
    )
    far_of_spans = None
    if far:
        # Once for each span: the runtime can't stretch one table to no span at all.
        sizes = [graph.op("Shape", [each], f"{each}/shape") for each in ("span_text", far)]
        size = graph.op("Concat", sizes, "distances/sizes", axis=0)
        shares = graph.op("Unsqueeze", ["span_shares", graph.integers(1, 2)], "span/shares")
        far_of_spans = graph.op(
            "MatMul", [shares, graph.op("Expand", [far, size], "distances/each")], "span/far"
        )
    contexts = [
        _attend_one(graph, layer, f"{name}/text", of_texts, key, value, far_of_first),
        _attend_one(graph, layer, f"{name}/span", of_spans, key_of_spans, value_of_spans, far_of_spans),
    ]
    context = graph.op("Concat", contexts, f"{name}/context", axis=0)
    return _apart(graph, _finish(graph, layer, name, asking, context), texts, f"{name}/answer")


def _apart(graph: _Graph, rows: str, texts: str, name: str) -> tuple[str, str]:
    """The rows of the texts, which come first, and those of the spans."""
    end = graph.integers(2**31)
    return (
        graph.op("Slice", [rows, graph.integers(0), texts, graph.integers(0)], f"{name}/texts"),
        graph.op("Slice", [rows, texts, end, graph.integers(0)], f"{name}/spans"),
    )


def _attend_one(
    graph: _Graph, layer: Layer, name: str, query: str, key: str, value: str, far: str | None
) -> str:
    """What one query for each text gathers: [queries, 1, width]."""
    per_head = layer.width // layer.heads
    query = graph.heads_apart(query, (0, 0, layer.heads, per_head), (0, 2, 1, 3), f"{name}/query")
    mixed = _mix(graph, layer, name, query, key, value, far)
    return _gathered(graph, layer, name, mixed, (0, 2, 1, 3))


def _mix(
    graph: _Graph,
    layer: Layer,
    name: str,
    query: str,
    key: str,
    value: str,
    far: str | None,
) -> str:
    """What queries [texts, heads, rows, width of a head] gather, in the same order."""
    scaled = graph.op(
        "Mul", [query, graph.number((layer.width // layer.heads) ** -0.5)], f"{name}/query/scaled"
    )
    scores = graph.op("MatMul", [scaled, key], f"{name}/scores")
    if far:
        scores = graph.op("Add", [scores, far], f"{name}/scores/far")
    shares = graph.op("Softmax", [scores], f"{name}/shares", axis=-1)
    return graph.op("MatMul", [shares, value], f"{name}/mixed")


def _gathered(graph: _Graph, layer: Layer, name: str, mixed: str, order: Sequence[int]) -> str:
    """The heads of `mixed` side by side again, its axes in `order`, of which the heads are third."""
    turned = graph.op("Transpose", [mixed], f"{name}/mixed/turned", perm=list(order))
    return graph.op("Reshape", [turned, graph.integers(0, 0, layer.width)], f"{name}/gathered")


def _finish(graph: _Graph, layer: Layer, name: str, rows: str, context: str) -> str:
    """What a layer does with what its rows gathered."""
    kept = graph.op(
        "Add", [graph.linear(context, layer.attended, f"{name}.attended"), rows], f"{name}/attended"
    )
    kept = graph.norm(kept, layer.attended_norm, f"{name}.attended_norm")
    wide = graph.linear(kept, layer.widen, f"{name}.widen")
    inner = (
        graph.op("Relu", [wide], f"{name}/relu")
        if layer.activation == "relu"
        else _gelu(graph, wide, f"{name}/gelu")
    )
    output = graph.op("Add", [graph.linear(inner, layer.narrow, f"{name}.narrow"), kept], f"{name}/output")
    return graph.norm(output, layer.output_norm, f"{name}.output_norm")


def _embed(graph: _Graph, network: Network, max_length: int) -> str:
    words = graph.tensor("words.weight", _array(network.words.weight))
    places = graph.tensor("positions.weight", _array(network.positions.weight)[:max_length])
    ids = graph.op("Transpose", ["input_ids"], "tokens/first", perm=[1, 0])
    found = graph.op("Gather", [words, ids], "words/rows", axis=0)
    size = graph.op("Shape", ["input_ids"], "tokens/shape")
    length = graph.op("Slice", [size, graph.integers(1), graph.integers(2)], "tokens/length")
    shown = graph.op("Slice", [places, graph.integers(0), length, graph.integers(0)], "positions/rows")
    shown = graph.op("Unsqueeze", [shown, graph.integers(1)], "positions/broadcast")
    return graph.norm(
        graph.op("Add", [found, shown], "embedding/sum"), network.embedding_norm, "embedding_norm"
    )


def _distances(graph: _Graph, network: Network, max_length: int) -> str | None:
    """What the distance between two tokens adds to their score: [heads, tokens, tokens]; None if nothing."""
    if network.distances is None:
        return None
    table = graph.tensor("distances.weight", _array(network.distances.weight))
    kinds = kinds_of_distance(max_length, network.shape.distances).numpy().astype(np.int32)
    ends = graph.op("Concat", ["tokens/length", "tokens/length"], "distances/ends", axis=0)
    known = graph.tensor("distances/kinds", kinds)
    shown = graph.op("Slice", [known, graph.integers(0, 0), ends, graph.integers(0, 1)], "distances/shown")
    found = graph.op("Gather", [table, shown], "distances/found", axis=0)
    return graph.op("Transpose", [found], "distances/said", perm=[2, 0, 1])


def _layer(graph: _Graph, layer: Layer, name: str, rows: str, far: str | None) -> str:
    """A layer for all rows, [tokens, texts, width]."""
    query, key, value = (_project(graph, layer, name, rows, part) for part in PROJECTED)
    mixed = _mix(graph, layer, name, query, key, value, far)
    return _finish(graph, layer, name, rows, _gathered(graph, layer, name, mixed, (2, 0, 1, 3)))


def _project(graph: _Graph, layer: Layer, name: str, rows: str, part: str) -> str:
    """The queries, keys or values of `rows` as `_by_heads` has them."""
    return _by_heads(graph, layer, _taken(graph, layer, name, rows, part), f"{name}/{part}", part)


def _by_heads(graph: _Graph, layer: Layer, taken: str, name: str, part: str) -> str:
    """Queries, keys (turned for the product) or values, apart by heads: [texts, heads, ...]."""
    order = (1, 2, 3, 0) if part == "key" else (1, 2, 0, 3)
    apart = (0, 0, layer.heads, layer.width // layer.heads)
    return graph.heads_apart(taken, apart, order, name)


def _taken(graph: _Graph, layer: Layer, name: str, rows: str, part: str) -> str:
    """The queries, keys or values of `rows`, each by a product of its own, in the order of the rows.

    To take one wide product apart again would copy all of it.
    """
    place = PROJECTED.index(part) * layer.width
    return graph.linear(rows, layer.qkv, f"{name}.qkv", slice(place, place + layer.width), f".{part}")


def _gelu(graph: _Graph, rows: str, name: str) -> str:
    """The exact Gelu, in the form that the runtime's optimiser knows and joins into one node."""
    error = graph.op("Erf", [graph.op("Div", [rows, graph.number(2**0.5)], f"{name}/scaled")], f"{name}/erf")
    above = graph.op("Add", [error, graph.number(1.0)], f"{name}/above")
    return graph.op(
        "Mul", [graph.op("Mul", [rows, above], f"{name}/twice"), graph.number(0.5)], f"{name}/out"
    )


def _model(graph: _Graph, network: Network, heads: Sequence[HeadName]) -> onnx.ModelProto:
    shape = network.shape
    make = helper.make_tensor_value_info
    inputs = [make(TEXT_INPUT, TensorProto.INT64, ["texts", "tokens"])]
    if "entity" in heads:
        inputs += [
            make(SPAN_INPUTS[0], TensorProto.INT64, ["spans"]),
            make(SPAN_INPUTS[1], TensorProto.FLOAT, ["spans", "tokens"]),
        ]
    sizes: dict[HeadName, list[str | int]] = {
        "sentiment": ["texts", shape.sentiments],
        "topic": ["texts", shape.topics],
        "entity": ["spans", shape.sentiments],
        "ner": ["texts", "tokens", shape.tags],
    }
    outputs = [make(name, TensorProto.FLOAT, sizes[name]) for name in HEADS if name in heads]
    body = helper.make_graph(graph.nodes, "newstide", inputs, outputs, list(graph.initializers.values()))
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="newstide")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def _array(parameter: Tensor) -> NDArray[np.float32]:
    return parameter.detach().to("cpu").float().numpy()
