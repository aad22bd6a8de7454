"""What all tests share: an embedded broker for each test, and one Apache Kafka for all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.bench.apache import ApacheKafka, kafka_home
from stream.broker import EmbeddedBroker
from stream.bus import Connection

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
