"""Whether the exported graphs answer as the network does. An export that does not is refused."""

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
"""How far a logit of the fp32 graph may lie from the network's own."""


class Parity(BaseModel):
    """What the checks found, over `texts` texts.

    `fp32_difference` is the largest distance of a logit between network and fp32 graph, `int8_difference` between
    fp32 and int8 graph; `agreement` is, by head, the share of texts (of entities, of tokens) to which both graphs
    give the same answer.
    `batchings` counts the random batches that were compared, bit by bit, with each text alone.
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
    int8: bytes,
    items: Sequence[Encoded],
    *,
    least_agreement: float = 0.95,
    batchings: int = 100,
    seed: int = 1,
) -> Parity:
    """Compares network, fp32 graph and int8 graph on the texts `items`.

    Raises:
        ModelError: if the fp32 graph differs from the network, the int8 graph answers too many texts otherwise
            than the fp32 graph, or a text's bits depend on the texts in its batch.
    """
    if not items:
        raise ModelError("there are no texts to compare the graphs on: give at least one")
    plain = GraphAnswers(fp32.SerializeToString(), optimise=True)
    small = GraphAnswers(int8, optimise=False)
    expected, exact, rounded = network_answers(network, items), plain.all_of(items), small.all_of(items)
    fp32_difference = max(_difference(expected[head], exact[head]) for head in plain.heads)
    # Written so that a NaN fails too.
    if not fp32_difference < LARGEST_FP32_DIFFERENCE:
        raise ModelError(
            f"the fp32 graph is {fp32_difference:.2g} off the network in a logit;"
            f" {LARGEST_FP32_DIFFERENCE} is allowed"
        )
    agreement = {
        head: share for head in plain.heads if (share := _agreement(exact[head], rounded[head])) is not None
    }
    for head, share in agreement.items():
        if share < least_agreement:
            raise ModelError(
                f"the int8 graph agrees with the fp32 graph on {share:.1%} of {len(items)} texts in task {head};"
                f" at least {least_agreement:.1%} is wanted: give more texts to take the ranges from"
            )
    check_batch_invariance(small, items, batchings=batchings, seed=seed)
    return Parity(
        texts=len(items),
        fp32_difference=fp32_difference,
        int8_difference=max(_difference(exact[head], rounded[head]) for head in plain.heads),
        agreement=agreement,
        batchings=batchings,
    )


def check_batch_invariance(
    graph: GraphAnswers, items: Sequence[Encoded], *, batchings: int, seed: int
) -> None:
    """Compares random batches, as serving makes them, bit by bit with each text alone.

    Serving puts only texts of the same length together (`models.batches`), so that nothing is padded.

    Raises:
        ModelError: if a bit differs; the text says by how much.
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
                if not np.array_equal(together[head][place], alone[head][0]):
                    off = float(np.abs(together[head][place] - alone[head][0]).max())
                    raise ModelError(
                        f"the int8 graph is not batch-invariant: in a batch of {len(chosen)} texts of"
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
