"""Fine-tunes the release in force on what people labelled, and compares. Read `retrain` from top to bottom.

A handful of labels must not cost what the release already knows. So the network also keeps to the former answers
(distillation): on the sentences that newstide brings, and on the labelled texts for whatever has no label.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor, nn

from export.answers import read_texts
from export.gate import GateResult, compare
from export.onnx import Evidence, make_release
from export.parity import network_answers
from models.errors import ModelError
from models.manifest import DataSet, Manifest
from models.release import TOKENIZER, Release
from models.scorer import OnnxScorer
from models.spans import mentions_like
from models.tasks import HEADS, TASKS, HeadName, TaskName, index_in
from models.text import load_tokenizer, normalise
from models.training.batches import UNKNOWN, Encoded, collate
from models.training.data import Example
from models.training.events import event_examples
from models.training.events_chinese import chinese_event_examples
from models.training.network import Network
from models.training.posts_chinese import chinese_post_examples
from models.training.restore import is_evened_out, restore_network
from models.training.written import written_examples

LabelledRow = tuple[str, TaskName, str]
"""A text, the task, and the label that a person gave."""

_BATCH = 16
_REPLAY_PER_LABEL = 2
_LEAST_REPLAY = 256
"""How many texts without labels are read beside each label in an epoch, and how many at the least."""
_MOST_REPEATS = 8
"""How often a label is read in an epoch, at the most, where there are few of them."""
_OF_EVENTS = 3
"""Of the English sentences on events each third is read; all would take the place of news."""


@dataclass(frozen=True, slots=True)
class _Lesson:
    """A text, its labels by task, and the former release's logits by head."""

    item: Encoded
    labels: dict[TaskName, int]
    former: dict[HeadName, Tensor]


def retrain(
    base: Release,
    labels: Sequence[LabelledRow],
    heldout: Sequence[LabelledRow],
    out: Path,
    *,
    version: str,
    epochs: int = 4,
    lr: float = 3e-5,
    seed: int = 7,
    replay: Sequence[str] = (),
    least_agreement: float = 0.95,
) -> tuple[Release, GateResult]:
    """Makes a candidate from `base` and `labels`, written as a release into `out`, and compares the two.

    Args:
        base: the release in force.
        labels: what people said; a text may have a label for each task.
        heldout: texts with labels that are never trained on.
        out: where the candidate is written; must not exist, or be empty.
        version: of the candidate, under the name of `base`.
        epochs: passes over the labels.
        lr: the highest learning rate.
        seed: of the order of the texts.
        replay: texts without labels, such as recent news, whose answers are to stay what they are.
        least_agreement: the share of texts to which the int8 graph must give the network's answer.

    Returns:
        The candidate, and how it compares. Whether it comes into force is the caller's to decide.

    Raises:
        ModelError: if there are no labels or no held-out texts, a label is unknown, a text stands among both, or
            the candidate fails a check of its export.
    """
    _check_rows(labels, heldout)
    spaces = base.manifest.labels
    network = restore_network(base, dropout=0.1)
    tokenizer = load_tokenizer(base.read(TOKENIZER), base.manifest.max_length)
    taught: dict[str, dict[TaskName, int]] = {}
    for text, task, label in labels:
        taught.setdefault(text, {})[task] = index_in(spaces.get(task, ()), label, task)
    others = dict.fromkeys([*replay, *own_texts(base.manifest.languages)])
    texts = [*taught, *(text for text in others if text not in taught)]
    items = read_texts(tokenizer, texts, [mentions_like(text) for text in texts])
    former = network_answers(network, items)
    heads = [head for head in HEADS if head in base.manifest.heads]
    lessons = [
        _Lesson(
            item=item,
            labels=taught.get(text, {}),
            former={head: torch.from_numpy(former[head][number]).float() for head in heads},
        )
        for number, (text, item) in enumerate(zip(texts, items, strict=True))
    ]
    _fine_tune(network, lessons[: len(taught)], lessons[len(taught) :], epochs=epochs, lr=lr, seed=seed)
    evidence = Evidence(
        calibration=[
            Example(normalise(text), "entity", -1, "") for text in (*texts, *(row[0] for row in heldout))
        ],
        tune=(),
        dev=(),
        references={},
        # Distillation keeps the scale of the logits, and a few labels are too few to fit it anew.
        temperatures={name: head.temperature for name, head in base.manifest.heads.items()},
    )
    draft = _draft(base.manifest, version, len(taught), seed)
    candidate = make_release(
        network,
        base.read(TOKENIZER),
        draft,
        evidence,
        out,
        even_out=is_evened_out(base),
        least_agreement=least_agreement,
    )
    old, new = OnnxScorer.load(base), OnnxScorer.load(candidate)
    return candidate, compare(old, new, heldout, labels, spaces=spaces)


