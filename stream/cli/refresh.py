"""`newstide retrain --profile FILE`: what is usual, learned anew from what lies on news.signals.

It reads what was committed until it began and no further, so that it ends while news goes on coming. The profile
in force fills in what the history does not show, and stays in force until WATCH starts again with the new one.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from stream.cli.connect import connection_of, run_on
from stream.cli.printing import counted, remarks
from stream.cli.profile import show_figures
from stream.errors import NewstideError, UsageError
from stream.topics import SIGNALS

if TYPE_CHECKING:
    from stream.bus import Connection
    from stream.settings import Settings
    from stream.watch.learning import History
    from stream.watch.profile import Profile

_LEAST_SPAN = timedelta(days=1)
"""A shorter history has not seen each hour of a day."""


def refresh_profile(
    settings: Settings, file: Path, since: datetime | None, *, dry_run: bool, as_json: bool
) -> None:
    """Learn a profile from recent signals, and put it in the place of `file` in one step.

    Raises:
        UsageError: the history is too short, or `file` holds something that is no profile.
        NewstideError: `file` can't be written; what it held is still there.
    """
    from stream.parts import rules_of
    from stream.watch.learning import History
    from stream.watch.profile import read_profile

    former = read_profile(file) if file.exists() else None
    rules = rules_of(settings)
    history = History(rules)
    unread = run_on(connection := connection_of(settings), _read(connection, history, since))
    if unread:
        remarks().print(f"passed over on {SIGNALS.name}: {counted(unread, 'record')} that can't be read")
    profile = _learned(history, file, former or rules.profile, rules.profile)
    if not dry_run:
        write_profile(file, profile)
    show_figures(profile, str(file), as_json=as_json)
    remarks().print(_what_next(settings, file, dry_run=dry_run), soft_wrap=True, markup=False)


def write_profile(file: Path, profile: Profile) -> None:
    """Write it beside `file` and rename it: whoever reads `file` finds the former profile or the new one, whole.

    Raises:
        NewstideError: it can't be written.
    """
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, delete=False) as beside:
            try:
                beside.write(profile.to_json())
                beside.flush()
                os.fsync(beside.fileno())
                # A temporary file is for its owner alone, and a profile holds no secret.
                Path(beside.name).chmod(0o644)
                Path(beside.name).replace(file)
            except BaseException:
                Path(beside.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise NewstideError(f"{file} can't be written: {error.strerror}") from error


async def _read(connection: Connection, history: History, since: datetime | None) -> int:
    """Count what lies on news.signals now, of `since` or later; returns how many records are no signals."""
    from pydantic import ValidationError

    from stream.bus import open_reader
    from stream.events import Signal

    unread = 0
    async with open_reader(connection, [SIGNALS.name], from_beginning=True, follow=False) as records:
        async for record in records:
            if record.key == b"control":
                continue
            try:
                signal = Signal.model_validate_json(record.value or b"")
            except ValidationError:
                unread += 1
                continue
            if since is None or signal.published_at >= since:
                history.take([signal])
    return unread


def _learned(history: History, file: Path, former: Profile, believed: Profile) -> Profile:
    try:
        profile = history.profile(file.stem, believed)
    except UsageError as error:
        raise UsageError(f"retrain --profile: {SIGNALS.name}: {error}") from error
    learned = profile.learned
    span = datetime.fromisoformat(learned["to"]) - datetime.fromisoformat(learned["from"])
    if span < _LEAST_SPAN:
        raise UsageError(
            f"retrain --profile: {SIGNALS.name} holds news of {span}: let a day of news come first, or learn from "
            "recorded news with `newstide profile learn`"
        )
    version = former.learned.get("version", 0)
    return replace(profile, learned={**learned, "version": (version if isinstance(version, int) else 0) + 1})


def _what_next(settings: Settings, file: Path, *, dry_run: bool) -> str:
    if dry_run:
        return f"nothing was written (--dry-run): {file} is as it was"
    now = settings.alerts.profile
    if now is not None and now.resolve() == file.resolve():
        return (
            f"{file} comes into force when WATCH starts again: restart all its replicas, each with this file"
        )
    return (
        f'to take it in force, set profile = "{file}" under [alerts] and restart all replicas of WATCH, '
        "each with this file"
    )
