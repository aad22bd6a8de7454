"""`newstide label`: what people say the answer is, for the next retraining."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.connect import connection_of, run_on
from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, counted, print_json
from stream.cli.rollback import user_name
from stream.errors import UsageError
from stream.topics import LABELS

if TYPE_CHECKING:
    from models.tasks import TaskName
    from stream.bus import Connection
    from stream.events import Label
    from stream.settings import Settings

    Answers = Callable[[TaskName], Sequence[str]]
    """The answers that there are to a task."""


def label(
    ctx: typer.Context,
    text: Annotated[str | None, typer.Argument(help="The text that is labelled.", show_default=False)] = None,
    *,
    task: Annotated[
        str, typer.Option(metavar="sentiment|topic", help="What the label answers.")
    ] = "sentiment",
    name: Annotated[
        str | None, typer.Option("--label", "-l", metavar="LABEL", help="The right answer.")
    ] = None,
    news_id: Annotated[
        str | None,
        typer.Option("--news-id", metavar="ID", help="The article's id; else one made of its text."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="FILE", help="Many labels: columns text, label; task, news_id, annotator."
        ),
    ] = None,
    annotator: Annotated[str | None, typer.Option(metavar="WHO", help="Who says so; else you.")] = None,
    as_json: Json = False,
) -> None:
    """Say what the right answer is, for one text or for a CSV of them (written to news.labels)."""
    if (table is None) == (text is None) or (text is not None and name is None):
        raise UsageError(
            'label: give either TEXT with --label, as in `newstide label "Profit falls" -l negative`, '
            "or --csv FILE"
        )
    if text is not None and not text.strip():
        raise UsageError(f"label: TEXT is {text!r}: give the words that you label")
    settings = settings_of(ctx)
    who = annotator or user_name()
    answers = _answers_of(settings)
    if table is not None:
        labels = list(_read_file(table, task, who, answers))
    else:
        row = {"text": text, "label": name, "news_id": news_id}
        labels = [_label_of(row, task, who, answers, where="label")]
    connection = connection_of(settings)
    count = run_on(connection, _send(connection, labels))
    if as_json:
        print_json({"sent": count, "topic": LABELS.name})
    else:
        console().print(f"sent {counted(count, 'label')} to {LABELS.name}")


def _answers_of(settings: Settings) -> Answers:
    """What there is to answer. Moods are the same for all releases; for topics the one in force is looked at."""
    from models.tasks import SENTIMENT
    from stream.parts import release_of

    @cache
    def answers(task: TaskName) -> Sequence[str]:
        if task == "sentiment":
            return SENTIMENT
        release = release_of(settings)
        if task not in release.manifest.labels:
            raise UsageError(f"{release.label} has no head for the task {task}: label what it answers")
        return release.manifest.labels[task]

    return answers


def _read_file(path: Path, task: str, annotator: str, answers: Answers) -> Iterator[Label]:
    """Every row of a CSV as a label; the whole file is checked before anything is sent."""
    from models.tables import read_table

    for line, row in read_table(path, ("text", "label")).rows():
        yield _label_of(row, task, annotator, answers, where=f"{path}, line {line}")


def _label_of(
    row: Mapping[str, str | None], task: str, annotator: str, answers: Answers, *, where: str
) -> Label:
    """The label that `row` tells; `answers` are what the release in force may say."""
    from pydantic import ValidationError

    from models.errors import ModelError
    from models.tasks import index_in, task_named
    from stream.events import Label

    text = row.get("text") or ""
    try:
        known = task_named(row.get("task") or task)
    except ModelError as error:
        raise UsageError(f"{where}: {error}") from error
    space = answers(known)
    try:
        answer = space[index_in(space, row.get("label") or "", known)]
        return Label.model_validate(
            {
                "news_id": row.get("news_id") or "text:" + hashlib.sha256(text.encode()).hexdigest()[:32],
                "text": text,
                "task": known,
                "label": answer,
                "annotator": row.get("annotator") or annotator,
                "at": datetime.now(UTC),
            }
        )
    except ModelError as error:
        raise UsageError(f"{where}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{where}: {first['loc'][0]} is {first['input']!r}: {first['msg']}") from error


async def _send(connection: Connection, labels: list[Label]) -> int:
    from stream.bus import Outgoing, open_producer, send_all
    from stream.bus.records import cloud_event, new_event_id

    async with open_producer(connection) as producer:
        return await send_all(
            connection,
            producer,
            (
                Outgoing(
                    LABELS.name,
                    each.news_id.encode(),
                    each.to_json(),
                    cloud_event("newstide.news.label", new_event_id(), each.at),
                )
                for each in labels
            ),
        )
