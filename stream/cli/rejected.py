"""`newstide rejected list|replay`: what could not be read, and a way back for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.connect import connection_of, run_on
from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json, remarks
from stream.cli.rejects import RejectedRecord, reject_of
from stream.errors import UsageError
from stream.topics import RAW, REJECTED

if TYPE_CHECKING:
    from stream.bus import Connection

Reason = Annotated[
    str | None, typer.Option("--reason", metavar="REASON", help="Only those with this reason, e.g. not_json.")
]
Limit = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many.")]


def list_rejected(
    ctx: typer.Context, *, reason: Reason = None, limit: Limit = None, as_json: Json = False
) -> None:
    """List what is kept in news.rejected."""
    connection = connection_of(settings_of(ctx))
    run_on(connection, _list(connection, _known(reason), limit, as_json=as_json))


def replay_rejected(
    ctx: typer.Context,
    origins: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC/PARTITION/OFFSET]...", help="Which ones, by their origin."),
    ] = None,
    *,
    reason: Reason = None,
    every: Annotated[bool, typer.Option("--all", help="Every one that is kept.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    as_json: Json = False,
) -> None:
    """Send rejected records to news.raw once more, byte for byte, after their cause was mended."""
    if not (origins or reason or every):
        raise UsageError(
            "rejected replay: say which ones, by origin (TOPIC/PARTITION/OFFSET), --reason or --all"
        )
    for origin in origins or ():
        parts = origin.rsplit("/", 2)
        if len(parts) != len(("topic", "partition", "offset")) or not all(map(str.isdecimal, parts[1:])):
            raise UsageError(f"rejected replay: {origin!r} is no origin: write it as news.raw/0/1234")
    connection = connection_of(settings_of(ctx))
    wanted = frozenset(origins or ())
    sent, missing = run_on(connection, _replay(connection, wanted, _known(reason), dry_run=dry_run))
    if as_json:
        print_json({"sent": sent, "dry_run": dry_run, "missing": missing})
    else:
        console().print(f"{'would send' if dry_run else 'sent'} {sent} to {RAW.name}")
    if missing:
        raise UsageError(f"rejected replay: not in {REJECTED.name}: {', '.join(missing)}")


def _known(reason: str | None) -> str | None:
    """`reason`, if there is such a one."""
    from stream.events import RejectReason

    if reason is not None and reason not in {each.value for each in RejectReason}:
        known = ", ".join(each.value for each in RejectReason)
        raise UsageError(f"--reason {reason}: there is no such reason; give one of {known}")
    return reason


async def _kept(connection: Connection, reason: str | None) -> AsyncGenerator[RejectedRecord, None]:
    """What is kept now. A record rejected twice, once after a replay, comes twice."""
    from stream.bus import open_reader

    async with open_reader(connection, [REJECTED.name], from_beginning=True, follow=False) as records:
        async for record in records:
            rejected = reject_of(record)
            if reason is None or rejected.reason == reason:
                yield rejected


async def _list(connection: Connection, reason: str | None, limit: int | None, *, as_json: bool) -> None:
    from stream.cli.lines import reject_line

    counts: Counter[str] = Counter()
    out = console()
    async with aclosing(_kept(connection, reason)) as kept:
        async for rejected in kept:
            counts[rejected.reason] += 1
            if as_json:
                print_json(rejected.to_plain())
            else:
                out.print(reject_line(rejected, out.width))
            if counts.total() == limit:
                break
    if not as_json:
        summary = ", ".join(f"{reason} {count}" for reason, count in counts.most_common())
        remarks().print(f"{counts.total()} rejected" + (f": {summary}" if summary else ""))


async def _replay(
    connection: Connection, origins: frozenset[str], reason: str | None, *, dry_run: bool
) -> tuple[int, list[str]]:
    """Send what is wanted; returns how many, and the origins that are not there."""
    from stream.bus import Outgoing, open_producer, send_all

    chosen = [each async for each in _kept(connection, reason) if not origins or each.origin in origins]
    if chosen and not dry_run:
        async with open_producer(connection) as producer:
            again = (Outgoing(RAW.name, each.key, each.value, each.headers) for each in chosen)
            await send_all(connection, producer, again)
    return len(chosen), sorted(origins - {each.origin for each in chosen})
