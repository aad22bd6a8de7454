"""Whether this processor computes in bfloat16."""

from __future__ import annotations

import logging
from typing import Literal

import torch

Precision = Literal["bf16", "fp32"]

_log = logging.getLogger(__name__)


def usable(wanted: Precision) -> Precision:
    """`wanted`, or `fp32` with a line in the log where the processor has no bfloat16 of its own."""
    if wanted == "fp32" or has_bf16():
        return wanted
    _log.warning("precision is bf16, which this processor does not have: training in fp32")
    return "fp32"


def has_bf16() -> bool:
    """Whether products of bfloat16 are computed as such: emulated ones are slower than those of fp32."""
    if torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        return bool(torch.cpu._is_avx512_bf16_supported())  # noqa: SLF001 - torch has no public name for it
    return _mkldnn_has_bf16()


def _mkldnn_has_bf16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - torch has no public name for it
