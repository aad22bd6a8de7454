from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from command import Command
from four_heads import LONGEST, four_head_release
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from sklearn.metrics import classification_report, precision_recall_fscore_support
from tiny_training import mood_rows, subject_rows, write_csv

from export.chances import FullScorer
from export.measures import agreement_of, answer_texts
from export.mentions import Sentence, found_in, kind_figures, mentions_of, read_sentences, tags_of
from export.pictures import write_pictures
from export.report import EvalReport
from export.towards import answer_entities, read_entities
from models.errors import ModelError, UnusableDataError
from models.explain import explain
from models.release import Release
from models.scorer import OnnxScorer
from models.tags import TagReader
from models.tasks import MENTIONS, TAGS
from models.training.measure import measure
from stream.cli.figures import print_report

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return four_head_release(tmp_path_factory.mktemp("four"))


@pytest.fixture(scope="module")
def scorer(release: Release) -> FullScorer:
    return FullScorer.load(release)


def test_what_is_measured_is_what_serving_answers_to_the_last_bit(
    release: Release, scorer: FullScorer
) -> None:
    texts = [text.title() for text, _ in (*mood_rows(20), *subject_rows(20))]
    spans = [[(0, len(text.split()[0])), (len(text) - 3, len(text))] for text in texts]
    served = OnnxScorer.load(release).score(texts, spans).answers
    for text, answer, full in zip(texts, served, scorer.score(texts, spans), strict=True):
        assert answer.sentiment == full.sentiment
        assert answer.entities == full.entities
        best = sorted(full.topic, reverse=True)
        assert [p for _, p in answer.topics] == best[: len(answer.topics)]
        letters = Sentence(text, [(place, place + 1) for place in range(len(text))], ())
        assert found_in(letters, full, TagReader(TAGS)) == [
            (name.kind, name.start, name.end) for name in answer.mentions
        ]


def test_entities_are_measured_apart_where_a_text_names_several(scorer: FullScorer, tmp_path: Path) -> None:
    far = " ".join(["the"] * LONGEST)
    data = write_csv(
        tmp_path / "e.csv",
        [
            ("gold gains as oil falls", "gold", "positive"),
            ("gold gains as oil falls", "oil", "negative"),
            ("the fed meets", "fed", "neutral"),
            ("the bank falls", "Nobody", "negative"),
            (f"{far} bank", "bank", "negative"),
        ],
        ("text", "entity", "label"),
    )
    found = answer_entities(scorer, data)
    report = found.report()
    assert (report.n, report.one.n, report.several.n) == (5, 3, 2)
    assert (report.not_found, report.unread) == (1, 1)
    right = report.one.accuracy * 3 + report.several.accuracy * 2
    assert right == pytest.approx(report.accuracy * 5)
    texts = ["gold gains as oil falls", "the bank falls", f"{far} bank"]
    one, lost, beyond = scorer.score(texts, [[(0, 4), (14, 17)], [], [(0, 3)]])
    assert found.answered.chances[0].tolist() == pytest.approx(one.entities[0])
    assert found.answered.chances[1].tolist() == pytest.approx(one.entities[1])
    assert found.answered.chances[3].tolist() == pytest.approx(lost.sentiment)
    assert found.answered.chances[4].tolist() == pytest.approx(beyond.sentiment)


def test_an_entity_may_be_given_by_its_characters(tmp_path: Path) -> None:
    data = write_csv(
        tmp_path / "e.csv",
        [("oil oil oil", "4", "7", "", "positive"), ("oil oil", "", "", "oil", "negative")],
        ("text", "start", "end", "entity", "label"),
    )
    assert [row.place for row in read_entities(data)] == [(4, 7), (0, 3)]


@pytest.mark.parametrize(
    ("header", "row", "fault"),
    [
        (("text", "label"), ("oil", "positive"), "line 1: there is no column 'entity'"),
        (("text", "label", "start", "end"), ("oil", "positive", "a", "3"), "line 2: start and end are 'a'"),
        (("text", "label", "start", "end"), ("oil", "positive", "2", "9"), "line 2: characters 2 to 9"),
        (("text", "label", "entity"), ("oil", "great", "oil"), "line 2: label 'great'"),
    ],
)
def test_a_wrong_row_of_entities_is_named_with_its_line(
    header: tuple[str, ...], row: tuple[str, ...], fault: str, scorer: FullScorer, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=fault):
        answer_entities(scorer, write_csv(tmp_path / "e.csv", [row], header))


