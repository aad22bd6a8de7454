"""What all tests share: an embedded broker for each test, and one Apache Kafka for all."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Command
from counting import not_counted

from stream.bench.apache import ApacheKafka, kafka_home
from stream.broker import EmbeddedBroker
from stream.bus import Connection, create_topics

_numbers = itertools.count(1)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Connection]:
    """A fresh embedded broker."""
    with EmbeddedBroker(tmp_path / "broker") as address:
        yield Connection(
            bootstrap=str(address), session_timeout_ms=300_000, group_instance_id="test", embedded=True
        )


@pytest.fixture(scope="session")
def apache_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """One Apache Kafka for the whole run."""
    home = kafka_home()
    if home is None:
        pytest.skip("KAFKA_HOME is not set: set it to the folder of an Apache Kafka to run this test")
    with ApacheKafka(home, tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture
def apache(apache_broker: ApacheKafka) -> Connection:
    """Apache Kafka with topics of this test's own, by their prefix."""
    return Connection(
        bootstrap=apache_broker.bootstrap, session_timeout_ms=6_000, topic_prefix=f"t{next(_numbers)}."
    )


@pytest.fixture
def newstide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, in a folder of its own."""
    return Command(tmp_path, monkeypatch, capsys)


@pytest.fixture
def partitions() -> int:
    """How many partitions the topics of `on_broker` have."""
    return 2


@pytest.fixture
def on_broker(newstide: Command, embedded: Connection, partitions: int) -> Command:
    """The command, told of a fresh broker with all topics."""
    newstide.flags = ("--bootstrap", embedded.bootstrap)
    asyncio.run(create_topics(embedded, partitions=partitions, replication_factor=1))
    return newstide


@pytest.fixture
def uncounted() -> Iterator[None]:
    """For a long simulation of what shorter tests cover: counting its lines would take three times as long."""
    with not_counted():
        yield
