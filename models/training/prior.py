"""Takes back what a loss with weights for the classes taught about how frequent they are.

Weights make rare classes be learned better, and also be answered too often. The second is a constant in each
logit, so it is added to the bias of the head: nothing is left to do when texts are scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from models.tasks import HEADS, HeadName
from models.training.batches import Encoded
from models.training.calibrate import fit_share_power
from models.training.data import Example, shares
from models.training.loss import Soft
from models.training.network import Network
from models.training.predict import known_rows, predict


def take_back_weights(
    network: Network,
    examples: Sequence[Example],
    tune: Sequence[Encoded],
    references: Mapping[HeadName, Sequence[str]],
    *,
    balance: Mapping[HeadName, float],
    precision: str,
) -> dict[HeadName, float]:
    """Corrects the biases of `network` in place, for the sets that are each head's reference.

    Args:
        network: a trained one.
        examples: what it was trained on, which tells the shares of the classes.
        tune: texts that it was not trained on.
        references: by head the sets that count. Tags are left as they are: their loss has no weights.
        balance: by head the power that training left out, as far as its recipe says (`power_left_out`).
        precision: `bf16` or `fp32`.

    Returns:
        By head the power of the shares that was given back.
    """
    answers = predict(network, tune, precision)
    powers: dict[HeadName, float] = {}
    for head, names in references.items():
        if head == "ner":
            continue
        bias = getattr(network, head).bias
        told = np.array(shares([each for each in examples if each.source in names], head, len(bias)))
        logits, labels = known_rows(tune, answers, head, names)
        powers[head] = fit_share_power(logits, labels, told, expected=balance[head])
        with torch.no_grad():
            moved = powers[head] * np.log(told)
            bias.add_(torch.from_numpy(moved).float())
    return powers


def power_left_out(balance: float, taught: float, soft: Soft) -> dict[HeadName, float]:
    """By head the power of the classes' shares that a loss teaches to leave out.

    Labels teach it by the weights of their classes. Teachers had theirs given back when they were made, so where
    they are followed nothing is left out.

    Args:
        balance: the power by which rare classes weigh more.
        taught: the teachers' part of the loss, as in the recipe.
        soft: what they answer.
    """
    answered = {head for told in soft.values() for head in told}
    return {head: balance * (1 - taught) if head in answered else balance for head in HEADS}
