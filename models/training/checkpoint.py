"""What a training run leaves: network, tokenizer, how it was made, and what to check an export by.

The texts kept beside the network are rows of the training sets: a checkpoint stays where it was made. A release
holds none of them.
"""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import torch
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from models.errors import ModelError
from models.manifest import DataSet
from models.tasks import HeadName
from models.training import contrasted, events, events_chinese, named, named_chinese, posts_chinese, written
from models.training.config import TrainConfig
from models.training.data import Corpus, Example
from models.training.measure import Figures
from models.training.network import Network, Shape

PAGE = "checkpoint.json"
NETWORK = "network.pt"
EXAMPLES = "examples.jsonl"
CALIBRATION = 300
"""Texts of the training part from which an export takes the ranges of activations."""


class Checkpoint(BaseModel):
    """The page `checkpoint.json`.

    Figures are by head, of the fp32 network at its temperatures; `share_powers` is what
    `models.training.prior` gave back of the classes' shares; `rows` counts the texts of each set that were
    trained on; `stages` are the runs before this one, the first one first; `mean_of` are the seeds of the runs of
    whose weights it is the mean, if it is one, and `means` those of the means that it went on from. `parent` is
    the release that the first run went on from.
    `inherited` are the sets that were learned from before this run, or by its teachers, who are `taught_by`.
    `heads` are those that it learned, from labels or from teachers (older pages do not tell: see `learned`).
    """

    model_config = ConfigDict(frozen=True)

    shape: Shape
    max_length: int
    temperatures: dict[HeadName, float]
    share_powers: dict[HeadName, float] = {}
    dev: dict[HeadName, Figures]
    tune: dict[HeadName, Figures]
    history: list[dict[str, float]]
    config: TrainConfig
    examples: dict[str, int]
    rows: dict[str, int]
    base: str
    base_licence: str
    stages: tuple[TrainConfig, ...] = ()
    mean_of: tuple[int, ...] = ()
    means: tuple[tuple[int, ...], ...] = ()
    parent: str | None = None
    inherited: tuple[DataSet, ...] = ()
    taught_by: tuple[str, ...] = ()
    heads: frozenset[HeadName] = frozenset()
    torch: str
    made_at: AwareDatetime

    @property
    def learned(self) -> frozenset[HeadName]:
        """The heads that answer something."""
        return self.heads or self.config.labelled_heads

    def datasets(self) -> tuple[DataSet, ...]:
        """All that was learned from, this run's sets first."""
        ours = [
            DataSet(
                name=spec.name,
                rows=self.rows[spec.name],
                licence=spec.licence,
                origin=spec.origin or spec.name,
                attribution=spec.attribution,
            )
            for spec in self.config.data
            if self.rows.get(spec.name)
        ]
        ours += [
            DataSet(
                name=module.NAME,
                rows=self.rows[module.NAME],
                licence=module.LICENCE,
                origin=f"models/training/{module.__name__.rpartition('.')[2]}.py",
            )
            for module in (
                written,
                events,
                events_chinese,
                posts_chinese,
                named,
                named_chinese,
                contrasted,
            )
            if self.rows.get(module.NAME)
        ]
        return each_once((*ours, *self.inherited))


def each_once(datasets: Iterable[DataSet]) -> tuple[DataSet, ...]:
    """Each set once, with the most of its rows that were used; other terms or another origin make another set."""
    found: dict[tuple[str, ...], DataSet] = {}
    for each in datasets:
        key = (each.name, each.licence, each.origin, each.attribution)
        if key not in found or found[key].rows < each.rows:
            found[key] = each
    return tuple(found.values())


def rows_by_set(examples: tuple[Example, ...]) -> dict[str, int]:
    """How many of `examples` come from each set."""
    return dict(Counter(example.source for example in examples))


def save_checkpoint(
    folder: Path, checkpoint: Checkpoint, network: Network, tokenizer: Path, corpus: Corpus
) -> Path:
    """Writes all that an export needs to `folder` and returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_examples(folder, corpus, seed=checkpoint.config.seed)
    torch.save(network.state_dict(), folder / NETWORK)
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    (folder / PAGE).write_text(checkpoint.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return folder


def load_checkpoint(folder: Path, *, dropout: float = 0.0) -> tuple[Checkpoint, Network]:
    """Reads what `save_checkpoint` wrote; the network is ready to answer.

    Raises:
        ModelError: if `folder` holds no checkpoint.
    """
    checkpoint = load_page(folder)
    try:
        network = Network(checkpoint.shape, dropout=dropout)
        network.load_state_dict(torch.load(folder / NETWORK, weights_only=True))
    except (OSError, RuntimeError) as error:
        raise _no_checkpoint(folder, error) from error
    network.eval()
    return checkpoint, network


def load_page(folder: Path) -> Checkpoint:
    """What `save_checkpoint` wrote but for the network.

    Raises:
        ModelError: if `folder` holds no checkpoint.
    """
    try:
        return Checkpoint.model_validate_json((folder / PAGE).read_bytes())
    except (OSError, ValidationError) as error:
        raise _no_checkpoint(folder, error) from error


def _no_checkpoint(folder: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{folder} holds no checkpoint ({error}): give the folder that `newstide train` printed"
    )


def save_examples(folder: Path, corpus: Corpus, *, seed: int) -> None:
    """Writes `examples.jsonl`: the parts `tune` and `dev`, and of `train` those that calibrate an export."""
    draw = random.Random(seed)  # noqa: S311 - a sample of examples, no secret
    sample = draw.sample(corpus.train, min(CALIBRATION, len(corpus.train)))
    with (folder / EXAMPLES).open("w", encoding="utf-8") as file:
        for part, examples in (("calibration", sample), ("tune", corpus.tune), ("dev", corpus.dev)):
            file.writelines(
                json.dumps({"part": part, **_EXAMPLE.dump_python(example, mode="json")}, ensure_ascii=False)
                + "\n"
                for example in examples
            )


def load_examples(folder: Path) -> dict[str, list[Example]]:
    """The examples beside a checkpoint by part: `calibration`, `tune` and `dev`.

    Raises:
        ModelError: if they are missing or damaged.
    """
    found: dict[str, list[Example]] = {"calibration": [], "tune": [], "dev": []}
    try:
        with (folder / EXAMPLES).open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                found[row.pop("part")].append(_EXAMPLE.validate_python(row))
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"{folder / EXAMPLES} can't be read ({error}): train again") from error
    return found


_EXAMPLE: TypeAdapter[Example] = TypeAdapter(Example)
