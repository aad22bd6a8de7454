"""Apache Kafka for measurements and tests: one node on loopback, from the folder that KAFKA_HOME names."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from stream.bench.ending import end_process
from stream.errors import NewstideError

_START_SECONDS = 60

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
"""
# A broker that was killed may register again only when its old session has run out: 2 s instead of 9.


def kafka_home() -> Path | None:
    """The folder of an Apache Kafka, or None where the environment names none."""
    home = os.environ.get("KAFKA_HOME")
    return Path(home) if home and (Path(home) / "bin" / "kafka-server-start.sh").exists() else None


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ApacheKafka:
    """One broker with its controller. Killing and starting it again keeps its data and its port."""

    def __init__(self, home: Path, folder: Path, properties: str = _PROPERTIES) -> None:
        self.home = home
        self._folder = folder
        self._port, controller = free_port(), free_port()
        self.properties = folder / "server.properties"
        self.properties.write_text(
            properties.format(port=self._port, controller=controller, folder=folder), encoding="utf-8"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients reach it."""
        return f"127.0.0.1:{self._port}"

    def tool(self, name: str, *words: str) -> str:
        """Run one of Kafka's own tools and return what it printed.

        Raises:
            NewstideError: if the tool fails; the text has what it said.
        """
        done = subprocess.run(
            [str(self.home / "bin" / name), *words],
            check=False,
            capture_output=True,
            text=True,
            env=self._environment(),
        )
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip())[-2000:] or "nothing"
            raise NewstideError(f"{name} of {self.home} ended with {done.returncode} and said: {said}")
        return done.stdout

    def format(self, *words: str) -> None:
        """Prepare its folder, once."""
        cluster = "newstideTestClusterAAAA"
        self.tool(
            "kafka-storage.sh", "format", "--standalone", "-t", cluster, "-c", str(self.properties), *words
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = (self._folder / "server.log").open("ab")
        self._process = subprocess.Popen(
            [str(self.home / "bin" / "kafka-server-start.sh"), str(self.properties)],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=self._environment(),
            process_group=0,
        )
        log.close()
        deadline = time.monotonic() + _START_SECONDS
        seen = (self._folder / "server.log").stat().st_size
        while time.monotonic() < deadline:
            with (self._folder / "server.log").open("rb") as lines:
                if b"Kafka Server started" in lines.read()[max(0, seen - 200) :]:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"Apache Kafka did not start: see {self._folder / 'server.log'}")

    def kill(self) -> None:
        """End it as a power cut would: kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        end_process(process, how)

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "KAFKA_HEAP_OPTS": "-Xms64m -Xmx400m",
            "LOG_DIR": str(self._folder / "gc"),
        }

    def __enter__(self) -> Self:
        self.format()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
