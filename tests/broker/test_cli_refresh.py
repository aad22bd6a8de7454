"""`newstide retrain --profile`: what is usual, learned anew from news.signals on a real broker."""

from __future__ import annotations

import asyncio
import json
import os
import random
from datetime import timedelta
from pathlib import Path

import pytest
from command import Command
from monitoring import send
from watching import START, signal

from stream.bus import Connection, Outgoing
from stream.cli import refresh, train
from stream.topics import SIGNALS
from stream.watch.profile import default_profile, read_profile


@pytest.fixture
def newstide(on_broker: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr(train, "need_training", lambda: pytest.fail("the extra is not needed"))
    return on_broker


def put_news(connection: Connection, days: float, stories: int = 200) -> None:
    """So many stories of four companies, half of them on each partition, one after the other."""
    dice = random.Random(3)
    records = []
    for number in range(stories):
        company = f"company:C{number % 4}"
        at = START + timedelta(days=days * number / stories)
        said = signal(company, published_at=at, text=dice.random(), news_id=f"n{number}")
        records.append(Outgoing(SIGNALS.name, company.encode(), said.to_json(), partition=number % 2))
    asyncio.run(send(connection, records))


def test_the_profile_is_learned_from_what_came_and_tells_how_to_take_it(
    newstide: Command, embedded: Connection, tmp_path: Path
) -> None:
    put_news(embedded, days=2.0)
    strangers = [Outgoing(SIGNALS.name, b"control", b"{}"), Outgoing(SIGNALS.name, b"x", b"{")]
    asyncio.run(send(embedded, strangers))
    ran = newstide("retrain", "--profile", "mine.json", "--json")
    assert ran.code == 0, ran.err
    assert ran.record()["learned"]["stories"] == 200
    profile = read_profile(tmp_path / "mine.json")
    assert profile.group("company").series == 4
    assert profile.group("topic") == default_profile().group("topic"), "of which nothing came"
    assert profile.learned["version"] == 1
    said = " ".join(ran.err.split())
    assert "passed over on news.signals: 1 record that" in said
    assert 'set profile = "mine.json" under [alerts] and restart all replicas of WATCH' in said
    assert [each.name for each in tmp_path.glob("*.json*")] == ["mine.json"]


def test_the_next_version_takes_the_place_of_the_former(
    newstide: Command, embedded: Connection, tmp_path: Path
) -> None:
    put_news(embedded, days=2.0)
    assert newstide("retrain", "--profile", "mine.json").code == 0
    newstide.flags = (*newstide.flags, "--set", "alerts.profile=mine.json")
    since = (START + timedelta(days=0.9)).isoformat()
    again = newstide("retrain", "--profile", "mine.json", "--since", since)
    assert again.code == 0, again.err
    assert "comes into force when WATCH starts again: restart all its replicas" in " ".join(again.err.split())
    learned = read_profile(tmp_path / "mine.json").learned
    assert (learned["version"], learned["stories"]) == (2, 110)


def test_a_dry_run_shows_the_profile_and_writes_nothing(
    newstide: Command, embedded: Connection, tmp_path: Path
) -> None:
    put_news(embedded, days=2.0)
    ran = newstide("retrain", "--profile", "mine.json", "--dry-run")
    assert ran.code == 0
    assert "company" in ran.out
    assert "nothing was written" in ran.err
    assert not (tmp_path / "mine.json").exists()


def test_what_can_not_be_learned_from_leaves_the_profile_as_it_was(
    newstide: Command, embedded: Connection, tmp_path: Path
) -> None:
    former = default_profile().to_json()
    (tmp_path / "mine.json").write_text(former)
    none = newstide("retrain", "--profile", "mine.json")
    assert (none.code, "news.signals: the history holds 0 stories" in none.err) == (2, True)
    put_news(embedded, days=0.3)
    short = newstide("retrain", "--profile", "mine.json")
    assert short.code == 2
    assert "let a day of news come first" in " ".join(short.err.split())
    assert (tmp_path / "mine.json").read_text() == former


def test_a_file_that_is_no_profile_is_not_written_over(newstide: Command, tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("my notes")
    ran = newstide("retrain", "--profile", "notes.json")
    assert (ran.code, "is no profile" in ran.err) == (2, True)
    assert (tmp_path / "notes.json").read_text() == "my notes"


def test_what_is_for_the_model_is_refused_beside_a_profile(newstide: Command) -> None:
    ran = newstide("retrain", "--profile", "mine.json", "--epochs", 2)
    assert ran.code == 2
    assert "--epochs is for the model: leave it out" in " ".join(ran.err.split())


def test_a_folder_that_is_not_there_is_told(newstide: Command, embedded: Connection) -> None:
    put_news(embedded, days=2.0)
    ran = newstide("retrain", "--profile", "nowhere/mine.json")
    assert ran.code == 1
    assert "nowhere/mine.json can't be written" in ran.err


def test_a_profile_that_fails_on_its_way_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.json"
    file.write_text("former")

    def breaks(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", breaks)
    with pytest.raises(KeyboardInterrupt):
        refresh.write_profile(file, default_profile())
    assert [each.name for each in tmp_path.iterdir()] == ["mine.json"]
    assert file.read_text() == "former"
    monkeypatch.undo()
    refresh.write_profile(file, default_profile())
    assert json.loads(file.read_text())["profile"] == 1
    assert file.stat().st_mode & 0o777 == 0o644
