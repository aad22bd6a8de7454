"""A real Prometheus on loopback that scrapes what a test serves."""

from __future__ import annotations

import json
import math
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import pytest

T = TypeVar("T")

_LISTENING = re.compile(r'msg="?[Ll]istening on"? .*?address=\S*?:(\d+)')


def program(name: str) -> str:
    """The path of `name`, or the test is skipped with what to install."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not on the PATH: install Debian's package `prometheus` to run this test")
    return found


class PrometheusServer:
    """Scrapes `targets` (`host:port`) each second as the job `newstide`, with the project's alert rules.

    Where to listen is chosen by the system; `url` says it once the block is entered.
    """

    def __init__(self, folder: Path, targets: Sequence[str], *, rules: Path | None = None) -> None:
        self._folder = folder
        self._targets = targets
        self._rules = rules
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "prometheus.yml"
        config.write_text(json.dumps(self._config()))
        log = self._folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    program("prometheus"),
                    f"--config.file={config}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    "--web.listen-address=127.0.0.1:0",
                    "--log.level=info",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            port = until(lambda: self._port(log), "Prometheus to listen")
            self.url = f"http://127.0.0.1:{port}"
            until(self._is_ready, "Prometheus to be ready")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The samples of `expr` now: each with its `metric` and its `value` (time, text)."""
        answer = self._ask("/api/v1/query", {"query": expr})
        assert answer["data"]["resultType"] == "vector", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def numbers(self, expr: str) -> list[float]:
        """The values of `expr` now, less those that are not a number."""
        return [number for each in self.query(expr) if not math.isnan(number := float(each["value"][1]))]

    def label_values(self, metric: str, label: str) -> list[str]:
        """What Grafana's `label_values(metric, label)` gives."""
        answer = self._ask(f"/api/v1/label/{label}/values", {"match[]": metric})
        values: list[str] = answer["data"]
        return values

    def _config(self) -> Mapping[str, object]:
        return {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(self._rules.absolute())] if self._rules else [],
            "scrape_configs": [
                {"job_name": "newstide", "static_configs": [{"targets": list(self._targets)}]}
            ],
        }

    def _port(self, log: Path) -> int | None:
        process = self._process
        assert process is not None
        text = log.read_text(errors="replace")
        assert process.poll() is None, text
        found = _LISTENING.search(text)
        # Some versions log the address that was asked for: then the kernel knows the port.
        return int(found[1]) if found and found[1] != "0" else _listening_port(process.pid)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _ask(self, path: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}{path}", params=parameters, timeout=10)
        assert answer.status_code == httpx.codes.OK, f"{parameters}: {answer.text}"
        body: dict[str, Any] = answer.json()
        return body

    def _end(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(20)


def until(ask: Callable[[], T | None], what: str, seconds: float = 60.0) -> T:
    """Ask again and again until the answer is true.

    Raises:
        AssertionError: if it is not, within so many seconds.
    """
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        time.sleep(0.05)
    return answer


def _listening_port(pid: int) -> int | None:
    """The TCP port on which the process listens, by /proc."""
    try:
        links = [fd.readlink() for fd in Path(f"/proc/{pid}/fd").iterdir()]
        rows = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return None
    inodes = {str(link)[8:-1] for link in links if str(link).startswith("socket:[")}
    for row in rows:
        fields = row.split()
        if fields[3] == "0A" and fields[9] in inodes:
            return int(fields[1].rpartition(":")[2], 16)
    return None
