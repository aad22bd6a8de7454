"""`newstide send` and `newstide replay`: news from a file or a pipe to news.raw, at once or by its own times."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from stream.cli.connect import connection_of, require_topic, run_on
from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, counted, print_json, remarks
from stream.cli.texts import STDIN
from stream.errors import UsageError
from stream.topics import RAW

if TYPE_CHECKING:
    from stream.bus import Connection, Outgoing
    from stream.sources.files import BadRow, Format, NewsRow
    from stream.sources.replay import Recording

_TOLD = 5
"""So many rows that can't be read are told one by one; of the others only the number."""

_AHEAD = 2000
"""So many rows are read ahead of those that the broker has acknowledged."""

FormatFlag = Annotated[
    str | None, typer.Option("--format", metavar="jsonl|csv", help="Else by the file's name; stdin: jsonl.")
]
Publisher = Annotated[
    str | None, typer.Option(help="Publisher of CSV rows that name none; else the file's name.")
]
Zone = Annotated[
    str | None,
    typer.Option("--timezone", metavar="ZONE", help="Of CSV times without one, e.g. America/New_York."),
]


def send(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="JSONL or CSV; `-` is stdin.")] = STDIN,
    *,
    format_: FormatFlag = None,
    source: Publisher = None,
    timezone: Zone = None,
    as_json: Json = False,
) -> None:
    """Send news to news.raw, as fast as it is read.

    JSONL lines go byte for byte, broken ones too: SCORE says what is wrong with them.
    """
    connection = connection_of(settings_of(ctx))
    rows = _rows(file, format_, source, timezone)
    sent, skipped = run_on(connection, _send(connection, _as_they_come(rows)))
    _sum_up(sent, skipped, as_json=as_json)


def replay(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Recorded news, JSONL or CSV.", show_default=False)
    ],
    *,
    speed: Annotated[str, typer.Option(metavar="60x|max", help="Seconds of news in a second.")] = "60x",
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="Only so many, the earliest.")
    ] = None,
    begin: Annotated[
        datetime | None, typer.Option("--from", metavar="TIME", help="Leave out what is earlier (UTC).")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", metavar="TIME", help="Leave out this and later (UTC).")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Move all times so that the news ends now.")] = False,
    spread: Annotated[
        bool,
        typer.Option("--spread", help="Over all partitions at any speed: for many scorers, not for WATCH."),
    ] = False,
    format_: FormatFlag = None,
    source: Publisher = None,
    timezone: Zone = None,
    as_json: Json = False,
) -> None:
    """Replay recorded news to news.raw, by its own times.

    From 600x on all of it goes to one partition, so that it reaches WATCH in its order, as it did when it was new.
    """
    from stream.sources.replay import ORDERED_FROM, load_recording, parse_speed, shift_to_now

    connection = connection_of(settings_of(ctx))
    factor = parse_speed(speed)
    recording = load_recording(
        _rows(str(file), format_, source, timezone), start=_in_utc(begin), end=_in_utc(end), limit=limit
    )
    if now:
        recording = shift_to_now(recording, datetime.now(UTC), factor)
    if not as_json:
        remarks().print(f"{counted(len(recording.moments), 'record')} over {recording.lasts} of news")
    for row in recording.bad[:_TOLD]:
        remarks().print(f"left out: {row}", markup=False, style="yellow")
    partition = 0 if factor >= ORDERED_FROM and not spread else None
    sent, _ = run_on(connection, _send(connection, _replayed(recording, factor), partition))
    _sum_up(sent, recording.bad_count, as_json=as_json)


def _rows(
    file: str, format_: str | None, source: str | None, timezone: str | None
) -> Iterator[NewsRow | BadRow]:
    from stream.sources.columns import parse_timezone
    from stream.sources.files import read_news

    origin = _stdin() if file == STDIN else Path(file)
    zone = None if timezone is None else parse_timezone(timezone)
    return read_news(origin, file_format(format_), source=source, timezone=zone)


def file_format(name: str | None) -> Format | None:
    """What `--format` says; None where it says nothing.

    Raises:
        UsageError: if there is no such format.
    """
    formats: dict[str, Format] = {"jsonl": "jsonl", "csv": "csv"}
    if name is not None and name not in formats:
        raise UsageError(f"--format is {name!r}: give jsonl or csv")
    return None if name is None else formats[name]


def _in_utc(time: datetime | None) -> datetime | None:
    """A time without a zone is UTC."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _stdin() -> BinaryIO:
    """Stdin in a file object of its own: Python's would be closed at the end while a thread still reads it."""
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except OSError:
        return sys.stdin.buffer


async def _as_they_come(rows: Iterator[NewsRow | BadRow]) -> AsyncIterator[Sequence[NewsRow | BadRow]]:
    """The rows, those together that are there together.

    They are read in a daemon thread: a slow pipe holds up neither what is being sent nor Ctrl-C.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[NewsRow | BadRow | None] = asyncio.Queue()
    room = threading.Semaphore(_AHEAD)
    failure: list[Exception] = []

    def read() -> None:
        # The loop is closed already where the command was ended before the pipe was.
        with contextlib.suppress(RuntimeError):
            try:
                for row in rows:
                    room.acquire()
                    loop.call_soon_threadsafe(arrived.put_nowait, row)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where the rows are awaited
                failure.append(error)
            loop.call_soon_threadsafe(arrived.put_nowait, None)

    threading.Thread(target=read, name="read", daemon=True).start()
    ended = False
    while not ended:
        batch = [await arrived.get()]
        while len(batch) < _AHEAD and not arrived.empty():
            batch.append(arrived.get_nowait())
        ended = batch[-1] is None
        there = [row for row in batch if row is not None]
        if there:
            yield there
            room.release(len(there))
    for error in failure:
        raise error


async def _replayed(recording: Recording, speed: float) -> AsyncIterator[Sequence[NewsRow | BadRow]]:
    from stream.sources.replay import replay as due

    async for batch in due(recording, speed):
        yield batch


async def _send(
    connection: Connection, batches: AsyncIterator[Sequence[NewsRow | BadRow]], partition: int | None = None
) -> tuple[int, int]:
    """Send every row that could be read; returns how many were, and how many could not be.

    To `partition` where one is given, else where their keys belong.
    """
    from stream.bus import open_producer, send_all
    from stream.sources.files import BadRow

    await require_topic(connection, RAW.name)
    sent = skipped = 0
    async with open_producer(connection) as producer:
        async for batch in batches:
            good = [row for row in batch if not isinstance(row, BadRow)]
            for row in batch:
                if isinstance(row, BadRow):
                    skipped += 1
                    if skipped <= _TOLD:
                        remarks().print(f"left out: {row}", markup=False, style="yellow")
            sent += await send_all(connection, producer, _records(good, partition))
    return sent, skipped


def _records(rows: Iterable[NewsRow], partition: int | None) -> Iterator[Outgoing]:
    from stream.bus import Outgoing
    from stream.bus.records import cloud_event

    for row in rows:
        name = row.key.decode("utf-8", "replace") if row.key is not None else f"line-{row.line}"
        at = row.published_at or datetime.now(UTC)
        headers = cloud_event("newstide.news.item", name, at)
        yield Outgoing(RAW.name, row.key, row.value, headers, partition)


def _sum_up(sent: int, skipped: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"sent": sent, "left_out": skipped, "topic": RAW.name})
    else:
        left_out = f", left out {skipped} that could not be read" if skipped else ""
        console().print(f"sent {sent} to {RAW.name}{left_out}")
