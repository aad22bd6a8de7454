"""Runs the commands that deploy/SECURITY.md gives, and lets each role work with these rights and no others."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Command
from secure_kafka import ADMIN, PASSWORD, SecureKafka, secure_kafka

from stream.bench.apache import kafka_home
from stream.bench.workers import Worker
from stream.bus import Connection, open_producer, open_reader, send_all
from stream.bus.records import Outgoing
from stream.errors import BrokerRefusedError
from stream.events import ReleaseNote
from stream.labels import read_labels
from stream.releases import announce
from stream.topics import BASELINES, LABELS, RELEASES

pytestmark = pytest.mark.kafka

PAGE = Path(__file__).parents[2] / "deploy" / "SECURITY.md"
NEWS = [
    {
        "id": f"n{number}",
        "source": "A",
        "published_at": "2026-03-02T14:30:00Z",
        "headline": f"Bank {number} halts withdrawals",
    }
    for number in range(6)
]


def written_commands() -> list[tuple[str, list[str]]]:
    """Each `kafka-acls.sh` command of the page: the user it is for, and its words."""
    text = PAGE.read_text(encoding="utf-8").replace("\\\n", " ")
    found = [
        shlex.split(line)[1:]
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
        if line.startswith("kafka-acls.sh ")
    ]
    return [(words[words.index("--allow-principal") + 1].removeprefix("User:"), words) for words in found]


USERS = sorted({user for user, _ in written_commands()})


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    home = kafka_home()
    if home is None:
        pytest.skip("KAFKA_HOME is not set: set it to the folder of an Apache Kafka to run this test")
    folder = tmp_path_factory.mktemp("rights")
    with secure_kafka(home, folder, USERS) as kafka, ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda each: kafka.allow([each[0]], *rights_in(each[1])), written_commands()))
        yield kafka


def rights_in(words: list[str]) -> list[str]:
    """The command's words without those that `SecureKafka.allow` adds itself."""
    at = words.index("--allow-principal")
    return [word for word in [*words[:at], *words[at + 2 :]] if word != "--add"]


def settings_of(kafka: SecureKafka, user: str) -> dict[str, str]:
    return {
        "kafka.bootstrap": kafka.broker.bootstrap,
        "kafka.security_protocol": "SASL_SSL",
        "kafka.sasl_username": user,
        "kafka.sasl_password": PASSWORD,
        "kafka.ssl_cafile": str(kafka.ca),
    }


def signed_in(kafka: SecureKafka, user: str, password: str = PASSWORD) -> Connection:
    return Connection(
        bootstrap=kafka.broker.bootstrap,
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username=user,
        sasl_password=password,
        ssl_cafile=str(kafka.ca),
    )


def test_every_role_that_the_page_names_has_commands() -> None:
    expected = [
        *("newstide-admin", "newstide-desk", "newstide-label", "newstide-notify", "newstide-read"),
        *("newstide-retrain", "newstide-score", "newstide-send", "newstide-watch"),
    ]
    assert expected == USERS


def test_each_role_does_its_work_with_its_written_rights(
    secure: SecureKafka,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = Command(tmp_path, monkeypatch, capsys)

    def act_as(user: str) -> None:
        pairs = settings_of(secure, user).items()
        command.flags = tuple(word for name, value in pairs for word in ("--set", f"{name}={value}"))

    act_as("newstide-admin")
    created = command("topics", "--create", "--partitions", 2)
    assert created.code == 0, created.err
    assert len([state for state in command("topics", "--json").records() if state["problem"]]) == 0

    news = tmp_path / "news.jsonl"
    news.write_text("".join(json.dumps(each) + "\n" for each in NEWS) + "{broken\n")
    act_as("newstide-send")
    assert command("send", news, "--json").record()["sent"] == 7

    with ExitStack() as stack:
        workers = {
            role: stack.enter_context(
                Worker(
                    role,
                    signed_in(secure, f"newstide-{role}"),
                    tmp_path,
                    name=role,
                    settings=settings_of(secure, f"newstide-{role}") | {"releases.follow": "true"},
                )
            )
            for role in ("score", "watch")
        }
        for worker in workers.values():
            worker.wait_ready()
        act_as("newstide-read")
        assert len(command("tail", "scored", "-b", "--limit", 6, "--json").records()) == 6
        assert len(command("tail", "stories", "-b", "--limit", 1, "--json").records()) == 1
        assert command("rejected", "list", "--json").record()["reason"] == "not_json"
        wait_for_state(secure)
    for worker in workers.values():
        log = worker.log.read_text()
        assert "right on" not in log
        assert "can't be read" not in log
    # In the same test: a broker with all these rights takes long to make, and tests may run in other processes.
    asyncio.run(labels_and_releases_need_no_more(secure))


def wait_for_state(secure: SecureKafka) -> None:
    """WATCH wrote its state, in the same transactions as its stories."""

    async def count() -> int:
        opened = open_reader(signed_in(secure, *ADMIN), [BASELINES.name], from_beginning=True, follow=False)
        async with opened as records:
            return len([record async for record in records])

    deadline = time.monotonic() + 30
    while asyncio.run(count()) == 0:
        assert time.monotonic() < deadline, "WATCH wrote no state"


async def labels_and_releases_need_no_more(secure: SecureKafka) -> None:
    label, retrain = signed_in(secure, "newstide-label"), signed_in(secure, "newstide-retrain")
    async with open_producer(label) as producer:
        assert await send_all(label, producer, [Outgoing(LABELS.name, b"k", b"{}")]) == 1
    assert (await read_labels(retrain)).unread == 1
    note = ReleaseNote(
        name="n",
        version="1",
        alias="nobody-follows-it",
        action="promote",
        manifest_sha256="0" * 64,
        at=datetime(2026, 3, 2, tzinfo=UTC),
        by="a test",
    )
    await announce(retrain, note)
    for other in (label, signed_in(secure, "newstide-send")):
        with pytest.raises(BrokerRefusedError, match="right on a topic"):
            async with open_producer(other) as producer:
                await send_all(other, producer, [Outgoing(RELEASES.name, b"k", b"v")])
