"""Create the topics, and say how they stand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

from stream.bus.connection import Connection, explained, run_whole
from stream.errors import BrokerRefusedError
from stream.topics import TOPICS, Topic, partitions_of


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic as the broker has it, beside what newstide needs. `problem` is None where all is well."""

    topic: Topic
    exists: bool
    partitions: int
    problem: str | None


@asynccontextmanager
async def _admin(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    async with explained(connection):
        options = connection.client_options()
        admin = AIOKafkaAdminClient(**options)
        try:
            await run_whole(admin.start())
            yield admin
        finally:
            await run_whole(admin.close())


async def create_topics(
    connection: Connection,
    *,
    partitions: int,
    replication_factor: int,
    min_insync_replicas: int = 1,
    topics: Sequence[Topic] = TOPICS,
) -> list[str]:
    """Create what is missing, leave what exists; returns the names created.

    Raises:
        BrokerRefusedError: the broker refused a topic; the text says which and why.
        UsageError: `partitions` is out of range.
    """
    wanted = [
        NewTopic(
            name=connection.named(topic.name),
            num_partitions=partitions_of(topic, partitions),
            replication_factor=replication_factor,
            topic_configs=topic.config | {"min.insync.replicas": str(min_insync_replicas)},
        )
        for topic in topics
    ]
    async with _admin(connection) as admin:
        known = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in known]
        if not missing:
            return []
        answer = await admin.create_topics(missing)
    created = []
    # create_topics does not raise: the errors stand in the answer, one for each topic.
    for name, code, *text in answer.topic_errors:
        if code == 0:
            created.append(name.removeprefix(connection.topic_prefix))
        elif for_code(code) is not TopicAlreadyExistsError:
            said = text[0] if text and text[0] else for_code(code).__name__
            raise BrokerRefusedError(f"topic {name} could not be created: {said}")
    return created


async def count_partitions(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """How many partitions each topic has; one that does not exist is left out."""
    async with _admin(connection) as admin:
        return await _counts(admin, connection, names)


async def _counts(admin: AIOKafkaAdminClient, connection: Connection, names: Sequence[str]) -> dict[str, int]:
    known = set(await admin.list_topics())
    present = [connection.named(name) for name in names if connection.named(name) in known]
    details = await admin.describe_topics(present) if present else []
    for each in details:
        if each["error_code"] == TopicAuthorizationFailedError.errno:
            raise TopicAuthorizationFailedError(each["topic"])
    return {each["topic"].removeprefix(connection.topic_prefix): len(each["partitions"]) for each in details}


async def require_topics(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """How many partitions each topic has.

    Raises:
        BrokerRefusedError: one does not exist, or this user may not see it.
        BrokerUnavailableError: no broker answered.
    """
    counts = await count_partitions(connection, names)
    for name in names:
        if name not in counts:
            # A broker does not tell a user without rights whether the topic exists.
            raise BrokerRefusedError(
                f"{connection.bootstrap}: topic {connection.named(name)} does not exist, or there is a missing "
                f"right on a topic: create it with `newstide topics --create`, or grant Read, Write and Describe"
            )
    return counts


async def describe_topics(connection: Connection, topics: Sequence[Topic] = TOPICS) -> list[TopicState]:
    """How each topic stands: whether it exists, its partitions, and what is wrong with it."""
    async with _admin(connection) as admin:
        counts = await _counts(admin, connection, [topic.name for topic in topics])
        policies = await _cleanup_policies(admin, connection, list(counts))
    wide = {counts.get("news.signals"), counts.get("news.baselines")} - {None}
    states = []
    for topic in topics:
        problem = None
        if topic.name not in counts:
            problem = "missing: create it with `newstide topics --create`"
        elif topic.compacted and "compact" not in policies.get(topic.name, "compact"):
            problem = "cleanup.policy must be compact, or its state is lost after the retention time"
        elif topic.name in {"news.signals", "news.baselines"} and len(wide) > 1:
            problem = "news.signals and news.baselines must have the same number of partitions"
        states.append(TopicState(topic, topic.name in counts, counts.get(topic.name, 0), problem))
    return states


async def _cleanup_policies(
    admin: AIOKafkaAdminClient, connection: Connection, names: Sequence[str]
) -> dict[str, str]:
    answers = await admin.describe_configs(
        [
            ConfigResource(ConfigResourceType.TOPIC, connection.named(name), {"cleanup.policy": None})
            for name in names
        ]
    )
    policies = {}
    for answer in answers:
        for _code, _text, _kind, name, entries in answer.resources:
            for entry in entries:
                if entry[0] == "cleanup.policy":
                    policies[name.removeprefix(connection.topic_prefix)] = entry[1] or ""
    return policies