def tagged(folder: Path, *sentences: tuple[str, str]) -> Path:
    """A file of sentences, each with its words and tags divided by blanks."""
    path = folder / "ner.jsonl"
    rows = [{"tokens": words.split(), "tags": tags.split()} for words, tags in sentences]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


tags = st.lists(st.lists(st.sampled_from(TAGS), min_size=1, max_size=7), min_size=1, max_size=5)


@settings(deadline=None)
@given(tags, st.randoms(use_true_random=False))
def test_mentions_are_counted_as_scikit_learn_counts_what_is_there(
    sentences: list[list[str]], draw: random.Random
) -> None:
    true = [mentions_of(each) for each in sentences]
    found = [
        mentions_of([tag if draw.random() < 0.7 else draw.choice(TAGS) for tag in each]) for each in sentences
    ]
    figures = kind_figures(true, found)
    wanted, given_ = ({(n, *m) for n, each in enumerate(side) for m in each} for side in (true, found))
    every = sorted(wanted | given_)
    if not every:
        assert figures == {}
        return
    kinds = sorted({each[1] for each in every})
    expected = precision_recall_fscore_support(
        [each[1] if each in wanted else "none" for each in every],
        [each[1] if each in given_ else "none" for each in every],
        labels=kinds,
        zero_division=0,
    )
    ours = [(f.precision, f.recall, f.f1, f.support) for f in figures.values()]
    assert np.allclose(np.array(ours).T, expected)
    assert list(figures) == kinds


def test_mentions_are_those_that_seqeval_counts() -> None:
    # What seqeval 1.2.2 gives in its default mode for these tags.
    assert mentions_of(["I-ORG", "I-ORG", "O", "B-PER", "I-LOC", "B-LOC", "B-LOC"]) == [
        ("ORG", 0, 2), ("PER", 3, 4), ("LOC", 4, 5), ("LOC", 5, 6), ("LOC", 6, 7),
    ]  # fmt: skip


@given(st.lists(st.sampled_from(TAGS), max_size=12))
def test_tags_tell_the_mentions_that_they_were_made_from(told: list[str]) -> None:
    found = mentions_of(told)
    assert mentions_of(tags_of(found, len(told))) == found
    assert {kind for kind, _, _ in found} <= set(MENTIONS)


def test_words_are_measured_with_their_mentions(newstide: Command, release: Release, tmp_path: Path) -> None:
    data = tagged(
        tmp_path,
        ("the bank of gold falls", "O B-ORG I-ORG I-ORG O"),
        ("oil gains", "O O"),
        (" ".join(["the"] * LONGEST + ["fed"]), " ".join(["O"] * LONGEST + ["B-ORG"])),
    )
    told = newstide("evaluate", "--task", "ner", data, "--release", release.path, "--json").record()
    assert list(told)[:7] == ["task", "n", "accuracy", "macro_f1", "weighted_f1", "ece", "release"]
    assert (told["task"], told["n"], told["sentences"], told["unread"]) == ("ner", 24, 3, 1)
    assert told["kinds"]["ORG"]["support"] == 2
    assert told["macro_f1"] == pytest.approx(np.mean([k["f1"] for k in told["kinds"].values()]), abs=1e-6)
    ran = newstide("evaluate", "--task", "ner", data, "--release", release.path)
    assert "1 mentions beyond what the model reads" in ran.out
    assert "recall" in ran.out


def test_found_mentions_go_by_the_words_that_they_touch(scorer: FullScorer) -> None:
    text = "Goldoil meets"
    (chances,) = scorer.score([text])
    labels = ["O"] * len(TAGS)
    labels[max(range(len(TAGS)), key=chances.tags[1].__getitem__)] = "B-ORG"
    found = found_in(Sentence(text, [(0, 7), (8, 13)], ()), chances, TagReader(labels))
    assert found[0] == ("ORG", 0, 1)
    small = found_in(Sentence(text.lower(), [(0, 7), (8, 13)], ()), chances, TagReader(labels))
    assert small == []


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "has no lines"),
        (b"\xff", "is no UTF-8"),
        (b"{}\n", "line 1: write an object"),
        (b'{"tokens": ["a"], "tags": []}\n', "line 1: 1 tokens have 0 tags"),
        (b'\n{"tokens": ["a"], "tags": ["B-MISC"]}\n', "line 2: tag 'B-MISC' is none of B-ORG"),
    ],
)
def test_a_wrong_line_of_tags_is_named(content: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / "ner.jsonl").write_bytes(content)
    with pytest.raises(ModelError, match=fault):
        read_sentences(tmp_path / "ner.jsonl", ["ORG"])
    with pytest.raises(ModelError, match=r"none\.jsonl can't be read"):
        read_sentences(tmp_path / "none.jsonl", ["ORG"])


