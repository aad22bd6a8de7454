"""`newstide evaluate`: how well a release answers what people labelled, and whether it goes by names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.figures import print_agreement, print_bias, print_impact, print_report
from stream.cli.invocation import on_command_line, settings_of
from stream.cli.printing import Json, console, print_json, remarks
from stream.cli.reference import ReleaseRef, loading, release_named
from stream.errors import UsageError

if TYPE_CHECKING:
    from export.measures import Answered
    from export.report import EvalReport
    from models.release import Release
    from stream.settings import Settings

FIGURES = ("accuracy", "macro_f1", "weighted_f1", "ece")
_PICTURES = ("matplotlib", "sklearn")
_IMPACT = "impact"


def evaluate(
    ctx: typer.Context,
    given: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            help="CSV with text,label; for entity also entity, or start,end; for ner JSON lines"
            " with tokens,tags; for impact a CSV with text, DATE, CHANGE.",
            show_default=False,
        ),
    ] = None,
    *,
    data: Annotated[Path | None, typer.Option("--data", metavar="FILE", help="The same as DATA.")] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="sentiment|topic|entity|ner|impact", help="What to measure."),
    ] = None,
    bias: Annotated[
        bool, typer.Option("--bias", help="Swap names in fixed sentences instead; fails where scores move.")
    ] = False,
    bound: Annotated[
        float | None, typer.Option(min=0, metavar="X", help="How far --bias lets any score move.")
    ] = None,
    among: Annotated[
        str | None,
        typer.Option(metavar="LABEL,LABEL", help="Only texts of these labels, answered with one of these."),
    ] = None,
    release: ReleaseRef = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Ask this release the same, and tell how often both agree."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write scikit-learn's report and pictures (extra `train`)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a release on labelled texts: accuracy, F1, calibration error. Needs no broker."""
    settings = settings_of(ctx)
    _refuse_idle(ctx, task, bias=bias)
    if bias:
        _evaluate_bias(settings, release, bound, as_json=as_json)
        return
    file = given or data
    if file is None or task is None or (given and data):
        raise UsageError("evaluate: give --task TASK and one file, or --bias")
    if out is not None:
        _need_pictures(out)
    if task == _IMPACT:
        _evaluate_impact(file, release, out, as_json=as_json)
        return
    other = _other(settings, against, file)
    chosen = tuple(label.strip() for label in among.split(",")) if among is not None else ()
    report, answered = _measured(settings, release, task, file, chosen)
    beside = None
    if other is not None:
        from export.measures import agreement_of

        beside = agreement_of(answered, _measured(settings, other, task, file, chosen)[1])
    if out is not None:
        from export.pictures import write_pictures

        _tell_written(write_pictures(answered, out))
    if as_json:
        told = _plain(report) | ({"among": list(answered.labels)} if chosen else {})
        print_json(told | ({"against": beside.model_dump()} if beside else {}))
        return
    print_report(console(), report, answered.labels)
    if beside is not None:
        print_agreement(console(), beside)


def _refuse_idle(ctx: typer.Context, task: str | None, *, bias: bool) -> None:
    """Options that would do nothing are an error: who gave one believes that it does something."""
    idle: tuple[str, ...] = ("bound",)
    why = "is of --bias: add --bias, or leave it out"
    if bias:
        idle, why = (
            ("given", "data", "task", "among", "against", "out"),
            "means nothing beside --bias: leave it out",
        )
    elif task == _IMPACT:
        idle, why = (*idle, "among", "against"), "means nothing to --task impact: leave it out"
    for name in on_command_line(ctx, *idle):
        raise UsageError(f"evaluate: {'DATA' if name == 'given' else f'--{name}'} {why}")


def _other(settings: Settings, against: str | None, file: Path) -> Release | None:
    """The release to compare with; one that is nowhere is told of before the other is asked for long."""
    if against is None:
        return None
    if file.exists() and not file.is_file():
        raise UsageError(f"evaluate: DATA is {file}, and --against reads it twice: give a file, not a pipe")
    return release_named(settings, against)


