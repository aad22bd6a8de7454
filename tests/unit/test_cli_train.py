from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command import Command
from tiny_release import tiny_release

from models.release import Release
from stream.cli import train

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytestmark = pytest.mark.train


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The runs that were asked for; none is run."""
    asked: list[Any] = []

    def run(config: Any) -> Path:
        asked.append(config)
        return Path(config.out) / "checkpoint"

    monkeypatch.setattr("models.training.train.run", run)
    return asked


def test_one_csv_is_trained_on_with_the_given_changes(
    newstide: Command, runs: list[Any], tmp_path: Path
) -> None:
    table = tmp_path / "own.csv"
    table.write_text("text,label\noil falls,energy-oil\nthe fed meets,Macro\ngold,macro\n")
    ran = newstide(
        "train", "--csv", table, "--task", "topic", "--licence", "CC0-1.0",
        "--epochs", 2, "--seed", 3, "--threads", 1, "--out", tmp_path / "run", "--json",
    )  # fmt: skip
    told = ran.record()
    assert told["checkpoint"] == str(tmp_path / "run/checkpoint")
    assert told["logs"] == str(tmp_path / "run/logs")
    assert (told["data"]["rows"], told["data"]["bad_rows"]) == (3, 0)
    (config,) = runs
    assert (config.epochs, config.seed) == (2, 3)
    assert {(spec.task, spec.licence) for spec in config.data} == {("topic", "CC0-1.0")}
    assert config.data[0].name == "own"


@pytest.mark.parametrize(
    ("to_tune_on", "more", "kept"),
    [(49, (), "last"), (50, (), "best"), (49, ("--with", "keep=best"), "best")],
)
def test_few_rows_do_not_choose_when_to_stop(
    newstide: Command,
    runs: list[Any],
    tmp_path: Path,
    to_tune_on: int,
    more: tuple[str, ...],
    kept: str,
) -> None:
    parts = ["train"] * 4 + ["val"] * to_tune_on
    letters = "abcdefghijklmnopqrstuvwxyz"
    rows = [
        f"firm {letters[n // 26]}{letters[n % 26]} falls,{('positive', 'negative')[n % 2]},{part}\n"
        for n, part in enumerate(parts)
    ]
    table = tmp_path / "own.csv"
    table.write_text("text,label,split\n" + "".join(rows))
    ran = newstide("train", "--data", table, *more)
    assert ran.code == 0, ran.err
    assert ("few rows to tune on (49)" in ran.err) == (to_tune_on < 50)
    assert runs[0].keep == kept


def test_a_folder_of_the_usual_sets_is_trained_on(newstide: Command, runs: list[Any], tmp_path: Path) -> None:
    ran = newstide("train", "--data-dir", tmp_path)
    assert ran.code == 0
    assert "next: newstide export runs/train/checkpoint" in ran.out
    assert {spec.task for spec in runs[0].data} == {"sentiment", "topic", "entity"}


def test_a_recipe_is_a_whole_run(newstide: Command, runs: list[Any], tmp_path: Path) -> None:
    recipe = tmp_path / "run.toml"
    recipe.write_text('epochs = 9\n[[data]]\nname = "a"\npath = "a.csv"\ntask = "topic"\nlicence = "MIT"\n')
    assert newstide("train", "--recipe", recipe, "--seed", 5).code == 0
    assert (runs[0].epochs, runs[0].seed) == (9, 5)


def test_the_sets_of_a_recipe_may_lie_elsewhere(newstide: Command, runs: list[Any], tmp_path: Path) -> None:
    recipe = tmp_path / "run.toml"
    recipe.write_text('[[data]]\nname = "a"\npath = "a/train.csv"\ntask = "topic"\nlicence = "MIT"\n')
    assert newstide("train", "--recipe", recipe, "--data-dir", tmp_path / "sets").code == 0
    assert [spec.path for spec in runs[0].data] == [tmp_path / "sets" / "a" / "train.csv"]
    recipe.write_text("epochs = 2\n")
    assert newstide("train", "--recipe", recipe, "--data-dir", tmp_path / "sets").code == 0
    assert runs[1].data[0].path == tmp_path / "sets" / "twitter_fin_sentiment" / "train.csv"
    assert runs[1].named


def test_any_setting_of_the_recipe_is_one_flag_away(
    newstide: Command, runs: list[Any], tmp_path: Path
) -> None:
    ran = newstide(
        "train", "--data-dir", tmp_path, "--with", "fgm=0.5", "--with", "adapters=lora",
        "--with", "layers=[0, 2, 5]", "--with", "augment.drop=0.1",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    config = runs[0]
    assert (config.fgm, config.layers, config.augment.drop) == (0.5, (0, 2, 5), 0.1)
    assert config.adapters.kind == "lora"


@pytest.mark.parametrize(
    ("told", "code", "says"),
    [
        ("fgm", 2, "--with is 'fgm': give FIELD=VALUE"),
        ("fgm=much", 2, "fgm is 'much'"),
        ("seed=-5", 2, "seed is -5"),
        ("learning_rate=inf", 2, "learning_rate is inf"),
        ("fgn=0.5", 2, "fgn is no setting: did you mean fgm?"),
        ("learning_rate=abc", 2, "learning_rate is 'abc': give a number"),
        ("epochs=2.5", 2, "epochs is 2.5: give a whole number"),
        ("balance=7", 2, "balance is 7: it should be less than or equal to 1"),
        ("search.fgm=abc", 2, "search.fgm: it is neither a list of values"),
        ("search.fgm={low=1}", 2, "nor a range, such as {low = 1e-5, high = 1e-3, log = true}"),
        ("search.fgm={low=2, high=1}", 2, "low must be less than high"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(
    told: str, code: int, says: str, newstide: Command, runs: list[Any], tmp_path: Path
) -> None:
    ran = newstide("train", "--data-dir", tmp_path, "--with", told)
    assert (ran.code, runs) == (code, [])
    assert says in ran.err
    assert len(ran.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        ([], 2, "give --data FILE, --data-dir DIR or both"),
        (["--csv", "a.csv", "--recipe", "r"], 2, "give --data FILE, --data-dir DIR or both"),
        (["--csv", "a.csv"], 2, "a.csv can't be read"),
        (["--csv", "a.csv", "--task", "mood"], 2, "--task mood: give one of sentiment, topic, entity"),
        (["--recipe", "missing.toml"], 2, "missing.toml can't be read"),
        (["--data-dir", "d", "--check"], 2, "--check is about --data FILE"),
        (["--recipe", "r.toml", "--labels", "a=b"], 2, "--labels is about --data FILE"),
        (
            ["--csv", "a.csv", "--task", "impact", "--with", "fgm=1"],
            2,
            "--with means nothing to --task impact",
        ),
        (
            ["--csv", "a.csv", "--task", "impact", "--epochs", "2"],
            2,
            "--epochs means nothing to --task impact",
        ),
    ],
)
def test_a_wrong_run_is_one_clear_line(
    flags: list[str], code: int, says: str, newstide: Command, runs: list[Any]
) -> None:
    ran = newstide("train", *flags)
    assert ran.code == code
    assert says in ran.err
    assert runs == []


OWN = "text,label,split\n" + "".join(
    f"firm {word} {mood},{label},{part}\n"
    for part, words in (("train", "a b c d"), ("val", "e"), ("test", "f g"))
    for word in words.split()
    for mood, label in (("falls", "bad"), ("gains", "good"))
)


def test_a_file_is_told_before_the_run_and_its_bad_rows_are_left_out(
    newstide: Command, runs: list[Any], tmp_path: Path
) -> None:
    table = tmp_path / "own.csv"
    table.write_text(OWN + "firm h falls,awful,train\n,good,train\n")
    flags = ("--labels", "good=positive,bad=negative", "--out", tmp_path / "run")
    ran = newstide("train", "--data", table, *flags)
    assert ran.code == 0
    assert "line 16, column label: 'awful' is none of negative, neutral, positive" in ran.err
    assert "line 17, column text: it is empty" in ran.err
    (config,) = runs
    assert [spec.part for spec in config.data] == ["train", "tune", "dev"]
    ran = newstide("train", "--data", table, *flags, "--strict")
    assert (ran.code, "own.csv has 2 rows that can't be used: mend them" in ran.err) == (2, True)
    assert len(runs) == 1


def test_everything_that_is_left_out_is_told(newstide: Command, runs: list[Any], tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text(
        "text,label,split\n" + OWN.partition("\n")[2].replace(",test\n", ",train\n")
        + "firm a falls,bad,train\nfirm a falls!,bad,val\n"
        + "".join(f"firm x{n} falls,{label},train\n" for n in range(5) for label in ("good", "bad"))
        + "oil,good,never\n" * 22
    )  # fmt: skip
    ran = newstide("train", "--data", table, "--labels", "good=positive,bad=negative", "--check")
    for said in (
        "line 28, column split: 'never' is none of train",
        "and 2 more",
        "left out: 22 rows that can't be used",
        "left out: 10 rows whose text also stands there with another label (lines 18, 19, 20, 21, 22, 23, 24, 25, …)",
        "left out: 1 row whose text is measured on in another part (lines 2)",
        "counted once: 1 row that repeated another",
        "no rows are kept to measure on",
        "few rows to tune on (",
    ):
        assert said in ran.err
    # The parts are called as in the file's own column.
    assert ran.err.splitlines()[1].split() == ["label", "train", "val", "test"]
    ran = newstide("train", "--data", table, "--labels", "good=positive,bad=negative", "--strict")
    assert ran.err.splitlines()[-1].startswith(
        f"newstide: --strict: {table} has 22 rows that can't be used, 10 rows that contradict each other,"
        " 1 row for training whose text is measured on"
    )


def test_a_run_without_sentiment_says_what_a_release_needs(
    newstide: Command, runs: list[Any], tmp_path: Path
) -> None:
    table = tmp_path / "own.csv"
    table.write_text("text,label\noil falls,energy-oil\nthe fed meets,Macro\ngold,macro\n")
    ran = newstide("train", "--data", table, "--task", "topic", "--check")
    assert "a release also needs a head for sentiment" in ran.err
    assert "few rows to tune on (" in ran.err
    ran = newstide("train", "--data", table, "--task", "topic", "--check", "--start", "newstide-en")
    assert "a release also needs" not in ran.err


def test_a_file_may_be_looked_at_without_a_run(newstide: Command, runs: list[Any], tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text(OWN)
    flags = ("train", "--data", table, "--labels", "good=positive,bad=negative", "--check")
    told = newstide(*flags, "--json").record()["data"]
    assert told["counts"] == {
        "negative": {"train": 4, "tune": 1, "dev": 2},
        "positive": {"train": 4, "tune": 1, "dev": 2},
    }
    ran = newstide(*flags)
    assert (ran.code, ran.out, "14 rows of task sentiment" in ran.err) == (0, "", True)
    assert runs == []


def test_labels_without_a_meaning_are_refused_with_what_to_write(
    newstide: Command, runs: list[Any], tmp_path: Path
) -> None:
    table = tmp_path / "own.csv"
    table.write_text(OWN)
    ran = newstide("train", "--data", table)
    assert ran.code == 2
    assert "'bad' (7 rows), 'good' (7 rows) mean nothing for the task sentiment" in ran.err
    assert "--labels bad=…,good=…" in ran.err
    assert runs == []


def test_a_file_may_be_learned_beside_the_usual_sets(
    newstide: Command, runs: list[Any], tmp_path: Path
) -> None:
    table = tmp_path / "own.csv"
    table.write_text("text,label\noil falls,energy-oil\nthe fed meets,Macro\ngold,macro\n")
    ran = newstide("train", "--data", table, "--task", "topic", "--data-dir", tmp_path, "--start", tmp_path)
    assert ran.code == 0
    (config,) = runs
    assert config.start == tmp_path
    assert config.references["topic"] == tuple(s.name for s in config.data if s.name.startswith("own"))
    assert "twitter_fin_sentiment" in config.references["sentiment"]
    assert {"twitter_fin_topic", "own"} <= {spec.name for spec in config.data}


def test_a_stopped_run_says_how_it_goes_on(
    newstide: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stop(config: Any) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr("models.training.train.run", stop)
    ran = newstide("train", "--data-dir", tmp_path)
    assert (ran.code, "the same command goes on from the last measurement" in ran.err) == (130, True)


@pytest.mark.parametrize("command", [["train", "--data-dir", "d"], ["export", "checkpoint"]])
def test_without_the_extra_it_says_what_to_install(
    command: list[str], newstide: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "_TRAINING", ("no_such_package",))
    ran = newstide(*command)
    assert ran.code == 2
    assert 'needs the extra train (no_such_package not installed): pip install "newstide[train]"' in ran.err


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """The exports that were asked for; each writes a tiny release instead."""
    (tmp_path / "ckpt").mkdir()
    (tmp_path / "ckpt" / "checkpoint.json").touch()
    asked: list[dict[str, Any]] = []

    def export_release(checkpoint: Path, out: Path, **told: Any) -> Release:
        asked.append({"checkpoint": checkpoint, "out": out, **told})
        return tiny_release(out, told["version"], name=told["name"], key=told["key"])

    monkeypatch.setattr("export.onnx.export_release", export_release)
    return asked


def test_a_checkpoint_is_exported_under_the_name_that_is_given(
    newstide: Command, exports: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "new"
    ran = newstide(
        "--set",
        "releases.key=geheim",
        "export",
        "ckpt",
        "--out",
        out,
        "--name",
        "mine",
        "--version",
        "2",
        "--json",
    )
    told = ran.record()
    assert (told["release"], told["path"]) == ("mine@2", str(out))
    assert told["metrics"] == {"dev": {"sentiment": {"macro_f1": 0.5}}}
    assert exports[0]["key"] == b"geheim"
    assert exports[0]["checkpoint"] == Path("ckpt")


def test_without_a_place_a_release_goes_under_its_name_and_day(
    newstide: Command, exports: list[dict[str, Any]]
) -> None:
    ran = newstide("export", "ckpt")
    assert ran.code == 0
    assert exports[0]["key"] is None
    version = exports[0]["version"]
    assert exports[0]["out"] == Path("releases", "newstide", version)
    assert ran.out.startswith(f"newstide@{version}: releases/newstide/")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nowhere",), "nowhere holds no checkpoint: give the folder that `newstide train` printed"),
        (("ckpt", "nowhere"), "nowhere holds no checkpoint"),
        (("ckpt", "--name", "a b/c"), "--name is 'a b/c': give up to 64 letters"),
        (("ckpt", "--version", "../x"), "--version is '../x': give up to 64 letters"),
    ],
)
def test_what_can_not_be_exported_is_named(
    words: tuple[str, ...], says: str, newstide: Command, exports: list[dict[str, Any]]
) -> None:
    ran = newstide("export", *words)
    assert (ran.code, exports) == (2, [])
    assert says in ran.err.replace("\n", " ")


def test_the_languages_of_a_release_stand_in_its_manifest(
    newstide: Command, exports: list[dict[str, Any]]
) -> None:
    assert newstide("export", "ckpt", "--languages", "en, ZH").code == 0
    assert exports[0]["languages"] == ("en", "zh")
    ran = newstide("export", "ckpt", "--languages", "english")
    assert ran.code == 2
    assert "--languages is 'english': give codes of languages such as en,zh" in ran.err
