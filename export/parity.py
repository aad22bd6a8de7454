"""Whether the exported graphs answer as the network does. An export that does not is refused.

The graph that is served is the int8 one, unless another precision was asked for. Sums of whole numbers are exact
in any order; sums of fractions, as every other precision has them, are not, and a text may get other last bits
alone than in a batch.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import onnx
import torch
from pydantic import BaseModel, ConfigDict

from export.answers import GraphAnswers
from models.errors import ModelError
from models.tasks import HEADS, HeadName
from models.training.batches import Encoded, collate
from models.training.network import Network
from models.training.predict import Answers, Floats, forward

LARGEST_FP32_DIFFERENCE = 1e-4
"""How far a logit of the fp32 graph may lie from the network's own, and one in a batch from the same alone where
the sums are no whole numbers."""


class Parity(BaseModel):
    """What the checks found, over `texts` texts.

    `fp32_difference` is the largest distance of a logit between network and fp32 graph, `int8_difference` between
    the fp32 graph and the one that is served; `agreement` is, by head, the share of texts (of entities, of tokens)
    to which both graphs give the same answer.
    `batchings` counts the random batches that were compared with each text alone, bit by bit for int8.
    """

    model_config = ConfigDict(frozen=True)

    texts: int
    fp32_difference: float
    int8_difference: float
    agreement: dict[HeadName, float]
    batchings: int


def check_parity(
    network: Network,
    fp32: onnx.ModelProto,
    served: bytes,
    items: Sequence[Encoded],
    *,
    exact: bool = True,
    least_agreement: float = 0.95,
    batchings: int = 100,
    seed: int = 1,
) -> Parity:
    """Compares network, fp32 graph and the graph that is served on the texts `items`.

    Args:
        network: what was exported.
        fp32: as `export.graph.build_graph` makes it.
        served: what serving loads.
        items: what to ask.
        exact: whether a text must get the same bits in any batch; else the same but for `LARGEST_FP32_DIFFERENCE`.
        least_agreement: the share of texts to which both graphs must give the same answer.
        batchings: how many random batches to compare.
        seed: which ones.

    Raises:
        ModelError: if the fp32 graph differs from the network, the served graph answers too many texts otherwise
            than the fp32 graph, or a text's answer depends on the texts in its batch.
    """
    if not items:
        raise ModelError("there are no texts to compare the graphs on: give at least one")
    plain = GraphAnswers(fp32.SerializeToString(), optimise=True)
    small = GraphAnswers(served, optimise=False)
    expected, whole, rounded = network_answers(network, items), plain.all_of(items), small.all_of(items)
    fp32_difference = max(_difference(expected[head], whole[head]) for head in plain.heads)
    # Written so that a NaN fails too.
    if not fp32_difference < LARGEST_FP32_DIFFERENCE:
        raise ModelError(
            f"the fp32 graph is {fp32_difference:.2g} off the network in a logit;"
            f" {LARGEST_FP32_DIFFERENCE} is allowed"
        )
    agreement = {
        head: share for head in plain.heads if (share := _agreement(whole[head], rounded[head])) is not None
    }
    for head, share in agreement.items():
        if share < least_agreement:
            raise ModelError(
                f"the served graph agrees with the fp32 graph on {share:.1%} of {len(items)} texts in task {head};"
                f" at least {least_agreement:.1%} is wanted: give more texts to take the ranges from"
            )
    allowed = 0.0 if exact else LARGEST_FP32_DIFFERENCE
    check_batch_invariance(small, items, batchings=batchings, seed=seed, allowed=allowed)
    return Parity(
        texts=len(items),
        fp32_difference=fp32_difference,
        int8_difference=max(_difference(whole[head], rounded[head]) for head in plain.heads),
        agreement=agreement,
        batchings=batchings,
    )


def check_batch_invariance(
    graph: GraphAnswers, items: Sequence[Encoded], *, batchings: int, seed: int, allowed: float = 0.0
) -> None:
    """Compares random batches, as serving makes them, with each text alone: bit by bit, unless more is `allowed`.

    Serving puts only texts of the same length together (`models.batches`), so that nothing is padded.

    Raises:
        ModelError: if a logit differs by more than `allowed`; the text says by how much.
    """
    draw = random.Random(seed)  # noqa: S311 - which texts to compare, no secret
    of_length: dict[int, list[Encoded]] = {}
    for item in items:
        of_length.setdefault(len(item.ids), []).append(item)
    for _ in range(batchings):
        near = draw.choice(list(of_length.values()))
        chosen = draw.choices(near, k=draw.choice((2, 3, 5, 8, 13)))
        together = graph.one_batch(chosen)
        for place, item in enumerate(chosen):
            alone = graph.one_batch([item])
            for head in graph.heads:
                off = float(np.abs(together[head][place] - alone[head][0]).max(initial=0.0))
                # Written so that a NaN fails too.
                if not off <= allowed:
                    raise ModelError(
                        f"the served graph is not batch-invariant: in a batch of {len(chosen)} texts of"
                        f" {len(item.ids)} tokens a logit of {head} changes by {off:.2g}"
                    )


def network_answers(network: Network, items: Sequence[Encoded]) -> Answers:
    """What the network itself answers, one text at a time, in fp32."""
    network.eval()
    found: Answers = {head: [] for head in HEADS}
    with torch.inference_mode():
        for item in items:
            logits = forward(network, collate([item]), "fp32")
            for head in HEADS:
                values = getattr(logits, head).double().numpy()
                found[head].append(values if head == "entity" else values[0])
    return found


def _difference(one: Sequence[Floats], other: Sequence[Floats]) -> float:
    return max((float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True) if a.size), default=0.0)


def _agreement(one: Sequence[Floats], other: Sequence[Floats]) -> float | None:
    """The share of rows with the same highest logit; None where there is no row."""
    same = [
        (a.argmax(axis=-1) == b.argmax(axis=-1)).ravel() for a, b in zip(one, other, strict=True) if a.size
    ]
    return float(np.concatenate(same).mean()) if same else None
