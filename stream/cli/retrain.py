"""`newstide retrain`: what people labelled becomes a better release, which comes into force.

Or, with `--profile`, what came lately becomes a newer profile of what is usual (`stream/cli/refresh.py`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.connect import connection_of, run_on
from stream.cli.invocation import settings_of
from stream.cli.outcome import left_out, print_figures, print_outcome
from stream.cli.printing import Json, counted, remarks
from stream.cli.refresh import refresh_profile
from stream.cli.rollback import By, tell_scorers, this_user
from stream.cli.train import need_training
from stream.errors import UsageError
from stream.topics import LABELS, RELEASES

if TYPE_CHECKING:
    from export.gate import GateResult, LabelledText
    from models.release import Release
    from models.tasks import Labels, TaskName
    from stream.bus import Connection
    from stream.labels import Agreement
    from stream.settings import Settings


def retrain(
    ctx: typer.Context,
    *,
    since: Annotated[
        datetime | None, typer.Option(metavar="TIME", help="Only labels, or news, of then or later (UTC).")
    ] = None,
    heldout: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="Texts to compare on, columns text, task, label; else those that ship."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the labels.")] = None,
    lr: Annotated[float | None, typer.Option(min=0.0, help="Learning rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the order of the texts.")] = None,
    min_labels: Annotated[
        int, typer.Option("--min-labels", min=1, metavar="N", help="Do nothing with fewer texts.")
    ] = 1,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the candidate here, a new folder.")
    ] = None,
    by: By = None,
    profile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json", help="Instead of the model, learn anew what is usual, from news.signals."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Learn and compare, but promote and write nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Fine-tune the release in force on news.labels, and promote what comes of it if it is no worse.

    Exit code 0 if it was promoted (with --dry-run: would have been), 1 if it is worse (extra `train`).
    With --profile it refreshes the profile of what is usual and no model, and needs neither labels nor the extra.
    """
    moment = None if since is None else since.replace(tzinfo=since.tzinfo or UTC)
    if profile is not None:
        for_models = {
            "--heldout": heldout,
            "--epochs": epochs,
            "--lr": lr,
            "--seed": seed,
            "--out": out,
            "--by": by,
        }
        _refuse_beside_profile(for_models)
        refresh_profile(settings_of(ctx), profile, moment, dry_run=dry_run, as_json=as_json)
        return
    need_training()
    from stream.parts import release_of

    settings = settings_of(ctx)
    connection = connection_of(settings)
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out}: it already holds something: give a new folder")
    base = release_of(settings)
    spaces = base.manifest.labels
    texts = read_heldout(heldout, spaces)
    read = run_on(connection, _read_labels(connection, moment, spaces))
    labels = read.without({row.text for row in texts})
    if len(labels.texts) < min_labels:
        raise UsageError(_too_few(labels, min_labels, moment))
    with tempfile.TemporaryDirectory(prefix="newstide-retrain-") as folder:
        options = {"epochs": epochs, "lr": lr, "seed": seed}
        given = {name: value for name, value in options.items() if value is not None}
        candidate, gate = _train(settings, base, labels, texts, out or Path(folder) / "candidate", given)
        if not as_json:
            print_figures(base, candidate, gate)
        promoted = None
        if gate.passed and not dry_run:
            promoted = _promote(settings, connection, base, candidate, gate, by)
    print_outcome(base, promoted or candidate, gate, labels, dry_run=dry_run, as_json=as_json)
    if not gate.passed:
        raise typer.Exit(1)


def _refuse_beside_profile(options: Mapping[str, object]) -> None:
    for name, value in options.items():
        if value is not None:
            raise UsageError(
                f"retrain --profile: {name} is for the model: leave it out, or run both one by one"
            )


def read_heldout(path: Path | None, spaces: Labels) -> list[LabelledText]:
    """The texts to compare on; without `path` those that ship, as far as the release has their labels."""
    from export.gate import LabelledText
    from models.errors import ModelError
    from models.tables import read_table
    from models.tasks import HEADS, task_named

    place = path or Path(str(files("models"))) / "zoo" / "heldout.csv"
    rows = []
    for line, row in read_table(place, ("text", "task", "label")).rows():
        try:
            task = task_named(row["task"].strip())
            if path is None and spaces.get(task) != HEADS[task]:
                continue
            _check_row(row, task, spaces)
        except ModelError as error:
            raise UsageError(f"{place}, line {line}: {error}") from error
        rows.append(LabelledText(row["text"], task, row["label"].strip()))
    return rows


def _check_row(row: Mapping[str, str], task: TaskName, spaces: Labels) -> None:
    """Make sure that releases can be compared on a row.

    Raises:
        ModelError: if it has no text, or a label that the release does not know.
    """
    from models.errors import ModelError
    from models.tasks import index_in

    if task not in spaces:
        raise ModelError(f"task {task}: the release has no head for it: leave the row out")
    if not row["text"].strip():
        raise ModelError("text is empty: give one, or leave the row out")
    index_in(spaces[task], row["label"].strip(), task)


async def _read_labels(connection: Connection, since: datetime | None, spaces: Labels) -> Agreement:
    from stream.bus.admin import require_topics
    from stream.labels import read_labels

    # Asked for before anything is trained.
    await require_topics(connection, [LABELS.name, RELEASES.name])
    return await read_labels(connection, since=since, spaces=spaces)


def _too_few(labels: Agreement, wanted: int, since: datetime | None) -> str:
    found = len(labels.texts)
    when = f" since {since:%Y-%m-%d %H:%M}" if since is not None else ""
    texts = counted(found, "labelled text") if found else "no labels"
    less = left_out(labels)
    return (
        f"retrain: {LABELS.name} holds {texts}{when}{f' ({less})' if less else ''}, and {wanted} "
        f"{'is' if wanted == 1 else 'are'} needed (--min-labels): say what is right with "
        '`newstide label "Bank halts withdrawals" --label negative`, or with `newstide label --csv FILE`'
    )


def _train(
    settings: Settings,
    base: Release,
    labels: Agreement,
    heldout: Sequence[LabelledText],
    out: Path,
    options: dict[str, Any],
) -> tuple[Release, GateResult]:
    """The candidate, and how it and `base`, the release in force, compare."""
    from export.gate import LabelledText
    from export.retrain import retrain as fine_tune
    from stream.parts import store_of
    from stream.releases import next_version

    name = base.manifest.name
    taken = [ref.version for ref in store_of(settings).list() if ref.name == name]
    version = next_version(base.manifest.version, taken)
    remarks().print(
        f"{name}@{version}: fine-tuning {base.label} on {counted(len(labels.texts), 'text')}", soft_wrap=True
    )
    rows = [LabelledText(*each) for each in labels.texts]
    return fine_tune(base, rows, heldout, out, version=version, **options)


def _promote(
    settings: Settings,
    connection: Connection,
    base: Release,
    candidate: Release,
    gate: GateResult,
    by: str | None,
) -> Release:
    from stream.parts import key_of, store_of
    from stream.releases import make_note, promote

    alias, who = settings.releases.alias, by or this_user()
    release = promote(store_of(settings), alias, candidate, base=base, key=key_of(settings))
    now = datetime.now(UTC)
    tell_scorers(
        connection,
        make_note(release, alias=alias, action="promote", by=who, at=now, gate=gate.figures),
    )
    return release
