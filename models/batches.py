"""How texts are put together for one pass of the model: only those of the same length, within a budget.

A text is never padded. Padding changes the shape of a text's attention, with it the order in which the runtime
adds floats, and now and then a rounding to int8: the same text would get other bits in other company. Without
it the rows of a batch never meet, so long as the graph keeps them apart: a sum over tokens must be a product of
matrices there, as ReduceSum adds in another order when a text is alone. The passes that padding would save cost
more than they bring.
"""

from __future__ import annotations

from collections.abc import Sequence

BATCH_TOKENS = 768
"""The most tokens of one pass, unless another number is set: beyond it a pass costs no less for each text."""


def cut_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Indices of `lengths` in batches of equal length, the shortest first.

    A batch has at most `budget` tokens. A text that is longer than the budget goes alone.
    """
    batches: list[list[int]] = []
    filling = -1
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        length = lengths[index]
        if length == filling and (len(batches[-1]) + 1) * length <= budget:
            batches[-1].append(index)
        else:
            batches.append([index])
            filling = length
    return batches
