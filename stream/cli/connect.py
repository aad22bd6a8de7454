"""From a command to the broker: the connection that the settings mean, and a run of one coroutine on it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from stream.errors import BrokerRefusedError, BrokerUnavailableError

if TYPE_CHECKING:
    from stream.bus import Connection
    from stream.settings import Settings

T = TypeVar("T")


def connection_of(settings: Settings) -> Connection:
    """Where the broker is. The embedded one is looked for where `newstide up` starts it."""
    from stream.connect import connection_of as connect

    return connect(settings)


def run_on(connection: Connection, work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end and return what it returns.

    Raises:
        BrokerUnavailableError: no broker answers; for the embedded one the text says how to start it.
    """
    try:
        return asyncio.run(work)
    except BrokerUnavailableError as error:
        if not connection.embedded:
            raise
        raise BrokerUnavailableError(
            f"the embedded broker does not answer at {connection.bootstrap}: start it with `newstide up`, "
            "or name your own Kafka with --bootstrap HOST:PORT"
        ) from error


async def require_topic(connection: Connection, topic: str) -> None:
    """Make sure that `topic` is there: a broker may create one that is not, with a single partition.

    Raises:
        BrokerRefusedError: it is missing; the text says how to create it.
        BrokerUnavailableError: no broker answers.
    """
    from stream.bus.admin import count_partitions

    if not (await count_partitions(connection, [topic])).get(topic):
        raise BrokerRefusedError(f"topic {topic} does not exist: create it with `newstide topics --create`")
