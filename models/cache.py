"""Copies of releases on this machine's disk, each checked whenever it is taken."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from models.errors import ChecksumError, ModelError
from models.files import put_on_disk
from models.manifest import sha256_of
from models.release import MANIFEST, SIGNATURE, Release

KEPT = 8
"""How many releases are kept; those not asked for the longest go first."""


class ReleaseCache:
    """Copies of releases under `root`; with `key`, only of those signed with it."""

    def __init__(self, root: Path, *, key: bytes | None = None) -> None:
        self._root = root
        self._key = key

    def keep(self, manifest: bytes, signature: bytes | None, get: Callable[[str], bytes | None]) -> Release:
        """The release with this manifest: the copy that is here if it is sound, else a new one.

        Args:
            manifest: the bytes of the manifest.
            signature: the content of its signature file, if there is one.
            get: the content of another file by its name; None if there is none.

        Raises:
            ManifestError: if the manifest is unsound.
            ChecksumError: if a file is missing or not the one that the manifest names.
            SignatureError: if there is a key and the signature is not by it.
            OSError: if the disk refuses.
        """
        digest = sha256_of(manifest)
        kept = self.held(digest)
        if kept is None:
            place = self._place(digest)
            shutil.rmtree(place, ignore_errors=True)
            kept = self._copy(place, manifest, signature, get)
        self._forget_oldest()
        return kept

    def held(self, manifest_sha256: str) -> Release | None:
        """The copy of the release with this manifest; None if there is none that is sound."""
        place = self._place(manifest_sha256)
        try:
            kept = Release.open(place, key=self._key)
            kept.verify()
        except ModelError:
            return None
        os.utime(place)
        return kept if kept.manifest_sha256 == manifest_sha256 else None

    def note(self, name: str, text: str) -> None:
        """Remember `text` under `name`, which may be part of a path."""
        path = self._root / f".{name}.note"
        if self.noted(name) != text:
            put_on_disk(path, text.encode())

    def noted(self, name: str) -> str | None:
        """What was remembered under `name`, if anything was."""
        try:
            return (self._root / f".{name}.note").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def _place(self, manifest_sha256: str) -> Path:
        return self._root / manifest_sha256[:32]

    def _copy(
        self, place: Path, manifest: bytes, signature: bytes | None, get: Callable[[str], bytes | None]
    ) -> Release:
        self._root.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".fetching-", dir=self._root))
        try:
            put_on_disk(staging / MANIFEST, manifest)
            if signature is not None:
                put_on_disk(staging / SIGNATURE, signature)
            release = Release.open(staging, key=self._key)
            for name in release.manifest.files:
                data = get(name)
                if data is None:
                    raise ChecksumError(f"{release.label} lacks its file {name}: publish it again")
                put_on_disk(staging / name, data)
            release.verify()
            _move(staging, place)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return Release.open(place, key=self._key)

    def _forget_oldest(self) -> None:
        kept = [path for path in self._root.iterdir() if not path.name.startswith(".")]
        for path in sorted(kept, key=_used_at, reverse=True)[KEPT:]:
            shutil.rmtree(path, ignore_errors=True)


def _used_at(path: Path) -> float:
    """When a copy was last taken; 0 if another process has just removed it."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _move(staging: Path, place: Path) -> None:
    try:
        staging.replace(place)
    except OSError:
        if not place.is_dir():  # if it is there, another process was faster, with the same content
            raise
