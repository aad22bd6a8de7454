"""Ends a process that is stuck.

In a thread of its own, since an event loop that is stuck can't find out that it is. It ends the process
without unwinding: what is stuck would not unwind, and what was not committed is aborted by the next owner.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from stream.errors import StalledError
from stream.health.progress import Report

log = logging.getLogger(__name__)


class WatchdogThread:
    """Asks `check` every `every_seconds`; when it fails twice running, logs why and calls `end`.

    Twice, so that a process that was only suspended (a paused machine, say) gets an interval to go on.
    """

    def __init__(
        self,
        check: Callable[[], Report],
        *,
        every_seconds: float = 5.0,
        end: Callable[[int], None] = os._exit,
    ) -> None:
        self._check = check
        self._every = every_seconds
        self._end = end
        self._stop = threading.Event()
        self._failed_before = False
        self._thread = threading.Thread(target=self._run, name="newstide-watchdog", daemon=True)

    def look(self) -> bool:
        """Check once; returns whether it failed for the second time running and the process must end."""
        report = self._check()
        if report.ok:
            self._failed_before = False
            return False
        if not self._failed_before:
            self._failed_before = True
            log.warning("the process may be stuck: %s", report.failures)
            return False
        log.critical("ending this process so that it is restarted: it is stuck: %s", report.failures)
        logging.shutdown()
        self._end(StalledError.exit_code)
        return True

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            if self.look():
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
