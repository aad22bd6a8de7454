"""`newstide silence` and `newstide ack` on a real broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alerting import alert, record_of
from command import Command
from monitoring import kept, send

from stream.bus import Connection, Outgoing
from stream.events import Acknowledgement, Silence
from stream.topics import ALERTS, SILENCES


@pytest.fixture
def newstide(on_broker: Command) -> Command:
    return on_broker


def test_a_silence_is_added_listed_and_ended(newstide: Command, embedded: Connection) -> None:
    before = datetime.now(UTC)
    ran = newstide(
        "silence", "add", "company:AAPL", "--for", "2h", "--comment", "known", "--by", "ada", "--json"
    )
    assert ran.code == 0
    said = Silence.model_validate(ran.record())
    assert (said.series, said.by, said.comment) == ("company:AAPL", "ada", "known")
    assert said.ends_at - said.starts_at == timedelta(hours=2)
    assert before <= said.starts_at <= datetime.now(UTC)
    (record,) = asyncio.run(kept(embedded, SILENCES.name))
    assert record.key == f"silence/{said.silence_id}".encode()
    assert Silence.model_validate_json(record.value or b"") == said

    (listed,) = newstide("silence", "list", "--json").records()
    assert listed == json.loads(said.model_dump_json()) | {"state": "holds"}
    shown = newstide("silence", "list").out
    assert shown.startswith(f"{said.silence_id}  company:AAPL until ")
    assert shown.rstrip().endswith("by ada: known")

    ended = newstide("silence", "end", said.silence_id)
    assert (ended.code, "ended" in ended.out) == (0, True)
    assert newstide("silence", "list").err == "no silence holds\n"
    (listed,) = newstide("silence", "list", "--all", "--json").records()
    assert listed["state"] == "ended"
    again = newstide("silence", "end", said.silence_id)
    assert again.code == 2
    assert "it ended at" in again.err


def test_a_silence_may_begin_later_and_end_at_a_given_time(newstide: Command) -> None:
    ran = newstide(
        "silence", "add", "topic:*", "--from", "2090-03-02T18:00+01:00", "--until", "2090-03-02T19:00Z"
    )
    assert ran.code == 0
    assert "topic:* from 2090-03-02 17:00 until 2090-03-02 19:00 UTC by " in ran.out
    (listed,) = newstide("silence", "list", "--json").records()
    assert listed["state"] == "comes"
    ended = newstide("silence", "end", listed["silence_id"], "--json").record()
    assert ended["starts_at"] == ended["ends_at"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("company:AAPL",), "say how long, with --for 2h, or until when"),
        (("company:AAPL", "--for", "2h", "--until", "2090-03-02T18:00Z"), "both say when it ends"),
        (("company:AAPL", "--for", "soon"), "--for soon: write it as 30m, 2h, 1d or 1h30m"),
        (("company:AAPL", "--for", "0h"), "give at least 1s and at most 366d"),
        (("company:AAPL", "--for", "99999999999d"), "give at least 1s and at most 366d"),
        (("company:AAPL", "--for", "2h x"), "write it as"),
        (("company:AAPL", "--for", "400d"), "at most 366d"),
        (("company:AAPL", "--until", "tomorrow"), "--until tomorrow: write it as 2026-03-02T18:00Z"),
        (("company:AAPL", "--until", "2090-03-02T18:00"), "say the zone too, as in 2090-03-02T18:00Z"),
        (("company:AAPL", "--until", "2020-03-02T18:00Z"), "before it begins: give a later end"),
        (("", "--for", "2h"), "is no series"),
        (("x" * 300, "--for", "2h"), "is no series"),
        (("AAPL", "--for", "2h"), "did you mean 'company:AAPL'"),
        (("market", "--for", "2h", "--by", " "), "--by '': give a name of 1 to 256 characters"),
        (("market", "--for", "2h", "-m", "x" * 1001), "--comment has 1001 characters: 1000 are allowed"),
    ],
)
def test_a_silence_that_can_not_be_meant_is_refused(
    words: tuple[str, ...], says: str, newstide: Command
) -> None:
    ran = newstide("silence", "add", *words)
    assert ran.code == 2
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_durations_add_up(newstide: Command) -> None:
    said = Silence.model_validate(
        newstide("silence", "add", "market", "--for", "1d2h30m15s", "--json").record()
    )
    assert said.ends_at - said.starts_at == timedelta(days=1, hours=2, minutes=30, seconds=15)


def test_there_is_no_end_to_what_never_was(newstide: Command) -> None:
    ran = newstide("silence", "end", "nothing")
    assert ran.code == 2
    assert "there is no such silence" in ran.err


def in_alerts(connection: Connection, *records: Outgoing) -> None:
    asyncio.run(send(connection, records))


def test_an_alert_is_acknowledged_by_its_id_or_enough_of_it(newstide: Command, embedded: Connection) -> None:
    one = alert()
    in_alerts(embedded, Outgoing(ALERTS.name, b"x", b"no alert"), record_of(one), record_of(alert("market")))
    ran = newstide("ack", one.alert_id, "--by", "ada")
    assert (ran.code, ran.out) == (0, f"{one.alert_id}: acknowledged by ada\n")
    said = newstide("ack", one.alert_id[:8], "--comment", "on it", "--json").record()
    assert (said["alert_id"], said["comment"]) == (one.alert_id, "on it")
    assert "@" in said["by"]
    records = asyncio.run(kept(embedded, SILENCES.name))
    assert {each.key for each in records} == {f"ack/{one.alert_id}".encode()}
    assert Acknowledgement.model_validate_json(records[0].value or b"").by == "ada"


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (lambda one: "nothing", "ack nothing: there is no such alert"),
        (lambda one: one[:3], "give more of the id (6 characters at least)"),
        (lambda one: "", "give more of the id"),
    ],
)
def test_an_alert_that_is_not_there_or_not_clear_is_refused(
    wanted: Callable[[str], str], says: str, newstide: Command, embedded: Connection
) -> None:
    in_alerts(embedded, record_of(alert()))
    ran = newstide("ack", wanted(alert().alert_id))
    assert ran.code == 2
    assert says in ran.err


def test_without_its_topic_the_way_to_create_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], embedded: Connection
) -> None:
    command = Command(tmp_path, monkeypatch, capsys)
    ran = command("--bootstrap", embedded.bootstrap, "silence", "add", "market", "--for", "1h")
    assert ran.code == 1
    assert "topic news.silences does not exist: create it with `newstide topics --create`" in ran.err
