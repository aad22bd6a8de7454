"""`newstide train` and `newstide export`: from labelled texts to a release."""

from __future__ import annotations

import json
import re
import tempfile
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.figures import print_impact
from stream.cli.invocation import on_command_line, settings_of
from stream.cli.own import has_few_to_tune_on, plain_own, told_of
from stream.cli.printing import Json, console, print_json, remarks
from stream.errors import UsageError

if TYPE_CHECKING:
    from models.training.config import TrainConfig
    from models.training.own_data import OwnData

_TRAINING = ("torch", "onnx", "tensorboard")


class PrecisionName(StrEnum):
    """As `models.manifest.Precision`, as a choice of the command."""

    int8 = "int8"
    int8_weights = "int8_weights"
    fp32 = "fp32"


def need_training() -> None:
    """Make sure that what trains is installed.

    Raises:
        UsageError: the extra is missing.
    """
    missing = [name for name in _TRAINING if find_spec(name) is None]
    if missing:
        raise UsageError(
            f'needs the extra train ({", ".join(missing)} not installed): pip install "newstide[train]";'
            " README says how from a checkout"
        )


def train(
    ctx: typer.Context,
    *,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Holds NAME/train.csv for each of the usual sets, or the sets of a recipe."
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "--csv",
            metavar="FILE",
            help="Texts of your own: a CSV with text,label and, if it has them, entity, start,end, split.",
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="sentiment|topic|entity|impact",
            help="What the labels of --data answer (default: sentiment).",
        ),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(metavar="YOURS=OURS,...", help="What labels of --data stand for; YOURS= leaves out."),
    ] = None,
    own_topics: Annotated[
        bool,
        typer.Option("--own-topics", help="The labels of --data are the topics, in the place of newstide's."),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop where rows of --data can't be used.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Say what is in --data, and stop.")] = False,
    licence: Annotated[
        str, typer.Option(metavar="NAME", help="The licence of --data, kept in the lineage.")
    ] = "unknown",
    recipe: Annotated[
        Path | None,
        typer.Option("--recipe", "--config", metavar="FILE.toml", help="A whole run: sets and settings."),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="An encoder, an earlier checkpoint, a release (a folder, or one that ships, by name), or"
            " multilingual-e5-small (default: MiniLM).",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where checkpoint and logs go.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the texts.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the order and the first weights.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores to use.")] = None,
    choices: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="FIELD=VALUE",
            help="Another setting of the recipe: fgm=0.5, adapters=lora, augment.drop=0.1, ...",
            show_default=False,
        ),
    ] = None,
    search: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Make N runs with values from the table `search`; goes on."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fine-tune one encoder for all heads, on the usual sets or on texts of your own (extra `train`)."""
    if (recipe is None) == (table is None and data_dir is None) and not (recipe and data_dir and not table):
        raise UsageError(
            "train: give --data FILE, --data-dir DIR or both, or else --recipe FILE.toml,"
            " with --data-dir DIR where its sets lie elsewhere"
        )
    _refuse_idle(ctx, table, task)
    need_training()
    given = {"out": out, "epochs": epochs, "seed": seed, "threads": threads, "start": start}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if start is not None:
        from models.training.encoders import check_start

        check_start(start)
    if table is not None and task == "impact":
        _train_impact(table, changes, check=check, as_json=as_json)
        return
    from models.training.config import TrainConfig
    from models.training.train import run

    # What is wrong with a setting is told before a long file is read.
    chosen = _choices(choices or (), own_topics=own_topics)
    TrainConfig.for_csv(Path(), "sentiment", licence=licence, **changes).changed(chosen)
    own = None
    if table is not None:
        alone = start is None and data_dir is None
        own = told_of(table, task, labels or (), strict=strict, own_topics=own_topics, alone=alone)
    if own is not None and check:
        _tell_of(own, as_json=as_json)
        return
    if recipe is not None:
        config = TrainConfig.from_toml(recipe, data_dir).model_copy(update=changes)
    else:
        config = _config_of(own, data_dir, licence, changes)
    config = config.changed(chosen)
    if search is not None:
        _search(config, search, as_json=as_json)
        return
    try:
        checkpoint = run(config)
    except KeyboardInterrupt:
        remarks().print("stopped: the same command goes on from the last measurement", soft_wrap=True)
        raise
    if as_json:
        told = {"checkpoint": str(checkpoint), "logs": str(config.out / "logs")}
        print_json(told | ({"data": plain_own(own)} if own else {}))
    else:
        console().print(f"checkpoint: {checkpoint}\nnext: newstide export {checkpoint}", soft_wrap=True)


def _refuse_idle(ctx: typer.Context, table: Path | None, task: str | None) -> None:
    """Options that would do nothing are an error: who gave one believes that it does something."""
    idle: tuple[str, ...] = ("task", "labels", "own_topics", "strict", "check", "licence")
    why = "is about --data FILE: give one, or leave it out"
    if table is not None:
        idle, why = (), ""
        if task == "impact":
            idle = ("labels", "own_topics", "strict", "licence", "epochs", "choices", "search", "data_dir")
            why = "means nothing to --task impact: leave it out"
    for name in on_command_line(ctx, *idle):
        flag = {"choices": "with"}.get(name, name.replace("_", "-"))
        raise UsageError(f"train: --{flag} {why}")


def _tell_of(own: OwnData, *, as_json: bool) -> None:
    """What is in the file, for programs; people have been told already."""
    if as_json:
        print_json({"data": plain_own(own)})


