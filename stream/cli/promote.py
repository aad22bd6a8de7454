"""`newstide promote`: a release of one's own comes into force, here and in every running scorer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.connect import connection_of, run_on
from stream.cli.invocation import settings_of
from stream.cli.outcome import print_figures
from stream.cli.printing import Json, console, print_json, remarks
from stream.cli.reference import release_named
from stream.cli.rollback import By, StoreOnly, alias_named, refuse_idle, tell_scorers, this_user
from stream.errors import BrokerUnavailableError, UsageError
from stream.topics import RELEASES

if TYPE_CHECKING:
    from export.gate import GateResult
    from models.aliases import ReleaseRef
    from models.release import Release
    from stream.bus import Connection
    from stream.settings import Settings


def promote(
    ctx: typer.Context,
    reference: Annotated[
        str,
        typer.Argument(
            metavar="RELEASE",
            help="The folder that `newstide export` wrote, NAME@VERSION, or the NAME of one that ships.",
            show_default=False,
        ),
    ],
    *,
    alias: Annotated[
        str | None,
        typer.Option(help="What it shall be called, as in releases.languages; else releases.alias."),
    ] = None,
    heldout: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Compare it with the one in force on text, task, label; refuse it if worse.",
        ),
    ] = None,
    store_only: StoreOnly = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Bring a release of your own into force, once it has answered its golden examples.

    Running scorers take it over between two batches; `newstide rollback` brings the former one back. Exit code 1
    if it is not sound, or with --heldout worse than the one in force.
    """
    from models.release import Release
    from models.slot import ModelSlot
    from stream.parts import key_of, load_scorer, store_of
    from stream.releases import make_note
    from stream.releases import promote as bring_in

    settings = settings_of(ctx)
    refuse_idle(by, store_only=store_only)
    called = alias_named(settings, alias)
    candidate = release_named(settings, reference)
    _refuse_borrowed_name(candidate)
    connection = None if store_only else connection_of(settings)
    if connection is not None:
        _reach(connection)
    former = _in_force(settings, called, compared=heldout is not None)
    ModelSlot.open(candidate, load=lambda release: load_scorer(settings, release))
    gate = None if heldout is None else _compared(settings, former, candidate, heldout, called)
    if gate is not None and isinstance(former, Release):
        if not as_json:
            print_figures(former, candidate, gate)
        if not gate.passed:
            _tell(called, former, former, gate, as_json=as_json, promoted=False)
            raise typer.Exit(1)
    for remark in _remarks(former, candidate, called, settings):
        remarks().print(remark, soft_wrap=True, markup=False)
    stored = bring_in(store_of(settings), called, candidate, base=former, key=key_of(settings))
    if connection is not None:
        figures = gate.figures if gate is not None else None
        note = make_note(
            stored, alias=called, action="promote", by=by or this_user(), at=datetime.now(UTC), gate=figures
        )
        tell_scorers(connection, note)
    alone = "" if called == settings.releases.alias else f" --alias {called}"
    back = f"; `newstide rollback{alone}{' --store-only' if store_only else ''}` brings that back"
    # What is not sound can't be brought back.
    back = back if isinstance(former, Release) else ""
    _tell(called, stored, former, gate, as_json=as_json, promoted=True, back=back)


def _refuse_borrowed_name(candidate: Release) -> None:
    """Who asks for the name and version of a release that ships gets that one, never another called the same.

    Raises:
        UsageError: `candidate` is such another.
    """
    from models.packaged import packaged_named

    ships = packaged_named(candidate.label)
    if ships is not None and ships.manifest_sha256 != candidate.manifest_sha256:
        raise UsageError(
            f"{candidate.path} is called {candidate.label}, as a release that ships with newstide, but is another:"
            " export it with a --name or --version of its own"
        )


def _reach(connection: Connection) -> None:
    """Make sure that running scorers can be told, before anything is changed."""
    from stream.bus.admin import require_topics

    try:
        run_on(connection, require_topics(connection, [RELEASES.name]))
    except BrokerUnavailableError as error:
        raise BrokerUnavailableError(
            f"{error}; or add --store-only where no scorer runs that should hear of it"
        ) from error


