"""`newstide up` and `newstide run`: the monitor, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.invocation import settings_of
from stream.cli.printing import remarks
from stream.errors import UsageError

if TYPE_CHECKING:
    from stream.app import Monitor
    from stream.settings import Settings


class RoleName(StrEnum):
    """A loop that can run alone."""

    score = "score"
    watch = "watch"
    notify = "notify"


def up(ctx: typer.Context) -> None:
    """Run everything in one process: on the embedded broker, or on yours (--bootstrap); Ctrl-C ends it."""
    from stream.app import Monitor, roles_of
    from stream.connect import broker_of

    settings = settings_of(ctx)
    with broker_of(settings) as connection:
        monitor = Monitor(settings, connection, roles=roles_of(settings))
        asyncio.run(_until_told(monitor, say=partial(_say_where, settings, connection.bootstrap)))


def run(
    ctx: typer.Context, role: Annotated[RoleName, typer.Argument(help="score, watch, or notify.")]
) -> None:
    """Run one role on your Kafka; start as many of each as `news.raw` has partitions (of notify one works)."""
    from stream.app import Monitor
    from stream.connect import connection_of

    settings = settings_of(ctx)
    if settings.kafka.embedded:
        raise UsageError(
            f"run {role.value}: kafka.bootstrap is embedded, which runs one process only: name your Kafka with "
            "--bootstrap HOST:PORT, or run everything with `newstide up`"
        )
    if role is RoleName.notify and not settings.notify.sinks:
        raise UsageError(
            "run notify: notify.sinks is empty, so there is nobody to tell: name a sink under [notify] in your "
            "settings file (newstide.example.toml shows each kind)"
        )
    asyncio.run(_until_told(Monitor(settings, connection_of(settings), roles=(role.value,))))


def _say_where(settings: Settings, bootstrap: str) -> None:
    screen = remarks()
    what = "embedded broker" if settings.kafka.embedded else "broker"
    screen.print(f"newstide runs: {what} at {bootstrap}; Ctrl-C ends it")
    screen.print(
        "[dim]in another terminal: newstide send FILE, newstide ingest --feed URL, newstide tail alerts[/]"
    )


async def _until_told(monitor: Monitor, say: Callable[[], None] | None = None) -> None:
    """Run until SIGINT or SIGTERM; finish what is under way. Once it runs, `say` tells so."""
    from stream.logs import configure_logging

    settings = monitor.settings
    configure_logging(settings.log.format, settings.log.level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        """End in order; whoever asks a second time gets what the system does by itself: the process ends."""
        stop.set()
        for each in signals:
            loop.remove_signal_handler(each)

    signals = (signal.SIGINT, signal.SIGTERM)
    # Where a loop knows no signals (Windows), Ctrl-C ends the process.
    with contextlib.suppress(NotImplementedError):
        for each in signals:
            loop.add_signal_handler(each, told)
    saying = None if say is None else asyncio.create_task(_once_started(monitor, say))
    try:
        await monitor.run(stop)
    finally:
        if saying is not None:
            saying.cancel()


async def _once_started(monitor: Monitor, say: Callable[[], None]) -> None:
    await monitor.started.wait()
    say()
