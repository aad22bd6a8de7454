"""`newstide up`, `run` and `demo` as a user starts them: in a process of their own, ended by a signal."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from monitoring import put_tiny_release

from stream.bench.apache import free_port
from stream.bus import Connection

WAIT_SECONDS = 120.0


def newstide(folder: Path, *words: object) -> subprocess.Popen[str]:
    """Start the command in `folder`, without this user's settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEWSTIDE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "stream.cli", *map(str, words)],
        cwd=folder,
        env=environment | {"XDG_STATE_HOME": str(folder), "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(folder: Path, *words: object) -> tuple[int, str, str]:
    """Run the command to its end: its exit code, what it printed, and what it said."""
    with newstide(folder, *words) as process:
        out, err = process.communicate(timeout=WAIT_SECONDS)
    return process.returncode, out, err


def settings(**values: object) -> list[str]:
    """The root flags that set `section__field`."""
    return [
        word for name, value in values.items() for word in ("--set", f"{name.replace('__', '.')}={value}")
    ]


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as page:  # noqa: S310 - our own server
            return bool(page.status == 200)
    except OSError:
        return False


@contextmanager
def running(folder: Path, port: int, words: Sequence[object]) -> Iterator[subprocess.Popen[str]]:
    """The command, once it says that it is ready; killed at the end, should it still run."""
    with newstide(folder, *words) as process:
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            while not answers(f"http://127.0.0.1:{port}/readyz"):
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_up_works_until_it_is_told_to_stop_and_leaves_no_process(tmp_path: Path, how: signal.Signals) -> None:
    put_tiny_release(tmp_path)
    port = free_port()
    flags = settings(broker__port=0, broker__data_dir=tmp_path, metrics__port=port)
    with running(tmp_path, port, [*flags, "up"]) as process:
        process.send_signal(how)
        _, err = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    broker = re.search(r"embedded broker at 127\.0\.0\.1:(\d+)", err)
    assert broker is not None
    for gone in (port, int(broker[1])):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", gone))


def children_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_up_says_so_and_ends_when_its_embedded_broker_dies(tmp_path: Path) -> None:
    put_tiny_release(tmp_path)
    port = free_port()
    flags = settings(broker__port=0, broker__data_dir=tmp_path, metrics__port=port)
    with running(tmp_path, port, [*flags, "up"]) as process:
        (broker,) = children_of(process.pid)
        os.kill(broker, signal.SIGKILL)
        _, err = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1
    assert err.splitlines()[-1].startswith("newstide: the embedded broker ended by itself")


def test_one_role_runs_alone_on_the_users_broker(tmp_path: Path, embedded: Connection) -> None:
    assert ended(tmp_path, "--bootstrap", embedded.bootstrap, "topics", "--create")[0] == 0
    port = free_port()
    flags = settings(kafka__group_instance_id="one", broker__data_dir=tmp_path, metrics__port=port)
    with (
        running(tmp_path, port, ["--bootstrap", embedded.bootstrap, *flags, "run", "watch"]) as process,
        urlopen(f"http://127.0.0.1:{port}/metrics") as page,
    ):
        metrics = page.read().decode()
        process.terminate()
        assert process.wait(WAIT_SECONDS) == 0
    assert 'newstide_assigned_partitions{loop="watch"} 3.0' in metrics
    assert 'loop="score"' not in metrics


def test_a_role_alone_wants_a_broker_that_others_can_share(tmp_path: Path) -> None:
    code, _, err = ended(tmp_path, "run", "score")
    assert code == 2
    assert "--bootstrap HOST:PORT" in err


@pytest.mark.parametrize("role", ["score", "watch"])
def test_without_its_topics_a_role_ends_in_one_clear_line(
    tmp_path: Path, embedded: Connection, role: str
) -> None:
    put_tiny_release(tmp_path)
    flags = settings(broker__data_dir=tmp_path, metrics__port=0, log__level="WARNING")
    code, out, err = ended(tmp_path, "--bootstrap", embedded.bootstrap, *flags, "run", role)
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    assert "does not exist" in line
    assert "newstide topics --create" in line


def test_a_broker_that_is_not_there_ends_a_role_in_one_clear_line(tmp_path: Path) -> None:
    flags = settings(broker__data_dir=tmp_path, metrics__port=0)
    code, _, err = ended(tmp_path, "--bootstrap", "127.0.0.1:1", *flags, "run", "watch")
    assert code == 1
    (line,) = (line for line in err.splitlines() if not line.startswith("{"))
    assert line.startswith("newstide: no broker answers at 127.0.0.1:1 (kafka.bootstrap)")


def test_a_port_that_is_taken_is_named_with_its_setting(tmp_path: Path) -> None:
    put_tiny_release(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        flags = settings(broker__port=0, broker__data_dir=tmp_path, metrics__port=port)
        code, _, err = ended(tmp_path, *flags, "up")
    assert code == 2
    assert err.splitlines()[-1].startswith(f"newstide: metrics.port is {port}, but another program listens")
    assert "newstide runs" not in err, "it never did"
    assert "Traceback" not in err


def test_a_broker_port_that_is_taken_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        flags = settings(broker__port=port, broker__data_dir=tmp_path, metrics__port=0)
        code, _, err = ended(tmp_path, *flags, "up")
    assert code == 1
    assert f"the embedded broker did not start on 127.0.0.1:{port}" in err
    assert "(broker.port)" in err


def test_the_demo_sees_the_bank_run_and_adds_up(tmp_path: Path) -> None:
    code, out, err = ended(tmp_path, "demo", "--seconds", "5", "--json")
    assert code == 0, out + err
    result = json.loads(out)
    assert result["adds_up"]
    assert (result["sent"], result["rejected"], result["faults"]) == (2000, 20, [])
    assert "company:HRWV" in {alert["series"] for alert in result["alerts"]}
    assert result["news_per_second"] > 0 < result["p50_ms"] <= result["p99_ms"]
    assert list(tmp_path.iterdir()) == []
