from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command import Command

import stream
from stream.bus import Connection, Outgoing, Record, open_producer, open_reader, send_all
from stream.bus.rejects import reject_record
from stream.events import Reject, RejectReason, Sentiment, Signal, Withdrawal
from stream.topics import ALERTS, LABELS, RAW, SCORED, SIGNALS, STORIES

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
NEWS = b'{"id":"1","source":"A","published_at":"2026-03-02T14:30:00Z","headline":"Bank halts withdrawals"}'


@pytest.fixture
def newstide(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    embedded: Connection,
) -> Command:
    """On a fresh broker with all topics."""
    command = Command(tmp_path, monkeypatch, capsys)
    command.flags = ("--bootstrap", embedded.bootstrap)
    assert command("topics", "--create", "--partitions", 2).code == 0
    return command


def put(connection: Connection, *records: Outgoing) -> None:
    async def work() -> None:
        async with open_producer(connection) as producer:
            await send_all(connection, producer, records)

    asyncio.run(work())


def kept(connection: Connection, topic: str) -> list[Record]:
    async def work() -> list[Record]:
        async with open_reader(connection, [topic], from_beginning=True, follow=False) as records:
            return [record async for record in records]

    return asyncio.run(work())


def rejected_at(offset: int, value: bytes, *, key: bytes | None = b"k", reason: str = "not_json") -> Outgoing:
    origin = Record(RAW.name, 0, offset, AT, key, value, (("traceparent", b"00-1"),))
    return reject_record(origin, Reject(RejectReason(reason), "it ends early"))


def test_topics_are_shown_before_and_after_they_are_created(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    embedded: Connection,
) -> None:
    command = Command(tmp_path, monkeypatch, capsys)
    command.flags = ("--bootstrap", embedded.bootstrap)
    ran = command("topics")
    assert ran.code == 1
    assert ran.out.count("missing") == 12
    assert "newstide topics --create" in ran.err
    ran = command("topics", "--create")
    assert ran.code == 0
    assert ran.err.startswith("created: news.raw")
    states = {state["topic"]: state for state in command("topics", "--json").records()}
    assert states["news.raw"]["partitions"] == 3
    assert states["models.releases"]["partitions"] == 1
    assert states["news.stories"]["policy"] == "compact"
    assert not any(state["created"] or state["problem"] for state in states.values())


def test_without_topics_nothing_is_sent(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    embedded: Connection,
) -> None:
    command = Command(tmp_path, monkeypatch, capsys)
    command.flags = ("--bootstrap", embedded.bootstrap)
    ran = command("send", stdin=NEWS.decode())
    assert ran.code == 1
    assert "newstide topics --create" in ran.err


def test_a_broker_that_is_not_there_is_named(newstide: Command) -> None:
    newstide.flags = ("--set", "broker.port=1")
    assert "start it with `newstide up`" in newstide("topics").err
    newstide.flags = ("--bootstrap", "127.0.0.1:1")
    ran = newstide("topics")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("newstide: no broker answers at 127.0.0.1:1 (kafka.bootstrap)")


def test_lines_go_byte_for_byte_broken_ones_too(newstide: Command, embedded: Connection) -> None:
    ran = newstide("send", "--json", stdin=NEWS.decode() + "\nbroken\n\n")
    assert ran.record() == {"sent": 2, "left_out": 0, "topic": "news.raw"}
    records = {record.value: record for record in kept(embedded, RAW.name)}
    assert set(records) == {NEWS, b"broken"}
    assert records[NEWS].key == b"1"
    assert records[NEWS].header("ce_id") == "1"
    assert records[NEWS].header("ce_time") == "2026-03-02T14:30:00+00:00"
    assert records[b"broken"].key is None


def test_rows_of_a_table_that_can_not_be_read_are_told(newstide: Command, tmp_path: Path) -> None:
    table = tmp_path / "day.csv"
    table.write_text("time,title\n" + "2026-03-02 14:30,up\n" + "2026-03-02T14:30:00Z,\n" * 7)
    ran = newstide("send", table, "--timezone", "UTC", "--source", "Own")
    assert ran.code == 0
    assert ran.out == "sent 1 to news.raw, left out 7 that could not be read\n"
    assert ran.err.count("left out: line ") == 5
    (item,) = newstide("tail", "raw", "-b", "--no-follow", "--json").records()
    assert (item["source"], item["headline"]) == ("Own", "up")


