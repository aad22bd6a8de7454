"""A release comes into force, or goes again.

The alias in the store says what is in force, for whoever starts; the note on `models.releases` tells those that
run. The store is changed first, so that nobody is told of what is not there yet.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from models.aliases import ReleaseRef
from models.errors import ModelError
from models.files import put_on_disk
from models.release import MANIFEST, SIGNATURE, Release
from models.signing import sign_manifest
from models.store import ReleaseStore
from stream.bus import Connection, Outgoing, open_producer, send_all
from stream.bus.records import cloud_event, new_event_id
from stream.events import ReleaseNote
from stream.topics import RELEASES

Action = Literal["promote", "rollback"]


def next_version(version: str, taken: Collection[str]) -> str:
    """The first version after `version` that is not `taken`: 1.2.3 is followed by 1.2.4.

    What follows the three numbers is dropped; a version that is not made of three numbers gets one more.
    """
    parts = re.match(r"(\d+\.\d+\.)(\d+)(?!\d)", version)
    stem, number = (parts[1], int(parts[2])) if parts else (f"{version}.", 0)
    while True:
        number += 1
        if f"{stem}{number}" not in taken:
            return f"{stem}{number}"


def promote(
    store: ReleaseStore,
    alias: str,
    candidate: Release,
    *,
    base: Release | ReleaseRef | None,
    key: bytes | None = None,
) -> Release:
    """Publish `candidate` and let `alias` stand for it; returns it as it lies in the store.

    Where `alias` was never set, `base`, which came with newstide, is published too, so that a rollback can return
    to it.

    Args:
        store: where releases are kept.
        alias: what the running scorers follow.
        candidate: what passed the gate.
        base: what was in force when it was looked at; None where nothing was. A reference is enough for what lies
            in the store.
        key: where given, both are signed with it.

    Raises:
        ModelError: another release than `base` is in force by now, or the store refuses.
    """
    history = _still(store, alias, base)
    first = _publish(store, base, key) if not history and isinstance(base, Release) else None
    ref = _publish(store, candidate, key)
    _still(store, alias, base)  # publishing takes seconds, in which somebody else may have been quicker
    if first is not None:
        store.set_alias(alias, first.name, first.version)
    store.set_alias(alias, ref.name, ref.version)
    return store.fetch(ref.name, ref.version)


def _still(store: ReleaseStore, alias: str, base: Release | ReleaseRef | None) -> tuple[ReleaseRef, ...]:
    """The history of `alias`, as long as `base` is in force."""
    history = store.history(alias)
    if history and (base is None or history[0].label != base.label):
        before = "nothing" if base is None else base.label
        raise ModelError(
            f"{history[0].label} came into force as {alias!r} meanwhile, and the candidate was compared with"
            f" {before}: run the command again"
        )
    return history


def _publish(store: ReleaseStore, release: Release, key: bytes | None) -> ReleaseRef:
    """Publish `release`, signed where there is a key; what lies at its path stays as it is."""
    if key is None:
        return store.publish(release)
    with tempfile.TemporaryDirectory(prefix="newstide-signed-") as folder:
        place = Path(folder) / release.label
        shutil.copytree(release.path, place)
        signature = sign_manifest((place / MANIFEST).read_bytes(), key)
        put_on_disk(place / SIGNATURE, signature.encode() + b"\n")
        return store.publish(Release.open(place, key=key))


def roll_back(store: ReleaseStore, alias: str, to: ReleaseRef | None = None) -> Release:
    """Let `alias` stand for its former release, or for `to`; returns that, checked before anything is changed.

    What stood between is forgotten, so that the next rollback goes further back.

    Raises:
        UnknownReleaseError: the store has not what it is to stand for.
        ModelError: there is no former release, or it is not sound.
    """
    history = store.history(alias)
    if to is None and len(history) < 2:  # noqa: PLR2004 - the one in force and the one before it
        held = ", ".join(ref.label for ref in store.list()) or "no release yet"
        where = f"nothing lies before {history[0].label}" if history else "it was never set"
        raise ModelError(
            f"alias {alias!r} has no former release: {where}. Name one with --to NAME@VERSION;"
            f" {store.url} has {held}"
        )
    target = to or history[1]
    release = store.fetch(target.name, target.version)
    if target in history:
        for _ in range(history.index(target)):
            store.roll_back(alias)
    else:
        store.set_alias(alias, target.name, target.version)
    return release


def make_note(
    release: Release,
    *,
    alias: str,
    action: Action,
    by: str,
    at: datetime,
    gate: Mapping[str, float] | None = None,
) -> ReleaseNote:
    """What is announced of `release`. `gate` holds the figures that decided on it."""
    return ReleaseNote(
        name=release.manifest.name,
        version=release.manifest.version,
        alias=alias,
        action=action,
        manifest_sha256=release.manifest_sha256,
        signature=release.signature,
        at=at,
        by=by,
        gate=dict(gate or {}),
    )


async def announce(connection: Connection, note: ReleaseNote) -> None:
    """Tell the running scorers; returns when the broker has it.

    Raises:
        BrokerRefusedError, BrokerUnavailableError: it could not be written.
    """
    headers = cloud_event("newstide.model.release", new_event_id(), note.at)
    async with open_producer(connection) as producer:
        record = Outgoing(RELEASES.name, note.alias.encode(), note.to_json(), headers)
        await send_all(connection, producer, [record])
