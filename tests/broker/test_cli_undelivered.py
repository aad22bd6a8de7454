"""`newstide undelivered`: what no sink took, listed and sent once more, on a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from alerting import NOTED, T0, notification
from command import Command, Ran
from monitoring import kept, send
from sink_server import Reply, SinkServer

from stream.bus import Connection, Outgoing
from stream.events import Undelivered
from stream.topics import UNDELIVERED


@pytest.fixture
def partitions() -> int:
    return 1


@pytest.fixture
def newstide(on_broker: Command) -> Command:
    return on_broker


def letter(sink: str = "pager", key: str = "k1", reason: str = "gave_up") -> Outgoing:
    body = {
        "sink": sink,
        "kind": "webhook",
        "reason": reason,
        "detail": "no answer within 10 s",
        "tries": 7,
        "first_tried_at": T0,
        "given_up_at": NOTED + timedelta(minutes=10),
        "notification": notification(key=key),
    }
    return Outgoing(UNDELIVERED.name, b"g1", Undelivered.model_validate(body).to_json())


def put(connection: Connection, *records: Outgoing) -> None:
    asyncio.run(send(connection, records))


def with_sink(newstide: Command, run: Callable[[], Ran], *replies: Reply) -> tuple[Ran, list[str]]:
    """Run while a webhook called `pager` listens; what the command did, and the keys that came there."""

    async def both() -> tuple[Ran, list[str]]:
        async with SinkServer() as server:
            url = server.on("/hook", *(replies or (Reply(),)))
            sinks = f'[{{"type": "webhook", "name": "pager", "url": "{url}"}}]'
            newstide.flags = (*newstide.flags, "--set", f"notify.sinks={sinks}")
            ran = await asyncio.to_thread(run)
            return ran, [each.json["key"] for each in server.posted]

    return asyncio.run(both())


def test_what_no_sink_took_is_listed(newstide: Command, embedded: Connection) -> None:
    put(embedded, letter(), letter("chat", "k2", "refused"), Outgoing(UNDELIVERED.name, b"g", b"{"))
    ran = newstide("undelivered", "list")
    first, second = ran.out.splitlines()
    assert first.startswith("03-02 14:45 0/0 pager market firing gave up no answer")
    assert second.startswith("03-02 14:45 0/1 chat market firing refused no answer")
    assert "news.undelivered 0/2 is no notification: passed over" in ran.err
    assert ran.err.endswith("2 undelivered: pager 1, chat 1\n")
    assert newstide("undelivered", "list", "--limit", 1).err == "1 undelivered: pager 1\n"
    told = newstide("undelivered", "list", "--sink", "chat", "--json").record()
    assert (told["place"], told["reason"], told["notification"]["key"]) == ("0/1", "refused", "k2")


def test_a_notification_is_sent_again_under_its_key(newstide: Command, embedded: Connection) -> None:
    put(embedded, letter(), letter(key="k2"), letter(key="k3"))
    ran, keys = with_sink(newstide, lambda: newstide("undelivered", "replay", "0/0", "0/2", "--json"))
    assert ran.code == 0
    assert ran.record() == {"sent": 2, "dry_run": False, "failed": [], "missing": []}
    assert keys == ["k1", "k3"]
    assert len(asyncio.run(kept(embedded, UNDELIVERED.name))) == 3, "a replay takes nothing away"


def test_a_dry_run_sends_nothing(newstide: Command, embedded: Connection) -> None:
    put(embedded, letter())
    ran, keys = with_sink(newstide, lambda: newstide("undelivered", "replay", "--all", "--dry-run"))
    assert (ran.code, ran.out, keys) == (0, "would send 1 of 1 notification\n", [])


def test_what_is_not_taken_is_told_with_the_reason(newstide: Command, embedded: Connection) -> None:
    put(embedded, letter(), letter(key="k2"))
    ran, keys = with_sink(
        newstide, lambda: newstide("undelivered", "replay", "--all"), Reply(500), Reply(200)
    )
    assert (ran.code, ran.out) == (1, "sent 1 of 2 notifications\n")
    assert ran.err.startswith("not taken: 0/0 by pager: ")
    assert "500" in ran.err
    assert keys == ["k1", "k2"], "one that fails keeps no other back"


def test_nothing_is_sent_where_a_sink_is_no_longer_set(newstide: Command, embedded: Connection) -> None:
    put(embedded, letter(), letter("chat", "k2"))
    ran, keys = with_sink(newstide, lambda: newstide("undelivered", "replay", "--all"))
    assert (ran.code, keys) == (2, [])
    assert "0/1 is for the sink 'chat', and notify.sinks has pager: add one of that name" in " ".join(
        ran.err.split()
    )
    only, keys = with_sink(newstide, lambda: newstide("undelivered", "replay", "--sink", "pager"))
    assert (only.code, keys) == (0, ["k1"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "say which ones, by place (PARTITION/OFFSET), --sink or --all"),
        (["7"], "'7' is no place: write it as 0/1234"),
        (["0/x"], "'0/x' is no place"),
        (["0/99"], "not in news.undelivered: 0/99"),
    ],
)
def test_a_replay_of_nothing_is_wrong_use(arguments: list[str], says: str, newstide: Command) -> None:
    ran = newstide("undelivered", "replay", *arguments)
    assert ran.code == 2
    assert says in " ".join(ran.err.split())
    assert "Traceback" not in ran.err