def _in_force(settings: Settings, called: str, *, compared: bool) -> Release | ReleaseRef | None:
    """What goes by that alias so far, if anything does.

    What can't be read any more, or is not signed where a key asks for it, must not stand in the way of a better
    one: unless it is to be `compared`, its name is enough.
    """
    from models.errors import ModelError, StoreAwayError
    from models.packaged import packaged_named
    from stream.parts import release_of, store_of

    store = store_of(settings)
    try:
        if called == settings.releases.alias:
            return release_of(settings)
        return store.resolve(called) or packaged_named(called)
    except StoreAwayError:
        raise
    except ModelError as error:
        history = store.history(called)
        if compared or not history:
            raise
        remarks().print(f"{history[0].label} is not sound: {error}", soft_wrap=True, markup=False)
        return history[0]


def _compared(
    settings: Settings, former: Release | ReleaseRef | None, candidate: Release, heldout: Path, called: str
) -> GateResult:
    """How both answer the held-out texts.

    Raises:
        UsageError: if there is nothing to compare with, or a label is none of both.
    """
    from export.gate import compare
    from models.release import Release
    from stream.cli.retrain import read_heldout
    from stream.parts import load_scorer

    if not isinstance(former, Release):
        raise UsageError(f"--heldout: nothing is in force as {called!r} to compare with: leave it out")
    spaces = candidate.manifest.labels
    rows = read_heldout(heldout, spaces)
    if differing := {
        row.task
        for row in rows
        if set(former.manifest.labels.get(row.task, ())) != set(spaces.get(row.task, ()))
    }:
        raise UsageError(
            f"--heldout {heldout}: {former.label} and {candidate.label} answer the task {min(differing)} with"
            " other labels, so they can't be compared on it: leave those rows out"
        )
    return compare(load_scorer(settings, former), load_scorer(settings, candidate), rows, spaces=spaces)


def _remarks(
    former: Release | ReleaseRef | None, candidate: Release, called: str, settings: Settings
) -> list[str]:
    """What changes for who listens, beside the answers themselves."""
    from models.release import Release

    found = []
    before = former.manifest.labels if isinstance(former, Release) else {}
    after = candidate.manifest.labels
    if gone := [head for head in before if head not in after]:
        found.append(f"{candidate.label} does not answer {', '.join(gone)}, which {_label(former)} does")
    topics = after.get("topic", ())
    if lost := [topic for topic in before.get("topic", ()) if topic not in topics]:
        shown = ", ".join(lost[:6]) + (", …" if len(lost) > 6 else "")  # noqa: PLR2004 - as many as are named
        found.append(f"series and rules of {len(lost)} topics will hear of no more news: {shown}")
    wanted = [each for each, which in settings.releases.languages.items() if which == called]
    known = {settings.releases.alias, *settings.releases.languages.values()}
    if called not in known:
        named = ", ".join(sorted(known))
        found.append(f"no scorer with these settings follows {called!r}: they follow {named}")
    if unfit := [each for each in wanted if each not in candidate.manifest.languages]:
        made = ", ".join(candidate.manifest.languages)
        found.append(f"releases.languages gives it {', '.join(unfit)}, and it was made for {made}")
    return found


def _label(release: Release | ReleaseRef | None) -> str | None:
    return None if release is None else release.label


def _tell(
    called: str,
    release: Release,
    former: Release | ReleaseRef | None,
    gate: GateResult | None,
    *,
    as_json: bool,
    promoted: bool,
    back: str = "",
) -> None:
    before = _label(former)
    if as_json:
        told = {"alias": called, "promoted": promoted, "release": release.label, "former": before}
        print_json(told | ({"passed": gate.passed, "figures": gate.figures} if gate is not None else {}))
        return
    if not promoted:
        reasons = "; ".join(gate.reasons) if gate is not None else ""
        console().print(f"not promoted: {before} stays in force: {reasons}", soft_wrap=True)
        return
    if before == release.label:
        console().print(f"{called} is {release.label}, as before", soft_wrap=True)
        return
    instead = f" instead of {before}{back}" if before else ""
    console().print(f"{called} is {release.label}{instead}", soft_wrap=True)
