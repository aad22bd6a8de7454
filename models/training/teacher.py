"""What earlier runs answer to the training texts, for a new one to learn from (Hinton, Vinyals and Dean, 2015).

The labels of one set say nothing of another task; a teacher that has learned both answers both, so a student
learns the sentiment of texts that only have a topic, and the other way round.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from models.manifest import DataSet
from models.tasks import HEADS, HeadName, Labels
from models.text import load_tokenizer
from models.training.batches import encode
from models.training.config import SOFT
from models.training.data import Example
from models.training.encoders import Origin, open_learned, origin_of
from models.training.kept import keep_file, make_folder
from models.training.loss import Soft
from models.training.network import Network
from models.training.predict import predict

_MOST_UNKNOWN = 0.2
"""The share of a text's tokens that a teacher may not know; a name or a sign that is new to it is no hindrance."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A teacher's logits of one head: all `rows`, [rows, classes], and how many of them each text has."""

    rows: Tensor
    counts: list[int]


def teach(
    places: Sequence[Path],
    examples: Sequence[Example],
    *,
    precision: str,
    kept: Path | None = None,
    keep: bool = True,
    labels: Labels = HEADS,
) -> Soft:
    """The mean logits, as log-probabilities, of checkpoints and releases by text and head.

    A teacher is only asked what it has learned, topics only if they are those of `labels`, and only texts whose
    words it knows: of Chinese an English one would answer for nothing but marks of the unknown. Where the
    tokenizer of one cut off some entities of a text, none of that text is answered for; where it cut off all, the
    others answer.

    Args:
        places: the teachers: folders of checkpoints or releases, or names of releases that ship.
        examples: what they are asked.
        precision: `bf16` or `fp32`.
        kept: a folder for the answers of each teacher: one that has answered the same before is not asked again.
        keep: whether new answers go there; of several processes one writes.
        labels: what each head is to answer.

    Raises:
        ModelError: if one is no teacher, or `kept` can't be written.
    """
    given = [
        _fitting(_told(place, examples, precision, kept, keep=keep), origin_of(place), labels)
        for place in places
    ]
    soft: dict[str, dict[HeadName, Tensor]] = {}
    for head in SOFT:
        answers = [told[head] for told in given if head in told]
        if not answers:
            continue
        counts = torch.tensor([each.counts for each in answers])
        most = counts.max(dim=0).values
        agreed = ((counts == most) | (counts == 0)).all(dim=0) & (most > 0)
        # Of some texts not all teachers know the words: those that do answer for them.
        total = torch.zeros(int(most[agreed].sum()), answers[0].rows.shape[-1])
        number = torch.zeros(len(total), 1)
        for each, own in zip(answers, counts, strict=True):
            told = (own[agreed] > 0).repeat_interleave(most[agreed])
            total[told] += each.rows[agreed.repeat_interleave(own)].log_softmax(dim=-1)
            number[told] += 1
        means = torch.split(total / number, most[agreed].tolist())
        for place, mean in zip(agreed.nonzero().flatten().tolist(), means, strict=True):
            soft.setdefault(examples[place].text, {})[head] = mean if head == "entity" else mean[0]
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
) -> dict[HeadName, _Told]:
    """What a teacher says of each head that it has learned."""
    network, origin = open_learned(place)
    file = kept and kept / f"{_question(network, origin, examples, precision)}.pt"
    if file and file.exists():
        saved: dict[HeadName, tuple[Tensor, list[int]]] = torch.load(file, weights_only=True)
        return {head: _Told(*each) for head, each in saved.items()}
    if file and keep:
        make_folder(file.parent)
    tokenizer = load_tokenizer(origin.tokenizer, origin.max_length)
    encoded = encode(tokenizer, examples)
    unknown = _unknown_piece(tokenizer)
    known = [item.ids.count(unknown) <= _MOST_UNKNOWN * len(item.ids) for item in encoded]
    asked = [item for item, is_known in zip(encoded, known, strict=True) if is_known]
    answers = predict(network, asked, precision)
    told = {head: _joined(answers[head], known) for head in SOFT if head in origin.heads}
    if file and keep:
        keep_file({head: (each.rows, each.counts) for head, each in told.items()}, file)
    return told


def _fitting(told: dict[HeadName, _Told], origin: Origin, labels: Labels) -> dict[HeadName, _Told]:
    """What was told, without topics where the teacher's are others than those of `labels`."""
    return {head: each for head, each in told.items() if head != "topic" or origin.topics == labels["topic"]}


def _joined(answers: Sequence[NDArray[np.float64]], known: Sequence[bool]) -> _Told:
    """All `answers` in one, which are those to the texts that are `known`."""
    rows = [each.astype(np.float32).reshape(-1, each.shape[-1]) for each in answers]
    joined = np.concatenate(rows) if rows else np.zeros((0, 1), dtype=np.float32)
    counts = iter(rows)
    return _Told(torch.from_numpy(joined), [len(next(counts)) if each else 0 for each in known])


def _unknown_piece(tokenizer: Tokenizer) -> int:
    """The number of the piece that stands for what `tokenizer` has no piece for; -1 if it has none."""
    model = json.loads(tokenizer.to_str())["model"]
    named = tokenizer.token_to_id(model.get("unk_token") or "")
    told = named if named is not None else model.get("unk_id")
    return -1 if told is None else int(told)


def _question(network: Network, origin: Origin, examples: Sequence[Example], precision: str) -> str:
    """Names who is asked what: other weights, texts or places of companies make another name."""
    shape = network.shape.model_dump_json(exclude_defaults=True)  # a later kind of network asks the same
    asked = hashlib.sha256(
        f"{sorted(origin.heads)} {origin.max_length} {precision} {shape} {_MOST_UNKNOWN}".encode()
    )
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
