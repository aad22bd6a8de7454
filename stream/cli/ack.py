"""`newstide ack`: somebody looks after an alert."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.connect import connection_of, run_on
from stream.cli.desk import By, Comment, comment_of, who_says, write_said
from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json
from stream.errors import UsageError
from stream.topics import ALERTS

if TYPE_CHECKING:
    from stream.bus import Connection

_SHORTEST_PREFIX = 6


def ack(
    ctx: typer.Context,
    alert_id: Annotated[
        str, typer.Argument(metavar="ALERT_ID", help="The alert's id, or enough of its beginning.")
    ],
    *,
    by: By = None,
    comment: Comment = None,
    as_json: Json = False,
) -> None:
    """Say that you look after an alert: no reminders any more, unless it becomes graver."""
    from stream.events import Acknowledgement

    connection = connection_of(settings_of(ctx))
    whole = run_on(connection, _find(connection, alert_id))
    said = Acknowledgement(alert_id=whole, at=datetime.now(UTC), by=who_says(by), comment=comment_of(comment))
    run_on(connection, write_said(connection, said))
    if as_json:
        print_json(said.model_dump(mode="json"))
    else:
        console().print(f"{whole}: acknowledged by {said.by}", soft_wrap=True)


async def _find(connection: Connection, wanted: str) -> str:
    """The whole id of the alert that begins so.

    Raises:
        UsageError: there is none, or more than one.
    """
    from pydantic import ValidationError

    from stream.bus import open_reader
    from stream.events import Alert

    found: dict[str, Alert] = {}
    async with open_reader(connection, [ALERTS.name], from_beginning=True, follow=False) as records:
        async for record in records:
            try:
                alert = Alert.model_validate_json(record.value or b"")
            except ValidationError:
                continue
            if alert.alert_id.startswith(wanted):
                found[alert.alert_id] = alert
    if wanted in found:
        return wanted
    if len(found) == 1 and len(wanted) >= _SHORTEST_PREFIX:
        return next(iter(found))
    if not found:
        raise UsageError(
            f"ack {wanted}: there is no such alert: `newstide tail alerts --json` shows their ids"
        )
    raise UsageError(
        f"ack {wanted}: give more of the id ({_SHORTEST_PREFIX} characters at least); "
        f"it may be {', '.join(sorted(found)[:3])}"
    )
