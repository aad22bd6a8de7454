"""Whether this process is alive, and whether it makes progress.

`progress.py` judges by what the loops report and by a time it is given; `reporter.py` passes one loop's
events on to `Health` and the metrics; `server.py` answers `/metrics`, `/healthz` and `/readyz`; `watchdog.py`
ends a process that is stuck, so that whoever started it starts it again.
"""

from __future__ import annotations

from stream.health.progress import Check, Health, Report, Watchdog
from stream.health.reporter import LoopReporter
from stream.health.server import HealthServer, responds
from stream.health.watchdog import WatchdogThread

__all__ = [
    "Check",
    "Health",
    "HealthServer",
    "LoopReporter",
    "Report",
    "Watchdog",
    "WatchdogThread",
    "responds",
]
