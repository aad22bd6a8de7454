from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from command import Command
from tiny_training import mood_rows, subject_rows, tiny_config, write_csv

from export.onnx import export_release
from export.retrain import LabelledRow, retrain
from models.errors import UnusableDataError, WrongSettingError
from models.release import Release
from models.scorer import OnnxScorer
from models.tasks import MOST_TOPICS
from models.training.config import TrainConfig
from models.training.data import DataSpec
from models.training.own_data import OwnData, read_own
from models.training.soup import average_checkpoints
from models.training.train import run
from stream.events import Label
from stream.labels import agree

pytestmark = pytest.mark.train

CALLED = {"Energy | Oil": "Crude", "Gold | Metals | Materials": "Bullion", "Earnings": "Results"}
"""What somebody calls the topics of the tiny sets."""


def desk_rows(count: int, *, seed: int = 2) -> list[tuple[str, str]]:
    return [(text, CALLED[label]) for text, label in subject_rows(count, seed=seed)]


def own(folder: Path, content: str, labels: dict[str, str] | None = None) -> OwnData:
    path = folder / "own.csv"
    path.write_text(f"text,label\n{content}", encoding="utf-8")
    return read_own(path, "topic", labels, own_topics=True)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release with the usual topics."""
    folder = tmp_path_factory.mktemp("base")
    return export_release(
        run(tiny_config(folder)),
        folder / "out",
        name="tiny",
        version="1",
        max_length=24,
        least_agreement=0.8,
    )


@pytest.fixture(scope="module")
def desk(base: Release, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """One that went on from it with topics of somebody's own."""
    folder = tmp_path_factory.mktemp("desk")
    spec = DataSpec(
        name="desk",
        path=write_csv(folder / "desk.csv", desk_rows(300)),
        task="topic",
        licence="CC0-1.0",
        reference=True,
    )
    config = tiny_config(folder, data=(spec,), start=base.path, topics=("Bullion", "Crude", "Results"))
    return export_release(
        run(config), folder / "out", name="desk", version="1", max_length=24, least_agreement=0.8
    )


def test_the_labels_of_a_file_are_its_topics(tmp_path: Path) -> None:
    found = own(
        tmp_path,
        "oil falls,Raw materials\ngold gains,RAW  materials\nfed meets,Rates\ncourt,Spam\nbank,加息\n",
        {"spam": "", "加息": "rates"},
    )
    assert [row.label for row in found.rows] == ["Raw materials", "Raw materials", "rates", "rates"]
    assert found.topics == ("rates", "Raw materials")
    assert found.sound
    assert list(found.counts()) == ["rates", "Raw materials"]


@pytest.mark.parametrize(
    ("one", "other", "called"),
    [("A股", "A债", "a"), ("AAA+", "AAA-", "aaa"), ("Öl 1", "Äl 1", "l-1"), ("M&A", "M-A", "m-a")],
)
def test_labels_that_differ_in_more_than_their_case_are_never_put_together(
    one: str, other: str, called: str, tmp_path: Path
) -> None:
    rows = f"oil falls,{one}\ngold gains,{other}\nfed meets,Rates\n"
    with pytest.raises(UnusableDataError) as told:
        own(tmp_path, rows)
    first, second = sorted((one, other), key=str.casefold)
    assert f"the topics {first!r} and {second!r} would both be called {called!r}" in str(told.value)
    assert f"--labels {shlex.quote(f'{second}=…')}" in str(told.value)
    assert own(tmp_path, rows, {other: "Others"}).topics == tuple(
        sorted((one, "Others", "Rates"), key=str.casefold)
    )
    assert own(tmp_path, rows, {other: one}).topics == tuple(sorted((one, "Rates"), key=str.casefold))


def test_a_label_that_no_option_can_write_is_not_offered_one(tmp_path: Path) -> None:
    with pytest.raises(UnusableDataError, match=r"can't name topics: .* --labels YOURS=…, or leave"):
        own(tmp_path, 'oil falls,"油, 气"\ngold gains,"金=银"\n')
    with pytest.raises(UnusableDataError, match=r"call one otherwise, or, if they are one, both alike$"):
        own(tmp_path, 'oil falls,"A, b"\ngold gains,"A= b"\nfed meets,Rates\n')


