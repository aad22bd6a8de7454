"""A real Alertmanager on loopback that tells a webhook of the test's own."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

_LISTENING = re.compile(r'msg="?[Ll]istening on"? .*?address=\S*?:(\d+)')
_NAMES = ("prometheus-alertmanager", "alertmanager")


def program() -> str:
    """The path of Alertmanager, or the test is skipped with what to install."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("Alertmanager is not on the PATH: install Debian's package `prometheus-alertmanager`")
    return found


class AlertmanagerServer:
    """Runs from `with` on; `url` is its address. Groups by `cause` and tells `receiver` within a second."""

    def __init__(self, folder: Path, receiver: str | None = None, config: Path | None = None) -> None:
        self._folder = folder
        self._receiver = receiver
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._config or self._folder / "alertmanager.yml"
        if self._config is None:
            config.write_text(json.dumps(self._own_config()))
        log = self._folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    program(),
                    f"--config.file={config}",
                    f"--storage.path={self._folder / 'data'}",
                    "--web.listen-address=127.0.0.1:0",
                    # Empty: no gossip, which would ask for an address of the network.
                    "--cluster.listen-address=",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self.url = f"http://127.0.0.1:{self._wait_for_port(log)}"
            self._wait_until_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that are open for it now."""
        answer = httpx.get(f"{self.url}/api/v2/alerts", timeout=10, trust_env=False)
        assert answer.status_code == httpx.codes.OK, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def _own_config(self) -> dict[str, object]:
        receiver: dict[str, object] = {"name": "test"}
        if self._receiver is not None:
            receiver["webhook_configs"] = [{"url": self._receiver, "send_resolved": True}]
        route = {"receiver": "test", "group_by": ["cause"], "group_wait": "100ms", "group_interval": "1s"}
        return {"global": {"resolve_timeout": "5m"}, "route": route, "receivers": [receiver]}

    def _wait_for_port(self, log: Path) -> int:
        process = self._process
        assert process is not None
        end = time.monotonic() + 30
        while time.monotonic() < end:
            text = log.read_text(errors="replace")
            assert process.poll() is None, text
            found = _LISTENING.search(text)
            port = int(found[1]) if found and found[1] != "0" else _port_of(process.pid)
            if port:
                return port
            time.sleep(0.05)
        raise AssertionError(log.read_text(errors="replace"))

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                if httpx.get(f"{self.url}/-/ready", timeout=5, trust_env=False).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError("Alertmanager did not become ready within 30 s")

    def _end(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(20)


def _port_of(pid: int) -> int | None:
    """The TCP port on which the process listens, by /proc: some versions log the address that was asked for."""
    try:
        links = [fd.readlink() for fd in Path(f"/proc/{pid}/fd").iterdir()]
        rows = [
            row
            for name in ("tcp", "tcp6")
            for row in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
        ]
    except OSError:
        return None
    inodes = {str(link)[8:-1] for link in links if str(link).startswith("socket:[")}
    for row in rows:
        fields = row.split()
        if fields[3] == "0A" and fields[9] in inodes:
            return int(fields[1].rpartition(":")[2], 16)
    return None
