from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

import optuna
from command import Command
from tiny_training import tiny_config

from models.errors import ModelError
from models.training import search as searching
from models.training.choices import Between
from models.training.config import TrainConfig
from models.training.search import search
from models.training.train import run

pytestmark = pytest.mark.train

SPACE = {"learning_rate": {"low": 1e-5, "high": 1e-2, "log": True}, "augment.drop": [0.0, 0.1], "epochs": {"low": 1, "high": 3}}  # fmt: skip


class FakeRuns:
    """Ends runs at once, the better the nearer their rate is to 1e-3; some may be stopped half-way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[TrainConfig] = []
        self.stop_at = -1
        monkeypatch.setattr(searching, "run", self.run)
        monkeypatch.setattr(searching, "load_checkpoint", lambda folder: (folder, None))
        monkeypatch.setattr(searching, "_mean", lambda value: value)
        monkeypatch.setattr(Path, "tune", property(self.value), raising=False)

    def run(self, config: TrainConfig, *, watch: Any, answers: Path) -> Path:
        self.asked.append(config)
        assert answers == config.out.parent / "answers"
        if len(self.asked) - 1 == self.stop_at:
            raise KeyboardInterrupt
        value = self.value(config.out / "checkpoint")
        for step in (1, 2, 3):
            watch(value * step / 3, step)
        return config.out / "checkpoint"

    def value(self, folder: Path) -> float:
        config = next(each for each in reversed(self.asked) if each.out == folder.parent)
        return 1.0 - abs(config.learning_rate - 1e-3)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> FakeRuns:
    return FakeRuns(monkeypatch)


def told(out: Path, **changes: Any) -> TrainConfig:
    return TrainConfig(data=(), out=out, **({"search": SPACE} | changes))


def test_values_are_proposed_within_their_ranges_and_the_best_run_is_told(
    runs: FakeRuns, tmp_path: Path
) -> None:
    best = search(told(tmp_path / "s"), 12)
    assert best.runs == 12 == len(runs.asked)
    assert {config.epochs for config in runs.asked} <= {1, 2, 3}
    assert all(1e-5 <= config.learning_rate <= 1e-2 for config in runs.asked)
    assert {config.augment.drop for config in runs.asked} == {0.0, 0.1}
    assert all(config.search == {} for config in runs.asked)
    assert best.value == max(runs.value(config.out / "checkpoint") for config in runs.asked)
    chosen = next(config for config in runs.asked if config.out == best.checkpoint.parent)
    assert best.changes == {
        "learning_rate": chosen.learning_rate,
        "augment.drop": chosen.augment.drop,
        "epochs": chosen.epochs,
    }


def test_a_search_that_was_stopped_goes_on_with_the_run_it_was_at(runs: FakeRuns, tmp_path: Path) -> None:
    runs.stop_at = 3
    with pytest.raises(KeyboardInterrupt):
        search(told(tmp_path / "s"), 6)
    best = search(told(tmp_path / "s"), 6)
    assert best.runs == 6
    assert len(runs.asked) == 7
    assert runs.asked[4] == runs.asked[3]
    assert search(told(tmp_path / "s"), 6) == best
    assert len(runs.asked) == 7
    assert len({config.out for config in runs.asked}) == 6


def test_runs_that_do_worse_than_most_are_left_early(runs: FakeRuns, tmp_path: Path) -> None:
    best = search(told(tmp_path / "s"), 20)
    assert best.left > 0


def test_another_search_does_not_go_on_in_the_same_folder(runs: FakeRuns, tmp_path: Path) -> None:
    search(told(tmp_path / "s"), 1)
    with pytest.raises(ModelError, match="holds another search"):
        search(told(tmp_path / "s", seed=8), 2)


def test_a_search_of_a_version_that_knew_fewer_settings_goes_on(runs: FakeRuns, tmp_path: Path) -> None:
    search(told(tmp_path / "s"), 1)
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path}/s/study.db")
    recipe = json.loads(study.user_attrs["recipe"])
    study.set_user_attr("recipe", json.dumps({name: recipe[name] for name in recipe if name != "transfer"}))
    assert search(told(tmp_path / "s"), 2).runs == 2
    assert len(runs.asked) == 2
    study.set_user_attr("recipe", json.dumps(recipe | {"unheard_of": 1}))
    with pytest.raises(ModelError, match="holds another search"):
        search(told(tmp_path / "s"), 3)


def test_a_search_does_not_go_on_over_other_texts(
    runs: FakeRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search(told(tmp_path / "s"), 1)
    monkeypatch.setattr(searching, "written_examples", list)
    with pytest.raises(ModelError, match="over other texts"):
        search(told(tmp_path / "s"), 2)


def test_teachers_are_asked_once_for_all_runs_of_a_search(tmp_path: Path) -> None:
    base = tiny_config(tmp_path / "sets", epochs=1)
    teacher = run(base.model_copy(update={"out": tmp_path / "teacher"}))
    config = base.model_copy(
        update={"out": tmp_path / "s", "teachers": (teacher,), "search": {"learning_rate": (1e-3, 2e-3)}}
    )
    assert search(config, 2).runs == 2
    assert len(list((tmp_path / "s" / "answers").iterdir())) == 1
    assert not list((tmp_path / "s").glob("run-*/answers"))


@pytest.mark.parametrize(
    ("space", "fault"),
    [
        ({}, "search is empty"),
        ({"dropouts": [0.1]}, "dropouts is no setting: did you mean dropout"),
        ({"dropout": [0.1, 2.0]}, r"dropout is 2\.0"),
        ({"dropout": []}, r"search\.dropout is empty"),
        ({"out": ["a"]}, r"search\.out can't be searched"),
        ({"batch_size": {"low": 0, "high": 9}}, "batch_size is 0"),
    ],
)
def test_a_wrong_space_is_named_before_anything_runs(
    runs: FakeRuns, tmp_path: Path, space: Any, fault: str
) -> None:
    with pytest.raises(ModelError, match=fault):
        search(told(tmp_path / "s", search=space), 1)
    assert runs.asked == []


@pytest.mark.parametrize("log", ["yes", ""])
def test_a_range_rises_and_is_above_nothing_where_it_is_taken_by_its_logarithm(log: str) -> None:
    with pytest.raises(ValueError, match="low must be less"):
        Between(low=0 if log else 2, high=1, log=bool(log))


def test_a_whole_search_runs_and_is_told_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tiny_config(tmp_path / "sets")
    lines = [f'out = "{tmp_path / "found"}"', f'start = "{base.start}"', "max_length = 24", "epochs = 1"]
    lines += ['precision = "fp32"', "[search]", "learning_rate = [0.003, 0.00001]"]
    for spec in (base.data[0], base.data[2]):
        lines += ["[[data]]", f'name = "{spec.name}"', f'path = "{spec.path}"', f'task = "{spec.task}"']
        lines += ['licence = "CC0-1.0"', "reference = true"]
    recipe = tmp_path / "run.toml"
    recipe.write_text("\n".join(lines), encoding="utf-8")
    newstide = Command(tmp_path, monkeypatch, capsys)
    answer = newstide("train", "--recipe", recipe, "--search", 2, "--json").record()
    assert answer["runs"] == 2
    assert set(answer["changes"]) == {"learning_rate"}
    assert Path(answer["checkpoint"]).is_dir()
    assert json.loads((Path(answer["checkpoint"]) / "checkpoint.json").read_text())["config"]["search"] == {}
    again = newstide("train", "--recipe", recipe, "--search", 2)
    assert again.code == 0
    assert "best of 2 runs, 0 of them left early" in again.out
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path}/found/study.db")
    assert len(study.trials) == 2
