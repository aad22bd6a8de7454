"""How fast a release could be if nothing but its products with weights took time: the limit of the arithmetic."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.graph import IR_VERSION, OPSET
from models.batches import BATCH_TOKENS
from models.release import GRAPH, Release
from models.session import open_session

Product = tuple[int, int]
"""The shape of a matrix of weights: [inputs, outputs]."""

ROWS = BATCH_TOKENS
"""Rows that are multiplied at once: as many tokens as serving puts into a batch."""

_WEIGHT = re.compile(r"layers\.(?P<layer>\d+)\.\w+\.weight(?P<part>\.\w+)?_quantized")

_OF_ALL_TOKENS = (".key", ".value", ".key_value")
"""What the last layer asks of every token; in the older form of the graph keys and values are one product."""


def products_of(release: Release, tokens: float) -> dict[Product, float]:
    """The int8 products that a text of `tokens` tokens costs, by the shape of their weights.

    One for each token, but of the last layer most are for the first token alone. None in another precision.
    """
    if release.manifest.requires.precision != "int8":
        return {}
    graph = onnx.load_model_from_string(release.read(GRAPH)).graph
    named = [(match, each) for each in graph.initializer if (match := _WEIGHT.fullmatch(each.name))]
    last = max((int(match["layer"]) for match, _ in named), default=0)
    found: dict[Product, float] = {}
    for match, tensor in named:
        of_all = int(match["layer"]) < last or match["part"] in _OF_ALL_TOKENS
        shape = (int(tensor.dims[0]), int(tensor.dims[1]))
        found[shape] = found.get(shape, 0.0) + (tokens if of_all else 1)
    return found


def seconds_of(products: Mapping[Product, float], *, seconds: float = 0.5) -> float:
    """The time of `products` on one core, each measured by itself for about `seconds`, at its best.

    The processor's time, as `stream.bench.release` takes it of releases. By the same runtime, 8-bit numbers
    against 8-bit weights into 32-bit sums, `ROWS` rows at once, with all that it needs in the cache.
    """
    return sum(count * _seconds(shape, seconds) / ROWS for shape, count in products.items())


def _seconds(shape: Product, seconds: float) -> float:
    """The shortest time that the runtime took to multiply `ROWS` rows with weights of `shape`."""
    draw = np.random.default_rng(1)
    weights = draw.integers(-127, 128, shape).astype(np.int8)
    rows = draw.integers(0, 256, (ROWS, shape[0])).astype(np.uint8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["rows", "weights"], ["sums"])],
        "product",
        [helper.make_tensor_value_info("rows", TensorProto.UINT8, [ROWS, shape[0]])],
        [helper.make_tensor_value_info("sums", TensorProto.INT32, [ROWS, shape[1]])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    session = open_session(model.SerializeToString(), where="the product")
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.process_time()
        session.run(None, {"rows": rows})
        best = min(best, time.process_time() - began)
    return best
