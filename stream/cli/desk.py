"""What people say about alerts, from the command to `news.silences` and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.connect import require_topic
from stream.cli.rollback import this_user
from stream.errors import UsageError
from stream.topics import SILENCES

if TYPE_CHECKING:
    from stream.bus import Connection
    from stream.events import Acknowledgement, Silence

By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who says so; else you.")]
Comment = Annotated[str | None, typer.Option("--comment", "-m", metavar="TEXT", help="Why.")]

LONGEST_NAME = 256
_LONGEST_COMMENT = 1000


def who_says(by: str | None) -> str:
    """`by`, or this user.

    Raises:
        UsageError: it is empty or too long.
    """
    who = (by if by is not None else this_user()).strip()
    if not 0 < len(who) <= LONGEST_NAME:
        raise UsageError(f"--by {who!r}: give a name of 1 to {LONGEST_NAME} characters")
    return who


def comment_of(comment: str | None) -> str | None:
    """`comment`, unless it is empty.

    Raises:
        UsageError: it is too long.
    """
    if comment is not None and len(comment) > _LONGEST_COMMENT:
        raise UsageError(f"--comment has {len(comment)} characters: {_LONGEST_COMMENT} are allowed")
    return comment or None


async def read_silences(connection: Connection) -> Sequence[Silence]:
    """Every silence that is kept, in the order of their beginning."""
    from stream.bus import open_reader
    from stream.notify.desk import Desk

    desk = Desk()
    async with open_reader(connection, [SILENCES.name], from_beginning=True, follow=False) as records:
        async for record in records:
            desk.hear((record.key or b"").decode("utf-8", "replace"), record.value)
    return desk.silences


async def write_said(connection: Connection, said: Silence | Acknowledgement) -> None:
    """Write it, and wait until the broker has it."""
    from stream.bus import Outgoing, open_producer, send_all
    from stream.bus.records import cloud_event, new_event_id
    from stream.events import Silence
    from stream.notify.desk import ACK_KEY, SILENCE_KEY

    await require_topic(connection, SILENCES.name)
    if isinstance(said, Silence):
        key, kind = SILENCE_KEY + said.silence_id, "silence"
    else:
        key, kind = ACK_KEY + said.alert_id, "acknowledgement"
    event = cloud_event(f"newstide.news.{kind}", new_event_id(), datetime.now(UTC))
    async with open_producer(connection) as producer:
        await send_all(connection, producer, [Outgoing(SILENCES.name, key.encode(), said.to_json(), event)])
