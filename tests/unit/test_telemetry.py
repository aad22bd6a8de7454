"""ONNX Runtime tells its makers nothing of what runs here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "program",
    [
        "import models.session",
        "import export.answers",
        "import export.quantize",
        "from stream.parts import load_scorer; import models.loaded",
        "import sys; from stream.cli import main; main(['score', 'profit falls'])",
    ],
)
def test_nothing_is_prepared_to_be_told(program: str, tmp_path: Path) -> None:
    """Where it is not turned off in time, the runtime keeps an id of the machine and a queue in its cache."""
    if "export.quantize" in program:
        pytest.importorskip("onnx", reason="the extra `train` is not installed")
    unset = {"ORT_DISABLE_TELEMETRY", "CI", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME"}
    home = {name: value for name, value in os.environ.items() if name not in unset and "CI" not in name}
    home |= {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", program], env=home, check=True, capture_output=True)
    assert b"telemetry" not in ran.stderr
    assert [str(path) for path in tmp_path.rglob("*onnxruntime*")] == []


def test_who_wants_it_told_can_say_so(tmp_path: Path) -> None:
    program = (
        "import os, models, onnxruntime\n"
        "onnxruntime.disable_telemetry_events = lambda: print('off')\n"
        "import models.session\n"
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    unset = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    for given, told in (({}, "off 1"), ({"ORT_DISABLE_TELEMETRY": "0", "HOME": str(tmp_path)}, "0")):
        environment = {**unset, **given, "PYTHONPATH": str(ROOT)}
        ran = subprocess.run(
            [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
        )
        assert ran.stdout.split() == told.split()
