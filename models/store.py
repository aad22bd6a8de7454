"""Where releases are kept: a directory or an object store, by fsspec.

    <url>/releases/<name>/<version>/…     the files of a release, its manifest written last
    <url>/aliases/<alias>.json            which release an alias stands for, and those before it

A release without a manifest is not there yet. A published one never changes; only aliases do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec

from models.aliases import Alias, ReleaseRef, plain_name, read_alias
from models.cache import ReleaseCache
from models.errors import ChecksumError, ManifestError, ModelError, StoreAwayError, UnknownReleaseError
from models.files import get_whole, put_whole
from models.manifest import sha256_of
from models.packaged import packaged_release
from models.release import MANIFEST, SIGNATURE, Release

__all__ = ["ReleaseStore", "packaged_release"]


class ReleaseStore:
    """Releases under one URL: a path, `s3://bucket/prefix`, `memory://name` or whatever else fsspec knows.

    Every method raises StoreAwayError if the store cannot be reached or refuses. Two who publish the same version
    at the same time, or move the same alias, are not kept apart: have one job do either.

    Args:
        url: where they are. Other schemes than files need their fsspec package, such as s3fs.
        cache: a directory of this machine where fetched releases are kept.
        key: where given, only releases signed with it are published or fetched.
        options: passed on to fsspec, such as the endpoint of an object store.
    """

    def __init__(
        self,
        url: str,
        *,
        cache: Path | None = None,
        key: bytes | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.url = url
        self._key = key
        self._cache = ReleaseCache(cache or Path.home() / ".cache" / "newstide" / "releases", key=key)
        try:
            self._fs, root = fsspec.url_to_fs(url, use_listings_cache=False, **(options or {}))
        except (ImportError, ValueError, TypeError) as error:
            raise ModelError(f"store is {url!r}, which cannot be used: {error}") from error
        self._root = str(root).rstrip("/")

    def publish(self, release: Release) -> ReleaseRef:
        """Put `release` into the store: its files first, its manifest last, so that nobody sees half of it.

        Publishing the same again does nothing, but adds a signature that was missing.

        Raises:
            ModelError: if that version is there with other content.
            ChecksumError: if a file of `release` is not the one that its manifest names.
            SignatureError: if the store has a key and `release` is not signed with it.
        """
        sound = Release.open(release.path, key=self._key)
        ref = ReleaseRef.of(sound.manifest.name, sound.manifest.version)
        folder = self._folder(ref)
        manifest = (release.path / MANIFEST).read_bytes()
        if sha256_of(manifest) != release.manifest_sha256:
            raise ChecksumError(f"{release.path / MANIFEST} was altered since it was opened: open it again")
        with self._reached():
            published = get_whole(self._fs, f"{folder}/{MANIFEST}")
            if published is not None and published != manifest:
                raise ModelError(
                    f"{ref.label} is in {self.url} with other content: publish under another version"
                )
            if published is None:
                for name in sound.manifest.files:
                    put_whole(self._fs, f"{folder}/{name}", sound.read(name))
            if sound.signature is not None:
                put_whole(self._fs, f"{folder}/{SIGNATURE}", f"{sound.signature}\n".encode())
            if published is None:
                put_whole(self._fs, f"{folder}/{MANIFEST}", manifest)
        return ref

    def fetch(self, name: str, version: str, *, manifest_sha256: str | None = None) -> Release:
        """A copy of the release on this machine, with every file checked.

        Where the manifest is given and its release was fetched before, the store may be away.

        Args:
            name: of the release.
            version: of the release.
            manifest_sha256: where given, the manifest must be that one.

        Raises:
            UnknownReleaseError: if the store has no such release; the text lists what it has.
            ManifestError: if its manifest is unsound, or that of another release.
            ChecksumError: if a file is not the one that the manifest names.
            SignatureError: if the store has a key and the release is not signed with it.
        """
        ref = ReleaseRef.of(name, version)
        try:
            release = self._fetch(ref, manifest_sha256)
        except StoreAwayError:
            held = None if manifest_sha256 is None else self._cache.held(manifest_sha256)
            if held is None:
                raise
            release = held
        if release.label != ref.label:
            raise ManifestError(f"{ref.label} in {self.url} calls itself {release.label}: publish it anew")
        return release

    def _fetch(self, ref: ReleaseRef, manifest_sha256: str | None) -> Release:
        folder = self._folder(ref)
        with self._reached():
            manifest = get_whole(self._fs, f"{folder}/{MANIFEST}")
            if manifest is None:
                raise UnknownReleaseError(f"{ref.label} is not in {self.url}: it has {self._content()}")
            found = sha256_of(manifest)
            if manifest_sha256 not in {None, found}:
                raise ChecksumError(
                    f"{ref.label} in {self.url} has the manifest {found} instead of {manifest_sha256}:"
                    " publish what was announced, or announce what was published"
                )
            signature = get_whole(self._fs, f"{folder}/{SIGNATURE}")
            return self._cache.keep(manifest, signature, lambda file: get_whole(self._fs, f"{folder}/{file}"))

    def list(self) -> tuple[ReleaseRef, ...]:
        """All published releases, by name and rising version."""
        with self._reached():
            paths = self._fs.find(f"{self._root}/releases")
        places = [str(path).split("/")[-3:] for path in paths]
        refs = [ReleaseRef.of(place[0], place[1]) for place in places if place[-1] == MANIFEST]
        return tuple(sorted(refs, key=lambda ref: (ref.name, _rising(ref.version))))

    def set_alias(self, alias: str, name: str, version: str) -> ReleaseRef:
        """Let `alias` stand for a published release; the one before it is remembered.

        Raises:
            UnknownReleaseError: if the store has no such release.
        """
        ref = ReleaseRef.of(name, version)
        with self._reached():
            if get_whole(self._fs, f"{self._folder(ref)}/{MANIFEST}") is None:
                raise UnknownReleaseError(f"{ref.label} is not in {self.url}: it has {self._content()}")
            former = self._alias(alias)
            self._put_alias(alias, former.moved_to(ref) if former else Alias(history=(ref,)))
        return ref

    def roll_back(self, alias: str) -> ReleaseRef:
        """Let `alias` stand for the release before the one it stands for, and return that.

        Raises:
            ModelError: if there was none before.
        """
        with self._reached():
            found = self._alias(alias)
            back = found.rolled_back() if found else None
            if back is None:
                raise ModelError(
                    f"alias {alias!r} in {self.url} has no release before: set it to one instead"
                )
            self._put_alias(alias, back)
        return back.current

    def resolve(self, alias: str) -> Release | None:
        """The release that `alias` stands for, fetched; None if it was never set. Raises what `fetch` raises."""
        history = self.history(alias)
        found = self.fetch(history[0].name, history[0].version) if history else None
        with suppress(OSError):  # a machine that can't remember it can still use it
            self._cache.note(self._note(alias), found.manifest_sha256 if found else "")
        return found

    def recall(self, alias: str) -> Release | None:
        """What `resolve` found last on this machine, without asking the store: from the copy that it kept.

        Raises:
            StoreAwayError: if it never asked here, or its copy is gone or not sound.
        """
        noted = self._cache.noted(self._note(alias))
        held = self._cache.held(noted) if noted else None
        if noted is None or (noted and held is None):
            raise StoreAwayError(f"this machine has no copy of what alias {alias!r} stands for in {self.url}")
        return held

    def history(self, alias: str) -> tuple[ReleaseRef, ...]:
        """What `alias` stands for and stood for, the latest first; empty if it was never set."""
        with self._reached():
            found = self._alias(alias)
        return found.history if found else ()

    def _note(self, alias: str) -> str:
        """Under what name the cache remembers `alias`: several stores may share one cache."""
        return f"{sha256_of(self.url.encode())[:16]}-{plain_name(alias, 'alias')}"

    def _folder(self, ref: ReleaseRef) -> str:
        return f"{self._root}/releases/{ref.name}/{ref.version}"

    def _alias_path(self, alias: str) -> str:
        return f"{self._root}/aliases/{plain_name(alias, 'alias')}.json"

    def _alias(self, alias: str) -> Alias | None:
        path = self._alias_path(alias)
        data = get_whole(self._fs, path)
        return None if data is None else read_alias(data, path)

    def _put_alias(self, alias: str, content: Alias) -> None:
        put_whole(self._fs, self._alias_path(alias), content.to_json())

    def _content(self) -> str:
        return ", ".join(ref.label for ref in self.list()) or "no release yet"

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Tell what the store's own library raises as StoreAwayError."""
        try:
            yield
        except ModelError:
            raise
        except Exception as error:  # each kind of store raises its own library's errors
            detail = str(error) or type(error).__name__
            raise StoreAwayError(
                f"store {self.url} failed: {detail}. Check its address and your rights"
            ) from error


def _rising(version: str) -> tuple[tuple[int, str], ...]:
    """A sort key by which 0.10 comes after 0.9."""
    return tuple(
        (int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", version)
    )