def test_the_command_measures_entities(newstide: Command, release: Release, tmp_path: Path) -> None:
    rows = [("gold gains as oil falls", "gold", "positive"), ("gold gains as oil falls", "oil", "negative")]
    data = write_csv(tmp_path / "e.csv", [*rows, ("fed", "run", "neutral")], ("text", "entity", "label"))
    told = newstide(
        "evaluate", "--task", "entity", "--data", data, "--release", release.path, "--json"
    ).record()
    assert (told["n"], told["several"]["n"], told["one"]["n"], told["not_found"]) == (3, 2, 1, 1)
    ran = newstide("evaluate", "--task", "entity", data, "--release", release.path)
    assert "of 2 beside others in their text" in ran.out
    assert "1 not found in their text" in " ".join(ran.out.split())


def test_pictures_and_the_report_of_scikit_learn_are_written(
    newstide: Command, release: Release, tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "t.csv", subject_rows(30))
    out = tmp_path / "deep" / "pictures"
    ran = newstide("evaluate", "--task", "topic", data, "--release", release.path, "--out", out)
    assert ran.code == 0
    for name in ("confusion.png", "roc.png", "reliability.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    report = (out / "report.txt").read_text(encoding="utf-8")
    assert "Energy | Oil" in report
    told = newstide("evaluate", "--task", "topic", data, "--release", release.path, "--json").record()
    assert f"expected calibration error {told['ece']:.4f}" in report
    assert ran.err.count("written: ") == 4
    (tmp_path / "file").write_text("")
    ran = newstide("evaluate", "--task", "topic", data, "--release", release.path, "--out", tmp_path / "file")
    assert (ran.code, "give another folder" in ran.err) == (2, True)


def test_evaluate_ends_its_classes_with_the_means_of_scikit_learns_report(
    capsys: pytest.CaptureFixture[str],
) -> None:
    labels, truth, answers = ("bad", "plain", "good"), [0, 0, 0, 1, 1, 0], [0, 1, 0, 1, 0, 0]
    sure = np.full(6, 0.5)
    figures = measure(np.array(answers), sure, np.array(truth), labels)
    print_report(
        Console(width=80), EvalReport(**figures.model_dump(), task="sentiment", release="a@1"), labels
    )
    theirs = classification_report(truth, answers, target_names=("bad", "plain"), digits=3).splitlines()
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    for name in ("bad", "plain", "macro", "weighted"):
        line = next(line.split() for line in theirs if name in line)
        assert line in told


def test_pictures_can_be_drawn_of_a_single_class(scorer: FullScorer, tmp_path: Path) -> None:
    answered = answer_texts(scorer, [("oil falls", "negative"), ("oil", "negative")], "sentiment")
    assert len(write_pictures(answered, tmp_path)) == 4


def test_a_choice_between_two_labels_leaves_the_others_out(
    newstide: Command, release: Release, scorer: FullScorer, tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "t.csv", mood_rows(40))
    told = newstide(
        "evaluate",
        "--task",
        "sentiment",
        data,
        "--release",
        release.path,
        "--among",
        "positive, negative",
        "--json",
    ).record()
    rows = [(text, label) for text, label in mood_rows(40) if label != "neutral"]
    assert (told["n"], told["among"]) == (len(rows), ["positive", "negative"])
    right = [
        (each.sentiment[2] > each.sentiment[0]) == (label == "positive")
        for each, (_, label) in zip(scorer.score([text for text, _ in rows]), rows, strict=True)
    ]
    assert told["accuracy"] == pytest.approx(np.mean(right), abs=1e-6)
    for words in (("sentiment", "positive"), ("entity", "positive,negative")):
        ran = newstide("evaluate", "--task", words[0], data, "--release", release.path, "--among", words[1])
        assert (ran.code, "give two or more labels" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--bias", "--task", "topic"), "--task means nothing beside --bias"),
        (("a.csv", "--task", "sentiment", "--among", "positive,foo"), "--among: label 'foo' is none of"),
        (("a.csv", "--bias"), "DATA means nothing beside --bias"),
        (("a.csv", "--task", "topic", "--bound", "0.1"), "--bound is of --bias"),
        (("a.csv", "--task", "impact", "--against", "o"), "--against means nothing to --task impact"),
        (("a.csv", "--task", "topic", "--release", "nosuch"), "no release of this name ships"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    words: tuple[str, ...], says: str, newstide: Command, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("text,label\noil falls,Macro\n")
    ran = newstide("evaluate", *words)
    assert ran.code == 2
    assert says in ran.err.replace("\n", " ")


def test_without_the_extra_pictures_say_what_to_install(
    newstide: Command, release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.cli.evaluate._PICTURES", ("no_such_package",))
    ran = newstide("evaluate", "--task", "topic", "a.csv", "--release", release.path, "--out", tmp_path)
    assert ran.code == 2
    assert 'pip install "newstide[train]"' in ran.err


def test_words_that_move_the_sentiment_towards_an_entity_are_shown(
    newstide: Command, release: Release
) -> None:
    text = "oil falls as gold gains"
    found = explain(OnnxScorer.load(release), text, (13, 17))
    assert [each.word for each in found.words] == ["oil", "falls", "as", "gains"]
    alone = OnnxScorer.load(release).score(["falls as gold gains"], [[(9, 13)]]).answers[0].entities[0]
    assert alone is not None
    assert found.words[0].shift == pytest.approx(found.score - (alone[2] - alone[0]))
    told = newstide("explain", text, "--entity", "gold", "--release", release.path, "--json").record()
    assert told["entity"] == {"name": "gold", "start": 13, "end": 17}
    assert [word["word"] for word in told["words"]] == ["oil", "falls", "as", "gains"]
    ran = newstide("explain", text, "--entity", "gold", "--release", release.path)
    assert "towards gold" in ran.out
    far = " ".join(["the"] * LONGEST) + " gold"
    ran = newstide("explain", far, "--entity", "gold", "--release", release.path)
    assert (ran.code, "does not read so far" in ran.err) == (1, True)
    ran = newstide("explain", text, "--entity", "Nobody", "--release", release.path)
    assert (ran.code, "the text does not name it" in ran.err) == (2, True)


def test_two_releases_are_put_side_by_side(
    release: Release,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    newstide = Command(tmp_path, monkeypatch, capsys)
    data = write_csv(tmp_path / "m.csv", mood_rows(60))
    asked = ("evaluate", "--task", "sentiment", data, "--release", release.path)
    told = newstide(*asked, "--against", release.path, "--json").record()["against"]
    assert told["release"] == release.label
    assert (told["n"], told["agreement"], told["largest_difference"]) == (60, 1.0, 0.0)
    assert "the same answer to 100.00% of 60" in newstide(*asked, "--against", release.path).out
    ran = newstide(*asked, "--out", data)
    assert (ran.code, "can't be made" in ran.err) == (2, True)
    ran = newstide("evaluate", "--bias", "--against", release.path)
    assert (ran.code, "--against means nothing beside --bias" in ran.err) == (2, True)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ran = newstide("evaluate", "--task", "sentiment", pipe, "--against", release.path)
    assert (ran.code, "reads it twice: give a file, not a pipe" in ran.err) == (2, True)


def test_an_answer_that_differs_is_counted(scorer: FullScorer) -> None:
    ours = answer_texts(scorer, mood_rows(40), "sentiment")
    turned = replace(ours, release="other@1", chances=ours.chances[:, ::-1])
    found = agreement_of(ours, turned)
    assert found.agreement == float((ours.answers == 2 - ours.answers).mean())
    assert found.largest_difference > 0.1
    assert found.accuracy == turned.figures().accuracy
    with pytest.raises(UnusableDataError, match="can't be put side by side"):
        agreement_of(ours, replace(ours, labels=("a", "b", "c")))
