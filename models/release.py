"""A release: a directory with a graph, its tokenizer and a manifest that says what they are.

The manifest holds the SHA-256 of every file, and the signature, where there is one, is over the manifest: so
whoever trusts the manifest can trust the rest. What is read through `Release.read` was checked on the way, so
nothing half-written or altered ever reaches the runtime.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from models.errors import ChecksumError, ManifestError, ModelError, SignatureError
from models.files import put_on_disk
from models.manifest import FileEntry, Manifest, read_manifest, sha256_of
from models.signing import check_signature, sign_manifest

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
GRAPH = "model.onnx"
TOKENIZER = "tokenizer.json"
GOLDEN = "golden.json"


@dataclass(frozen=True, slots=True)
class Release:
    """A release whose manifest was read and found sound. Its files are checked as they are read.

    Attributes:
        path: the directory it lies in.
        manifest: what it says of itself.
        manifest_sha256: of the manifest's bytes; through it, of everything.
        signature: the content of its signature file, or None.
    """

    path: Path
    manifest: Manifest
    manifest_sha256: str
    signature: str | None = None

    @classmethod
    def open(cls, path: Path, *, key: bytes | None = None) -> Self:
        """The release in the directory `path`.

        Args:
            path: a directory with a `manifest.json`.
            key: where given, the manifest must be signed with it.

        Raises:
            ManifestError: if the manifest is missing or unsound.
            SignatureError: if `key` is given and the release is unsigned or signed with another one.
        """
        where = str(path / MANIFEST)
        try:
            data = (path / MANIFEST).read_bytes()
        except OSError as error:
            raise ManifestError(
                f"{where} cannot be read ({error.strerror}): give the directory of a release"
            ) from error
        signature = _read_signature(path)
        if key is not None:
            check_signature(data, signature, key, where=where)
        manifest = read_manifest(data, where)
        missing = [name for name in (GRAPH, TOKENIZER) if name not in manifest.files]
        if missing:
            raise ManifestError(f"{where}: files lacks {' and '.join(missing)}. Write the release anew")
        return cls(path, manifest, sha256_of(data), signature)

    @property
    def label(self) -> str:
        """`name@version`."""
        return self.manifest.label

    def read(self, name: str) -> bytes:
        """The bytes of one file, checked against the manifest.

        Raises:
            ManifestError: if the manifest names no such file.
            ChecksumError: if the file is missing, or not the one that the manifest names.
        """
        entry = self.manifest.files.get(name)
        if entry is None:
            raise ManifestError(f"{self.label} holds no file {name}: its manifest names {self._names}")
        try:
            data = (self.path / name).read_bytes()
        except OSError as error:
            raise ChecksumError(
                f"{self.path / name} cannot be read ({error.strerror}): fetch or publish {self.label} again"
            ) from error
        if len(data) != entry.bytes:
            found = f"{len(data)} bytes instead of {entry.bytes}"
        elif (digest := sha256_of(data)) != entry.sha256:
            found = f"SHA-256 {digest} instead of {entry.sha256}"
        else:
            return data
        raise ChecksumError(f"{self.path / name} has {found}: fetch or publish {self.label} again")

    def verify(self) -> None:
        """Check every file that the manifest names.

        Raises:
            ChecksumError: if one is missing or altered; the text names it.
        """
        for name in self.manifest.files:
            self.read(name)

    @property
    def _names(self) -> str:
        return ", ".join(sorted(self.manifest.files))


def write_release(
    directory: Path, draft: Manifest, files: Mapping[str, bytes | Path], *, key: bytes | None = None
) -> Release:
    """Write `files` and the manifest `draft`, completed with their hashes, as the release `directory`.

    It is written beside its place and then put there whole, so that a reader sees all of it or nothing.

    Args:
        directory: must not exist yet, or be empty.
        draft: a manifest whose `files` is not looked at.
        files: name to content, or to the path of a file with the content.
        key: where given, the release is signed with it.

    Raises:
        ModelError: if `directory` already holds something, or cannot be written.
        ManifestError: if a file has a name that may not be, or the graph or the tokenizer is missing.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ModelError(f"{directory} already holds something: give a new directory, or remove it first")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
        try:
            _fill(staging, draft, files, key)
            Release.open(staging, key=key)
            staging.chmod(0o755)  # mkdtemp's own mode would keep other users from serving it
            staging.replace(directory)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise ModelError(
            f"{directory} cannot be written ({error}): mend that, or give another one"
        ) from error
    return Release.open(directory, key=key)


def _read_signature(path: Path) -> str | None:
    try:
        return (path / SIGNATURE).read_bytes().decode("ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SignatureError(
            f"{path / SIGNATURE} cannot be read ({error.strerror}): mend its rights"
        ) from error


def _fill(staging: Path, draft: Manifest, files: Mapping[str, bytes | Path], key: bytes | None) -> None:
    """Write everything into `staging`; the manifest is checked as a reader will check it."""
    contents = {
        name: content if isinstance(content, bytes) else content.read_bytes()
        for name, content in files.items()
    }
    entries = {name: FileEntry(sha256=sha256_of(data), bytes=len(data)) for name, data in contents.items()}
    reserved = {MANIFEST, SIGNATURE} & contents.keys()
    if reserved:
        raise ManifestError(
            f"files names {', '.join(sorted(reserved))}, which is written for you: leave it out"
        )
    data = draft.model_copy(update={"files": entries}).to_json()
    read_manifest(data, f"the manifest of {draft.label}")  # before a bad file name is used as a path
    contents[MANIFEST] = data
    if key is not None:
        contents[SIGNATURE] = sign_manifest(data, key).encode() + b"\n"
    for name, content in contents.items():
        put_on_disk(staging / name, content)
