from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from models.training.runlog import KEY, RunLog

pytestmark = pytest.mark.train


class FakeWandb(ModuleType):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.told: list[Any] = []

    def init(self, **told: Any) -> FakeWandb:
        self.told.append(("init", told))
        return self

    def log(self, figures: dict[str, float], *, step: int) -> None:
        self.told.append((figures, step))

    def finish(self, *, exit_code: int) -> None:
        self.told.append(("finish", exit_code))


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> FakeWandb:
    library = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", library)
    return library


def write(folder: Path) -> None:
    with RunLog(folder, name="mine", config={"seed": 1}) as log:
        log.add("train/loss", 0.5, 3)


def test_curves_go_to_both_where_there_is_a_key(
    tmp_path: Path, wandb: FakeWandb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "secret")
    write(tmp_path)
    (_, begun), *rest = wandb.told
    assert (begun["name"], begun["config"], begun["dir"]) == ("mine", {"seed": 1}, str(tmp_path))
    assert rest == [({"train/loss": 0.5}, 3), ("finish", 0)]
    assert list(tmp_path.glob("events.*"))


def test_a_run_that_fails_is_told_as_failed(
    tmp_path: Path, wandb: FakeWandb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "secret")
    with pytest.raises(RuntimeError), RunLog(tmp_path, name="mine", config={}):
        raise RuntimeError
    assert wandb.told[-1] == ("finish", 1)


def test_without_a_key_or_the_package_tensorboard_alone_is_written(
    tmp_path: Path, wandb: FakeWandb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY, raising=False)
    write(tmp_path / "a")
    monkeypatch.setenv(KEY, "secret")
    monkeypatch.setitem(sys.modules, "wandb", None)
    write(tmp_path / "b")
    assert wandb.told == []
    assert all(list((tmp_path / name).glob("events.*")) for name in "ab")
