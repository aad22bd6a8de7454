from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from models.scorer import Places, Scoring
from stream.bench import chaos, score
from stream.bench.apache import ApacheKafka, kafka_home
from stream.bench.chaos import ChaosFigures
from stream.bench.score import ScoreFigures, plain_loop, usual_way
from stream.bench.workers import Worker
from stream.bus import Connection
from stream.errors import NewstideError
from stream.events import NewsItem

NOWHERE = Connection("127.0.0.1:1")


def test_the_figures_are_ratios_of_one_run() -> None:
    figures = ScoreFigures(plain_per_s=800, kafka_per_s=700, usual_per_s=100, p50_ms=5, p99_ms=9)
    assert (figures.kafka_over_plain, figures.plain_over_usual) == (0.875, 8.0)
    assert ScoreFigures(800, 700, None, 5, 9).plain_over_usual is None


def test_the_plain_loop_takes_the_texts_in_windows() -> None:
    class Windows:
        release = "fake@1"

        def __init__(self) -> None:
            self.sizes: list[int] = []

        def score(self, texts: Sequence[str], spans: Sequence[Places] | None = None) -> Scoring:
            self.sizes.append(len(texts))
            return Scoring((), self.release)

    windows = Windows()
    assert plain_loop(windows, ["a"] * 600) > 0
    assert windows.sizes == [256, 256, 88]


def test_the_share_of_a_sorted_list_is_one_of_its_values() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert (score._share(values, 0.5), score._share(values, 0.99), score._share(values, 1.0)) == (
        51,
        100,
        100,
    )


def test_the_usual_way_is_measured_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ran(words: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert words[1:3] == ["-m", "models.training.usual"]
        assert Path(words[3]).read_text() == '["a", "b"]'
        return subprocess.CompletedProcess(words, 0, 'a warning\n{"per_s": 61.5}\n', "")

    monkeypatch.setattr(subprocess, "run", ran)
    assert usual_way(["a", "b"], tmp_path) == 61.5


def test_why_the_usual_way_could_not_be_measured_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "Traceback\nModuleNotFoundError: transformers\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(NewstideError, match="could not be measured: ModuleNotFoundError: transformers"):
        usual_way(["a"], tmp_path)


@pytest.mark.parametrize(
    ("lost", "doubled", "stopped", "sound"),
    [(0, 0, 0, True), (1, 0, 0, False), (0, 1, 0, False), (0, 0, 1, False)],
)
def test_a_run_is_sound_when_nothing_is_lost_or_doubled_and_nobody_gave_up(
    lost: int, doubled: int, stopped: int, *, sound: bool
) -> None:
    figures = ChaosFigures(10, 9, 1, lost, doubled, kills=1, broker_kills=0, stopped=stopped, seconds=1.0)
    assert figures.sound is sound


async def test_the_load_counts_only_what_the_broker_acknowledged() -> None:
    load = chaos._Load(NOWHERE, ["Bank fails"])
    well, refused, dropped = (asyncio.get_running_loop().create_future() for _ in range(3))
    well.set_result(object())
    refused.set_exception(NewstideError("refused"))
    dropped.cancel()
    for key, future in ((b"well", well), (b"refused", refused), (b"dropped", dropped)):
        load._acknowledged(key, future)
    assert load.sent == {b"well"}


def test_the_load_is_news_with_a_broken_record_now_and_then() -> None:
    load = chaos._Load(NOWHERE, ["Bank fails", "Fed cuts"])
    values = [load._value(number) for number in range(80)]
    assert [number for number, value in enumerate(values) if value == b"{broken"] == [0, 40]
    assert NewsItem.model_validate_json(values[3]).headline == "Fed cuts"


def test_a_worker_that_ends_by_itself_is_told_with_its_last_words_and_counted(tmp_path: Path) -> None:
    worker = Worker("watch", NOWHERE, tmp_path, name="lost")
    with worker, pytest.raises(NewstideError, match="did not get ready; its last words: newstide: no broker"):
        worker.wait_ready()
    assert worker.gave_up == 1
    worker.stop()
    assert worker.gave_up == 1


def test_a_worker_that_does_not_end_when_asked_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deaf:
        pid, returncode, killed = 1, None, False

        def poll(self) -> None: ...

        def wait(self, seconds: float | None = None) -> None:
            if not self.killed:
                raise subprocess.TimeoutExpired("worker", seconds or 0.0)

        def kill(self) -> None:
            self.killed = True

    deaf, asked = Deaf(), []
    monkeypatch.setattr("os.kill", lambda pid, how: asked.append((pid, how)))
    worker = Worker("score", NOWHERE, tmp_path, name="deaf")
    worker._process = deaf  # type: ignore[assignment]  # a fake
    worker.stop()
    assert asked == [(1, 15)]
    assert deaf.killed
    assert worker.gave_up == 0


def test_a_kafka_home_without_a_kafka_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))
    assert kafka_home() is None
    monkeypatch.delenv("KAFKA_HOME")
    assert kafka_home() is None


def test_a_kafka_that_does_not_start_is_told_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "kafka-server-start.sh"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    broker = ApacheKafka(tmp_path, tmp_path)
    with pytest.raises(RuntimeError, match=r"server\.log"):
        broker.start()
    broker.stop()
    broker.stop()


def test_what_a_tool_of_kafka_says_when_it_fails_is_shown(tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "kafka-storage.sh"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho no room left >&2\nexit 1\n")
    tool.chmod(0o755)
    with pytest.raises(NewstideError, match=r"kafka-storage\.sh of .* ended with 1 and said: no room left"):
        ApacheKafka(tmp_path, tmp_path).format()
