"""TLS, passwords and rights on a real Apache Kafka: they work, and what is wrong is named."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from copying_worker import Copier, Ear, copying_loop
from secure_kafka import ADMIN, PASSWORD, SecureKafka, secure_kafka

from stream.bench.apache import ApacheKafka, kafka_home
from stream.bus import (
    Connection,
    Outgoing,
    create_topics,
    describe_topics,
    open_producer,
    open_reader,
    send_all,
)
from stream.errors import BrokerRefusedError, BrokerUnavailableError, UsageError
from stream.topics import RAW, SCORED

pytestmark = pytest.mark.kafka

WORKER_RIGHTS: tuple[tuple[str, ...], ...] = (
    (
        *("--operation", "Read", "--operation", "Write", "--operation", "Describe"),
        *("--topic", "news.", "--resource-pattern-type", "prefixed"),
    ),
    (
        *("--operation", "Read", "--operation", "Describe"),
        *("--group", "copy", "--resource-pattern-type", "prefixed"),
    ),
    (
        *("--operation", "Write", "--operation", "Describe"),
        *("--transactional-id", "newstide-", "--resource-pattern-type", "prefixed"),
    ),
)
"""What deploy/SECURITY.md grants a worker, with this test's group."""


def open_sockets() -> list[socket.socket]:
    """Those of this process that speak TCP, whether or not somebody is still at their other end."""
    # By `type`: `isinstance` asks for the `__class__` of stand-ins, such as one of torch, which warns.
    found = [
        each for each in gc.get_objects() if issubclass(type(each), socket.socket) and each.fileno() >= 0
    ]
    return [each for each in found if each.family in (socket.AF_INET, socket.AF_INET6)]


@pytest.fixture(autouse=True)
async def no_socket_stays_open() -> AsyncIterator[None]:
    """Before the loop of a test closes, the connections that the test gave up are closed too.

    aiokafka doesn't wait for that, and TLS waits for the broker's farewell: the loop would close before it, and
    leave a socket to the collector, which warns in whatever test runs then.
    """
    before = weakref.WeakSet(open_sockets())
    yield
    async with asyncio.timeout(20):
        while any(each not in before for each in open_sockets()):
            await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    home = kafka_home()
    if home is None:
        pytest.skip("KAFKA_HOME is not set: set it to the folder of an Apache Kafka to run this test")
    missing = {"worker": None, "nobody": None, "no-topic": 0, "no-group": 1, "no-transaction": 2}
    with secure_kafka(home, tmp_path_factory.mktemp("secure"), missing) as kafka:
        admin = signed_in(kafka, *ADMIN)
        asyncio.run(create_topics(admin, partitions=2, replication_factor=1))
        for number, rights in enumerate(WORKER_RIGHTS):
            lacking = {"nobody", *(name for name, which in missing.items() if which == number)}
            kafka.allow(missing.keys() - lacking, *rights)
        yield kafka


def signed_in(kafka: SecureKafka, user: str, password: str = PASSWORD) -> Connection:
    return Connection(
        bootstrap=kafka.broker.bootstrap,
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username=user,
        sasl_password=password,
        ssl_cafile=str(kafka.ca),
        request_timeout_ms=5_000,
        session_timeout_ms=6_000,
    )


async def copy(connection: Connection, count: int) -> Copier:
    copier, stop = Copier(), asyncio.Event()
    task = asyncio.create_task(copying_loop(connection, copier, Ear()).run(stop))
    async with asyncio.timeout(40):
        while copier.committed < count and not task.done():
            await asyncio.sleep(0.02)
    stop.set()
    await task
    return copier


async def test_a_worker_with_the_written_rights_works(secure: SecureKafka) -> None:
    worker = signed_in(secure, "worker")
    async with open_producer(worker) as producer:
        await send_all(worker, producer, [Outgoing(RAW.name, b"k", b"v")] * 20)
    await copy(worker, 20)
    async with open_reader(worker, [SCORED.name], from_beginning=True, follow=False) as records:
        assert len([record async for record in records]) == 20
    states = await describe_topics(signed_in(secure, *ADMIN))
    assert [state.problem for state in states if state.problem] == []


@pytest.mark.parametrize(
    ("change", "error", "names"),
    [
        ({"sasl_password": "wrong"}, BrokerRefusedError, "kafka.sasl_password"),
        ({"sasl_username": "stranger"}, BrokerRefusedError, "kafka.sasl_username"),
        ({"ssl_cafile": "other"}, BrokerRefusedError, "kafka.ssl_cafile"),
        (
            {"security_protocol": "PLAINTEXT"},
            BrokerRefusedError,
            "kafka.security_protocol",
        ),
        ({"sasl_mechanism": "PLAIN"}, BrokerRefusedError, "kafka.sasl_mechanism"),
        ({"bootstrap": "127.0.0.1:1"}, BrokerUnavailableError, "kafka.bootstrap"),
    ],
)
async def test_each_way_to_fail_to_sign_in_is_named(
    secure: SecureKafka, change: dict[str, Any], error: type[Exception], names: str
) -> None:
    if change.get("ssl_cafile"):
        change = {"ssl_cafile": str(secure.other_ca)}
    connection = replace(signed_in(secure, "worker"), **change)
    with pytest.raises(error, match=names):
        async with open_producer(connection):
            pass


async def test_a_plain_listener_that_is_asked_for_tls_is_named(
    secure: SecureKafka, apache_broker: ApacheKafka
) -> None:
    connection = replace(signed_in(secure, "worker"), bootstrap=apache_broker.bootstrap)
    with pytest.raises(BrokerRefusedError, match="security_protocol"):
        async with open_producer(connection):
            pass


@pytest.mark.parametrize(
    ("user", "names"),
    [
        ("no-topic", "right on a topic"),
        ("no-group", "right on the consumer group"),
        ("no-transaction", "right on the transactional id"),
    ],
)
async def test_each_missing_right_ends_the_loop_and_is_named(
    secure: SecureKafka, user: str, names: str
) -> None:
    with pytest.raises(BrokerRefusedError, match=names):
        await copy(signed_in(secure, user), 1)


async def test_who_may_not_create_topics_is_told_so(secure: SecureKafka) -> None:
    nobody = replace(signed_in(secure, "nobody"), topic_prefix="other.")
    with pytest.raises(BrokerRefusedError, match=r"cluster|could not be created"):
        await create_topics(nobody, partitions=1, replication_factor=1)


async def test_a_certificate_file_that_cannot_be_read_is_named(secure: SecureKafka) -> None:
    connection = replace(signed_in(secure, "worker"), ssl_cafile=str(secure.admin))
    with pytest.raises(UsageError, match=r"kafka\.ssl_cafile"):
        async with open_producer(connection):
            pass


def test_a_password_is_not_shown(secure: SecureKafka) -> None:
    assert "secret" not in repr(signed_in(secure, "worker"))
