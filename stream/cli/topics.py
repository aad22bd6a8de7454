"""`newstide topics`: how the topics stand, and the missing ones created."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.connect import connection_of, run_on
from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json, remarks

if TYPE_CHECKING:
    from stream.bus import Connection, TopicState
    from stream.settings import TopicSettings


def topics(
    ctx: typer.Context,
    *,
    create: Annotated[bool, typer.Option("--create", help="Create what is missing.")] = False,
    partitions: Annotated[
        int | None, typer.Option(metavar="N", help="Partitions of a new topic (topics.partitions).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the topics newstide reads and writes; exit 1 if one is missing or wrong."""
    settings = settings_of(ctx, {"topics.partitions": partitions})
    connection = connection_of(settings)
    created, states = run_on(connection, _stand(connection, settings.topics if create else None))
    if created and not as_json:
        remarks().print(f"created: {', '.join(created)}")
    for state in states if as_json else ():
        print_json(
            {
                "topic": state.topic.name,
                "exists": state.exists,
                "partitions": state.partitions,
                "key": state.topic.key,
                "policy": state.topic.config["cleanup.policy"],
                "created": state.topic.name in created,
                "problem": state.problem,
            }
        )
    if not as_json:
        _print_table(states)
    if any(state.problem for state in states):
        raise typer.Exit(1)


async def _stand(connection: Connection, wanted: TopicSettings | None) -> tuple[list[str], list[TopicState]]:
    """The names created (none without `wanted`), and how every topic stands afterwards."""
    from stream.bus import create_topics, describe_topics

    created: list[str] = []
    if wanted is not None:
        created = await create_topics(
            connection,
            partitions=wanted.partitions,
            replication_factor=wanted.replication_factor,
            min_insync_replicas=wanted.min_insync_replicas,
        )
    return created, await describe_topics(connection)


def _print_table(states: Sequence[TopicState]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in ("topic", "partitions", "keyed by", "kept", "holds"):
        table.add_column(name, no_wrap=name != "holds", justify="right" if name == "partitions" else "left")
    for state in states:
        topic = state.topic
        table.add_row(
            Text(topic.name, "bold" if state.exists else "red"),
            str(state.partitions) if state.exists else "-",
            topic.key,
            "newest" if topic.compacted else f"{topic.retention_days} d",
            Text(_problem_of(state), "red") if state.problem else Text(topic.holds, "dim"),
        )
    console().print(table)
    if not all(state.exists for state in states):
        remarks().print("create what is missing with `newstide topics --create`", style="yellow")


def _problem_of(state: TopicState) -> str:
    return (state.problem or "") if state.exists else "missing"
