"""The mean of several runs' weights, as one checkpoint.

Runs that began from the same encoder end in the same basin, and the mean of their weights often answers better
than each: Wortsman et al., "Model soups", ICML 2022. It costs no more to serve than one.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from models.errors import ModelError
from models.text import load_tokenizer
from models.training.batches import encode
from models.training.checkpoint import (
    EXAMPLES,
    NETWORK,
    PAGE,
    Checkpoint,
    each_once,
    load_checkpoint,
    load_examples,
)
from models.training.config import TrainConfig
from models.training.network import Network
from models.training.predict import measure_on


def average_checkpoints(folders: Sequence[Path], out: Path) -> Path:
    """Write the mean of the checkpoints in `folders` to `out`, calibrated and measured anew; returns `out`.

    The parts `tune` and `dev` are those beside the first: the runs must have been given the same sets, which are
    split alike for all.

    Raises:
        ModelError: if one is no checkpoint, or they differ in shape, sets, heads or in what they began from.
    """
    pages, networks = zip(*(load_checkpoint(folder) for folder in folders), strict=True)
    first = pages[0]
    for folder, page in zip(folders, pages, strict=True):
        if _kind_of(page) != _kind_of(first):
            raise ModelError(
                f"{folder} differs from {folders[0]} in its shape, its sets, its heads or in what it began from:"
                " average runs alike"
            )
    network = Network(first.shape, dropout=0.0)
    network.load_state_dict(_mean([each.state_dict() for each in networks]))
    network.eval()

    parts = load_examples(folders[0])
    tokenizer = load_tokenizer(folders[0] / "tokenizer.json", first.max_length)
    tune, dev = encode(tokenizer, parts["tune"]), encode(tokenizer, parts["dev"])
    measure = partial(measure_on, references=first.config.references, labels=first.config.labels)
    tuned = measure(network, tune, precision="fp32")
    measured = measure(network, dev, precision="fp32", temperatures=tuned.temperatures)
    page = first.model_copy(
        update={
            "temperatures": {**first.temperatures, **tuned.temperatures},
            "tune": tuned.figures,
            "dev": measured.figures,
            "stages": _stages(pages)[:-1],
            "config": pages[-1].config,
            "inherited": each_once(each for page in pages for each in page.datasets()),
            "mean_of": tuple(seed for page in pages for seed in page.mean_of or (page.config.seed,)),
            "means": tuple(dict.fromkeys(seeds for page in pages for seeds in page.means)),
            "history": [],
            "made_at": datetime.now(UTC),
        }
    )
    out.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), out / NETWORK)
    for name in ("tokenizer.json", EXAMPLES):
        shutil.copyfile(folders[0] / name, out / name)
    (out / PAGE).write_text(page.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return out


def _kind_of(page: Checkpoint) -> tuple[object, ...]:
    """What runs must have in common for their weights to have a mean; sentences of our own are no part of it."""
    sets = {spec.name for spec in page.config.data if page.rows.get(spec.name)}
    return page.shape, sets, page.learned, page.config.topics, page.base, page.parent


def _stages(pages: Sequence[Checkpoint]) -> tuple[TrainConfig, ...]:
    """The runs behind all of them, each once, the last one last."""
    found: list[TrainConfig] = []
    for page in pages:
        found += [config for config in (*page.stages, page.config) if config not in found]
    return (*(config for config in found if config != pages[-1].config), pages[-1].config)


def _mean(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {
        name: torch.stack([state[name] for state in states]).mean(dim=0)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in states[0].items()
    }