def _choices(told: Sequence[str], *, own_topics: bool) -> dict[str, object]:
    """Settings from FIELD=VALUE: a value as TOML writes it, else a plain text."""
    found: dict[str, object] = {}
    for each in told:
        field, equals, value = each.partition("=")
        if not (field and equals):
            raise UsageError(f"--with is {each!r}: give FIELD=VALUE, such as fgm=0.5")
        try:
            found[field] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[field] = value
    if own_topics and "topics" in found:
        raise UsageError("--with topics: --own-topics takes them from the file: leave one out")
    return found


def _config_of(
    own: OwnData | None, data_dir: Path | None, licence: str, changes: dict[str, Any]
) -> TrainConfig:
    """A run over somebody's own texts, over the usual sets in `data_dir`, or over both.

    Beside texts of one's own, the usual sets of the same task are learned from but no longer measured on.
    """
    from models.training.config import TrainConfig
    from models.training.data import standard_sets
    from models.training.own_data import write_parts

    if own is None:
        return TrainConfig.standard(data_dir or Path(), **changes)
    out = Path(changes.get("out", TrainConfig.model_fields["out"].default))
    specs = write_parts(own, out / "data", licence=licence)
    changes = changes | {"topics": own.topics}
    if has_few_to_tune_on(own):
        changes["keep"] = "last"
    if data_dir is None:
        return TrainConfig.for_csv(own.path, "sentiment", licence=licence, data=specs, **changes)
    told = {task for spec in specs for task in spec.reference}
    usual = [
        spec.model_copy(update={"reference": tuple(task for task in spec.reference if task not in told)})
        for spec in standard_sets(data_dir)
        if not (own.topics and "topic" in spec.tasks)
    ]
    return TrainConfig.standard(data_dir, data=(*specs, *usual), **changes)


def _train_impact(table: Path, changes: dict[str, Any], *, check: bool, as_json: bool) -> None:
    """Fit the head for returns and tell what it is worth; or with `check`, only what there is to learn from."""
    from models.training.impact import measure_impact
    from models.training.moves import read_moves, split_by_date

    if check:
        early, late = split_by_date(read_moves(table), table)
        told = {
            "learned": len(early),
            "learned_until": early[-1].at.date(),
            "n": len(late),
            "measured_since": late[0].at.date(),
        }
        if as_json:
            print_json(told)
        else:
            console().print(
                f"{len(early)} news until {early[-1].at:%Y-%m-%d} to learn from,"
                f" {len(late)} from {late[0].at:%Y-%m-%d} on to measure on",
                highlight=False,
            )
        return
    chosen = {name: changes[name] for name in ("start", "out", "seed", "threads") if name in changes}
    report = measure_impact(table, **chosen)
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        print_impact(console(), report)


def _search(config: Any, count: int, *, as_json: bool) -> None:
    """Search for better settings and tell the best ones."""
    from models.training.search import search

    best = search(config, count)
    told = {"checkpoint": str(best.checkpoint), "mean_macro_f1": best.value, "changes": best.changes}
    told |= {"runs": best.runs, "left_early": best.left}
    if as_json:
        print_json(told)
        return
    console().print(f"best of {best.runs} runs, {best.left} of them left early: {best.value:.4f}")
    for name, value in best.changes.items():
        console().print(f"{name} = {json.dumps(value)}", soft_wrap=True)
    console().print(f"checkpoint: {best.checkpoint}", soft_wrap=True)


def _languages_of(told: str) -> tuple[str, ...]:
    found = tuple(word.strip().lower() for word in told.split(","))
    for each in found:
        if not re.fullmatch(r"[a-z]{2,3}", each):
            raise UsageError(f"--languages is {told!r}: give codes of languages such as en,zh")
    return found


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
        Path | None, typer.Option(metavar="DIR", help="A new folder (default: releases/NAME/VERSION).")
    ] = None,
    name: Annotated[str, typer.Option(help="Of the release.")] = "newstide",
    version: Annotated[str | None, typer.Option(help="Of the release (default: today).")] = None,
    languages: Annotated[
        str, typer.Option(metavar="en,zh", help="What it reads; told in its manifest.")
    ] = "en",
    precision: Annotated[
        PrecisionName,
        typer.Option(
            help="int8 is fast, and exact in any batch; int8_weights is as small, slow, and nearly fp32."
        ),
    ] = PrecisionName.int8,
    as_json: Json = False,
) -> None:
    """Export a checkpoint to an ONNX release, checked and measured (extra `train`)."""
    need_training()
    from export.onnx import export_release
    from models.manifest import PLAIN
    from models.training.checkpoint import PAGE

    key = settings_of(ctx).releases.key
    label = version or f"{datetime.now(UTC):%Y.%m.%d}"
    for flag, told in (("--name", name), ("--version", label)):
        if not re.fullmatch(PLAIN, told):
            raise UsageError(
                f"{flag} is {told!r}: give up to 64 letters, digits and . _ + -, a letter or digit first"
            )
    for each in checkpoint:
        if not (each / PAGE).is_file():
            raise UsageError(f"{each} holds no checkpoint: give the folder that `newstide train` printed")
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
            languages=_languages_of(languages),
            precision=precision.value,
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
        console().print(
            f"{release.label}: {release.path}\nnext: newstide promote {release.path}", soft_wrap=True
        )