def test_a_label_that_can_name_no_series_is_told_with_what_to_do(tmp_path: Path) -> None:
    more = "".join(f"oil {number} falls,Oil\n" for number in range(8))
    found = own(tmp_path, f"oil falls,Oil\ngold gains,Gold\nbank,加息\nfed,{'x' * 61}\n{more}")
    assert [(fault.line, fault.column) for fault in found.faults] == [(4, "label"), (5, "label")]
    assert "'加息' can't name a topic" in found.faults[0].reason
    assert "--labels 加息=…" in found.faults[0].reason
    with pytest.raises(
        UnusableDataError, match=r"can't name topics: say what to call each, .* --labels 加息=…,降息=…"
    ):
        own(tmp_path, "oil falls,加息\ngold gains,降息\n")


def test_names_that_labels_are_given_are_topics_too(tmp_path: Path) -> None:
    rows = "oil falls,Oil\ngold gains,Gold\nfed meets,Rates\n"
    found = own(tmp_path, rows, {"Oil": "Energy", "gold": "energy"})
    assert found.topics == ("Energy", "Rates")
    with pytest.raises(UnusableDataError, match=r"--labels Oil=!!!: '!!!' can't name a topic: give up to 60"):
        own(tmp_path, rows, {"Oil": "!!!"})
    with pytest.raises(UnusableDataError, match=r"can't name topics: .* --labels YOURS=…, or leave"):
        own(tmp_path, 'oil falls,"x\ny"\ngold gains,"y\nx"\n')


def test_texts_that_are_left_out_as_leaks_are_named_where_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    rows = "".join(f"text {n} falls,{('Oil', 'Gold')[n % 2]},{('train', 'test')[n % 2]}\n" for n in range(20))
    path.write_text("text,label,split\n" + rows)
    with pytest.raises(
        UnusableDataError, match=r"no label: .*; 10 rows for training are left out, as their texts"
    ):
        read_own(path, "topic", own_topics=True)


def test_too_many_topics_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"text {number} falls,topic {number}\n" for number in range(MOST_TOPICS + 1))
    with pytest.raises(UnusableDataError, match=r"65 topics .*, and 64 can be told apart: put some together"):
        own(tmp_path, rows)


@pytest.mark.parametrize(
    ("topics", "fault"),
    [
        (("Oil",), "topics are 1: give 2 to 64"),
        (("Oil", "  "), r"can't name a series"),
        (("M&A", "m a"), "'M&A' and 'm a' are both m-a"),
    ],
)
def test_topics_of_a_recipe_must_name_series(tmp_path: Path, topics: tuple[str, ...], fault: str) -> None:
    with pytest.raises(WrongSettingError, match=fault):
        TrainConfig.for_csv(tmp_path / "a.csv", "topic", licence="CC0-1.0", topics=topics)


def test_topics_that_no_set_teaches_are_refused(tmp_path: Path) -> None:
    spec = DataSpec(
        name="moods",
        path=write_csv(tmp_path / "moods.csv", mood_rows(30)),
        task="sentiment",
        licence="CC0-1.0",
        reference=True,
    )
    with pytest.raises(WrongSettingError, match="no set has labels for them"):
        run(tiny_config(tmp_path, data=(spec,), topics=("Oil", "Gold")))


def test_a_release_answers_topics_of_ones_own_and_keeps_the_rest(base: Release, desk: Release) -> None:
    assert desk.manifest.heads["topic"].labels == ("Bullion", "Crude", "Results")
    assert desk.manifest.heads.keys() == base.manifest.heads.keys()
    texts, topics = zip(*desk_rows(60, seed=77), strict=True)
    found = [answer.topics[0][0] for answer in OnnxScorer.load(desk).score(texts).answers]
    assert sum(one == other for one, other in zip(found, topics, strict=True)) >= 55
    texts, moods = zip(*mood_rows(60, seed=78), strict=True)
    before, after = (OnnxScorer.load(each).score(texts).answers for each in (base, desk))
    labels = ("negative", "neutral", "positive")
    right = [
        sum(
            labels[each.sentiment.index(max(each.sentiment))] == mood
            for each, mood in zip(told, moods, strict=True)
        )
        for told in (before, after)
    ]
    assert right[1] >= right[0] - 6


