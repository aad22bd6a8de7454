"""Workers in processes of their own, started by the real command, for measurements and the chaos test."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from stream.bench.apache import free_port
from stream.bench.ending import end_process
from stream.bus import Connection
from stream.errors import NewstideError

_READY_SECONDS = 60.0


class Worker:
    """One `newstide run ROLE` on a broker; its log is kept in `folder`."""

    def __init__(
        self,
        role: str,
        connection: Connection,
        folder: Path,
        *,
        name: str,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.log = folder / f"{name}.log"
        self._port = free_port()
        own: dict[str, object] = {
            "kafka.bootstrap": connection.bootstrap,
            "kafka.topic_prefix": connection.topic_prefix,
            "kafka.session_timeout_ms": connection.session_timeout_ms,
            "metrics.port": self._port,
            "releases.store": folder / "releases",
            "releases.follow": False,
            "log.format": "json",
        }
        if connection.group_instance_id is not None:
            own["kafka.group_instance_id"] = f"{connection.group_instance_id}-{name}"
        words = [
            word
            for key, value in (own | dict(settings or {})).items()
            for word in ("--set", f"{key}={value}")
        ]
        self._command = [sys.executable, "-m", "stream.cli", *words, "run", role]
        self._process: subprocess.Popen[bytes] | None = None
        self.gave_up = 0
        """How often it ended by itself."""

    @property
    def ended(self) -> bool:
        """Whether the process ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        """Start the process."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )

    def ready(self) -> bool:
        """Whether it says that it is ready."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=2) as answer:
                checks = json.load(answer)["checks"]
        except (urllib.error.URLError, OSError, ValueError):
            return False
        return any(check["name"].endswith(".poll") for check in checks)

    def counter(self, name: str) -> float:
        """The sum of a counter over its labels, as `/metrics` shows it; 0 while it can't be had."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=2) as answer:
                lines = answer.read().decode().splitlines()
        except (urllib.error.URLError, OSError):
            return 0.0
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))
        )

    def wait_ready(self) -> None:
        """Wait until it is ready.

        Raises:
            NewstideError: it ended, or did not get ready in time; the text says where its log is.
        """
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and not self.ended:
            if self.ready():
                return
            time.sleep(0.05)
        last = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise NewstideError(f"a worker did not get ready; its last words: {' '.join(last) or 'none'}")

    def kill(self) -> None:
        """End it as a power cut would: kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        self.gave_up += end_process(process, how)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
