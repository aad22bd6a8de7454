"""`newstide undelivered list|replay`: notifications that a sink did not take, and a way to send them once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.connect import connection_of, run_on
from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, counted, print_json, remarks
from stream.errors import UsageError
from stream.topics import UNDELIVERED

if TYPE_CHECKING:
    from stream.bus import Connection
    from stream.events import Undelivered
    from stream.settings import Settings
    from stream.sinks import Sink

SinkName = Annotated[str | None, typer.Option("--sink", metavar="NAME", help="Only those for this sink.")]
Limit = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many.")]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record of `news.undelivered`; `place` is the name by which it is picked."""

    place: str
    letter: Undelivered

    def to_plain(self) -> Mapping[str, object]:
        """For JSON."""
        return {"place": self.place, **self.letter.model_dump(mode="json")}


def list_undelivered(
    ctx: typer.Context, *, sink: SinkName = None, limit: Limit = None, as_json: Json = False
) -> None:
    """List what is kept in news.undelivered."""
    connection = connection_of(settings_of(ctx))
    run_on(connection, _list(connection, sink, limit, as_json=as_json))


def replay_undelivered(
    ctx: typer.Context,
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PARTITION/OFFSET]...", help="Which ones, as `undelivered list` shows them."),
    ] = None,
    *,
    sink: SinkName = None,
    every: Annotated[bool, typer.Option("--all", help="Every one that is kept.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    as_json: Json = False,
) -> None:
    """Send notifications to their sinks once more, as they were and under their keys, after the cause was mended.

    Each is tried once. Exit code 0 if all were taken, 1 if not.
    """
    if not (places or sink or every):
        raise UsageError("undelivered replay: say which ones, by place (PARTITION/OFFSET), --sink or --all")
    for place in places or ():
        if [part.isdecimal() for part in place.split("/")] != [True, True]:
            raise UsageError(f"undelivered replay: {place!r} is no place: write it as 0/1234")
    settings = settings_of(ctx)
    connection = connection_of(settings)
    wanted = frozenset(places or ())
    letters = run_on(connection, _chosen(connection, wanted, sink))
    failed = [] if dry_run else run_on(connection, _send(settings, letters))
    missing = sorted(wanted - {each.place for each in letters})
    sent = len(letters) - len(failed)
    if as_json:
        print_json({"sent": sent, "dry_run": dry_run, "failed": failed, "missing": missing})
    else:
        console().print(
            f"{'would send' if dry_run else 'sent'} {sent} of {counted(len(letters), 'notification')}"
        )
    for place in failed if not as_json else ():
        remarks().print(f"not taken: {place}", soft_wrap=True, markup=False)
    if missing:
        raise UsageError(f"undelivered replay: not in {UNDELIVERED.name}: {', '.join(missing)}")
    if failed:
        raise typer.Exit(1)


async def _kept(connection: Connection, sink: str | None) -> AsyncGenerator[DeadLetter, None]:
    """What is kept now; a record that is no notification is told of and passed over."""
    from pydantic import ValidationError

    from stream.bus import open_reader
    from stream.events import Undelivered

    async with open_reader(connection, [UNDELIVERED.name], from_beginning=True, follow=False) as records:
        async for record in records:
            place = f"{record.partition}/{record.offset}"
            try:
                letter = Undelivered.model_validate_json(record.value or b"")
            except ValidationError:
                remarks().print(f"{UNDELIVERED.name} {place} is no notification: passed over", soft_wrap=True)
                continue
            if sink is None or letter.sink == sink:
                yield DeadLetter(place, letter)


async def _list(connection: Connection, sink: str | None, limit: int | None, *, as_json: bool) -> None:
    from stream.cli.lines import undelivered_line

    counts: Counter[str] = Counter()
    out = console()
    async with aclosing(_kept(connection, sink)) as kept:
        async for each in kept:
            counts[each.letter.sink] += 1
            if as_json:
                print_json(each.to_plain())
            else:
                out.print(undelivered_line(each.place, each.letter, out.width))
            if counts.total() == limit:
                break
    if not as_json:
        summary = ", ".join(f"{name} {count}" for name, count in counts.most_common())
        remarks().print(f"{counts.total()} undelivered" + (f": {summary}" if summary else ""))


async def _chosen(connection: Connection, places: frozenset[str], sink: str | None) -> Sequence[DeadLetter]:
    return [each async for each in _kept(connection, sink) if not places or each.place in places]


async def _send(settings: Settings, letters: Sequence[DeadLetter]) -> list[str]:
    """Try each once, one after the other in the order in which they were said; where and why some failed.

    Raises:
        UsageError: the settings have no such sink; nothing was sent.
    """
    from stream.sinks import Poster

    known = _sinks(settings, letters)
    poster = Poster(lambda: datetime.now(UTC), settings.notify.timeout_seconds)
    failed = []
    try:
        for each in letters:
            request = known[each.letter.sink].request(each.letter.notification, datetime.now(UTC))
            answer = await poster.post(request)
            if answer.verdict != "taken":
                failed.append(f"{each.place} by {each.letter.sink}: {answer.detail}")
    finally:
        await poster.close()
    return failed


def _sinks(settings: Settings, letters: Sequence[DeadLetter]) -> Mapping[str, Sink]:
    from stream.parts import sinks_of

    known = {sink.name: sink for sink, _ in sinks_of(settings)}
    for each in letters:
        if each.letter.sink not in known:
            there = ", ".join(known) or "none"
            raise UsageError(
                f"undelivered replay: {each.place} is for the sink {each.letter.sink!r}, and notify.sinks has "
                f"{there}: add one of that name, or leave it out with --sink"
            )
    return known