def test_a_table_without_headlines_is_refused(newstide: Command, tmp_path: Path) -> None:
    table = tmp_path / "day.csv"
    table.write_text("time,price\n2026-03-02T14:30:00Z,5\n")
    ran = newstide("send", table)
    assert (ran.code, ran.out) == (2, "")
    assert "no column holds headline" in ran.err


@pytest.mark.usefixtures("newstide")
def test_ctrl_c_does_not_wait_for_the_pipe(embedded: Connection) -> None:
    program = [sys.executable, "-m", "stream.cli", "--bootstrap", embedded.bootstrap]
    root = Path(stream.__file__).parents[1]
    options: dict[str, Any] = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "env": {**os.environ, "PYTHONPATH": str(root)},
    }
    with (
        subprocess.Popen([*program, "tail", "raw", "-b", "--json"], **options) as tail,
        subprocess.Popen([*program, "send"], stdin=subprocess.PIPE, **options) as send,
    ):
        assert send.stdin is not None
        assert tail.stdout is not None
        send.stdin.write(NEWS + b"\n")
        send.stdin.flush()
        assert tail.stdout.readline() == NEWS + b"\n"
        for each in (send, tail):
            each.send_signal(signal.SIGINT)
        for each in (send, tail):
            assert each.wait(20) == 130
            assert each.stderr is not None
            assert each.stderr.read() == b""


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--format", "xml"], "--format is 'xml': give jsonl or csv"),
        (["--timezone", "Nowhere"], "--timezone is 'Nowhere'"),
    ],
)
def test_wrong_flags_of_send_are_told(flags: list[str], says: str, newstide: Command) -> None:
    ran = newstide("send", *flags)
    assert ran.code == 2
    assert says in ran.err


def test_a_day_is_replayed_in_the_order_of_its_times(
    newstide: Command, embedded: Connection, tmp_path: Path
) -> None:
    day = tmp_path / "day.csv"
    day.write_text(
        "id,time,title\nb,2026-03-02T14:31:00Z,second\nx,2026-03-02T14:31:30Z,\na,2026-03-02T14:30:00Z,first\n"
        "c,2026-03-02T14:32:00Z,third\n"
    )
    ran = newstide("replay", day, "--speed", "100000x", "--to", "2026-03-02T14:32:00")
    assert ran.out == "sent 2 to news.raw, left out 1 that could not be read\n"
    assert "2 records over 0:01:00 of news" in ran.err
    assert {record.key for record in kept(embedded, RAW.name)} == {b"a", b"b"}
    ran = newstide(
        "replay", day, "--speed", "max", "--from", "2026-03-02T14:31:30", "-n", 1, "--now", "--json"
    )
    assert ran.record()["sent"] == 1
    moved = [record for record in kept(embedded, RAW.name) if record.key == b"c"]
    assert json.loads(moved[0].value or b"")["published_at"] > "2026-03-02T14:32:00Z"


@pytest.mark.parametrize("spread", [False, True])
def test_news_faster_than_watch_could_sort_stays_on_one_partition_in_its_order(
    newstide: Command, embedded: Connection, tmp_path: Path, *, spread: bool
) -> None:
    years = tmp_path / "years.csv"
    rows = [f"n{year},{year}-06-01T12:00:00Z,headline of {year}" for year in range(2000, 2020)]
    years.write_text("\n".join(["id,time,title", *reversed(rows)]) + "\n")
    newstide("replay", years, "--speed", "max", *(["--spread"] if spread else []))
    found = kept(embedded, RAW.name)
    assert {record.partition for record in found} == ({0, 1} if spread else {0})
    if not spread:
        assert [record.key for record in found] == [b"n%d" % year for year in range(2000, 2020)]


def test_tail_shows_what_is_kept_and_stops_at_the_limit(newstide: Command, embedded: Connection) -> None:
    put(embedded, *(Outgoing(RAW.name, b"1", NEWS) for _ in range(3)))
    ran = newstide("tail", "raw", "--from-beginning", "--limit", 2)
    assert ran.out == "14:30:00 A Bank halts withdrawals\n" * 2


