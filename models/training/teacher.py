"""What earlier runs answer to the training texts, for a new one to learn from (Hinton, Vinyals and Dean, 2015).

The labels of one set say nothing of another task; a teacher that has learned both answers both, so a student
learns the sentiment of texts that only have a topic, and the other way round.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.manifest import DataSet
from models.tasks import HEADS, HeadName
from models.text import load_tokenizer
from models.training.batches import encode
from models.training.config import SOFT
from models.training.data import Example
from models.training.encoders import Origin, open_learned, origin_of
from models.training.kept import keep_file, make_folder
from models.training.loss import Soft
from models.training.network import Network
from models.training.predict import predict

_Told = dict[HeadName, tuple[Tensor, ...]]
"""By head, what a teacher has learned, its logits for each text: [rows, classes]."""


def teach(
    places: Sequence[Path],
    examples: Sequence[Example],
    *,
    precision: str,
    kept: Path | None = None,
    keep: bool = True,
) -> Soft:
    """The mean logits, as log-probabilities, of checkpoints and releases by text and head.

    A teacher is only asked what it has learned. Entities that the tokenizer of one cut off are left out, for all
    of that text.

    Args:
        places: the teachers: folders of checkpoints or releases, or names of releases that ship.
        examples: what they are asked.
        precision: `bf16` or `fp32`.
        kept: a folder for the answers of each teacher: one that has answered the same before is not asked again.
        keep: whether new answers go there; of several processes one writes.

    Raises:
        ModelError: if one is no teacher, or `kept` can't be written.
    """
    given = [_told(place, examples, precision, kept, keep=keep) for place in places]
    soft: dict[str, dict[HeadName, Tensor]] = {}
    for number, example in enumerate(examples):
        for head in SOFT:
            told = [answers[head][number] for answers in given if head in answers]
            if told and told[0].numel() and all(each.shape == told[0].shape for each in told):
                mean = torch.stack(told).log_softmax(dim=-1).mean(dim=0)
                soft.setdefault(example.text, {})[head] = mean if head == "entity" else mean[0]
    return soft


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind teachers: who they are, with the licence of what they began from, and their sets."""

    names: tuple[str, ...]
    datasets: tuple[DataSet, ...]


def learned_from(places: Sequence[Path]) -> Behind:
    """What stands behind the teachers.

    Raises:
        ModelError: if one is no teacher.
    """
    origins = [origin_of(place) for place in places]
    return Behind(
        tuple(
            f"{each.parent if each.released else 'a run'} from {each.base} ({each.licence})"
            for each in origins
        ),
        tuple(dataset for each in origins for dataset in each.datasets),
    )


def _told(
    place: Path, examples: Sequence[Example], precision: str, kept: Path | None, *, keep: bool
) -> _Told:
    network, origin = open_learned(place)
    file = kept and kept / f"{_question(network, origin, examples, precision)}.pt"
    if file and file.exists():
        saved: dict[HeadName, tuple[Tensor, list[int]]] = torch.load(file, weights_only=True)
        return {head: torch.split(rows, counts) for head, (rows, counts) in saved.items()}
    if file and keep:
        make_folder(file.parent)
    tokenizer = load_tokenizer(origin.tokenizer, origin.max_length)
    answers = predict(network, encode(tokenizer, examples), precision)
    told: _Told = {
        head: tuple(
            torch.from_numpy(np.asarray(each)).float().reshape(-1, len(HEADS[head])) for each in answers[head]
        )
        for head in SOFT
        if head in origin.heads
    }
    if file and keep:
        keep_file(
            {head: (torch.cat(each), [len(rows) for rows in each]) for head, each in told.items() if each},
            file,
        )
    return told


def _question(network: Network, origin: Origin, examples: Sequence[Example], precision: str) -> str:
    """Names who is asked what: other weights, texts or places of companies make another name."""
    asked = hashlib.sha256(f"{sorted(origin.heads)} {origin.max_length} {precision} {network.shape}".encode())
    asked.update(origin.tokenizer.read_bytes())
    for name, values in network.state_dict().items():
        # A head that a release lacks has weights by chance.
        if (head := name.split(".")[0]) in HEADS and head not in origin.heads:
            continue
        asked.update(name.encode())
        asked.update(values.numpy().tobytes())
    for example in examples:
        places = [(span.start, span.end) for span in example.spans]
        asked.update(f"{example.text}\0{places}\0".encode())
    return asked.hexdigest()[:32]
