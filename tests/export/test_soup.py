from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import tiny_config  # noqa: E402 - needs torch

from export.onnx import export_release  # noqa: E402 - needs torch
from models.errors import ModelError  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint, load_examples  # noqa: E402 - needs torch
from models.training.soup import average_checkpoints  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    return [run(tiny_config(folder, out=folder / str(seed), seed=seed, epochs=1)) for seed in (1, 2)]


def test_the_mean_of_two_runs_is_a_checkpoint_that_names_both(runs: list[Path], tmp_path: Path) -> None:
    page, network = load_checkpoint(average_checkpoints(runs, tmp_path / "mean"))
    states = [load_checkpoint(folder)[1].state_dict() for folder in runs]
    for name, tensor in network.state_dict().items():
        assert torch.allclose(tensor, (states[0][name] + states[1][name]) / 2, atol=1e-6)
    assert [config.seed for config in (*page.stages, page.config)] == [1, 2]
    assert page.mean_of == (1, 2)
    assert page.dev["sentiment"].n > 0
    assert load_examples(tmp_path / "mean")["dev"]


def test_a_release_of_a_mean_says_so(runs: list[Path], tmp_path: Path) -> None:
    mean = average_checkpoints(runs, tmp_path / "mean")
    lineage = export_release(mean, tmp_path / "release", name="mean", version="1.0.0").manifest.lineage
    assert lineage.seeds == (1, 2)
    assert lineage.recipe["weights"] == "the mean of the runs with the seeds 1, 2"


def test_a_release_says_which_mean_its_runs_went_on_from(runs: list[Path], tmp_path: Path) -> None:
    mean = average_checkpoints(runs, tmp_path / "mean")
    config = tiny_config(tmp_path, start=mean, epochs=1)
    further = [run(config.model_copy(update={"out": tmp_path / str(seed), "seed": seed})) for seed in (3, 4)]
    lineage = export_release(
        average_checkpoints(further, tmp_path / "again"), tmp_path / "release", name="again", version="1.0.0"
    ).manifest.lineage
    assert lineage.recipe["went_on_from"] == ["the mean of the runs with the seeds 1, 2"]
    assert lineage.recipe["weights"] == "the mean of the runs with the seeds 3, 4"


def test_the_mean_of_runs_from_a_release_keeps_its_temperatures(runs: list[Path], tmp_path: Path) -> None:
    release = export_release(runs[0], tmp_path / "release", name="first", version="1.0.0")
    config = tiny_config(tmp_path, start=release.path, epochs=1, written=False)
    moods = config.model_copy(update={"data": config.data[:1]})
    kept = [run(moods.model_copy(update={"out": tmp_path / str(seed), "seed": seed})) for seed in (1, 2)]
    page, _ = load_checkpoint(average_checkpoints(kept, tmp_path / "mean"))
    assert page.learned == set(release.manifest.heads)
    assert page.temperatures["topic"] == release.manifest.heads["topic"].temperature
    off = run(moods.model_copy(update={"out": tmp_path / "off", "keep_answers": False}))
    with pytest.raises(ModelError, match="its heads"):
        average_checkpoints([kept[0], off], tmp_path / "mixed")


def test_runs_over_other_sets_are_not_averaged(runs: list[Path], tmp_path: Path) -> None:
    config = tiny_config(tmp_path, epochs=1)
    fewer = run(config.model_copy(update={"data": config.data[:-1], "out": tmp_path / "fewer"}))
    with pytest.raises(ModelError, match="differs"):
        average_checkpoints([runs[0], fewer], tmp_path / "mean")
    # Sentences of our own are only learned from: what is measured is the same.
    other = run(config.model_copy(update={"written": not config.written, "out": tmp_path / "other"}))
    assert {*load_checkpoint(runs[0])[0].rows} != {*load_checkpoint(other)[0].rows}
    average_checkpoints([runs[0], other], tmp_path / "mean")


def test_what_is_no_checkpoint_is_named(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nothing-here"):
        average_checkpoints([runs[0], tmp_path / "nothing-here"], tmp_path / "mean")
