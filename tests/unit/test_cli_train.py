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
def newstide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(tmp_path, monkeypatch, capsys)


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
    ran = newstide(
        "train", "--csv", tmp_path / "own.csv", "--task", "topic", "--licence", "CC0-1.0",
        "--epochs", 2, "--seed", 3, "--threads", 1, "--out", tmp_path / "run", "--json",
    )  # fmt: skip
    assert ran.record() == {
        "checkpoint": str(tmp_path / "run/checkpoint"),
        "logs": str(tmp_path / "run/logs"),
    }
    (config,) = runs
    assert (config.epochs, config.seed) == (2, 3)
    assert [(spec.name, spec.task, spec.licence) for spec in config.data] == [("own", "topic", "CC0-1.0")]


def test_a_folder_of_the_usual_sets_is_trained_on(newstide: Command, runs: list[Any], tmp_path: Path) -> None:
    ran = newstide("train", "--data-dir", tmp_path)
    assert ran.code == 0
    assert "next: newstide export runs/train/checkpoint" in ran.out
    assert {spec.task for spec in runs[0].data} == {"sentiment", "topic"}


def test_a_recipe_is_a_whole_run(newstide: Command, runs: list[Any], tmp_path: Path) -> None:
    recipe = tmp_path / "run.toml"
    recipe.write_text('epochs = 9\n[[data]]\nname = "a"\npath = "a.csv"\ntask = "topic"\nlicence = "MIT"\n')
    assert newstide("train", "--recipe", recipe, "--seed", 5).code == 0
    assert (runs[0].epochs, runs[0].seed) == (9, 5)


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        ([], 2, "give one of --data-dir"),
        (["--csv", "a.csv", "--data-dir", "d"], 2, "give one of --data-dir"),
        (["--csv", "a.csv"], 1, "task is ''"),
        (["--recipe", "missing.toml"], 1, "missing.toml can't be read"),
    ],
)
def test_a_wrong_run_is_one_clear_line(
    flags: list[str], code: int, says: str, newstide: Command, runs: list[Any]
) -> None:
    ran = newstide("train", *flags)
    assert ran.code == code
    assert says in ran.err
    assert runs == []


@pytest.mark.parametrize("command", [["train", "--data-dir", "d"], ["export", "checkpoint"]])
def test_without_the_extra_it_says_what_to_install(
    command: list[str], newstide: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "_TRAINING", ("no_such_package",))
    ran = newstide(*command)
    assert ran.code == 2
    assert 'needs the extra train: pip install "newstide[train]"' in ran.err


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The exports that were asked for; each writes a tiny release instead."""
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
