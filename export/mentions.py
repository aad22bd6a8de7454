"""How well a release finds the organisations, persons and places in sentences whose words are tagged.

A mention counts as found if its kind and all its words are right, as in the shared task of CoNLL-2000 and 2003
(Tjong Kim Sang and De Meulder, 2003): an `I-` that follows no word of its kind begins a mention. What is found are
the names that serving gives (`models.spans.names_in`): whole words, none without a capital where letters have one,
and no single word with a figure in it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.chances import Chances, FullScorer
from export.measures import Answered, score_all
from export.report import EvalReport
from models.errors import UnusableDataError
from models.spans import Offsets, names_in, spans_of_tags
from models.tagged import read_tagged
from models.tags import TagReader
from models.training.measure import ClassFigures

_LEAST = 1e-30
"""The chance of what is said never to be, so that it has a logarithm."""

Mention = tuple[str, int, int]
"""A kind, and the words [first, after) of a sentence."""


class MentionReport(EvalReport):
    """What a release reached on the words of `sentences` sentences.

    `n` counts words and `accuracy` those whose tag is right. `precision`, `recall` and `f1` are of all mentions,
    `kinds` of those of one kind, `macro_f1` the mean over the kinds and `weighted_f1` that by their mentions.
    `ece` is that of the words' tags. `unread` mentions lie beyond what the model reads; they count as missed.
    """

    sentences: int
    precision: float
    recall: float
    f1: float
    kinds: dict[str, ClassFigures]
    unread: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its mentions. `text` joins its words; `words` are the characters of each in it."""

    text: str
    words: Offsets
    mentions: tuple[Mention, ...]


def read_sentences(path: Path, kinds: Sequence[str]) -> list[Sentence]:
    """The sentences of a file of JSON lines, each with `tokens` and as many BIO `tags` of `kinds`.

    Raises:
        UnusableDataError: if the file can't be read, has no sentence, or a line is none of that kind. The text
            names the line and the fix.
    """
    found = [
        Sentence(each.text, each.words, tuple(mentions_of(each.tags))) for each in read_tagged(path, kinds)
    ]
    if not found:
        raise UnusableDataError(f"{path} has no lines: give at least one sentence")
    return found


def mentions_of(tags: Sequence[str]) -> list[Mention]:
    """The mentions that the BIO `tags` of some words tell."""
    return spans_of_tags(tags, [(number, number + 1) for number in range(len(tags))])


def tags_of(mentions: Sequence[Mention], words: int) -> list[str]:
    """The BIO tags of `words` words with these mentions; where two meet in a word, the first has it."""
    tags = ["O"] * words
    for kind, first, after in mentions:
        mark = "B"
        for word in range(first, after):
            if tags[word] == "O":
                tags[word] = f"{mark}-{kind}"
                mark = "I"
    return tags


def found_in(sentence: Sentence, chances: Chances, reader: TagReader) -> list[Mention]:
    """The names that serving gives, by the words that they touch."""
    scores = np.log(np.maximum(np.array(chances.tags), _LEAST))
    (tags,) = reader.read(scores[np.newaxis], [chances.offsets])
    ends = [end for _, end in sentence.words]
    found = []
    for kind, start, end in names_in(sentence.text, tags, chances.offsets) if tags else ():
        first = bisect_left(ends, start + 1)
        after = bisect_left([begin for begin, _ in sentence.words], end)
        if first < after:
            found.append((kind, first, after))
    return mentions_of(tags_of(found, len(sentence.words)))


@dataclass(frozen=True, eq=False)
class MentionAnswers:
    """What was found in each sentence; `answered` are the words by the tag of their first token."""

    answered: Answered
    sentences: tuple[Sentence, ...]
    found: tuple[tuple[Mention, ...], ...]
    unread: int

    def report(self) -> MentionReport:
        """The figures."""
        kinds = kind_figures([each.mentions for each in self.sentences], self.found)
        true = sum(each.support for each in kinds.values())
        right = sum(round(each.recall * each.support) for each in kinds.values())
        named = sum(len(each) for each in self.found)
        words = [
            (tags_of(sentence.mentions, len(sentence.words)), tags_of(found, len(sentence.words)))
            for sentence, found in zip(self.sentences, self.found, strict=True)
        ]
        same = sum(a == b for pair in words for a, b in zip(*pair, strict=True))
        by_word = self.answered.report()
        return MentionReport(
            **by_word.model_dump(exclude={"accuracy", "macro_f1", "weighted_f1", "n"}),
            n=sum(len(each.words) for each in self.sentences),
            accuracy=same / max(1, sum(len(each.words) for each in self.sentences)),
            macro_f1=float(np.mean([each.f1 for each in kinds.values()])) if kinds else 0.0,
            weighted_f1=sum(each.f1 * each.support for each in kinds.values()) / max(1, true),
            sentences=len(self.sentences),
            precision=right / max(1, named),
            recall=right / max(1, true),
            f1=2 * right / max(1, true + named),
            kinds=kinds,
            unread=self.unread,
        )


def kind_figures(
    true: Sequence[Sequence[Mention]], found: Sequence[Sequence[Mention]]
) -> dict[str, ClassFigures]:
    """Precision, recall and F1 of each kind of mention that is true or was found, kinds in alphabetical order."""
    wanted = {(number, *mention) for number, each in enumerate(true) for mention in each}
    given = {(number, *mention) for number, each in enumerate(found) for mention in each}
    figures = {}
    for kind in sorted({mention[1] for mention in wanted | given}):
        of_kind, told = ({each for each in side if each[1] == kind} for side in (wanted, given))
        right = len(of_kind & told)
        figures[kind] = ClassFigures(
            precision=right / max(1, len(told)),
            recall=right / max(1, len(of_kind)),
            f1=2 * right / (len(of_kind) + len(told)),
            support=len(of_kind),
        )
    return figures


def answer_sentences(scorer: FullScorer, path: Path) -> MentionAnswers:
    """What `scorer` finds in the sentences of the file `path`.

    Raises:
        ModelError: if the release does not tag mentions, or a line is wrong.
    """
    labels = scorer.labels("ner")
    sentences = read_sentences(path, sorted({label[2:] for label in labels if label != "O"}))
    told = score_all(scorer, [sentence.text for sentence in sentences])
    truth, chances, unread = [], [], 0
    for sentence, each in zip(sentences, told, strict=True):
        read = max((end for _, end in each.offsets), default=0)
        unread += sum(sentence.words[after - 1][1] > read for _, _, after in sentence.mentions)
        by_start = _first_tokens(sentence, each.offsets)
        for word, tag in enumerate(tags_of(sentence.mentions, len(sentence.words))):
            if word in by_start:
                truth.append(labels.index(tag))
                chances.append(each.tags[by_start[word]])
    reader = TagReader(labels)
    found = tuple(
        tuple(found_in(sentence, each, reader)) for sentence, each in zip(sentences, told, strict=True)
    )
    return MentionAnswers(Answered.of(scorer, "ner", truth, chances), tuple(sentences), found, unread)


def _first_tokens(sentence: Sentence, offsets: Offsets) -> dict[int, int]:
    """The first token of each word that the model read."""
    ends = [end for _, end in sentence.words]
    found: dict[int, int] = {}
    for token, (start, end) in enumerate(offsets):
        if start < end:
            found.setdefault(bisect_left(ends, start + 1), token)
    return found