def test_tail_lives_with_records_that_it_can_not_read(newstide: Command, embedded: Connection) -> None:
    put(
        embedded,
        Outgoing(RAW.name, b"1", b"\xff", partition=0),
        Outgoing(RAW.name, b"1", b'{"a":\n1}', partition=0),
        Outgoing(RAW.name, b"1", None, partition=0),
        Outgoing(RAW.name, b"1", NEWS, partition=0),
    )
    assert newstide("tail", "raw", "-b", "--no-follow").out.splitlines() == [
        "news.raw/0/0: not readable",
        "news.raw/0/1: not readable",
        "news.raw/0/2: deleted",
        "14:30:00 A Bank halts withdrawals",
    ]
    assert newstide("tail", "raw", "-b", "--no-follow", "--json").records() == [
        {"unreadable": "/w==", "topic": "news.raw"},
        {"unreadable": "eyJhIjoKMX0=", "topic": "news.raw"},
        {"deleted": "1", "topic": "news.raw"},
        json.loads(NEWS),
    ]


def records_of_every_stream() -> list[Outgoing]:
    mood = Sentiment(negative=0.9, neutral=0.08, positive=0.02)
    item = {
        "published_at": AT.isoformat(),
        "source": "A",
        "headline": "Run on Acme",
        "score": -0.88,
        "model": "m@1",
    }
    feeling = {"sentiment": mood.model_dump(), "fingerprint": "0" * 128}
    times = {"received_at": AT.isoformat(), "scored_at": AT.isoformat()}
    scored = {"id": "1", **item, **feeling, **times}
    one = Signal.model_validate({"series": "market", "news_id": "1", "weight": 1.0, **item, **feeling})
    withdrawal = Withdrawal(news_id="2", withdraws="1", published_at=AT)
    story = {
        "story_id": "1",
        "headline": "Run on Acme",
        "copies": 3,
        "sources": ["A"],
        "novelty": 1.0,
        "first_seen_at": AT.isoformat(),
        "last_seen_at": AT.isoformat(),
        "sentiment": mood.model_dump(),
    }
    alert = {
        "alert_id": "a",
        "status": "firing",
        "severity": "warning",
        "series": "market",
        "rule": "negative_surge",
        "onset": AT.isoformat(),
        "as_of": AT.isoformat(),
        "window_seconds": 900,
        "observed": 9,
        "expected": 1.0,
        "p_value": 1e-8,
        "surprise": 8.0,
        "sources": 4,
        "model": "m@1",
    }
    return [
        Outgoing(SCORED.name, b"1", json.dumps(scored).encode()),
        Outgoing(SIGNALS.name, b"market", one.to_json(), partition=0),
        Outgoing(SIGNALS.name, b"control", withdrawal.to_json(), partition=0),
        Outgoing(STORIES.name, b"1", json.dumps(story).encode()),
        Outgoing(ALERTS.name, b"market", json.dumps(alert).encode()),
        rejected_at(4, b"{"),
    ]


@pytest.mark.parametrize(
    ("watched", "shown"),
    [
        ("scored", ["14:30:00 ████  -0.88 Run on Acme"]),
        ("signals", ["14:30:00 ████  -0.88 market (1.00) Run on Acme", "14:30:00 withdrawn 1"]),
        ("stories", ["14:30:00 ████  -0.88 3x 1 src Run on Acme"]),
        ("alerts", ["WARNING market firing"]),
        ("rejected", ["not_json news.raw/0/4 it ends early"]),
    ],
)
def test_every_stream_can_be_watched(
    watched: str, shown: list[str], newstide: Command, embedded: Connection
) -> None:
    put(embedded, *records_of_every_stream())
    ran = newstide("tail", watched, "-b", "--no-follow")
    assert ran.code == 0
    for line in shown:
        assert line in ran.out
    assert all(newstide("tail", watched, "-b", "--no-follow", "--json").records())


def test_a_stream_without_topic_is_told(newstide: Command, embedded: Connection) -> None:
    newstide.flags = ("--bootstrap", embedded.bootstrap, "--set", "kafka.topic_prefix=other.")
    ran = newstide("tail", "raw")
    assert ran.code == 1
    assert "does not exist" in ran.err


