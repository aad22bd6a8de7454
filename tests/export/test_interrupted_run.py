from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import mood_rows, tiny_encoder, write_csv  # noqa: E402 - needs torch

from models.errors import ModelError  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint  # noqa: E402 - needs torch
from models.training.kept import keep_file, keep_folder  # noqa: E402 - needs torch

pytestmark = pytest.mark.train

EPOCHS, ROWS = 120, 260


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file of this process may grow beyond `room` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_does_not_fit_leaves_the_one_before_it(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    keep_file({"step": torch.tensor(1)}, path)
    with full_disk(50_000), pytest.raises(ModelError, match=r"last\.pt can't be written .* disk full"):
        keep_file({"step": torch.zeros(50_000)}, path)
    assert torch.load(path, weights_only=True)["step"] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.pt"]


def test_a_folder_takes_the_place_of_the_former_one_only_when_it_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    with keep_folder(folder) as fresh:
        (fresh / "page").write_text("first")
    with pytest.raises(ModelError, match="is the disk full"), keep_folder(folder) as fresh, full_disk(10):
        (fresh / "page").write_text("second, which does not fit")
    with pytest.raises(KeyboardInterrupt), keep_folder(folder):
        raise KeyboardInterrupt
    assert (folder / "page").read_text() == "first"
    with keep_folder(folder) as fresh:
        (fresh / "page").write_text("third")
    assert (folder / "page").read_text() == "third"
    assert [entry.name for entry in tmp_path.iterdir()] == ["checkpoint"]


def start_run(recipe: Path, *, room: int = 0) -> subprocess.Popen[str]:
    """`newstide train --recipe RECIPE` in a process of its own; `room` bounds its files."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room})); " if room else ""
    code = f"{limit}import sys; from stream.cli import main; main(sys.argv[1:])"
    # What measures coverage would want to write too, and not find room.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    return subprocess.Popen(
        [sys.executable, "-c", code, "train", "--recipe", str(recipe)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def ended(run: subprocess.Popen[str]) -> tuple[int, str]:
    """How it ended, and what it said on stderr."""
    _, said = run.communicate(timeout=200)
    return run.returncode, " ".join(said.split())


def test_ctrl_c_and_a_full_disk_leave_a_run_that_goes_on(tmp_path: Path) -> None:
    tiny_encoder(tmp_path / "encoder")
    write_csv(tmp_path / "own.csv", mood_rows(ROWS))
    recipe = tmp_path / "run.toml"
    recipe.write_text(
        f'start = "{tmp_path}/encoder"\nout = "{tmp_path}/run"\nepochs = {EPOCHS}\nmax_length = 24\n'
        'patience = 1000\nprecision = "fp32"\nmeasures_per_epoch = 1\nlearning_rate = 1e-3\n'
        '[[data]]\nname = "own"\npath = "own.csv"\ntask = "sentiment"\nlicence = "CC0-1.0"\n',
        encoding="utf-8",
    )
    last = tmp_path / "run" / "state" / "last.pt"
    run = start_run(recipe)
    until = time.monotonic() + 150
    while not last.exists() and run.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    code, said = ended(run)
    assert code == 130, said
    assert "the same command goes on from the last measurement" in said
    stopped = torch.load(last, weights_only=True)["progress"]["step"]
    assert not (tmp_path / "run" / "checkpoint").exists()

    kept = last.read_bytes()
    code, said = ended(start_run(recipe, room=60_000))
    assert code == 1
    assert "is the disk full? What was kept before is whole" in said
    assert "Traceback" not in said
    assert last.read_bytes() == kept
    assert not list(last.parent.glob("*.partial"))

    code, said = ended(start_run(recipe))
    assert code == 0, said
    page, _ = load_checkpoint(tmp_path / "run" / "checkpoint")
    steps = [int(each["step"]) for each in page.history]
    assert stopped in steps[:-1]
    assert steps == sorted(set(steps))
    assert len(steps) == EPOCHS
