"""Attention heads that look at the same tokens become one."""

from __future__ import annotations

from itertools import combinations, permutations
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tiny_training import tiny_answers, tiny_config, tiny_network, tiny_texts  # noqa: E402 - needs torch

from models.errors import WrongSettingError  # noqa: E402 - needs torch
from models.training.checkpoint import load_checkpoint  # noqa: E402 - needs torch
from models.training.joined_heads import alike, join_heads  # noqa: E402 - needs torch
from models.training.network import Network, Shape  # noqa: E402 - needs torch
from models.training.train import run  # noqa: E402 - needs torch

pytestmark = pytest.mark.train

PER_HEAD = 8


def with_twins() -> Network:
    """A network of four heads, of which 0 and 2, and 1 and 3, look at the same tokens; they give other values."""
    network = tiny_network()
    with torch.no_grad():
        for number in range(2):
            for part in ("weight", "bias"):
                queries, keys, _ = network.get_parameter(f"layers.{number}.qkv.{part}").chunk(3)
                queries *= 6.0  # drawn weights alone look nowhere
                for asked in (queries, keys):
                    asked[2 * PER_HEAD : 4 * PER_HEAD] = asked[: 2 * PER_HEAD]
    return network.eval()


def test_heads_that_look_at_the_same_are_joined_and_give_what_they_gave_looking_more_sharply() -> None:
    network = with_twins()
    joined = join_heads(network, 2, tiny_texts(), dropout=0.0)
    assert joined.shape.attention_heads == 2
    assert [layer.heads for layer in joined.layers] == [2, 2]
    changed = max(
        float((a - b).abs().max()) for a, b in zip(tiny_answers(network), tiny_answers(joined), strict=True)
    )
    with torch.no_grad():
        for number in range(2):
            for part in ("weight", "bias"):
                network.get_parameter(f"layers.{number}.qkv.{part}")[: 4 * PER_HEAD] *= 2**0.5
    for before, after in zip(tiny_answers(network), tiny_answers(joined), strict=True):
        assert torch.allclose(before, after, atol=1e-5)
    assert changed > 1e-3, "the sharper look is seen in what is answered"


def test_all_heads_can_become_one_and_no_weight_goes() -> None:
    network = tiny_network()
    one = join_heads(network, 1, tiny_texts(), dropout=0.0)
    for name, values in network.state_dict().items():
        joined = one.state_dict()[name]
        assert torch.equal(joined.flatten().sort().values, values.flatten().sort().values), name
    assert join_heads(network, 4, tiny_texts(), dropout=0.0) is network


def test_groups_are_the_nearest_there_are_where_taking_the_nearest_pair_first_would_be_worse() -> None:
    places = torch.tensor([0.0, 1.0, 1.1, 2.1])
    assert sorted(map(sorted, alike((places[:, None] - places).square(), 2))) == [[0, 1], [2, 3]]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("size", [2, 3])
def test_no_two_heads_would_be_better_off_in_each_others_group(seed: int, size: int) -> None:
    torch.manual_seed(seed)
    points = torch.randn(6, 3)
    apart = (points[:, None] - points).square().sum(dim=2)

    def spread(groups: list[list[int]]) -> float:
        return sum(float(apart[a, b]) for group in groups for a, b in combinations(group, 2))

    found = alike(apart, size)
    assert sorted(head for group in found for head in group) == list(range(6))
    assert {len(group) for group in found} == {size}
    for here, there in permutations(range(6), 2):
        moved = [[there if h == here else here if h == there else h for h in group] for group in found]
        assert spread(moved) >= spread(found) - 1e-4


@pytest.mark.parametrize("heads", [3, 5, 8])
def test_heads_that_can_not_be_joined_into_so_many_are_refused(heads: int) -> None:
    said = f"attention_heads is {heads}, but the layers have 4, which are joined into 2, 1: give one of these"
    with pytest.raises(WrongSettingError, match=said):
        join_heads(tiny_network(), heads, tiny_texts(), dropout=0.0)
    one = join_heads(tiny_network(), 1, tiny_texts(), dropout=0.0)
    with pytest.raises(WrongSettingError, match=f"attention_heads is {heads}, but the layers have 1, only:"):
        join_heads(one, heads, tiny_texts(), dropout=0.0)


def test_heads_that_mind_distances_are_not_joined() -> None:
    shape = tiny_network().shape.model_dump() | {"distances": 8}
    with pytest.raises(WrongSettingError, match="attention_heads is 2, but in this encoder each head minds"):
        join_heads(Network(Shape(**shape)), 2, tiny_texts(), dropout=0.0)


def test_a_run_ends_with_as_many_heads_as_it_was_told_and_goes_on_so(tmp_path: Path) -> None:
    first = run(tiny_config(tmp_path, out=tmp_path / "first", attention_heads=2, inner=48, epochs=1))
    page, network = load_checkpoint(first)
    assert (page.shape.attention_heads, page.shape.inner) == (2, 48)
    assert network.shape == page.shape
    second = run(tiny_config(tmp_path, out=tmp_path / "second", start=first, attention_heads=2, epochs=1))
    assert load_checkpoint(second)[0].shape == page.shape
