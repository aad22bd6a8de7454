"""`newstide retrain`, `newstide promote` and `newstide rollback`: from labels to another release in force, and back."""

from __future__ import annotations

import asyncio
import csv
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from command import Command
from prometheus_client import CollectorRegistry
from tiny_release import TEXTS, tiny_release

from export.gate import GateResult, LabelledText, compare
from models.manifest import sha256_of
from models.packaged import packaged_release
from models.release import GOLDEN, GRAPH, MANIFEST, SIGNATURE, Release
from models.scorer import OnnxScorer
from models.slot import ModelSlot
from models.store import ReleaseStore
from models.tasks import SENTIMENT
from stream import parts, releases
from stream.bus import Connection, Outgoing, open_producer, open_reader, send_all
from stream.cli import train
from stream.errors import BrokerUnavailableError
from stream.events import Label, ReleaseNote
from stream.follow import ReleaseFollower
from stream.labels import read_labels
from stream.metrics import Metrics
from stream.topics import LABELS, RELEASES

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"


class Trainer:
    """Stands in for the training, which takes minutes: the candidate is another tiny release."""

    def __init__(self) -> None:
        self.base: Release | None = None
        self.labels: list[LabelledText] = []
        self.options: dict[str, Any] = {}

    def retrain(
        self,
        base: Release,
        labels: Sequence[LabelledText],
        heldout: Sequence[LabelledText],
        out: Path,
        *,
        version: str,
        **options: Any,
    ) -> tuple[Release, GateResult]:
        self.base, self.labels, self.options = base, list(labels), options
        candidate = tiny_release(out, version, seed=2)
        return candidate, compare(OnnxScorer.load(base), OnnxScorer.load(candidate), heldout, labels)


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    trainer = Trainer()
    module = ModuleType("export.retrain")
    module.retrain = trainer.retrain  # type: ignore[attr-defined] # a module made for this test
    monkeypatch.setitem(sys.modules, "export.retrain", module)
    return trainer


@pytest.fixture
def partitions() -> int:
    return 1


