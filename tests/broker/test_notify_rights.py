"""NOTIFY, silences and acknowledgements on a Kafka with ACLs: with these rights and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alerting import alert, record_of
from monitoring import kept, running, send, settings_for, until, value
from secure_kafka import ADMIN, PASSWORD, SecureKafka, secure_kafka
from sink_server import Reply, SinkServer
from tiny_release import tiny_release

from models.store import ReleaseStore
from stream.bench.apache import kafka_home
from stream.bus import Connection, create_topics
from stream.cli.ack import _find
from stream.cli.desk import read_silences, write_said
from stream.errors import BrokerRefusedError
from stream.events import Acknowledgement
from stream.releases import announce, make_note
from stream.topics import REJECTED, UNDELIVERED

pytestmark = pytest.mark.kafka

NOTIFY, DESK = "newstide-notify", "newstide-desk"
RIGHTS = {
    NOTIFY: [
        "--operation Read --topic news.alerts --topic news.groups --topic news.silences --group newstide-notify",
        "--operation Write --topic news.groups --topic news.undelivered --topic news.silences --topic news.rejected",
        "--operation Write --transactional-id newstide-notify- --resource-pattern-type prefixed",
    ],
    DESK: [
        "--operation Read --topic news.alerts --topic news.silences",
        "--operation Write --topic news.silences",
    ],
}
"""One user that runs `newstide run notify`, one that runs `newstide silence` and `newstide ack`."""


@pytest.fixture(autouse=True)
def _directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this machine is not asked for what lies on loopback."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    home = kafka_home()
    if home is None:
        pytest.skip("KAFKA_HOME is not set: set it to the folder of an Apache Kafka to run this test")
    with secure_kafka(home, tmp_path_factory.mktemp("notify_rights"), RIGHTS) as kafka:
        for user, commands in RIGHTS.items():
            for each in commands:
                kafka.allow([user], *each.split())
        yield kafka


def signed_in(kafka: SecureKafka, user: str, password: str = PASSWORD) -> Connection:
    return Connection(
        bootstrap=kafka.broker.bootstrap,
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username=user,
        sasl_password=password,
        ssl_cafile=str(kafka.ca),
    )


async def test_each_does_its_work_with_its_rights(secure: SecureKafka, tmp_path: Path) -> None:
    admin, notify, desk = signed_in(secure, *ADMIN), signed_in(secure, NOTIFY), signed_in(secure, DESK)
    await create_topics(admin, partitions=2, replication_factor=1)
    one = alert(onset=datetime.now(UTC))
    broken = record_of(one)
    async with SinkServer() as server:
        server.on("/no", Reply(400))
        sinks = [{"type": "webhook", "name": each, "url": server.url(f"/{each}")} for each in ("yes", "no")]
        settings = settings_for(tmp_path, notify, notify__sinks=json.dumps(sinks), notify__wait_seconds=0)
        async with running(settings, notify, ["notify"]) as monitor:
            await send(admin, [record_of(one), type(broken)(broken.topic, b"x", b"{}")])
            await until(lambda: value(monitor, "newstide_notifications_total") == 2)
            alert_id = await _find(desk, one.alert_id[:8])
            await write_said(desk, Acknowledgement(alert_id=alert_id, at=datetime.now(UTC), by="ada"))
    assert await read_silences(desk) == []
    assert len(await kept(admin, UNDELIVERED.name)) == 1
    assert len(await kept(admin, REJECTED.name)) == 1
    with pytest.raises(BrokerRefusedError, match="right on a topic"):
        await send(desk, [record_of(one)])


async def test_a_notifier_that_explains_hears_of_new_models_with_one_right_more(
    secure: SecureKafka, tmp_path: Path
) -> None:
    admin, notify = signed_in(secure, *ADMIN), signed_in(secure, NOTIFY)
    await create_topics(admin, partitions=2, replication_factor=1)
    secure.allow([NOTIFY], "--operation", "Read", "--topic", "models.releases")
    first, second = (tiny_release(tmp_path / each, each, seed=int(each)) for each in ("1", "2"))
    store = ReleaseStore(str(tmp_path / "releases"), cache=tmp_path / "cache")
    store.publish(first)
    store.set_alias("production", "tiny", "1")
    sinks = [{"type": "webhook", "url": "http://127.0.0.1:1"}]
    changes = {"notify__sinks": json.dumps(sinks), "notify__explain": True, "releases__follow": True}
    async with running(settings_for(tmp_path, notify, **changes), notify, ["notify"]) as monitor:
        await until(lambda: value(monitor, "newstide_model_info", {"name": "tiny", "version": "1"}) == 1)
        store.publish(second)
        store.set_alias("production", "tiny", "2")  # as whoever promotes does before it is announced
        at = datetime.now(UTC)
        await announce(admin, make_note(second, alias="production", action="promote", by="ada", at=at))
        await until(lambda: value(monitor, "newstide_model_info", {"name": "tiny", "version": "2"}) == 1)
