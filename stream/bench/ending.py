"""How a process that we started ends."""

from __future__ import annotations

import os
import signal
import subprocess

_PATIENCE_SECONDS = 30


def end_process(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> bool:
    """Send `how` to `process` and wait; kill it where that takes too long.

    Returns whether it had ended by itself before, which None, no process, never does.
    """
    if process is None:
        return False
    if process.poll() is not None:
        return True
    os.kill(process.pid, how)
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return False
