"""`newstide silence add|list|end`: of which series nobody wants to hear for a while."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.connect import connection_of, run_on
from stream.cli.desk import LONGEST_NAME, By, Comment, comment_of, read_silences, who_says, write_said
from stream.cli.invocation import settings_of
from stream.cli.moments import parse_duration, parse_time
from stream.cli.printing import Json, console, print_json, remarks, shorten
from stream.errors import UsageError

if TYPE_CHECKING:
    from stream.events import Silence


def add_silence(
    ctx: typer.Context,
    series: Annotated[
        str, typer.Argument(help="Which series, as a glob: 'company:AAPL', 'company:*/topic:legal', '*'.")
    ],
    *,
    lasts: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long: 2h, 30m, 1d, 1h30m.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="Or its end: 2026-03-02T18:00Z.")
    ] = None,
    begins: Annotated[
        str | None, typer.Option("--from", metavar="WHEN", help="Its beginning; else now.")
    ] = None,
    comment: Comment = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Hear nothing of some series for a while; what was told is still told when it ends."""
    now = datetime.now(UTC)
    silence = _silence_of(series, lasts, until, begins, comment, by, now)
    connection = connection_of(settings_of(ctx))
    run_on(connection, write_said(connection, silence))
    if as_json:
        print_json(silence.model_dump(mode="json"))
    else:
        console().print(f"{silence.silence_id}: {_words(silence, now)}", soft_wrap=True)


def list_silences(
    ctx: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that have ended too.")] = False,
    as_json: Json = False,
) -> None:
    """List the silences that hold, or will."""
    connection = connection_of(settings_of(ctx))
    now = datetime.now(UTC)
    silences = [each for each in run_on(connection, read_silences(connection)) if every or each.ends_at > now]
    for each in silences:
        if as_json:
            print_json({**each.model_dump(mode="json"), "state": _state(each, now)})
        else:
            console().print(f"{each.silence_id}  {_words(each, now)}", soft_wrap=True)
    if not silences and not as_json:
        remarks().print("no silence holds")


def end_silence(
    ctx: typer.Context,
    silence_id: Annotated[str, typer.Argument(metavar="ID", help="The silence, as `silence list` shows it.")],
    *,
    as_json: Json = False,
) -> None:
    """End a silence now."""
    connection = connection_of(settings_of(ctx))
    now = datetime.now(UTC)
    known = {each.silence_id: each for each in run_on(connection, read_silences(connection))}
    silence = known.get(silence_id)
    if silence is None:
        raise UsageError(
            f"silence end {silence_id}: there is no such silence: `newstide silence list` shows them"
        )
    if silence.ends_at <= now:
        raise UsageError(
            f"silence end {silence_id}: it ended at {silence.ends_at:%Y-%m-%d %H:%M} UTC already"
        )
    ended = silence.model_copy(update={"starts_at": min(silence.starts_at, now), "ends_at": now})
    run_on(connection, write_said(connection, ended))
    if as_json:
        print_json(ended.model_dump(mode="json"))
    else:
        console().print(f"{silence_id}: {_words(ended, now)}", soft_wrap=True)


def _silence_of(
    series: str,
    lasts: str | None,
    until: str | None,
    begins: str | None,
    comment: str | None,
    by: str | None,
    now: datetime,
) -> Silence:
    from stream.events import MARKET, Silence

    if lasts is not None and until is not None:
        raise UsageError("silence add: --for and --until both say when it ends: give one of them")
    if lasts is None and until is None:
        raise UsageError(
            "silence add: say how long, with --for 2h, or until when, with --until 2026-03-02T18:00Z"
        )
    starts = now if begins is None else parse_time("--from", begins)
    ends = starts + parse_duration(lasts) if lasts is not None else parse_time("--until", until or "")
    if ends <= max(starts, now):
        raise UsageError(
            f"silence add: it would end at {ends.isoformat()}, before it begins: give a later end"
        )
    if not series.strip() or not series.isprintable() or len(series) > LONGEST_NAME:
        raise UsageError(
            f"silence add: {series!r} is no series: give one such as 'company:AAPL' or 'topic:*'"
        )
    if not any(c in series for c in ":*?[") and series.strip() != MARKET:
        raise UsageError(
            f"silence add: {series!r} is no series: did you mean 'company:{series.strip()}' or 'topic:…'?"
        )
    return Silence(
        silence_id=secrets.token_hex(4),
        series=series.strip(),
        starts_at=starts,
        ends_at=ends,
        by=who_says(by),
        comment=comment_of(comment),
    )


def _state(silence: Silence, now: datetime) -> str:
    if silence.ends_at <= now:
        return "ended"
    return "holds" if silence.starts_at <= now else "comes"


def _words(silence: Silence, now: datetime) -> str:
    state = _state(silence, now)
    when = f"until {silence.ends_at:%Y-%m-%d %H:%M} UTC"
    if state == "comes":
        when = f"from {silence.starts_at:%Y-%m-%d %H:%M} {when}"
    elif state == "ended":
        when = f"ended {silence.ends_at:%Y-%m-%d %H:%M} UTC"
    why = f": {shorten(silence.comment, 200)}" if silence.comment else ""
    return f"{silence.series} {when} by {silence.by}{why}"