def test_rejected_records_are_listed_by_reason(newstide: Command, embedded: Connection) -> None:
    put(
        embedded,
        rejected_at(1, b"{"),
        rejected_at(2, b"\xff", key=None, reason="bad_encoding"),
        rejected_at(3, b"[", reason="not_json"),
    )
    ran = newstide("rejected", "list")
    assert ran.out.count("not_json news.raw/0/") == 2
    assert ran.err == "3 rejected: not_json 2, bad_encoding 1\n"
    assert newstide("rejected", "list", "--limit", 1).err.startswith("1 rejected")
    told = newstide("rejected", "list", "--reason", "bad_encoding", "--json").record()
    assert told["origin"] == "news.raw/0/2"
    assert told["value_base64"] == "/w=="
    assert newstide("rejected", "list", "--reason", "mood").code == 2


def test_rejected_records_come_back_byte_for_byte(newstide: Command, embedded: Connection) -> None:
    put(embedded, rejected_at(1, b"{"), rejected_at(2, b"\xff", key=None), rejected_at(3, b"["))
    assert newstide("rejected", "replay", "--all", "--dry-run").out == "would send 3 to news.raw\n"
    assert kept(embedded, RAW.name) == []
    ran = newstide("rejected", "replay", "news.raw/0/1", "news.raw/0/2", "--json")
    assert ran.record() == {"sent": 2, "dry_run": False, "missing": []}
    again = {record.value: record for record in kept(embedded, RAW.name)}
    assert {value: record.key for value, record in again.items()} == {b"{": b"k", b"\xff": None}
    assert again[b"{"].headers == (("traceparent", b"00-1"),)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "say which ones"),
        (["news.raw"], "is no origin"),
        (["news.raw/0/x"], "is no origin"),
        (["news.raw/0/99"], "not in news.rejected: news.raw/0/99"),
    ],
)
def test_a_replay_of_nothing_is_wrong_use(arguments: list[str], says: str, newstide: Command) -> None:
    ran = newstide("rejected", "replay", *arguments)
    assert ran.code == 2
    assert says in ran.err


def test_one_label_is_written(newstide: Command, embedded: Connection) -> None:
    ran = newstide("label", "Profit falls", "--label", "negative", "--annotator", "ada", "--news-id", "n1")
    assert ran.out == "sent 1 label to news.labels\n"
    (record,) = kept(embedded, LABELS.name)
    label: dict[str, Any] = json.loads(record.value or b"")
    assert record.key == b"n1"
    assert label["annotator"] == "ada"
    assert (label["text"], label["task"], label["label"]) == ("Profit falls", "sentiment", "negative")
    assert record.header("ce_type") == "newstide.news.label"


def test_a_table_of_labels_is_written_whole(newstide: Command, embedded: Connection, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(
        "text,label,task,annotator\nBank fails,negative,,\nFed cuts,fed-central-banks,topic,bob\n"
    )
    assert newstide("label", "--csv", table, "--json").record() == {"sent": 2, "topic": "news.labels"}
    labels = [json.loads(record.value or b"") for record in kept(embedded, LABELS.name)]
    assert [label["label"] for label in labels] == ["negative", "Fed | Central Banks"]
    assert labels[1]["annotator"] == "bob"
    assert all(label["news_id"].startswith("text:") for label in labels)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"text\na\n", "there is no column 'label'"),
        (b"text,label\na,negative\nb,bad\n", "line 3: label 'bad'"),
        (b"text,label\n,negative\n", "text is ''"),
        (b"text,label\ncaf\xe9,negative\n", "line 2: byte 0xe9 is no UTF-8"),
        (None, "can't be read (No such file or directory)"),
    ],
)
def test_a_wrong_table_of_labels_sends_nothing(
    content: bytes | None, says: str, newstide: Command, embedded: Connection, tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    if content is not None:
        table.write_bytes(content)
    ran = newstide("label", "--csv", table)
    assert ran.code == 2
    assert says in ran.err
    assert kept(embedded, LABELS.name) == []


@pytest.mark.parametrize("arguments", [[], ["text"], ["text", "-l", "negative", "--csv", "x.csv"]])
def test_a_label_needs_a_text_and_an_answer(arguments: list[str], newstide: Command) -> None:
    ran = newstide("label", *arguments)
    assert ran.code == 2
    assert "give either TEXT with --label" in ran.err


@pytest.mark.parametrize("text", ["", "  "])
def test_a_label_for_no_words_is_told_as_that(text: str, newstide: Command) -> None:
    ran = newstide("label", text, "-l", "negative")
    assert ran.code == 2
    assert f"TEXT is {text!r}: give the words" in ran.err
