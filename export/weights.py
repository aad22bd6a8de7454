"""The page of a release that says where each parameter stands in its graph."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from export.graph import PROJECTED
from export.smoothing import smoothing_names
from models.errors import ModelError
from models.tasks import HEADS
from models.training.network import Network
from models.training.restore import WeightMap, WeightPart, read_part

_LOOKED_UP = ("words", "positions", "distances")
"""The parameters that are tables, row by row as the network has them; those of products are turned."""

_PARTS = ("", *(f".{part}" for part in PROJECTED))


def describe_weights(network: Network, graph: bytes) -> WeightMap:
    """Where the parameters of `network` stand in `graph`, checked value by value.

    Raises:
        ModelError: if a parameter isn't there, or is further from its tensor than rounding to int8 explains.
    """
    tensors = {tensor.name: tensor for tensor in onnx.load_model_from_string(graph).graph.initializer}
    positions = len(numpy_helper.to_array(tensors["positions.weight"]))
    parameters = {}
    for name, parameter in network.named_parameters():
        parts = _parts_of(name, tensors)
        if not parts and name.split(".")[0] in HEADS:
            continue  # a head that was never trained is not exported
        expected = parameter.detach().float().numpy()
        if not parts and name.endswith(".bias") and not expected.any():
            parameters[name] = parts
            continue
        if name == "positions.weight":
            expected = expected[:positions]
        _check(name, parts, tensors, expected)
        parameters[name] = parts
    shape = network.shape.model_copy(update={"positions": positions})
    return WeightMap(shape=shape, parameters=parameters)


def _parts_of(name: str, tensors: dict[str, onnx.TensorProto]) -> tuple[WeightPart, ...]:
    parts = []
    for suffix in _PARTS:
        whole, rounded = f"{name}{suffix}", f"{name}{suffix}_quantized"
        turned = name.endswith(".weight") and not name.startswith(_LOOKED_UP) and "norm" not in name
        if rounded in tensors:
            smoothing = next((each for each in smoothing_names(whole) if each in tensors), None)
            parts.append(
                WeightPart(
                    tensor=rounded,
                    scale=f"{name}{suffix}_scale",
                    smoothing=smoothing,
                    transposed=turned,
                )
            )
        elif whole in tensors:
            parts.append(WeightPart(tensor=whole, transposed=turned))
    return tuple(parts)


def _check(
    name: str,
    parts: tuple[WeightPart, ...],
    tensors: dict[str, onnx.TensorProto],
    expected: NDArray[np.float32],
) -> None:
    found = [read_part(tensors, part) for part in parts]
    joined = np.concatenate(found) if found else np.zeros(0, dtype=np.float32)
    if joined.shape != expected.shape:
        raise ModelError(f"parameter {name} has shape {expected.shape}, the graph holds {joined.shape} of it")
    first = 0
    for part, values in zip(parts, found, strict=True):
        wanted = expected[first : first + len(values)]
        first += len(values)
        # Half a step of int8 at the largest weight of a row, as it was rounded, and a little for the arithmetic.
        even = 1.0 if part.smoothing is None else numpy_helper.to_array(tensors[part.smoothing])
        allowed = np.abs(wanted / even).max(axis=-1, keepdims=True) / 127.0 * 0.51 * even + 1e-7
        if bool((np.abs(values - wanted) > allowed).any()):
            raise ModelError(
                f"parameter {name} differs from its tensor in the graph by more than int8 explains"
            )
