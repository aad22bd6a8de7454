"""Fewer attention heads: those that look at the same tokens become one, as wide as they were together.

A softmax and two small products for each head cost more than their sums do, so fewer and wider heads are faster.
Many heads of a BERT encoder look alike (Clark et al., "What Does BERT Look At?", 2019). No weight goes; a joined
head asks with the scores of its parts together, and the network has to learn on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import cast

import torch
from torch import Tensor

from models.errors import WrongSettingError
from models.training.batches import Encoded, collate
from models.training.network import Layer, Network


def join_heads(network: Network, heads: int, items: Sequence[Encoded], *, dropout: float) -> Network:
    """The network with `heads` attention heads in each layer, each of as many old ones that look alike.

    How far two heads are apart is the mean square of what they share out differently. A joined head scores a token
    by the sum of what its parts would, over the root of their number: where they agree, it looks more sharply.

    Args:
        network: whose heads are joined.
        heads: that each layer has afterwards.
        items: texts like those that the run learns from; some hundreds tell enough.
        dropout: of the network that is returned.

    Raises:
        WrongSettingError: if the heads can't be joined into so many.
    """
    before = network.shape.attention_heads
    if heads == before:
        return network
    if network.distances is not None:
        raise WrongSettingError(
            f"attention_heads is {heads}, but in this encoder each head minds distances in its own way: leave"
            " it out"
        )
    fits = [number for number in range(before - 1, 0, -1) if before % number == 0]
    if heads not in fits:
        into = (
            f"which are joined into {', '.join(map(str, fits))}: give one of these, or" if fits else "only:"
        )
        raise WrongSettingError(
            f"attention_heads is {heads}, but the layers have {before}, {into} leave it out"
        )
    joined = Network(network.shape.model_copy(update={"attention_heads": heads}), dropout=dropout)
    state = network.state_dict()
    wide = network.shape.width // before
    for number, apart in enumerate(_apart(network, items)):
        order = torch.tensor([head for group in alike(apart, before // heads) for head in group])
        columns = (order[:, None] * wide + torch.arange(wide)).flatten()
        name = f"layers.{number}"
        for part in ("weight", "bias"):
            thirds = state[f"{name}.qkv.{part}"].chunk(3)
            state[f"{name}.qkv.{part}"] = torch.cat([third[columns] for third in thirds])
        state[f"{name}.attended.weight"] = state[f"{name}.attended.weight"][:, columns]
    joined.load_state_dict(state)
    return joined


def alike(apart: Tensor, size: int) -> list[list[int]]:
    """Groups of `size`, of which the members are near to each other, by how far they are `apart`.

    `apart` is [heads, heads]. The nearest come together first; then any two change places while that helps.
    """
    left = list(range(len(apart)))
    groups: list[list[int]] = []
    while left:
        group = list(min(combinations(left, min(2, size)), key=lambda pair: _spread(apart, pair)))
        while len(group) < size:
            others = [each for each in left if each not in group]
            group.append(min(others, key=lambda each: _spread(apart, [*group, each])))
        left = [each for each in left if each not in group]
        groups.append(group)
    while any(_swapped(apart, one, other) for one, other in combinations(groups, 2)):
        pass
    return groups


def _swapped(apart: Tensor, one: list[int], other: list[int]) -> bool:
    """Whether a member of each changed places, by which both groups together became nearer."""
    now = _spread(apart, one) + _spread(apart, other)
    for here in range(len(one)):
        for there in range(len(other)):
            ours, theirs = [*one], [*other]
            ours[here], theirs[there] = other[there], one[here]
            if _spread(apart, ours) + _spread(apart, theirs) < now * (1 - 1e-6):
                one[:], other[:] = ours, theirs
                return True
    return False


def _spread(apart: Tensor, group: Iterable[int]) -> float:
    return sum(float(apart[pair]) for pair in combinations(group, 2))


def _apart(network: Network, items: Sequence[Encoded]) -> list[Tensor]:
    """For each layer how far each two of its heads are apart, [heads, heads]."""
    heads = network.shape.attention_heads
    apart = [torch.zeros(heads, heads) for _ in network.layers]
    network.eval()
    with torch.inference_mode():
        for item in items:  # one by one, so that no padding is judged by
            for number, shares in enumerate(_shares(network, item)):
                apart[number] += (shares[:, None] - shares[None]).square().mean(dim=2).sum(dim=2)
    return apart


def _shares(network: Network, item: Encoded) -> Iterator[Tensor]:
    """How each layer's heads share out their attention for the rows that ask: [heads, rows, tokens].

    In the last layer that is the first row; spans ask there as well, but seldom.
    """
    batch = collate([item])
    rows = network.embed(batch.input_ids)
    mask = torch.zeros(1, 1, 1, 1)
    last = len(network.layers) - 1
    for number, each in enumerate(network.layers):
        layer = cast("Layer", each)
        query, key, _ = layer.qkv(rows).chunk(3, dim=-1)
        asking = query[:, :1] if number == last else query
        yield layer.shares(asking, layer.keys(key), mask)[0]
        if number != last:
            rows = layer(rows, mask)
