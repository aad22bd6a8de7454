"""Dropout from random bytes: the same as torch's, for half its time on a processor."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

_STEPS = 2**16


class Dropout(nn.Module):
    """Sets numbers to 0 with the chance `rate`, rounded to 1/65536, and scales the others to keep the mean.

    16 bits decide on each number. They come from a generator that is seeded with one draw of torch's, so that the
    same seed of torch drops the same numbers.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, rows: Tensor) -> Tensor:
        """`rows`, some of them set to 0; as they are outside training."""
        dropped = min(round(self.rate * _STEPS), _STEPS - 1)
        if not self.training or not dropped:
            return rows
        seed = int(torch.randint(2**62, ()))
        bits = np.random.SFC64(seed).random_raw(-(-rows.numel() // 4)).view(np.int16)[: rows.numel()]
        kept = torch.from_numpy(bits >= dropped - _STEPS // 2).view(rows.shape).to(rows.dtype)
        return rows * kept.mul_(_STEPS / (_STEPS - dropped))
