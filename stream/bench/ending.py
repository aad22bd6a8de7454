"""How a process that we started ends."""

from __future__ import annotations

import signal
import subprocess

_PATIENCE_SECONDS = 30


def end_process(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    """Send `how` to `process` and wait; kill it where that takes too long. None, or one that ended, is fine."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
