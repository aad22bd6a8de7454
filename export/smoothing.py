"""Outliers of activations are handed over to the weights before both are rounded to int8.

A few inputs of a product are tens of times larger than the others, and one range for all of them leaves the others
few steps. Dividing each input by a factor of its own and multiplying its weights by it changes nothing in fp32 and
evens out both (Xiao et al., "SmoothQuant", ICML 2023). BERT adds what a norm gives to what comes after, so the
division cannot hide in the norm: it is one multiplication before the product. A ReLU lets a factor through, so
what comes from one needs none: `fold` hands its outliers over within the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import cast

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.session import CPU
from models.training.network import Layer, Network

Floats = NDArray[np.float32]

SHARE = 0.9
"""How much of an outlier goes over: 0 leaves the activations as they are, 1 evens them out wholly. Chosen by how
well int8 and fp32 agree: from 0.75 on hardly a difference, below 0.65 much worse."""

SMOOTHED = ("qkv", "widen", "narrow")
"""The products whose inputs have outliers; what attention gathers has none. In a network with ReLU only
those of `widen` count: `fold` has evened out what `narrow` reads, and `qkv` hardly gains for what it costs."""

_SILENT = 0.1
"""What a unit is taken to give that gave nothing, beside one with such weights that did."""

SUFFIX = "_smooth"
"""After the name of the weights: what their inputs are multiplied by."""


def smooth(graph: onnx.ModelProto, feeds: Sequence[Mapping[str, NDArray[np.generic]]]) -> onnx.ModelProto:
    """The same graph with the outliers of its activations in the weights.

    Args:
        graph: as `export.graph.build_graph` makes it.
        feeds: batches of texts from which the outliers are learned, without padding.
    """
    smoothed = onnx.ModelProto()
    smoothed.CopyFrom(graph)
    weights = {tensor.name: tensor for tensor in smoothed.graph.initializer}
    folded = {node.output[0] for node in graph.graph.node if node.op_type == "Relu"}
    chosen = ("widen",) if folded else SMOOTHED
    together: dict[str, list[onnx.NodeProto]] = {}
    for node in smoothed.graph.node:
        if _is_smoothed(node, chosen) and node.input[0] not in folded:
            together.setdefault(node.input[0], []).append(node)
    largest = _largest(graph, feeds, sorted(together))
    nodes: list[onnx.NodeProto] = []
    for node in smoothed.graph.node:
        products = together.pop(node.input[0], []) if _is_smoothed(node, chosen) else []
        if products:
            rows, first = node.input
            values = {each.input[1]: numpy_helper.to_array(weights[each.input[1]]) for each in products}
            factor = factors(
                largest[rows], np.max([np.abs(each).max(axis=1) for each in values.values()], axis=0)
            )
            for name, matrix in values.items():
                weights[name].CopyFrom(numpy_helper.from_array(matrix * factor[:, None], name))
            smoothing = smoothing_names(first)[0 if len(products) == 1 else 1]
            smoothed.graph.initializer.append(numpy_helper.from_array(1 / factor, smoothing))
            even = f"{node.name}/even"
            nodes.append(helper.make_node("Mul", [rows, smoothing], [even], even))
            for each in products:
                each.input[0] = even
        nodes.append(node)
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del smoothed.graph.node[:]
    smoothed.graph.node.extend(kept)
    return smoothed


def fold(
    network: Network, graph: onnx.ModelProto, feeds: Sequence[Mapping[str, NDArray[np.generic]]]
) -> Network:
    """A network that answers as `network` does, with what its ReLUs give evened out; itself where it has none.

    Args:
        network: whose layers take factors over.
        graph: its own, as `export.graph.build_graph` makes it.
        feeds: batches of texts from which the outliers are learned, without padding.
    """
    names = [node.output[0] for node in graph.graph.node if node.op_type == "Relu"]
    if not names:
        return network
    largest = _largest(graph, feeds, names)
    even = deepcopy(network)
    for name, each in zip(names, even.layers, strict=True):
        layer = cast("Layer", each)
        weights = layer.narrow.weight.data
        given = _could_give(largest[name], layer.widen.weight.detach().abs().amax(dim=1).numpy())
        factor = torch.from_numpy(factors(given, weights.abs().amax(dim=0).numpy()))
        weights *= factor
        layer.widen.weight.data /= factor[:, None]
        if layer.widen.bias is not None:
            layer.widen.bias.data /= factor
    return even


def _could_give(largest: Floats, weights: Floats) -> Floats:
    """What each unit gave at the most, but no less than a tenth of what one of its weights usually does.

    One that gave nothing here may speak elsewhere. Were it taken for silent, its weights would be blown up to make
    up for that, and again by each export of what learned on from it.

    Args:
        largest: what each unit gave at the most.
        weights: the largest absolute weight of each unit.
    """
    told = (largest > 0) & (weights > 0)
    usual = float(np.median(largest[told] / weights[told])) if told.any() else 1.0
    could: Floats = np.maximum(largest, (_SILENT * usual * weights).astype(np.float32))
    return could


def smoothing_names(weight: str) -> tuple[str, str]:
    """The names that the factors of a weight's inputs can have: its own, or one for all parts of a weight."""
    return weight + SUFFIX, weight.rpartition(".weight")[0] + ".weight" + SUFFIX


def factors(activations: Floats, weights: Floats) -> Floats:
    """What each input's weights are multiplied by: [inputs].

    Args:
        activations: the largest absolute value of each input.
        weights: the largest absolute weight of each input.
    """
    # An input that was always nearly nothing must not get weights that are nearly everything.
    factor = np.maximum(activations, 1e-3) ** SHARE / np.maximum(weights, 1e-5) ** (1 - SHARE)
    even: Floats = (factor / np.exp(np.log(factor).mean())).astype(np.float32)
    return even


def _is_smoothed(node: onnx.NodeProto, chosen: Sequence[str]) -> bool:
    parts = node.name.split(".")
    return (
        node.op_type == "MatMul"
        and parts[0] == "layers"
        and node.name.endswith("/product")
        and parts[2].split("/")[0] in chosen
    )


def _largest(
    graph: onnx.ModelProto, feeds: Sequence[Mapping[str, NDArray[np.generic]]], names: Sequence[str]
) -> dict[str, Floats]:
    """The largest absolute value of each column of the tensors `names`, over all feeds."""
    shown = onnx.ModelProto()
    shown.CopyFrom(graph)
    shown.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = ort.InferenceSession(shown.SerializeToString(), providers=[CPU])
    found: dict[str, Floats] = {}
    for feed in feeds:
        for name, rows in zip(names, session.run(list(names), dict(feed)), strict=True):
            seen = np.abs(rows).reshape(-1, rows.shape[-1]).max(axis=0, initial=0.0)
            found[name] = np.maximum(found.get(name, seen), seen)
    return found
