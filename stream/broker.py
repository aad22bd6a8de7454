"""The embedded broker: noida-db, started beside newstide, for the demo, development and tests.

It speaks Kafka's protocol with transactions and compaction, and starts in milliseconds. It does not expire dead
group members, and a `kill -9` costs it about its last second: for what must not be lost use Apache Kafka.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from stream.errors import BrokerUnavailableError, UsageError

_READY = re.compile(r"^\s*kafka\s+(\S+):(\d+)\s*$")
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class EmbeddedBroker:
    """One broker process that lives no longer than this one.

    Use as a context manager: entering starts it and returns its address, leaving stops it and saves its data.
    `on_end` is called, in another thread, when it ends without being told to.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._host = host
        self._port = port
        self._process: subprocess.Popen[str] | None = None
        self._said: list[str] = []
        self._on_end = on_end
        self._ended = False

    def __enter__(self) -> Address:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> Address:
        """Start it and wait until it says where it listens.

        Raises:
            UsageError: the extra `embedded` is not installed, or its folder can't be made.
            BrokerUnavailableError: it did not start; the text holds what it said.
        """
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"broker.data_dir: {self._data_dir} can't be made ({error.strerror}): set broker.data_dir to a"
                " folder that you may write to"
            ) from error
        options = ["--only", "kafka", "--host", self._host, "--kafka-port", str(self._port)]
        process = subprocess.Popen(  # noqa: S603 - the program comes from an installed package, the words from settings
            [_program(), "start", *options, "--data-dir", str(self._data_dir)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # In a group of its own, so that a Ctrl-C in the terminal ends us first and the broker after us.
            process_group=0,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one call, no locks
        )
        self._process = process
        found: list[Address] = []
        ready = threading.Event()
        assert process.stdout is not None  # noqa: S101 - asked for above; for the type checker
        threading.Thread(target=self._listen, args=(process.stdout, found, ready), daemon=True).start()
        ready.wait(_START_SECONDS)
        if not found:
            said = " ".join(line for line in self._said if "GLIBC" not in line)[-300:] or "nothing"
            self.stop()
            raise BrokerUnavailableError(
                f"the embedded broker did not start on {self._host}:{self._port} with data in {self._data_dir}; "
                f"it said: {said}. Is the port taken (broker.port) or is the folder in use by another one?"
            )
        return found[0]

    def _listen(self, output: IO[str], found: list[Address], ready: threading.Event) -> None:
        for line in output:
            if (match := _READY.match(line)) and not found:
                found.append(Address(match[1], int(match[2])))
                ready.set()
            self._said.append(line.strip())
            del self._said[:-20]
        output.close()
        if found and self._process is not None:
            self._ended = True
            if self._on_end is not None:
                self._on_end()
        ready.set()

    def check(self) -> None:
        """Look whether it still runs.

        Raises:
            BrokerUnavailableError: it ended by itself; the text holds its last words.
        """
        if self._ended:
            raise BrokerUnavailableError(
                f"the embedded broker ended by itself; its last words: {self._said[-1] if self._said else ''}. "
                f"Its data is in {self._data_dir}: is the disk full, or was it killed?"
            )

    def stop(self) -> None:
        """Ask it to save and end; end it by force where it does not. Does nothing when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _program() -> str:
    spec = find_spec("noida_db")
    if spec is None or spec.origin is None:
        raise UsageError(
            'the embedded broker is not installed: run pip install "newstide[embedded]", '
            "or set kafka.bootstrap to a Kafka of your own"
        )
    program = Path(spec.origin).with_name("noida-db.exe" if os.name == "nt" else "noida-db")
    if not os.access(program, os.X_OK):
        program.chmod(0o755)
    return str(program)


def _die_with_parent() -> None:
    """Let the kernel end the broker when this process dies, however it dies. Runs in the child."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
