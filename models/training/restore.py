"""From a release back to a network, so that it can be fine-tuned further.

A release holds weights as int8 with their scales. What is restored is what the release computes with, not what
was rounded away: it answers nearly as the release does. The next export rounds once more, by half a step at most.
Units that an export has blown up out of proportion are back at their size, as a run could not learn on from them.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import ModelError
from models.release import GRAPH, Release
from models.tasks import HEADS
from models.training.network import Network, Shape
from models.training.units import settle_units

WEIGHTS = "weights.json"
"""The file of a release that says which tensor of the graph holds which parameter."""


class WeightPart(BaseModel):
    """A tensor of the graph that holds a parameter, or some of its rows.

    The parameter's rows are `tensor`, times `scale` where there is one, `transposed` where the graph multiplies
    from the other side. `smoothing` is what the graph multiplies the inputs by before the product.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tensor: str
    scale: str | None = None
    smoothing: str | None = None
    transposed: bool = False


class WeightMap(BaseModel):
    """The page `weights.json`: the shape of the network, and for each parameter its parts, joined by rows.

    A bias without parts is zero, as the graph does without it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    shape: Shape
    parameters: dict[str, tuple[WeightPart, ...]]


def restore_network(release: Release, *, dropout: float = 0.1) -> Network:
    """The network that `release` was exported from, as far as int8 kept it; ready to answer.

    Raises:
        ModelError: if the release has no `weights.json`, or it does not fit the graph.
    """
    page = _page_of(release)
    graph = onnx.load_model_from_string(release.read(GRAPH)).graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    try:
        network = Network(page.shape, dropout=dropout)
        state = {
            name: torch.from_numpy(np.concatenate([read_part(tensors, part) for part in parts]))
            if parts or not name.endswith(".bias")
            else torch.zeros_like(network.get_parameter(name))
            for name, parts in page.parameters.items()
        }
        # A head that the release lacks keeps its fresh weights.
        fresh = {name: values for name, values in network.state_dict().items() if name.split(".")[0] in HEADS}
        network.load_state_dict(fresh | state)
        settle_units(network)
    except (KeyError, ValueError, RuntimeError, AttributeError) as error:
        raise ModelError(
            f"{release.label}: {WEIGHTS} does not fit {GRAPH} ({error}): export the release again"
        ) from error
    network.eval()
    return network


def is_evened_out(release: Release) -> bool:
    """Whether the graph of `release` evens out outliers of its activations before it rounds them.

    Raises:
        ModelError: if the release has no `weights.json`.
    """
    parts = (part for each in _page_of(release).parameters.values() for part in each)
    return any(part.smoothing is not None for part in parts)


def _page_of(release: Release) -> WeightMap:
    try:
        return WeightMap.model_validate_json(release.read(WEIGHTS))
    except ValidationError as error:
        raise ModelError(
            f"{release.label}: {WEIGHTS} is wrong ({error}): export the release again"
        ) from error


def read_part(tensors: dict[str, onnx.TensorProto], part: WeightPart) -> NDArray[np.float32]:
    """The values of one part, as rows of its parameter.

    Raises:
        KeyError: if the graph has no such tensor.
    """
    values = numpy_helper.to_array(tensors[part.tensor]).astype(np.float32)
    if part.scale is not None:
        values = values * numpy_helper.to_array(tensors[part.scale])
    if part.smoothing is not None:
        values = values * numpy_helper.to_array(tensors[part.smoothing])[:, None]
    return np.ascontiguousarray(values.T if part.transposed else values)