def own_texts(languages: Sequence[str]) -> list[str]:
    """Sentences of newstide's own on which a release of these languages keeps its answers."""
    ours = [*written_examples(), *event_examples(1)[::_OF_EVENTS]]
    if "zh" in languages:
        ours += [*chinese_event_examples(1), *chinese_post_examples(1)]
    return [example.text for example in ours]


def _check_rows(labels: Sequence[LabelledRow], heldout: Sequence[LabelledRow]) -> None:
    if not labels:
        raise ModelError("there are no labels to learn from: give at least one")
    if not heldout:
        raise ModelError("there are no held-out texts to compare the releases on: give at least one")
    kept = {text for text, _, _ in heldout}
    for text, _, _ in labels:
        if text in kept:
            raise ModelError(f"{text[:60]!r} is labelled and held out: take it out of one of them")


def _fine_tune(
    network: Network, labelled: list[_Lesson], replay: list[_Lesson], *, epochs: int, lr: float, seed: int
) -> None:
    """Fine-tunes `network` in place; the rate falls from `lr` to nothing in a straight line."""
    draw = random.Random(seed)  # noqa: S311 - an order of texts, no secret
    torch.manual_seed(seed)
    beside = min(len(replay), max(_LEAST_REPLAY, _REPLAY_PER_LABEL * len(labelled)))
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr, weight_decay=0.0)
    again = max(1, min(_MOST_REPEATS, beside // (3 * len(labelled))))
    per_epoch = -(-(len(labelled) * again + beside) // _BATCH)
    step = 0
    network.train()
    for _ in range(epochs):
        order = [*labelled * again, *draw.sample(replay, beside)]
        draw.shuffle(order)
        for start in range(0, len(order), _BATCH):
            for group in optimizer.param_groups:
                group["lr"] = lr * (1 - step / (per_epoch * epochs))
            loss = _loss(network, order[start : start + _BATCH])
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            step += 1
    network.eval()


def _loss(network: Network, lessons: Sequence[_Lesson]) -> Tensor:
    """Cross-entropy where there is a label, elsewhere the divergence from the former answers."""
    batch = collate([lesson.item for lesson in lessons])
    logits = network(batch.input_ids, batch.attention_mask, batch.spans)
    total = torch.zeros(())
    for head in lessons[0].former:
        shown = getattr(logits, head)
        if head in TASKS:
            former = torch.stack([lesson.former[head] for lesson in lessons])
        else:
            former = torch.cat([lesson.former[head] for lesson in lessons])
            if head == "ner":
                shown = shown[batch.attention_mask.bool()]
        if not len(former):
            continue
        loss = nn.functional.kl_div(shown.log_softmax(dim=-1), former.softmax(dim=-1), reduction="none").sum(
            dim=-1
        )
        if head in TASKS:
            labels = torch.tensor([lesson.labels.get(head, UNKNOWN) for lesson in lessons])
            told = nn.functional.cross_entropy(shown, labels, ignore_index=UNKNOWN, reduction="none")
            loss = torch.where(labels == UNKNOWN, loss, told)
        total = total + loss.mean()
    return total


def _draft(base: Manifest, version: str, labelled: int, seed: int) -> Manifest:
    ours = DataSet(
        name="labels",
        rows=labelled,
        licence="of whoever labelled them",
        origin="news.labels, or the labels given",
    )
    lineage = base.lineage.model_copy(
        update={
            "parent": base.label,
            "seeds": (*base.lineage.seeds, seed),
            "datasets": (*base.lineage.datasets, ours),
        }
    )
    return base.model_copy(
        update={"version": version, "created_at": datetime.now(UTC), "lineage": lineage, "metrics": {}}
    )
