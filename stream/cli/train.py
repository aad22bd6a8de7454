"""`newstide train` and `newstide export`: from labelled texts to a release."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json
from stream.errors import UsageError

_TRAINING = ("torch", "onnx", "tensorboard")


def need_training() -> None:
    """Make sure that what trains is installed.

    Raises:
        UsageError: the extra is missing.
    """
    missing = [name for name in _TRAINING if find_spec(name) is None]
    if missing:
        raise UsageError(
            f'{", ".join(missing)} is missing: needs the extra train: pip install "newstide[train]"'
        )


def train(
    *,
    data_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Holds NAME/train.csv for each of the usual sets.")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="One set of your own: columns text and label."),
    ] = None,
    task: Annotated[str | None, typer.Option(metavar="sentiment|topic", help="What --csv is about.")] = None,
    licence: Annotated[
        str, typer.Option(metavar="NAME", help="The licence of --csv, kept in the lineage.")
    ] = "unknown",
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="A whole run: sets and hyperparameters.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where checkpoint and logs go.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the texts.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the order and the first weights.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores to use.")] = None,
    as_json: Json = False,
) -> None:
    """Fine-tune one encoder for sentiment and topic (extra `train`)."""
    if sum(given is not None for given in (data_dir, table, recipe)) != 1:
        raise UsageError("train: give one of --data-dir DIR, --csv FILE --task TASK, or --recipe FILE.toml")
    need_training()
    from models.tasks import task_named
    from models.training.config import TrainConfig
    from models.training.train import run

    given = {"out": out, "epochs": epochs, "seed": seed, "threads": threads}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if recipe is not None:
        config = TrainConfig.from_toml(recipe).model_copy(update=changes)
    elif table is not None:
        config = TrainConfig.for_csv(table, task_named(task or ""), licence=licence, **changes)
    else:
        assert data_dir is not None  # noqa: S101 - one of the three was given, see above; for the type checker
        config = TrainConfig.standard(data_dir, **changes)
    checkpoint = run(config)
    if as_json:
        print_json({"checkpoint": str(checkpoint), "logs": str(config.out / "logs")})
    else:
        console().print(f"checkpoint: {checkpoint}\nnext: newstide export {checkpoint}", soft_wrap=True)


def export(
    ctx: typer.Context,
    checkpoint: Annotated[
        list[Path],
        typer.Argument(
            metavar="CHECKPOINT...",
            help="What train made; of several, from runs alike, the mean of their weights.",
            show_default=False,
        ),
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A new folder [default: releases/NAME/VERSION].")
    ] = None,
    name: Annotated[str, typer.Option(help="Of the release.")] = "newstide",
    version: Annotated[str | None, typer.Option(help="Of the release [default: today].")] = None,
    as_json: Json = False,
) -> None:
    """Export a checkpoint to an int8 ONNX release, checked and measured (extra `train`)."""
    need_training()
    from export.onnx import export_release

    key = settings_of(ctx).releases.key
    label = version or f"{datetime.now(UTC):%Y.%m.%d}"
    with tempfile.TemporaryDirectory(prefix="newstide-export-") as folder:
        one = checkpoint[0]
        if len(checkpoint) > 1:
            from models.training.soup import average_checkpoints

            one = average_checkpoints(checkpoint, Path(folder) / "mean")
        release = export_release(
            one,
            out or Path("releases", name, label),
            name=name,
            version=label,
            key=key.get_secret_value().encode() if key is not None else None,
        )
    if as_json:
        print_json(
            {
                "release": release.label,
                "path": str(release.path),
                "manifest_sha256": release.manifest_sha256,
                "metrics": release.manifest.metrics,
            }
        )
    else:
        console().print(f"{release.label}: {release.path}", soft_wrap=True)
