"""The release that ships with the package."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from models.errors import ModelError
from models.release import MANIFEST, Release

DEFAULT = "default.txt"
"""Names the directory of the release in force, where the zoo holds several."""
_NUMBER = re.compile(r"([0-9]+)")


def packaged_release(zoo: Path | None = None) -> Release:
    """The release in the package, or in the directory `zoo`: the one that `default.txt` names, or the only one.

    No signature is asked for: it came with the code, and is trusted as the code is.

    Raises:
        ModelError: if there is none, or none is chosen among several.
    """
    place = zoo or _zoo()
    found = sorted(path.parent.name for path in place.glob(f"*/{MANIFEST}"))
    try:
        chosen = (place / DEFAULT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        if len(found) > 1:
            raise ModelError(f"{place} holds {', '.join(found)}: name one of them in {DEFAULT}") from None
        chosen = found[0] if found else ""
    if not found:
        raise ModelError(f"{place} holds no release: install the package again, or run `newstide export`")
    if chosen not in found:
        raise ModelError(f"{place / DEFAULT} names {chosen!r}: name one of {', '.join(found)}")
    return Release.open(place / chosen)


def packaged_named(name: str, zoo: Path | None = None) -> Release | None:
    """The release in the package whose name, or `name@version`, is `name`; None if there is none.

    Of several versions of one name it is the last by the name of its directory, where 1.10 comes after 1.9.

    Raises:
        ModelError: if a release in the package is not whole.
    """
    meant = [each for each in packaged_releases(zoo) if name in {each.manifest.name, each.label}]
    return meant[-1] if meant else None


def packaged_releases(zoo: Path | None = None) -> list[Release]:
    """All releases in the package, by the names of their directories, where 1.10 comes after 1.9.

    Raises:
        ModelError: if one is not whole.
    """
    place = zoo or _zoo()
    return [Release.open(path.parent) for path in sorted(place.glob(f"*/{MANIFEST}"), key=_by_numbers)]


def _by_numbers(manifest: Path) -> list[str | int]:
    """The name of its directory, in words and numbers by turns."""
    parts = _NUMBER.split(manifest.parent.name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def _zoo() -> Path:
    return Path(str(files("models"))) / "zoo"
