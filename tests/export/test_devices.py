"""Two processes train one network as one alone would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import tiny_config  # noqa: E402 - needs torch

from models.training.checkpoint import load_checkpoint  # noqa: E402 - needs torch
from models.training.devices import Crew, crew  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch

pytestmark = pytest.mark.train

RUN = """
import sys
from pathlib import Path
from models.training.config import TrainConfig
from models.training.train import run
run(TrainConfig.model_validate_json(Path(sys.argv[1]).read_text()))
"""


def test_one_process_alone_takes_and_writes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with crew() as alone:
        assert alone == Crew()
        assert alone.writes
        assert alone.share_of([1, 2, 3]) == ([1, 2, 3], 1.0)
        assert alone.agree(0.25) == 0.25
        alone.wait()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8])
def test_shares_of_a_batch_weigh_together_as_much_as_the_whole(count: int) -> None:
    batch = list(range(count))
    shares = [Crew(number, 3).share_of(batch) for number in range(3)]
    taken = [item for items, weight in shares if weight for item in items]
    assert sorted(taken) == batch
    assert all(items for items, _ in shares)
    mean = sum(weight * sum(items) / len(items) for items, weight in shares) / 3
    assert mean == pytest.approx(sum(batch) / count)


def test_two_processes_end_where_one_ends_and_only_the_first_writes(tmp_path: Path) -> None:
    pytest.importorskip("torch.distributed.run", reason="this torch can't train in several processes")
    told = {"epochs": 2, "named": False, "label_smoothing": 0.0, "attention_heads": 2, "widening_bias": False}
    alone = run(tiny_config(tmp_path / "a", **told))
    config = tiny_config(tmp_path / "b", **told)
    (tmp_path / "config.json").write_text(config.model_dump_json())
    (tmp_path / "run.py").write_text(RUN)
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1",
            "--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0",
            str(tmp_path / "run.py"), str(tmp_path / "config.json"),
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    one, network = load_checkpoint(alone)
    two, other = load_checkpoint(config.out / "checkpoint")
    for name, tensor in network.state_dict().items():
        assert torch.allclose(tensor, other.state_dict()[name], atol=5e-3)
    assert two.dev["sentiment"].accuracy == pytest.approx(one.dev["sentiment"].accuracy, abs=0.1)
    assert len(list((config.out / "logs").glob("events.*"))) == 1