def _measured(
    settings: Settings, release: Release | str | None, task: str, file: Path, among: Sequence[str]
) -> tuple[EvalReport, Answered]:
    from export.chances import FullScorer
    from export.measures import answer_texts
    from export.mentions import answer_sentences
    from export.report import read_labelled
    from export.towards import answer_entities
    from models.errors import ModelError
    from models.release import Release
    from models.tasks import HEADS, TASKS, index_in

    if task not in HEADS:
        raise UsageError(f"task is {task!r}: give one of {', '.join((*HEADS, _IMPACT))}")
    known = next(head for head in HEADS if head == task)
    if among and (known not in TASKS or len(set(among)) < 2):  # noqa: PLR2004 - what is chosen between
        raise UsageError("--among: give two or more labels of sentiment or topic, as in positive,negative")
    for label in among:
        try:
            index_in(HEADS[known], label, known)
        except ModelError as error:
            raise UsageError(f"--among: {error}") from error
    # What is wrong with the file is told before the model is loaded for nothing.
    rows = read_labelled(file) if known in TASKS else None
    found = release if isinstance(release, Release) else release_named(settings, release)
    scorer = FullScorer.load(found, **loading(settings))
    if known == "entity":
        towards = answer_entities(scorer, file)
        return towards.report(), towards.answered
    if known == "ner":
        named = answer_sentences(scorer, file)
        return named.report(), named.answered
    answered = answer_texts(scorer, rows or [], known)
    answered = answered.among(among) if among else answered
    return answered.report(), answered


def _plain(report: EvalReport) -> dict[str, Any]:
    """The report as JSON: the same keys for all tasks, and those of the task behind them."""
    from export.mentions import MentionReport
    from export.towards import EntityReport

    told: dict[str, Any] = {"task": report.task, "n": report.n}
    told |= {name: round(getattr(report, name), 6) for name in FIGURES}
    told["release"] = report.release
    if isinstance(report, EntityReport):
        for part in ("one", "several"):
            each = getattr(report, part)
            told[part] = {"n": each.n, "accuracy": round(each.accuracy, 6)}
        told |= {"not_found": report.not_found, "unread": report.unread}
    if isinstance(report, MentionReport):
        told |= {name: round(getattr(report, name), 6) for name in ("precision", "recall", "f1")}
        told["kinds"] = {
            kind: {name: round(value, 6) for name, value in each.model_dump().items()}
            for kind, each in report.kinds.items()
        }
        told |= {"sentences": report.sentences, "unread": report.unread}
    return told


def _evaluate_bias(settings: Settings, release: str | None, bound: float | None, *, as_json: bool) -> None:
    from export.bias import BOUND, measure_bias
    from stream.parts import load_scorer

    scorer = load_scorer(settings, release_named(settings, release))
    report = measure_bias(scorer, bound=BOUND if bound is None else bound)
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        print_bias(console(), report)
    if not report.passed:
        raise typer.Exit(1)


def _tell_written(paths: Sequence[Path]) -> None:
    for path in paths:
        remarks().print(f"written: {path}", soft_wrap=True)


def _evaluate_impact(file: Path, head: str | None, out: Path | None, *, as_json: bool) -> None:
    """What a head for returns is worth: the one kept in the folder `head`, or one that learns the earlier news."""
    from stream.cli.train import need_training

    need_training()
    from models.training.impact import measure_impact, measure_kept

    report = measure_impact(file) if head is None else measure_kept(file, Path(head))
    if out is not None:
        from export.pictures import write_impact_pictures

        _tell_written(write_impact_pictures(report, out))
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        print_impact(console(), report)


def _need_pictures(out: Path) -> None:
    """Make sure that pictures can be made and written, before anything is measured for them."""
    from importlib.util import find_spec

    missing = [name for name in _PICTURES if find_spec(name) is None]
    if missing:
        raise UsageError(
            f'--out needs the extra train ({", ".join(missing)} not installed): pip install "newstide[train]"'
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out} can't be made ({error.strerror}): give another folder") from error
