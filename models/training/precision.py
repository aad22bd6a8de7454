"""Whether this processor computes in bfloat16, and whether that is any faster."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Literal

import torch

Precision = Literal["bf16", "fp32"]

_ROUNDS = 10

_log = logging.getLogger(__name__)


def usable(wanted: Precision) -> Precision:
    """`wanted`, or `fp32` with a line in the log where the processor is no faster in bfloat16, or has none."""
    if wanted == "fp32":
        return wanted
    if not has_bf16():
        _log.warning("precision is bf16, which this processor does not have: training in fp32")
        return "fp32"
    if (times := bf16_gain()) < 1.0:
        _log.warning(
            "precision is bf16, in which this processor has %.1f times the speed of fp32: training in fp32",
            times,
        )
        return "fp32"
    return wanted


def bf16_gain() -> float:
    """How many times as fast as in fp32 this processor multiplies in bfloat16; takes about a tenth of a second.

    To have an instruction for it is not enough: that of an Intel Xeon (model 207) whose AMX was hidden multiplied
    half as many numbers a second as the one for fp32 (measured).
    """
    kinds = (torch.float32, torch.bfloat16)
    products = [(torch.ones(512, 384, dtype=kind), torch.ones(1536, 384, dtype=kind)) for kind in kinds]
    # In turns, so that what else the processor does meets both: a run that goes on has to find the same answer.
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS):
        for of_kind, product in zip(times, products, strict=True):
            of_kind.append(_seconds(*product))
    plain, short = map(min, times)
    return plain / short


def _seconds(rows: torch.Tensor, weights: torch.Tensor) -> float:
    """The time of a product like those of a training step."""
    begin = perf_counter()
    torch.nn.functional.linear(rows, weights)
    return perf_counter() - begin


def has_bf16() -> bool:
    """Whether products of bfloat16 are computed as such: emulated ones are slower than those of fp32."""
    if torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        return bool(torch.cpu._is_avx512_bf16_supported())  # noqa: SLF001 - torch has no public name for it
    return _mkldnn_has_bf16()


def _mkldnn_has_bf16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - torch has no public name for it
