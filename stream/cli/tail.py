"""`newstide tail`: what goes through a topic, as it comes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from stream import topics
from stream.cli.connect import connection_of, run_on
from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json, print_line
from stream.cli.rejects import reject_of

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from stream.bus import Connection, Record


class Stream(StrEnum):
    """What can be watched."""

    SCORED = "scored"
    STORIES = "stories"
    ALERTS = "alerts"
    REJECTED = "rejected"
    SIGNALS = "signals"
    RAW = "raw"

    @property
    def topic(self) -> str:
        """The topic it goes through."""
        return f"{topics.RAW.name.partition('.')[0]}.{self.value}"


def tail(
    ctx: typer.Context,
    stream: Annotated[Stream, typer.Argument(help="What to watch.", show_default=False)],
    *,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", "-b", help="Begin with the oldest record kept.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Wait for more, or stop at the end as it is now.")
    ] = True,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Stop after so many.")] = None,
    as_json: Json = False,
) -> None:
    """Watch scored news, stories, alerts, rejected records, signals or raw news, live."""
    connection = connection_of(settings_of(ctx))
    show = _json_of(stream) if as_json else _lines_of(stream, console())
    run_on(
        connection,
        _follow(connection, stream, show, from_beginning=from_beginning, follow=follow, limit=limit),
    )


async def _follow(
    connection: Connection,
    stream: Stream,
    show: Callable[[Record], None],
    *,
    from_beginning: bool,
    follow: bool,
    limit: int | None,
) -> None:
    from stream.bus import open_reader

    shown = 0
    opened = open_reader(connection, [stream.topic], from_beginning=from_beginning, follow=follow)
    async with opened as records:
        async for record in records:
            show(record)
            shown += 1
            if shown == limit:
                return


def _json_of(stream: Stream) -> Callable[[Record], None]:
    """Print a record's own JSON, or what is known of one that holds none."""

    def show(record: Record) -> None:
        value = record.value
        if stream is Stream.REJECTED:
            print_json(reject_of(record).to_plain())
        elif value is None:
            print_json({"deleted": (record.key or b"").decode("utf-8", "replace"), "topic": record.topic})
        elif _is_one_line(value):
            print_line(value.decode())
        else:
            print_json({"unreadable": base64.b64encode(value).decode(), "topic": record.topic})

    return show


def _is_one_line(value: bytes) -> bool:
    """Whether `value` is JSON as it can stand on a line of its own."""
    from pydantic_core import from_json

    try:
        from_json(value)
        value.decode()
    except ValueError:
        return False
    return b"\n" not in value and b"\r" not in value


def _lines_of(stream: Stream, out: Console) -> Callable[[Record], None]:
    """Print a record as a person reads it."""
    from pydantic import ValidationError
    from rich.text import Text

    draw = _drawings()[stream]

    def show(record: Record) -> None:
        try:
            drawn = draw(record, out.width)
        except ValidationError:
            what = "deleted" if record.value is None else "not readable"
            drawn = Text(f"{record.topic}/{record.partition}/{record.offset}: {what}", "dim")
        out.print(drawn)

    return show


def _drawings() -> Mapping[Stream, Callable[[Record, int], RenderableType]]:
    """How a record of each stream is drawn, in so many columns; unreadable ones raise ValidationError."""
    from stream import events
    from stream.cli import lines

    def signal(record: Record, width: int) -> RenderableType:
        if record.key == b"control":
            return lines.withdrawal_line(events.Withdrawal.model_validate_json(record.value or b""), width)
        return lines.signal_line(events.Signal.model_validate_json(record.value or b""), width)

    return {
        Stream.RAW: lambda record, width: lines.news_line(
            events.NewsItem.model_validate_json(record.value or b""), width
        ),
        Stream.SCORED: lambda record, width: lines.scored_line(
            events.ScoredNews.model_validate_json(record.value or b""), width
        ),
        Stream.STORIES: lambda record, width: lines.story_line(
            events.Story.model_validate_json(record.value or b""), width
        ),
        Stream.ALERTS: lambda record, width: lines.alert_panel(
            events.Alert.model_validate_json(record.value or b""), width
        ),
        Stream.REJECTED: lambda record, width: lines.reject_line(reject_of(record), width),
        Stream.SIGNALS: signal,
    }