def test_a_run_that_goes_on_from_them_has_the_same_topics(desk: Release, tmp_path: Path) -> None:
    spec = DataSpec(
        name="moods",
        path=write_csv(tmp_path / "moods.csv", mood_rows(120)),
        task="sentiment",
        licence="CC0-1.0",
        reference=True,
    )
    runs = [
        run(
            tiny_config(
                tmp_path, data=(spec,), start=desk.path, epochs=1, seed=seed, out=tmp_path / str(seed)
            )
        )
        for seed in (1, 2)
    ]
    mean = average_checkpoints(runs, tmp_path / "mean")
    release = export_release(mean, tmp_path / "out", name="desk", version="2", least_agreement=0.5)
    assert release.manifest.heads["topic"].labels == ("Bullion", "Crude", "Results")
    texts, topics = zip(*desk_rows(60, seed=79), strict=True)
    found = [answer.topics[0][0] for answer in OnnxScorer.load(release).score(texts).answers]
    assert sum(one == other for one, other in zip(found, topics, strict=True)) >= 50


def test_a_file_becomes_a_release_by_two_commands(
    base: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newstide = Command(tmp_path, monkeypatch, capsys)
    data = write_csv(tmp_path / "desk.csv", desk_rows(200))
    ran = newstide(
        "train", "--data", data, "--task", "topic", "--own-topics", "--start", base.path, "--epochs", 4,
        "--out", tmp_path / "run", "--with", "learning_rate=3e-3", "--with", "max_length=24", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    told = ran.record()
    assert list(told["data"]["counts"]) == ["Bullion", "Crude", "Results"]
    ran = newstide("export", told["checkpoint"], "--out", tmp_path / "desk", "--name", "desk")
    assert ran.code == 0, ran.err
    test = write_csv(tmp_path / "test.csv", [*desk_rows(80, seed=5)])
    told = newstide("evaluate", "--task", "topic", test, "--release", tmp_path / "desk", "--json").record()
    assert told["n"] == 80
    assert told["accuracy"] > 0.8
    for flags, fault in (
        (("--data", data, "--own-topics"), "--own-topics: its labels are topics: add --task topic"),
        (("--data", data, "--task", "topic"), "add --own-topics"),
        (("--data-dir", tmp_path, "--own-topics"), "--own-topics is about --data FILE"),
    ):
        ran = newstide("train", *flags, "--check")
        assert (ran.code, fault in ran.err) == (2, True), ran.err


def test_labels_of_ones_own_topics_retrain_such_a_release(desk: Release, tmp_path: Path) -> None:
    heldout: list[LabelledRow] = [(text, "topic", label) for text, label in desk_rows(40, seed=92)]
    told: list[LabelledRow] = [
        ("court of the chief", "topic", "crude"),
        ("the deal of the bank", "topic", "Results"),
    ]
    candidate, gate = retrain(
        desk, told, heldout, tmp_path / "out", version="3", epochs=4, lr=1e-3, least_agreement=0.5
    )
    assert candidate.manifest.heads["topic"].labels == ("Bullion", "Crude", "Results")
    assert gate.figures["heldout.topic.n.new"] == 40


def test_what_people_say_is_held_against_the_topics_of_the_release(desk: Release) -> None:
    said = [
        Label(
            news_id=str(number), text="oil", task="topic", label=label, annotator="ada", at=datetime.now(UTC)
        )
        for number, label in enumerate(("crude", "Energy | Oil"))
    ]
    agreed = agree(said, desk.manifest.labels)
    assert [each.label for each in agreed.texts] == ["Crude"]
    assert agreed.unfit == 1
