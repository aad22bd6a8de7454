from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from export.gate import compare
from export.report import evaluate, read_labelled
from models.errors import ModelError
from models.scorer import Answer, Places, Scoring
from models.tasks import TaskName

MOODS = {"bad": (0.8, 0.1, 0.1), "plain": (0.2, 0.6, 0.2), "good": (0.1, 0.2, 0.7)}


class WordScorer:
    """Answers by the first word of a text: a mood, or a topic."""

    def __init__(self, release: str = "words@1", *, topics: bool = True) -> None:
        self._release = release
        self._topics = topics

    @property
    def release(self) -> str:
        return self._release

    def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> Scoring:
        answers = []
        for text in texts:
            mood, _, topic = text.partition(" ")
            topics = ((topic or "Macro", 0.9), ("IPO", 0.05)) if self._topics else ()
            answers.append(Answer(MOODS.get(mood, MOODS["plain"]), topics))
        return Scoring(tuple(answers), self._release)


def test_a_csv_of_texts_and_labels_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(
        "\ufefflabel,note,text\nnegative,x,bad\nneutral,,plain\n negative ,,good\npositive,,good\n",
        encoding="utf-8",
    )
    found = evaluate(WordScorer(), read_labelled(path), "sentiment")
    assert (found.task, found.n, found.accuracy, found.release) == ("sentiment", 4, 0.75, "words@1")
    assert found.per_class["negative"].recall == 0.5
    assert found.confusion == ((1, 0, 1), (0, 1, 0), (0, 0, 1))
    assert 0.0 <= found.ece <= 1.0


def test_a_topic_may_be_given_by_its_slug() -> None:
    rows = [("x Energy | Oil", "energy-oil"), ("x Macro", "Macro"), ("x IPO", "macro")]
    found = evaluate(WordScorer(), rows, "topic")
    assert found.accuracy == pytest.approx(2 / 3)


def test_a_release_without_topics_is_not_measured_on_them() -> None:
    with pytest.raises(ModelError, match="words@1 has no head for the task topic"):
        evaluate(WordScorer(topics=False), [("x", "Macro")], "topic")


def test_an_unknown_task_and_nothing_to_measure_are_named() -> None:
    with pytest.raises(ModelError, match="task is 'mood'"):
        evaluate(WordScorer(), [("bad", "negative")], "mood")
    with pytest.raises(ModelError, match="no labelled texts"):
        evaluate(WordScorer(), [], "sentiment")


def test_an_unknown_label_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text('text,label\n"two\nlines",negative\nbad,awful\n', encoding="utf-8")
    rows = read_labelled(path)
    assert rows[0] == ("two\nlines", "negative")
    assert rows[0:1] == (rows[0],)
    with pytest.raises(ModelError, match=r"own\.csv, line 4: label 'awful'"):
        evaluate(WordScorer(), rows, "sentiment")
    with pytest.raises(ModelError, match="row 1: label 'awful'"):
        evaluate(WordScorer(), [("bad", "awful")], "sentiment")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "line 1: it is empty: name the columns"),
        (b"text,label\n", "has no rows"),
        (b"text,mood\na,b\n", "line 1: there is no column 'label' among 'text', 'mood'"),
        (b"text,label\na,negative\nb\n", "line 3, label: the line ends before this column"),
        (b"text,label\na,negative,x\n", "line 2: more cells than the first line names"),
        (b"text,label\na,negative\nb\xe9,neutral\n", "line 3: byte 0xe9 is no UTF-8"),
        (b'text,label\na,negative\n"b,neutral\nc,neutral\n', "line 3: a double quote opens here"),
    ],
)
def test_a_fault_in_a_csv_is_named_with_its_line(tmp_path: Path, content: bytes, fault: str) -> None:
    (tmp_path / "own.csv").write_bytes(content)
    with pytest.raises(ModelError, match=fault):
        read_labelled(tmp_path / "own.csv")


def test_a_missing_csv_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.csv can't be read"):
        read_labelled(tmp_path / "none.csv")


class Mistaken(WordScorer):
    """As `WordScorer`, but takes each bad text with the given words for a good one."""

    def __init__(self, *words: str) -> None:
        super().__init__("mistaken@2")
        self._words = words

    def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> Scoring:
        turned = ["good" if text in self._words else text for text in texts]
        return super().score(turned)


HELDOUT: list[tuple[str, TaskName, str]] = [
    *[
        (mood, "sentiment", label)
        for mood, label in zip(MOODS, ("negative", "neutral", "positive"), strict=True)
    ],
    ("x Macro", "topic", "Macro"),
]


def test_a_candidate_that_is_no_worse_passes_and_its_figures_are_told() -> None:
    gate = compare(WordScorer(), WordScorer("words@2"), HELDOUT, [("bad", "sentiment", "negative")])
    assert gate.passed
    assert gate.figures["heldout.sentiment.macro_f1.new"] == 1.0
    assert gate.figures["labels.sentiment.n.old"] == 1.0
    assert any("heldout topic accuracy 1.000 -> 1.000 (n = 1)" in reason for reason in gate.reasons)


def test_a_candidate_that_is_worse_on_held_out_texts_is_refused_with_the_figures() -> None:
    gate = compare(WordScorer(), Mistaken("bad"), HELDOUT)
    assert not gate.passed
    assert gate.figures["heldout.sentiment.accuracy.new"] == pytest.approx(2 / 3)
    assert any("accuracy 1.000 -> 0.667" in reason for reason in gate.reasons)
    assert compare(WordScorer(), Mistaken("bad"), HELDOUT, tolerance=0.6).passed


def test_a_candidate_that_misses_the_labels_is_refused() -> None:
    gate = compare(WordScorer(), Mistaken("bad news"), HELDOUT, [("bad news", "sentiment", "negative")])
    assert not gate.passed
    assert gate.reasons == (
        "labels sentiment accuracy 1.000 -> 0.000 (n = 1): fewer of the labels are answered as labelled",
    )


def test_without_held_out_texts_nothing_is_judged() -> None:
    with pytest.raises(ModelError, match="no held-out texts"):
        compare(WordScorer(), WordScorer(), [])