@pytest.fixture
def newstide(on_broker: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """With a store of its own; tiny@1.0.0 came with newstide."""
    packaged = tiny_release(tmp_path / "packaged", "1.0.0", seed=1)
    monkeypatch.setattr(parts, "packaged_release", lambda: packaged)
    on_broker.flags = (*on_broker.flags, "--set", f"releases.store={tmp_path / 'store'}")
    return on_broker


HELD_OUT = ("oil up", "dividend cut", "fed raised", "profit fall", "record quarter")


def answers_of(seed: int, texts: Sequence[str] = TEXTS) -> dict[str, str]:
    """What the tiny release of this seed says of each text."""
    with tempfile.TemporaryDirectory() as folder:
        scorer = OnnxScorer.load(tiny_release(Path(folder) / "release", seed=seed))
    moods = (answer.sentiment for answer in scorer.score(texts).answers)
    return {text: SENTIMENT[mood.index(max(mood))] for text, mood in zip(texts, moods, strict=True)}


def heldout_of(seed: int, folder: Path) -> Path:
    """Held-out texts on which the tiny release of this seed is always right."""
    path = folder / f"heldout-{seed}.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("text", "task", "label"))
        rows.writerows((text, "sentiment", label) for text, label in answers_of(seed, HELD_OUT).items())
    return path


def put_labels(newstide: Command, folder: Path, *, seed: int = 2) -> None:
    path = folder / "labels.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("text", "label"))
        rows.writerows(answers_of(seed).items())
    assert newstide("label", "--csv", path).code == 0


def notes(connection: Connection) -> list[ReleaseNote]:
    async def read() -> list[ReleaseNote]:
        opened = open_reader(connection, [RELEASES.name], from_beginning=True, follow=False)
        async with opened as records:
            found = [record async for record in records]
        assert all(record.key == b"production" for record in found)
        assert all(record.header("ce_type") == "newstide.model.release" for record in found)
        return [ReleaseNote.model_validate_json(record.value or b"") for record in found]

    return asyncio.run(read())


def store_at(folder: Path) -> ReleaseStore:
    return ReleaseStore(str(folder / "store"), cache=folder / "cache")


def in_force(folder: Path) -> list[str]:
    return [ref.label for ref in store_at(folder).history("production")]


def test_labels_become_a_release_in_force_and_a_rollback_brings_the_former_back(
    newstide: Command, trainer: Trainer, embedded: Connection, tmp_path: Path
) -> None:
    put_labels(newstide, tmp_path)
    ran = newstide(
        *("retrain", "--heldout", heldout_of(2, tmp_path), "--by", "ada@desk"),
        *("--epochs", 2, "--lr", 0.001, "--seed", 7),
    )
    assert ran.code == 0, ran.err
    assert "promoted: tiny@1.0.1 is in force; `newstide rollback` brings tiny@1.0.0 back" in ran.out
    assert "old tiny@1.0.0, new tiny@1.0.1" in ran.out
    assert "heldout sentiment (5 texts)" in ran.out
    assert "labels sentiment (5 texts)" in ran.out
    assert "1.0.1: fine-tuning tiny@1.0.0 on 5 texts" in ran.err
    assert sorted(trainer.labels) == sorted(
        (text, "sentiment", label) for text, label in answers_of(2).items()
    )
    assert trainer.options == {"epochs": 2, "lr": 0.001, "seed": 7}
    assert in_force(tmp_path) == ["tiny@1.0.1", "tiny@1.0.0"]
    (note,) = notes(embedded)
    stored = store_at(tmp_path).fetch("tiny", "1.0.1")
    assert (note.action, note.version, note.by) == ("promote", "1.0.1", "ada@desk")
    assert note.manifest_sha256 == stored.manifest_sha256
    assert note.gate["heldout.sentiment.accuracy.new"] == 1.0
    assert follow(embedded, tmp_path, "tiny@1.0.1")

    ran = newstide("rollback")
    assert (ran.code, ran.out) == (0, "production is tiny@1.0.0 again instead of tiny@1.0.1\n")
    assert in_force(tmp_path) == ["tiny@1.0.0"]
    assert [note.action for note in notes(embedded)] == ["promote", "rollback"]
    assert "@" in notes(embedded)[-1].by
    assert follow(embedded, tmp_path, "tiny@1.0.0")


def follow(connection: Connection, folder: Path, wanted: str) -> bool:
    """Whether a scorer that runs with another release brings `wanted` into force."""

    async def work() -> bool:
        slot = ModelSlot.open(tiny_release(folder / f"running-{wanted}", "0.0.0", seed=9))
        follower = ReleaseFollower(
            connection,
            slot=slot,
            alias="production",
            fetch=store_at(folder).fetch,
            metrics=Metrics(CollectorRegistry()),
        )
        task = asyncio.create_task(follower.run())
        async with asyncio.timeout(20):
            while slot.current.release != wanted:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return True

    return asyncio.run(work())


def test_a_release_of_ones_own_comes_into_force_and_goes_again(
    newstide: Command, embedded: Connection, tmp_path: Path
) -> None:
    mine = tiny_release(tmp_path / "mine", "2.0.0", seed=2)
    ran = newstide("promote", mine.path, "--by", "ada@desk")
    assert ran.code == 0, ran.err
    assert ran.out == "production is tiny@2.0.0 instead of tiny@1.0.0; `newstide rollback` brings that back\n"
    assert in_force(tmp_path) == ["tiny@2.0.0", "tiny@1.0.0"]
    (note,) = notes(embedded)
    assert (note.action, note.version, note.by, note.gate) == ("promote", "2.0.0", "ada@desk", {})
    assert follow(embedded, tmp_path, "tiny@2.0.0")
    assert newstide("promote", "tiny@2.0.0").out == "production is tiny@2.0.0, as before\n"
    assert newstide("rollback").out == "production is tiny@1.0.0 again instead of tiny@2.0.0\n"
    assert newstide("rollback", "--to", "tiny@1.0.0").out == "production is tiny@1.0.0, as before\n"
    assert (
        newstide("rollback", "--to", "tiny@2.0.0").out == "production is tiny@2.0.0 instead of tiny@1.0.0\n"
    )


def test_one_that_is_compared_must_be_no_worse(
    newstide: Command, embedded: Connection, tmp_path: Path
) -> None:
    mine = tiny_release(tmp_path / "mine", "2.0.0", seed=2)
    ran = newstide("promote", mine.path, "--heldout", heldout_of(1, tmp_path))
    assert ran.code == 1
    assert "old tiny@1.0.0, new tiny@2.0.0" in ran.out
    assert "not promoted: tiny@1.0.0 stays in force: heldout sentiment accuracy 1.000 -> " in ran.out
    assert (in_force(tmp_path), notes(embedded)) == ([], [])
    told = newstide("promote", mine.path, "--heldout", heldout_of(2, tmp_path), "--json").record()
    assert (told["promoted"], told["passed"], told["former"]) == (True, True, "tiny@1.0.0")
    (note,) = notes(embedded)
    assert note.gate["heldout.sentiment.accuracy.new"] == 1.0


def test_one_language_may_get_it_without_a_broker(
    newstide: Command, embedded: Connection, tmp_path: Path
) -> None:
    mine = tiny_release(tmp_path / "mine", "2.0.0", seed=2)
    asked = ("promote", mine.path, "--alias", "chinese", "--store-only")
    newstide.flags += ("--set", 'releases.languages={zh = "chinese"}')
    ran = newstide(*asked)
    assert (ran.code, ran.out) == (0, "chinese is tiny@2.0.0\n")
    assert "releases.languages gives it zh, and it was made for en" in ran.err
    assert [ref.label for ref in store_at(tmp_path).history("chinese")] == ["tiny@2.0.0"]
    assert (in_force(tmp_path), notes(embedded)) == ([], [])
    ran = newstide(*asked, "--alias", "other", "--heldout", heldout_of(2, tmp_path))
    assert (ran.code, "nothing is in force as 'other' to compare with" in ran.err) == (2, True)
    other = tiny_release(tmp_path / "other", "3.0.0", seed=3)
    assert newstide("promote", other.path, "--alias", "chinese", "--store-only").code == 0
    assert (
        newstide("rollback", "--alias", "chinese").out
        == "chinese is tiny@2.0.0 again instead of tiny@3.0.0\n"
    )


def test_what_another_alias_stands_for_is_brought_back_by_what_is_said(
    newstide: Command, embedded: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newstide.flags += ("--set", 'releases.languages={zh = "chinese"}')
    made = [tiny_release(tmp_path / f"m{n}", f"{n}.0.0", seed=n) for n in (2, 3, 4)]
    for release in made[:2]:
        ran = newstide("promote", release.path, "--alias", "chinese", "--store-only")
    back = "; `newstide rollback --alias chinese --store-only` brings that back"
    assert ran.out == f"chinese is tiny@3.0.0 instead of tiny@2.0.0{back}\n"
    told = newstide("rollback", "--alias", "chinese", "--store-only").out
    assert told == "chinese is tiny@2.0.0 again instead of tiny@3.0.0\n"
    assert notes(embedded) == []
    ran = newstide("promote", made[2].path, "--alias", "chines", "--store-only")
    assert "no scorer with these settings follows 'chines': they follow chinese, production" in ran.err

    async def fail(*_: object) -> None:
        raise BrokerUnavailableError("no broker answers")

    monkeypatch.setattr(releases, "announce", fail)
    ran = newstide("promote", made[1].path, "--alias", "chinese")
    assert (ran.code, "`newstide rollback --alias chinese --to tiny@3.0.0`" in ran.err) == (1, True)


def test_an_empty_name_is_no_name(newstide: Command, embedded: Connection, tmp_path: Path) -> None:
    mine = tiny_release(tmp_path / "mine", "2.0.0", seed=2)
    wrong: tuple[tuple[tuple[Any, ...], str], ...] = (
        (("promote", mine.path, "--alias", ""), "--alias is ''"),
        (("rollback", "--alias", ""), "--alias is ''"),
        (("promote", ""), "release '': it is empty"),
        (("promote", mine.path, "--store-only", "--by", "ada"), "--by means nothing beside --store-only"),
        (("rollback", "--store-only", "--by", "ada"), "--by means nothing beside --store-only"),
    )
    for arguments, fault in wrong:
        ran = newstide(*arguments)
        assert (ran.code, fault in ran.err) == (2, True), ran.err
    assert in_force(tmp_path) == []


def test_one_that_fails_its_own_golden_examples_comes_not_into_force(
    newstide: Command, embedded: Connection, tmp_path: Path
) -> None:
    mine = tiny_release(tmp_path / "mine", "2.0.0", seed=2)
    golden, page = mine.path / GOLDEN, mine.path / MANIFEST
    other = tiny_release(tmp_path / "other", "2.0.0", seed=3)
    golden.write_bytes((other.path / GOLDEN).read_bytes())
    told = json.loads(page.read_text())
    told["files"][GOLDEN] |= {"sha256": sha256_of(golden.read_bytes()), "bytes": len(golden.read_bytes())}
    page.write_text(json.dumps(told))
    ran = newstide("promote", mine.path)
    assert (ran.code, "(tolerance 0.01) and 19 more" in ran.err) == (1, True), ran.err
    assert (in_force(tmp_path), notes(embedded)) == ([], [])


@pytest.mark.parametrize("harm", ["damaged", "gone", "unsigned"])
def test_what_is_not_sound_any_more_can_be_replaced(
    harm: str, newstide: Command, embedded: Connection, tmp_path: Path
) -> None:
    assert newstide("promote", tiny_release(tmp_path / "m2", "2.0.0", seed=2).path).code == 0
    held = tmp_path / "store" / "releases" / "tiny" / "2.0.0"
    if harm == "damaged":
        (held / GRAPH).write_bytes(b"rust")
        # A machine that has no copy of its own.
        newstide.flags += ("--set", f"broker.data_dir={tmp_path / 'fresh'}")
    elif harm == "gone":
        shutil.rmtree(held)
    else:
        newstide.flags += ("--set", f"releases.key={'k' * 32}")
    mine = tiny_release(tmp_path / "m3", "3.0.0", seed=3)
    ran = newstide("promote", mine.path, "--heldout", heldout_of(2, tmp_path))
    assert ran.code == 1, "nothing can be compared with it"
    ran = newstide("promote", mine.path)
    assert ran.code == 0, ran.err
    assert "tiny@2.0.0 is not sound: " in ran.err
    assert ran.out == "production is tiny@3.0.0 instead of tiny@2.0.0\n", "which nothing brings back"
    assert in_force(tmp_path)[:2] == ["tiny@3.0.0", "tiny@2.0.0"]
    note = notes(embedded)[-1]
    assert (note.version, note.signature is not None) == ("3.0.0", harm == "unsigned")
    assert (tmp_path / "store" / "releases" / "tiny" / "3.0.0" / SIGNATURE).exists() == (harm == "unsigned")


def test_rows_that_can_not_be_compared_on_are_named(newstide: Command, tmp_path: Path) -> None:
    heldout = tmp_path / "heldout.csv"
    heldout.write_text('text,task,label\n" ",sentiment,negative\n')
    mine = tiny_release(tmp_path / "mine", "2.0.0", seed=2)
    ran = newstide("promote", mine.path, "--store-only", "--heldout", heldout)
    assert (ran.code, "line 2: text is empty" in ran.err) == (2, True), ran.err


def test_what_is_no_sound_release_comes_not_into_force(
    newstide: Command, embedded: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tiny_release(tmp_path / "broken", "2.0.0", seed=2)
    (broken.path / GRAPH).write_bytes(b"nothing")
    for reference, flags, code, fault in (
        (broken.path, (), 1, GRAPH),
        (tmp_path / "none", (), 2, "there is no such folder"),
        ("tiny@9", (), 2, "tiny@9 is not in"),
        (broken.path, ("--alias", "../x"), 2, "--alias is '../x'"),
    ):
        ran = newstide("promote", reference, *flags)
        assert (ran.code, fault in ran.err) == (code, True), ran.err
    assert (in_force(tmp_path), notes(embedded)) == ([], [])

    async def away(*_: object) -> None:
        raise BrokerUnavailableError("the broker does not answer")

    monkeypatch.setattr("stream.bus.admin.require_topics", away)
    ran = newstide("promote", tiny_release(tmp_path / "mine", "2.0.0", seed=2).path)
    assert (ran.code, "or add --store-only" in ran.err) == (1, True)
    assert in_force(tmp_path) == []


def test_one_that_is_called_as_one_that_ships_is_not_taken_for_it(newstide: Command, tmp_path: Path) -> None:
    ships = packaged_release()
    mine = tiny_release(tmp_path / "mine", "2.0.0", seed=2)
    page = mine.path / MANIFEST
    told = json.loads(page.read_text())
    page.write_text(json.dumps(told | {"name": ships.manifest.name, "version": ships.manifest.version}))
    ran = newstide("promote", mine.path, "--store-only")
    assert (ran.code, f"is called {ships.label}, as a release that ships" in ran.err) == (2, True), ran.err
    assert "--version of its own" in ran.err
    assert in_force(tmp_path) == []
    page.write_text(json.dumps(told | {"name": ships.manifest.name}))
    assert newstide("promote", mine.path, "--store-only").code == 0


def test_what_listeners_lose_is_told(newstide: Command, embedded: Connection, tmp_path: Path) -> None:
    mine = tiny_release(tmp_path / "mine", "2.0.0", seed=2)
    page = mine.path / MANIFEST
    told = json.loads(page.read_text())
    topics = told["heads"]["topic"]["labels"]
    told["heads"]["topic"]["labels"] = ["Rates", *topics[1:]]
    page.write_text(json.dumps(told))
    golden = mine.path / GOLDEN
    golden.write_text(golden.read_text().replace(json.dumps(topics[0]), '"Rates"'))
    told["files"][GOLDEN] |= {"sha256": sha256_of(golden.read_bytes()), "bytes": len(golden.read_bytes())}
    page.write_text(json.dumps(told))
    ran = newstide("promote", mine.path, "--store-only")
    assert ran.code == 0, ran.err
    assert f"series and rules of 1 topics will hear of no more news: {topics[0]}" in ran.err
    heldout = tmp_path / "topics.csv"
    heldout.write_text("text,task,label\noil,topic,Rates\n")
    ran = newstide("promote", tiny_release(tmp_path / "next", "3.0.0", seed=2).path, "--heldout", heldout)
    assert (ran.code, "label 'Rates' is none of the task topic" in ran.err) == (2, True)
    ran = newstide("promote", mine.path, "--alias", "newstide-en", "--heldout", heldout)
    assert (ran.code, "with other labels, so they can't be compared" in ran.err) == (2, True)


def test_a_worse_candidate_is_not_promoted_and_the_figures_are_printed(
    newstide: Command, trainer: Trainer, embedded: Connection, tmp_path: Path
) -> None:
    put_labels(newstide, tmp_path)
    ran = newstide("retrain", "--heldout", heldout_of(1, tmp_path))
    assert ran.code == 1
    assert "not promoted: tiny@1.0.0 stays in force, tiny@1.0.1 is worse:" in ran.out
    assert "heldout sentiment accuracy 1.000 -> " in ran.out
    assert "macro_f1" in ran.out
    assert notes(embedded) == []
    assert in_force(tmp_path) == []
    told = newstide("retrain", "--heldout", heldout_of(1, tmp_path), "--json")
    assert told.code == 1
    assert (told.record()["promoted"], told.record()["passed"]) == (False, False)
    assert told.record()["reasons"]


def test_a_dry_run_changes_nothing_and_keeps_the_candidate_where_it_was_asked_for(
    newstide: Command, trainer: Trainer, embedded: Connection, tmp_path: Path
) -> None:
    put_labels(newstide, tmp_path)
    ran = newstide("retrain", "--heldout", heldout_of(2, tmp_path), "--dry-run", "--out", tmp_path / "kept")
    assert ran.code == 0
    assert "tiny@1.0.1 is no worse: it would be promoted (--dry-run)" in ran.out
    assert Release.open(tmp_path / "kept").label == "tiny@1.0.1"
    assert notes(embedded) == []
    assert in_force(tmp_path) == []
    again = newstide("retrain", "--out", tmp_path / "kept")
    assert again.code == 2
    assert "it already holds something: give a new folder" in again.err


def test_the_next_retraining_starts_from_what_was_promoted_and_takes_a_free_version(
    newstide: Command, trainer: Trainer, embedded: Connection, tmp_path: Path
) -> None:
    put_labels(newstide, tmp_path)
    ran = newstide("retrain", "--heldout", heldout_of(2, tmp_path), "--json")
    told = ran.record()
    assert ran.code == 0
    assert (told["promoted"], told["release"], told["base"]) == (True, "tiny@1.0.1", "tiny@1.0.0")
    assert (told["labels"], told["ties"], told["unfit"], told["unread"]) == (5, 0, 0, 0)
    assert told["figures"]["heldout.sentiment.accuracy.new"] == 1.0
    assert newstide("rollback", "--json", "--by", "bob").record() == {
        "alias": "production",
        "release": "tiny@1.0.0",
        "former": "tiny@1.0.1",
        "by": "bob",
    }
    assert newstide("retrain", "--heldout", heldout_of(2, tmp_path)).code == 0
    assert trainer.base is not None
    assert trainer.base.label == "tiny@1.0.0"
    assert in_force(tmp_path) == ["tiny@1.0.2", "tiny@1.0.0"]
    assert newstide("rollback", "--to", "tiny@1.0.1").code == 0
    assert in_force(tmp_path)[0] == "tiny@1.0.1"
    assert notes(embedded)[-1].version == "1.0.1"


def test_with_a_key_what_is_promoted_is_signed(
    newstide: Command, trainer: Trainer, embedded: Connection, tmp_path: Path
) -> None:
    newstide.flags += ("--set", f"releases.key={KEY}")
    put_labels(newstide, tmp_path)
    assert newstide("retrain", "--heldout", heldout_of(2, tmp_path)).code == 0
    assert newstide("rollback").code == 0
    promoted, back = notes(embedded)
    assert promoted.signature is not None
    assert back.signature is not None
    assert promoted.signature != back.signature


def test_without_labels_it_says_how_to_label(newstide: Command, trainer: Trainer, tmp_path: Path) -> None:
    ran = newstide("retrain")
    assert ran.code == 2
    assert "news.labels holds no labels, and 1 is needed" in ran.err
    assert "`newstide label --csv FILE`" in ran.err
    put_labels(newstide, tmp_path)
    ran = newstide("retrain", "--min-labels", 6)
    assert ran.code == 2
    assert "holds 5 labelled texts, and 6 are needed (--min-labels)" in ran.err
    ran = newstide("retrain", "--since", "2999-01-01")
    assert ran.code == 2
    assert "holds no labels since 2999-01-01 00:00" in ran.err
    assert trainer.base is None


def put(connection: Connection, *records: Outgoing) -> None:
    async def work() -> None:
        async with open_producer(connection) as producer:
            await send_all(connection, producer, records)

    asyncio.run(work())


def label_by(annotator: str, answer: str, **more: str) -> Outgoing:
    fields = {"news_id": "n1", "text": "gold", "task": "sentiment", "label": answer, "annotator": annotator}
    return Outgoing(LABELS.name, b"n1", Label.model_validate(fields | {"at": AT} | more).to_json())


def test_labels_that_do_not_count_are_told(
    newstide: Command, trainer: Trainer, embedded: Connection, tmp_path: Path
) -> None:
    put(
        embedded,
        *(label_by("ada", "negative"), label_by("bob", "positive"), label_by("bob", "negative", entity="X")),
        *(Outgoing(LABELS.name, b"n1", b"{"), Outgoing(LABELS.name, b"n1", None)),
        label_by("ada", "negative", news_id="n2", text=HELD_OUT[0]),
    )
    heldout = heldout_of(2, tmp_path)
    ran = newstide("retrain", "--heldout", heldout)
    assert ran.code == 2
    assert "1 left out because annotators disagree" in ran.err
    assert "1 that this model can't learn, 2 not readable, 1 on held-out texts" in ran.err
    put_labels(newstide, tmp_path)
    ran = newstide("retrain", "--heldout", heldout)
    assert "labels not used: 1 left out because annotators disagree" in ran.out


def test_labels_can_be_read_from_a_time_on(newstide: Command, embedded: Connection) -> None:
    put(embedded, label_by("ada", "negative"), label_by("bob", "positive", at="2026-03-03T00:00:00Z"))
    since = datetime(2026, 3, 3, tzinfo=UTC)
    agreed = asyncio.run(read_labels(embedded, since=since))
    assert [each.label for each in agreed.texts] == ["positive"]
    assert asyncio.run(read_labels(embedded)).ties == 1


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("text,label\ngold,negative\n", 2, "there is no column 'task'"),
        ("text,task,label\ngold,mood,negative\n", 2, "line 2: task is 'mood'"),
        ("text,task,label\ngold,sentiment,sad\n", 2, "line 2: label 'sad'"),
        ("text,task,label\n", 2, "has no rows"),
    ],
)
def test_wrong_held_out_texts_are_named_before_anything_is_trained(
    content: str, code: int, says: str, newstide: Command, trainer: Trainer, tmp_path: Path
) -> None:
    path = tmp_path / "heldout.csv"
    path.write_text(content)
    ran = newstide("retrain", "--heldout", path)
    assert ran.code == code
    assert says in ran.err
    assert trainer.base is None


def test_the_held_out_texts_that_ship_are_sound(newstide: Command, trainer: Trainer, tmp_path: Path) -> None:
    put_labels(newstide, tmp_path)
    ran = newstide("retrain", "--json", "--dry-run")
    assert ran.code in {0, 1}
    assert ran.record()["figures"]["heldout.sentiment.n.old"] >= 50
    assert ran.record()["figures"]["heldout.topic.n.old"] >= 50


def test_without_what_trains_it_says_what_to_install(
    newstide: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "find_spec", lambda _: None)
    ran = newstide("retrain")
    assert ran.code == 2
    assert 'pip install "newstide[train]"' in ran.err


def test_a_rollback_of_nothing_says_so(newstide: Command) -> None:
    ran = newstide("rollback")
    assert ran.code == 1
    assert "alias 'production' has no former release: it was never set" in ran.err
    ran = newstide("rollback", "--to", "1.0.0")
    assert ran.code == 2
    assert "--to 1.0.0: release is '1.0.0': give name@version" in ran.err
    ran = newstide("rollback", "--to", "tiny@9")
    assert ran.code == 2
    assert "tiny@9 is not in" in ran.err


def test_a_rollback_to_an_unsound_release_moves_nothing(
    newstide: Command, trainer: Trainer, embedded: Connection, tmp_path: Path
) -> None:
    put_labels(newstide, tmp_path)
    assert newstide("retrain", "--heldout", heldout_of(2, tmp_path)).code == 0
    (tmp_path / "store" / "releases" / "tiny" / "1.0.0" / GRAPH).write_bytes(b"rust")
    ran = newstide("rollback")
    assert ran.code == 1
    assert GRAPH in ran.err
    assert in_force(tmp_path)[0] == "tiny@1.0.1"
    assert len(notes(embedded)) == 1


def test_where_the_scorers_can_not_be_told_it_says_how_to_tell_them_later(
    newstide: Command, trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise BrokerUnavailableError("no broker answers")

    put_labels(newstide, tmp_path)
    monkeypatch.setattr(releases, "announce", fail)
    ran = newstide("retrain", "--heldout", heldout_of(2, tmp_path))
    assert ran.code == 1
    assert "no broker answers" in ran.err
    assert "run `newstide rollback --alias production --to tiny@1.0.1`" in ran.err
    assert "heldout sentiment" in ran.out


def test_without_topics_nothing_is_trained(newstide: Command, trainer: Trainer) -> None:
    newstide.flags += ("--set", "kafka.topic_prefix=other.")
    for command in ("retrain", "rollback"):
        ran = newstide(command)
        assert ran.code == 1
        assert "does not exist" in ran.err
    assert trainer.base is None
