"""`newstide rollback`: the former release comes back into force, here and in every running scorer."""

from __future__ import annotations

import getpass
import os
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.connect import connection_of, run_on
from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json
from stream.errors import NewstideError, UsageError
from stream.topics import RELEASES

if TYPE_CHECKING:
    from stream.bus import Connection
    from stream.events import ReleaseNote
    from stream.settings import Settings

By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who announces it; else you.")]
StoreOnly = Annotated[
    bool, typer.Option("--store-only", help="Only for scorers that start from now on; needs no broker.")
]


def rollback(
    ctx: typer.Context,
    *,
    to: Annotated[
        str | None, typer.Option("--to", metavar="NAME@VERSION", help="This one; else the former one.")
    ] = None,
    alias: Annotated[
        str | None, typer.Option(help="Of the release, as in releases.languages; else releases.alias.")
    ] = None,
    store_only: StoreOnly = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Bring the former release back into force, here and in every running scorer."""
    from models.aliases import ReleaseRef
    from models.errors import ModelError, UnknownReleaseError
    from stream.bus.admin import require_topics
    from stream.parts import store_of
    from stream.releases import make_note, roll_back

    settings = settings_of(ctx)
    refuse_idle(by, store_only=store_only)
    called = alias_named(settings, alias)
    connection = None if store_only else connection_of(settings)
    try:
        ref = None if to is None else ReleaseRef.parse(to)
    except ModelError as error:
        raise UsageError(f"--to {to}: {error}") from error
    if connection is not None:
        run_on(connection, require_topics(connection, [RELEASES.name]))
    store = store_of(settings)
    before = store.history(called)
    try:
        release = roll_back(store, called, ref)
    except UnknownReleaseError as error:
        if ref is None:
            raise
        raise UsageError(f"--to {to}: {error}") from error
    note = make_note(release, alias=called, action="rollback", by=by or this_user(), at=datetime.now(UTC))
    if connection is not None:
        tell_scorers(connection, note)
    former = before[0].label if before else None
    if as_json:
        print_json({"alias": called, "release": release.label, "former": former, "by": note.by})
    else:
        told = ", as before" if former == release.label else f" instead of {former}" if former else ""
        again = " again" if former != release.label and release.label in {ref.label for ref in before} else ""
        console().print(f"{called} is {release.label}{again}{told}", soft_wrap=True)


def alias_named(settings: Settings, alias: str | None) -> str:
    """The alias that `--alias` names; else that of the settings.

    Raises:
        UsageError: if it can't be one.
    """
    from models.aliases import plain_name
    from models.errors import ModelError

    try:
        return settings.releases.alias if alias is None else plain_name(alias, "--alias")
    except ModelError as error:
        raise UsageError(str(error)) from error


def refuse_idle(by: str | None, *, store_only: bool) -> None:
    """`--by` names who announces, and with `--store-only` nobody does.

    Raises:
        UsageError: if both are given.
    """
    if by is not None and store_only:
        raise UsageError("--by means nothing beside --store-only, which announces nothing: leave one out")


def tell_scorers(connection: Connection, note: ReleaseNote) -> None:
    """Announce `note`. The store is changed already, so a failure says how to tell the scorers later.

    Raises:
        NewstideError: it could not be announced.
    """
    from stream.releases import announce

    try:
        run_on(connection, announce(connection, note))
    except NewstideError as error:
        label = f"{note.name}@{note.version}"
        raise type(error)(
            f"{error}\n{label} is in force for scorers that start from now on, but those that run were not told:"
            f" once the broker answers, run `newstide rollback --alias {note.alias} --to {label}`"
        ) from error


def this_user() -> str:
    """Who runs the command, and where."""
    return f"{user_name()}@{socket.gethostname()}"


def user_name() -> str:
    """The user's name; in a container the number may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "uid-" + str(os.getuid())
