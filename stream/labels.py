"""What people labelled, and what it comes to where they disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from models.errors import ModelError
from models.tasks import HEADS, Labels, TaskName, index_in
from stream.bus import Connection, open_reader
from stream.events import Label
from stream.topics import LABELS


class AgreedText(NamedTuple):
    """A text, and what its annotators agree the answer of one task is."""

    text: str
    task: TaskName
    label: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the labels come to.

    Attributes:
        texts: what was agreed on.
        ties: how many texts were left out because as many annotators say one thing as another.
        unfit: how many labels were left out because the model has no such answer, or because they speak of one
            company in the text while the model answers whole texts.
        unread: how many records were no label at all.
        held_out: how many texts were left out because releases are compared on them.
    """

    texts: tuple[AgreedText, ...]
    ties: int = 0
    unfit: int = 0
    unread: int = 0
    held_out: int = 0

    def without(self, texts: Collection[str]) -> Agreement:
        """What was agreed on but `texts`, which nothing may be trained on since releases are compared on them."""
        kept = tuple(each for each in self.texts if each.text not in texts)
        return replace(self, texts=kept, held_out=len(self.texts) - len(kept))


async def read_labels(
    connection: Connection, *, since: datetime | None = None, spaces: Labels = HEADS
) -> Agreement:
    """All of `news.labels` as it is now, or what was labelled at `since` or later; `spaces` as for `agree`.

    Raises:
        BrokerRefusedError, BrokerUnavailableError: it can't be read.
    """
    labels, unread = [], 0
    async with open_reader(connection, [LABELS.name], from_beginning=True, follow=False) as records:
        async for record in records:
            try:
                label = Label.model_validate_json(record.value or b"")
            except ValidationError:
                unread += 1
                continue
            if since is None or label.at >= since:
                labels.append(label)
    agreed = agree(labels, spaces)
    return Agreement(agreed.texts, agreed.ties, agreed.unfit, unread)


def agree(labels: Iterable[Label], spaces: Labels = HEADS) -> Agreement:
    """One answer for each article and task: the last word of each annotator counts, and most of them decide.

    Args:
        labels: in the order in which they were given.
        spaces: what each head of the model may answer.
    """
    last: dict[tuple[str, TaskName, str], Label] = {}
    unfit = 0
    for label in labels:
        fit = _fit(label, spaces)
        if fit is None:
            unfit += 1
        else:
            last[label.news_id, label.task, label.annotator] = fit
    votes: dict[tuple[str, TaskName], list[Label]] = {}
    for (news_id, task, _), label in last.items():
        votes.setdefault((news_id, task), []).append(label)
    texts = []
    for (_, task), cast in votes.items():
        answer = _majority([vote.label for vote in cast])
        if answer is not None:
            text = next(vote.text for vote in cast if vote.label == answer)
            texts.append(AgreedText(text, task, answer))
    return Agreement(tuple(texts), ties=len(votes) - len(texts), unfit=unfit)


def _fit(label: Label, spaces: Labels) -> Label | None:
    """The label by its full name, if the model can learn it."""
    if label.entity is not None:
        return None
    try:
        space = spaces.get(label.task, ())
        return label.model_copy(update={"label": space[index_in(space, label.label, label.task)]})
    except ModelError:
        return None


def _majority(answers: Iterable[str]) -> str | None:
    """The answer given most often; None if two are."""
    (first, most), *others = Counter(answers).most_common(2)
    return None if others and others[0][1] == most else first
