"""Which part of the data a text belongs to: decided by the text alone, copies together.

News is repeated. If a copy of a training text stood among the texts that measure, the measure would flatter. Texts
that say the same but for case, punctuation and the values of their numbers count as one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Literal

Part = Literal["train", "tune", "dev"]
PARTS: tuple[Part, ...] = ("train", "tune", "dev")
CALLED: dict[Part, str] = {"train": "train", "tune": "val", "dev": "test"}
"""What people call the parts, and what is written in the column `split` of a file."""

_WORD = re.compile(r"[^\W\d_]+|\d+")
_DEV_SHARE, _TUNE_SHARE = 0.12, 0.04


def split_of(texts: Sequence[str]) -> list[Part]:
    """The part of each text, in order. A text always falls to the same part, whatever stands beside it."""
    return [_part_of(text) for text in texts]


def _part_of(text: str) -> Part:
    digest = hashlib.blake2b(skeleton(text).encode(), digest_size=4).digest()
    drawn = int.from_bytes(digest, "big") / 2**32
    if drawn < _DEV_SHARE:
        return "dev"
    return "tune" if drawn < _DEV_SHARE + _TUNE_SHARE else "train"


def skeleton(text: str) -> str:
    """The words of a text without case, punctuation and the values of numbers."""
    return " ".join("0" if word.isdigit() else word for word in _WORD.findall(text.lower()))
