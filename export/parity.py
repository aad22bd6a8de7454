"""Whether the exported graphs answer as the network does. An export that does not is refused."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import onnx
import torch
from pydantic import BaseModel, ConfigDict

from export.answers import GraphAnswers, Ids, Logits
from export.graph import OUTPUTS
from models.errors import ModelError
from models.training.network import Network

LARGEST_FP32_DIFFERENCE = 1e-4
"""How far a logit of the fp32 graph may lie from the network's own."""


class Parity(BaseModel):
    """What the checks found, over `texts` texts.

    `fp32_difference` is the largest distance of a logit between network and fp32 graph, `int8_difference` between
    fp32 and int8 graph; `agreement` is the share of texts to which both graphs give the same answer, by task.
    `batchings` counts the random batches that were compared, bit by bit, with each text alone.
    """

    model_config = ConfigDict(frozen=True)

    texts: int
    fp32_difference: float
    int8_difference: float
    agreement: dict[str, float]
    batchings: int


def check_parity(
    network: Network,
    fp32: onnx.ModelProto,
    int8: bytes,
    rows: Sequence[Ids],
    *,
    least_agreement: float = 0.95,
    batchings: int = 100,
    seed: int = 1,
) -> Parity:
    """Compares network, fp32 graph and int8 graph on the texts `rows` (token ids).

    Raises:
        ModelError: if the fp32 graph differs from the network, the int8 graph answers too many texts otherwise
            than the fp32 graph, or a text's bits depend on the texts in its batch.
    """
    if not rows:
        raise ModelError("there are no texts to compare the graphs on: give at least one")
    plain = GraphAnswers(fp32.SerializeToString(), optimise=True)
    small = GraphAnswers(int8, optimise=False)
    expected, exact, rounded = network_logits(network, rows), plain.all_of(rows), small.all_of(rows)
    fp32_difference = _largest_difference(expected, exact)
    # Written so that a NaN fails too.
    if not fp32_difference < LARGEST_FP32_DIFFERENCE:
        raise ModelError(
            f"the fp32 graph is {fp32_difference:.2g} off the network in a logit;"
            f" {LARGEST_FP32_DIFFERENCE} is allowed"
        )
    agreement = {
        task: float((exact[task].argmax(axis=1) == rounded[task].argmax(axis=1)).mean()) for task in OUTPUTS
    }
    for task, share in agreement.items():
        if share < least_agreement:
            raise ModelError(
                f"the int8 graph agrees with the fp32 graph on {share:.1%} of {len(rows)} texts in task {task};"
                f" at least {least_agreement:.1%} is wanted: give more texts to take the ranges from"
            )
    check_batch_invariance(small, rows, batchings=batchings, seed=seed)
    return Parity(
        texts=len(rows),
        fp32_difference=fp32_difference,
        int8_difference=_largest_difference(exact, rounded),
        agreement=agreement,
        batchings=batchings,
    )


def check_batch_invariance(graph: GraphAnswers, rows: Sequence[Ids], *, batchings: int, seed: int) -> None:
    """Compares random batches, with random extra padding, bit by bit with each text alone.

    Raises:
        ModelError: if a bit differs; the text says by how much.
    """
    draw = random.Random(seed)  # noqa: S311 - which texts to compare, no secret
    for _ in range(batchings):
        chosen = draw.sample(range(len(rows)), min(len(rows), draw.choice((2, 3, 5, 8, 13, 21))))
        length = max(len(rows[index]) for index in chosen)
        together = graph.one_batch([rows[index] for index in chosen], length)
        for place, index in enumerate(chosen):
            alone = graph.one_batch([rows[index]])
            for task in OUTPUTS:
                if not np.array_equal(together[task][place], alone[task][0]):
                    off = float(np.abs(together[task][place] - alone[task][0]).max())
                    raise ModelError(
                        f"the int8 graph is not batch-invariant: in a batch of {len(chosen)} texts and {length}"
                        f" tokens a logit of {task} changes by {off:.2g}"
                    )


def network_logits(network: Network, rows: Sequence[Ids]) -> Logits:
    """What the network itself answers, one text at a time, in fp32."""
    network.eval()
    found: dict[str, list[torch.Tensor]] = {task: [] for task in OUTPUTS}
    with torch.inference_mode():
        for row in rows:
            ids = torch.tensor([list(row)])
            for task, logits in zip(OUTPUTS, network(ids, torch.ones_like(ids)), strict=True):
                found[task].append(logits[0])
    return {task: torch.stack(parts).numpy().astype(np.float64) for task, parts in found.items()}


def _largest_difference(one: Logits, other: Logits) -> float:
    return max(float(np.abs(one[task] - other[task]).max()) for task in OUTPUTS)
