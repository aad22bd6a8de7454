"""Each choice of a recipe does what it says."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import tiny_config, tiny_network, tiny_texts, tiny_tokenizer  # noqa: E402 - needs torch
from torch import nn  # noqa: E402 - needs the extra

from models.errors import ModelError, WrongSettingError  # noqa: E402 - needs torch
from models.text import load_tokenizer  # noqa: E402 - needs torch
from models.training import batches, loop, precision  # noqa: E402 - needs torch
from models.training.adapters import attach  # noqa: E402 - needs torch
from models.training.adversary import learn_adversarially  # noqa: E402 - needs torch
from models.training.batches import collate  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint  # noqa: E402 - needs torch
from models.training.choices import Adapters, Augment, Prompt  # noqa: E402 - needs torch
from models.training.config import TrainConfig  # noqa: E402 - needs torch
from models.training.encoders import begin  # noqa: E402 - needs torch
from models.training.network import Network  # noqa: E402 - needs torch
from models.training.optimizer import make_optimizer  # noqa: E402 - needs torch
from models.training.predict import forward  # noqa: E402 - needs torch
from models.training.prompt import add_rows, with_prompt  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch

pytestmark = pytest.mark.train


def changed_parts(before: Network, after: Network) -> set[str]:
    """The parts of the network whose weights differ: `words`, `layers.0`, `topic`."""
    found = set()
    old = before.state_dict()
    for name, now in after.state_dict().items():
        if not torch.equal(old[name], now):
            parts = name.split(".")
            found.add(".".join(parts[:2]) if parts[0] == "layers" else parts[0])
    return found


def start_and_end(config: TrainConfig) -> tuple[Network, Network]:
    """The network before and after a run."""
    before = run(
        config.model_copy(update={"out": config.out / "before", "learning_rate": 1e-12, "epochs": 1})
    )
    after = run(config.model_copy(update={"start": before, "out": config.out / "after"}))
    return load_checkpoint(before)[1], load_checkpoint(after)[1]


def test_frozen_layers_and_the_embeddings_below_them_stay_what_they_were(tmp_path: Path) -> None:
    before, after = start_and_end(tiny_config(tmp_path, epochs=1, frozen_layers=1))
    assert changed_parts(before, after) >= {"layers.1", "sentiment", "topic"}
    assert changed_parts(before, after).isdisjoint({"words", "positions", "embedding_norm", "layers.0"})


def test_frozen_words_leave_the_other_embeddings_learning() -> None:
    network = tiny_network()
    make_optimizer(network, tiny_settings(frozen_words=True))
    assert not network.words.weight.requires_grad
    assert network.positions.weight.requires_grad


def test_the_distances_of_an_encoder_freeze_with_its_embeddings_and_learn_as_slowly() -> None:
    network = Network(tiny_network().shape.model_copy(update={"distances": 8}))
    optimizer = make_optimizer(network, tiny_settings(layer_decay=0.5))
    scales = {id(each): group["scale"] for group in optimizer.param_groups for each in group["params"]}
    assert scales[id(network.get_parameter("distances.weight"))] == scales[id(network.words.weight)] == 0.125
    make_optimizer(network, tiny_settings(frozen_layers=1))
    assert not network.get_parameter("distances.weight").requires_grad


def test_more_frozen_layers_than_there_are_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, frozen_layers=9)
    with pytest.raises(WrongSettingError, match="frozen_layers is 9, but the encoder has 2"):
        begin(config)


def tiny_settings(**changes: Any) -> TrainConfig:
    return TrainConfig(data=(), **({"learning_rate": 1e-3} | changes))


def test_every_setting_of_a_recipe_stands_in_its_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    for name in TrainConfig.model_fields:
        assert f"`{name}`" in page or f"[{name}]" in page, name
    for section in (Adapters, Prompt, Augment):
        for name in section.model_fields:
            assert f"`{name}`" in page or name == "kind", name


def test_each_layer_learns_slower_than_the_one_above_it() -> None:
    network = tiny_network()
    optimizer = make_optimizer(network, tiny_settings(layer_decay=0.5))
    scales = {id(p): group["scale"] for group in optimizer.param_groups for p in group["params"]}
    found = {name: scales[id(p)] for name, p in network.named_parameters() if name.endswith("weight")}
    assert found["topic.weight"] == 1.0
    assert found["layers.1.qkv.weight"] == 0.5
    assert found["layers.0.narrow.weight"] == 0.25
    assert found["words.weight"] == found["positions.weight"] == 0.125


def test_by_default_all_learn_at_one_rate_and_only_products_shrink() -> None:
    optimizer = make_optimizer(tiny_network(), tiny_settings())
    assert [(group["scale"], group["weight_decay"]) for group in optimizer.param_groups] == [
        (1.0, 0.05),
        (1.0, 0.0),
    ]


@pytest.mark.parametrize("kind", ["lora", "adalora"])
def test_adapters_become_part_of_the_weights(kind: str) -> None:
    network = tiny_network()
    batch = collate(tiny_texts())
    names = set(network.state_dict())
    adapters = attach(network, Adapters(kind=kind, rank=2), 10)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.1)
    before = forward(network.eval(), batch, "fp32")
    adapters.merge()
    after = forward(network, batch, "fp32")
    assert set(network.state_dict()) == names
    for head in ("sentiment", "topic", "entity", "ner"):
        assert torch.allclose(getattr(before, head), getattr(after, head), atol=1e-4)
    plain = forward(tiny_network().eval(), batch, "fp32")
    assert not torch.allclose(plain.entity, after.entity, atol=1e-2)
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_adapters_reach_the_queries_and_keys_of_the_last_layer() -> None:
    network = tiny_network()
    batch = collate(tiny_texts())
    plain = forward(network.eval(), batch, "fp32")
    attach(network, Adapters(targets=("qkv",)), 10, above=1)
    assert not [name for name, _ in network.named_parameters() if "lora_" in name and "layers.0" in name]
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.5)
    assert not torch.allclose(plain.topic, forward(network.eval(), batch, "fp32").topic, atol=1e-3)


@pytest.mark.parametrize("kind", ["lora", "adalora"])
def test_with_adapters_only_they_and_the_heads_learn_each_at_its_rate(kind: str) -> None:
    config = tiny_settings(adapters={"kind": kind, "learning_rate": 1e-2, "targets": ["qkv", "narrow"]})
    network = tiny_network()
    assert config.adapters
    attach(network, config.adapters, 10)
    optimizer = make_optimizer(network, config)
    rates = {id(p): group["scale"] * 1e-3 for group in optimizer.param_groups for p in group["params"]}
    learned = {name: rates[id(p)] for name, p in network.named_parameters() if id(p) in rates}
    assert {name.split(".")[0] for name in learned} == {"layers", "sentiment", "topic", "entity", "ner"}
    assert all("lora_" in name for name in learned if name.startswith("layers"))
    assert {learned["topic.bias"]} == {1e-3}
    assert all(rate == pytest.approx(1e-2) for name, rate in learned.items() if "lora_" in name)


def test_a_run_with_adapters_ends_in_a_plain_checkpoint_that_has_learned(tmp_path: Path) -> None:
    adapters = Adapters(rank=8, learning_rate=1e-2)
    page, network = load_checkpoint(run(tiny_config(tmp_path, epochs=10, adapters=adapters)))
    assert set(network.state_dict()) == set(tiny_network().state_dict())
    assert page.dev["sentiment"].accuracy > 0.5
    assert page.config.adapters == adapters


def stopped_and_resumed(config: TrainConfig, at: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    original, steps = batches.collate, itertools.count()

    def collate_some(chosen: Any) -> Any:
        if next(steps) == at:
            raise KeyboardInterrupt
        return original(chosen)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "collate", collate_some)
        with pytest.raises(KeyboardInterrupt):
            run(config)
    return run(config)


def test_a_stopped_run_with_every_choice_goes_on_as_if_it_had_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices: dict[str, Any] = {
        "adapters": "adalora",
        "fgm": 0.5,
        "prompt": {"rows": 2},
        "augment": {"drop": 0.1, "swap": 0.1, "names": 0.5, "numbers": 0.5},
        "layer_decay": 0.9,
        "dropout": 0.1,
        "epochs": 3,
    }
    whole = run(tiny_config(tmp_path / "a", **choices))
    again = stopped_and_resumed(tiny_config(tmp_path / "b", **choices), 60, monkeypatch)
    one, other = load_checkpoint(whole)[1].state_dict(), load_checkpoint(again)[1].state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_adalora_takes_ranks_away_until_the_wanted_number_is_left() -> None:
    torch.manual_seed(0)
    network = tiny_network()
    config = tiny_settings(adapters={"kind": "adalora", "rank": 4, "targets": ["qkv"]})
    assert config.adapters
    adapters = attach(network, config.adapters, 30)
    optimizer = make_optimizer(network, config)
    batch = collate(tiny_texts())
    for step in range(1, 31):
        optimizer.zero_grad(set_to_none=True)
        apart = adapters.penalty()
        assert apart is not None
        value = forward(network, batch, "fp32").topic.square().sum() + apart
        torch.autograd.backward(value)
        optimizer.step()
        adapters.after_step(step)
    values = [parameter for name, parameter in network.named_parameters() if "lora_E" in name]
    assert [len(each) for each in values] == [6, 6]
    assert sum(int((each != 0).sum()) for each in values) == 8


def test_the_second_loss_is_asked_where_the_first_one_rises_fastest() -> None:
    torch.manual_seed(1)
    words, out = nn.Embedding(9, 4), nn.Linear(4, 1)
    ids = torch.tensor([[1, 2, 3], [4, 5, 6]])
    rows: list[Any] = []

    def ask() -> Any:
        rows.append(words(ids))
        return torch.tanh(out(rows[-1])).sum()

    plain = learn_adversarially(words, ask, 0.25)
    assert plain.item() == pytest.approx(torch.tanh(out(rows[0])).sum().item())
    push = rows[1] - rows[0]
    assert torch.allclose(push.flatten(1).norm(dim=1), torch.full((2,), 0.25), atol=1e-6)
    slope = torch.autograd.grad(torch.tanh(out(rows[0])).sum(), rows[0])[0].flatten(1)
    along = (push.flatten(1) * slope).sum(dim=1) / (slope.norm(dim=1) * 0.25)
    assert torch.allclose(along, torch.ones(2), atol=1e-5)
    assert out.weight.grad is not None
    given = out.weight.grad.clone()
    out.zero_grad()
    torch.autograd.backward(0.5 * torch.tanh(out(words(ids))).sum())
    torch.autograd.backward(0.5 * torch.tanh(out(words(ids) + push.detach())).sum())
    assert torch.allclose(given, out.weight.grad, atol=1e-6)
    assert not words._forward_hooks


def test_frozen_words_can_be_pushed_too() -> None:
    words = nn.Embedding(9, 4)
    words.requires_grad_(requires_grad=False)
    out = nn.Linear(4, 1)
    learn_adversarially(words, lambda: out(words(torch.tensor([[1, 2]]))).sum(), 1.0)
    assert out.weight.grad is not None
    assert words.weight.grad is None


def test_a_prompt_stands_before_every_text_and_leaves_its_places_as_they_are(tmp_path: Path) -> None:
    config = tiny_config(tmp_path)
    assert config.start
    file, ids = with_prompt(config.start / "tokenizer.json", 3, tmp_path / "out" / "tokenizer.json")
    plain = load_tokenizer(config.start / "tokenizer.json", 24)
    prompted = load_tokenizer(file, 24)
    for text in ("the bank falls", "[PROMPT30] gains", ""):
        before, after = plain.encode(text), prompted.encode(text)
        assert after.ids == [before.ids[0], *ids, *before.ids[1:]]
        assert after.offsets == [(0, 0)] * 4 + before.offsets[1:]
    assert len(set(ids)) == 3
    assert min(ids) >= len(plain.get_vocab())
    assert len(prompted.encode("the bank " * 40).ids) == 24


def test_what_a_tokenizer_pads_with_is_no_part_of_a_prompt(tmp_path: Path) -> None:
    padding = tiny_tokenizer()
    padding.enable_padding(length=20)
    padding.save(str(tmp_path / "padding.json"))
    file, ids = with_prompt(tmp_path / "padding.json", 2, tmp_path / "out.json")
    assert load_tokenizer(file, 24).encode("gold").ids == [2, *ids, tiny_tokenizer().token_to_id("gold"), 3]


def test_a_prompt_over_a_prompt_adds_to_it(tmp_path: Path) -> None:
    config = tiny_config(tmp_path)
    assert config.start
    first, ids = with_prompt(config.start / "tokenizer.json", 2, tmp_path / "one.json")
    second, more = with_prompt(first, 1, tmp_path / "two.json")
    assert load_tokenizer(second, 24).encode("gold").ids[1:4] == [*ids, *more]


def test_new_rows_are_begun_from_words_and_the_others_kept() -> None:
    network = tiny_network()
    size = network.shape.vocabulary
    grown = add_rows(network, [size + 1, size + 2], dropout=0.0, seed=3)
    assert grown.shape.vocabulary == size + 3
    assert torch.equal(grown.words.weight[:size], network.words.weight)
    for number in (1, 2):
        assert (grown.words.weight[size + number] == network.words.weight).all(dim=1).any()
    assert torch.equal(
        grown.state_dict()["layers.1.narrow.weight"], network.state_dict()["layers.1.narrow.weight"]
    )


def test_of_the_words_only_the_prompt_learns(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, epochs=1, frozen_layers=2, prompt={"rows": 2})
    before = load_checkpoint(run(config.model_copy(update={"learning_rate": 1e-12, "out": tmp_path / "a"})))[
        1
    ]
    page, after = load_checkpoint(run(config))
    same = (before.words.weight == after.words.weight).all(dim=1)
    assert same.tolist() == [True] * (page.shape.vocabulary - 2) + [False] * 2
    assert torch.equal(before.state_dict()["layers.0.qkv.weight"], after.state_dict()["layers.0.qkv.weight"])


def test_a_changed_text_is_learned_in_each_epoch_but_never_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[list[str]] = []
    original = batches.shuffled

    def shuffled(texts: Any, *rest: Any) -> Any:
        learned.append([item.example.text for item in texts])
        assert all(item.origin for item in texts)
        return original(texts, *rest)

    monkeypatch.setattr(loop, "shuffled", shuffled)
    run(tiny_config(tmp_path, epochs=2, augment={"drop": 0.3}))
    one, other = learned
    assert len(one) == len(other)
    assert sum(a != b for a, b in zip(one, other, strict=True)) > len(one) / 2


def test_a_processor_without_bfloat16_trains_in_fp32_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda: False)
    with caplog.at_level(logging.WARNING):
        page, _ = load_checkpoint(run(tiny_config(tmp_path, epochs=1, precision="bf16")))
    assert page.config.precision == "fp32"
    assert "precision is bf16, which this processor does not have" in caplog.text


def test_a_processor_that_is_slower_in_bfloat16_trains_in_fp32_and_says_how_much(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda: True)
    seconds = {torch.float32: 1.0, torch.bfloat16: 0.4}
    monkeypatch.setattr(precision, "_seconds", lambda rows, weights: seconds[rows.dtype])
    assert precision.usable("bf16") == "bf16"
    assert not caplog.text
    seconds[torch.bfloat16] = 2.0
    with caplog.at_level(logging.WARNING):
        assert precision.usable("bf16") == "fp32"
    assert "in which this processor has 0.5 times the speed of fp32: training in fp32" in caplog.text


def test_the_gain_of_bfloat16_is_measured() -> None:
    assert 0.0 < precision.bf16_gain() < 1000.0


def test_whether_there_is_bfloat16_goes_by_what_the_processor_computes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for capability, avx, other in (("AVX512", True, False), ("AVX2", False, True), ("DEFAULT", False, True)):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda name=capability: name)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda found=avx: found)
        monkeypatch.setattr(precision, "_mkldnn_has_bf16", lambda found=other: found)
        assert precision.has_bf16() is (capability != "AVX2")
    assert precision.usable("fp32") == "fp32"


def test_sections_can_be_written_short_and_changed_by_a_dot(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('data_dir = "sets"\nadapters = "adalora"\n[augment]\ndrop = 0.1\n', encoding="utf-8")
    config = TrainConfig.from_toml(file)
    assert config.adapters == Adapters(kind="adalora")
    assert config.augment.drop == 0.1
    other = config.changed({"adapters.rank": 4, "prompt.rows": 2, "layer_decay": 0.9})
    assert other.adapters == Adapters(kind="adalora", rank=4)
    assert other.prompt is not None
    assert (other.prompt.rows, other.layer_decay, other.data) == (2, 0.9, config.data)


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ('adapters = "adapter"', r"adapters\.kind is 'adapter'"),
        ("[adapters]\nranks = 3", r"adapters\.ranks is no setting"),
        ('[adapters]\ntargets = ["words"]', r"adapters\.targets\.0 is 'words'"),
        ("[augment]\ndrop = 2", r"augment\.drop is 2"),
        ("[prompt]\nrows = 0", r"prompt\.rows is 0"),
        ("layer_decay = 0", "layer_decay is 0"),
        ("fgm = -1", "fgm is -1"),
        ("[search]\nepochs = {low = 3, high = 2}", r"search\.epochs"),
    ],
)
def test_a_wrong_value_in_a_section_is_named(tmp_path: Path, told: str, fault: str) -> None:
    (tmp_path / "run.toml").write_text(f'data_dir = "sets"\n{told}\n', encoding="utf-8")
    with pytest.raises(ModelError, match=fault):
        TrainConfig.from_toml(tmp_path / "run.toml")


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, saves = torch.save, itertools.count()

    def save(content: Any, path: Path) -> None:
        if next(saves) == 5:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        original(content, path)

    config = tiny_config(tmp_path / "b", epochs=4)
    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", save)
        with pytest.raises(ModelError, match="is the disk full"):
            run(config)
    one = load_checkpoint(run(config))[1].state_dict()
    other = load_checkpoint(run(tiny_config(tmp_path / "a", epochs=4)))[1].state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    "recipe", sorted((Path(__file__).parents[2] / "docs/recipes").glob("*.toml")), ids=lambda path: path.stem
)
def test_each_recipe_in_the_documents_can_be_read(recipe: Path, tmp_path: Path) -> None:
    config = TrainConfig.from_toml(recipe, tmp_path)
    assert all(spec.path.is_relative_to(tmp_path) for spec in config.data)
    assert config.references
