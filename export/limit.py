"""How fast a release could be if nothing but its products with weights took time: the limit of the arithmetic."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.graph import IR_VERSION, OPSET
from models.batches import BATCH_TOKENS
from models.errors import ModelError
from models.release import GRAPH, Release
from models.session import open_session

Product = tuple[int, int]
"""The shape of a matrix of weights: [inputs, outputs]."""

ROWS = BATCH_TOKENS
"""Rows that are multiplied at once: as many tokens as serving puts into a batch."""

_WEIGHT = re.compile(r"layers\.(?P<layer>\d+)\.\w+\.weight(?P<part>\.\w+)?_quantized")

_OF_ALL_TOKENS = (".key", ".value", ".key_value")
"""What the last layer asks of every token; in the older form of the graph keys and values are one product."""


class Arithmetic:
    """The int8 products of a release and nothing else, to be measured beside the release itself.

    By the same runtime, 8-bit numbers against 8-bit weights into 32-bit sums, `ROWS` rows at once, with all that
    it needs in the cache.
    """

    def __init__(self, release: Release) -> None:
        """Raises ModelError if the products of `release` are not in int8."""
        if release.manifest.requires.precision != "int8":
            raise ModelError(
                f"{release.label} is in {release.manifest.requires.precision}: give a release in int8"
            )
        graph = onnx.load_model_from_string(release.read(GRAPH)).graph
        named = [(match, each) for each in graph.initializer if (match := _WEIGHT.fullmatch(each.name))]
        last = max((int(match["layer"]) for match, _ in named), default=0)
        self._of_all: Counter[Product] = Counter()
        self._of_first: Counter[Product] = Counter()
        for match, tensor in named:
            of_all = int(match["layer"]) < last or match["part"] in _OF_ALL_TOKENS
            counted = self._of_all if of_all else self._of_first
            counted[int(tensor.dims[0]), int(tensor.dims[1])] += 1
        self._runs = {shape: _runner(shape) for shape in self._of_all | self._of_first}

    def rows(self, tokens: int, texts: int = 1) -> dict[Product, int]:
        """The rows that `texts` of `tokens` together cost, by the shape of the weights that they meet.

        One for each token, but of the last layer most are for the first token of a text alone.
        """
        return {shape: tokens * self._of_all[shape] + texts * self._of_first[shape] for shape in self._runs}

    def seconds(self, tokens: int, texts: int) -> float:
        """The processor's time of the products of `texts` of `tokens` together, as they are run now.

        In whole passes of `ROWS` rows, and of their time the share that these rows have.
        """
        total = 0.0
        for shape, rows in self.rows(tokens, texts).items():
            passes = max(1, round(rows / ROWS))
            began = time.process_time()
            for _ in range(passes):
                self._runs[shape]()
            total += (time.process_time() - began) * rows / (passes * ROWS)
        return total


def _runner(shape: Product) -> Callable[[], object]:
    """What multiplies `ROWS` rows with weights of `shape`, by numbers that stay the same."""
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
    return lambda: session.run(None, {"rows": rows})
