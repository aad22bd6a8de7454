"""A release: what its manifest must say, and what is noticed when its files are not what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_release import tiny_files, tiny_manifest, tiny_release

from models.errors import ChecksumError, ManifestError, ModelError, SignatureError
from models.golden import read_golden
from models.manifest import Manifest, sha256_of
from models.release import GOLDEN, GRAPH, MANIFEST, SIGNATURE, TOKENIZER, Release, write_release
from models.signing import sign_manifest

KEY = b"a key that both know"


def rewrite(release: Release, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change the manifest on disk behind everybody's back."""
    path = release.path / MANIFEST
    page = json.loads(path.read_bytes())
    change(page)
    path.write_text(json.dumps(page), encoding="utf-8")
    return release.path


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    written = tiny_release(tmp_path / "tiny-1.0.0")
    release = Release.open(tmp_path / "tiny-1.0.0")
    assert release == written
    assert release.label == "tiny@1.0.0"
    assert set(release.manifest.files) == {GRAPH, TOKENIZER, GOLDEN}
    assert release.manifest_sha256 == sha256_of((release.path / MANIFEST).read_bytes())
    assert release.manifest.metrics == {"dev": {"sentiment": {"macro_f1": 0.5}}}
    release.verify()


def test_the_same_manifest_gives_the_same_bytes() -> None:
    manifest = tiny_manifest()
    assert Manifest.model_validate_json(manifest.to_json()).to_json() == manifest.to_json()


def test_a_directory_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r")
    before = (release.path / MANIFEST).read_bytes()
    with pytest.raises(ModelError, match="already holds something"):
        write_release(release.path, tiny_manifest("2.0.0"), tiny_files())
    assert (release.path / MANIFEST).read_bytes() == before


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    assert write_release(tmp_path / "r", tiny_manifest(), tiny_files()).label == "tiny@1.0.0"


def test_a_file_is_taken_by_its_path_too(tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("what it is for", encoding="utf-8")
    release = write_release(
        tmp_path / "r", tiny_manifest(), tiny_files() | {"README.md": tmp_path / "card.md"}
    )
    assert release.read("README.md") == b"what it is for"


def test_a_file_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"r cannot be written .*nowhere"):
        write_release(tmp_path / "r", tiny_manifest(), tiny_files() | {"x": tmp_path / "nowhere"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/b", "..", ".hidden", "a\\b", "", "x\n"])
def test_a_file_name_that_is_a_path_is_refused_in_writing_and_in_reading(tmp_path: Path, name: str) -> None:
    with pytest.raises(ManifestError, match="files"):
        write_release(tmp_path / "w", tiny_manifest(), tiny_files() | {name: b"x"})
    assert list(tmp_path.iterdir()) == []
    release = tiny_release(tmp_path / "r")
    path = rewrite(release, lambda page: page["files"].update({name: {"sha256": "0" * 64, "bytes": 1}}))
    with pytest.raises(ManifestError, match="files"):
        Release.open(path)


def test_the_names_of_manifest_and_signature_are_not_to_be_given(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"names manifest\.json"):
        write_release(tmp_path / "r", tiny_manifest(), tiny_files() | {MANIFEST: b"{}"})


def test_a_release_without_its_tokenizer_is_refused(tmp_path: Path) -> None:
    files = tiny_files()
    del files[TOKENIZER]
    with pytest.raises(ManifestError, match=r"files lacks tokenizer\.json"):
        write_release(tmp_path / "r", tiny_manifest(), files)


def test_a_directory_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ManifestError, match=r"manifest\.json cannot be read .*give the directory of a release"
    ):
        Release.open(tmp_path)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda page: page.update(format=2), r"format: .*\(found '2'\)"),
        (lambda page: page.update(version="../1"), r"version: "),
        (lambda page: page.update(created_at="2026-03-02T09:30:00"), r"created_at: .*timezone"),
        (lambda page: page["heads"]["topic"].update(temperature=0), r"heads\.topic\.temperature: "),
        (lambda page: page["heads"]["topic"].update(labels=["a", "a"]), r"a label stands twice"),
        (lambda page: page["files"][GRAPH].update(sha256="abc"), r"files\.model\.onnx\.sha256: "),
        (lambda page: page.pop("licence"), r"licence: Field required"),
        (lambda page: page["lineage"].update(datasets=[]), r"lineage\.datasets: "),
    ],
)
def test_an_unsound_manifest_is_refused_naming_the_field(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], text: str
) -> None:
    path = rewrite(tiny_release(tmp_path / "r"), change)
    with pytest.raises(ManifestError, match=text):
        Release.open(path)


def test_a_manifest_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tiny_release(tmp_path / "r").path / MANIFEST
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ManifestError, match=r"manifest\.json: the whole: Invalid JSON"):
        Release.open(path.parent)


def test_a_field_of_a_later_newstide_is_ignored(tmp_path: Path) -> None:
    path = rewrite(tiny_release(tmp_path / "r"), lambda page: page.update(colour="blue"))
    assert Release.open(path).label == "tiny@1.0.0"


def test_a_file_with_one_other_bit_is_noticed(tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r")
    data = bytearray((release.path / GRAPH).read_bytes())
    data[100] ^= 1
    (release.path / GRAPH).write_bytes(data)
    with pytest.raises(ChecksumError, match=r"model\.onnx has SHA-256 "):
        release.verify()


def test_a_file_that_is_cut_short_is_noticed(tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r")
    (release.path / GRAPH).write_bytes(b"half")
    with pytest.raises(ChecksumError, match=r"model\.onnx has 4 bytes instead of "):
        release.read(GRAPH)


def test_a_file_that_is_gone_is_noticed(tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r")
    (release.path / TOKENIZER).unlink()
    with pytest.raises(ChecksumError, match=r"tokenizer\.json cannot be read .*publish tiny@1\.0\.0 again"):
        release.verify()


def test_a_file_that_the_manifest_does_not_name_is_not_read(tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r")
    (release.path / "other").write_bytes(b"x")
    with pytest.raises(
        ManifestError, match=r"holds no file other: its manifest names golden\.json, model\.onnx"
    ):
        release.read("other")


def test_a_signed_release_is_opened_with_its_key_and_without_one(tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r", key=KEY)
    assert release.signature == sign_manifest((release.path / MANIFEST).read_bytes(), KEY)
    assert Release.open(release.path, key=KEY) == Release.open(release.path)


def test_an_unsigned_release_is_refused_where_there_is_a_key(tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r")
    with pytest.raises(SignatureError, match="is not signed, but a key is set"):
        Release.open(release.path, key=KEY)


def test_a_release_signed_with_another_key_is_refused(tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r", key=b"another")
    with pytest.raises(SignatureError, match="not signed with the key that is set"):
        Release.open(release.path, key=KEY)


def test_a_signature_does_not_cover_another_manifest(tmp_path: Path) -> None:
    path = rewrite(tiny_release(tmp_path / "r", key=KEY), lambda page: page.update(version="9"))
    with pytest.raises(SignatureError):
        Release.open(path, key=KEY)


def test_a_signature_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r")
    (release.path / SIGNATURE).mkdir()
    with pytest.raises(SignatureError, match=r"manifest\.sig cannot be read"):
        Release.open(release.path)


def test_an_empty_key_signs_nothing(tmp_path: Path) -> None:
    with pytest.raises(SignatureError, match="key is empty"):
        write_release(tmp_path / "r", tiny_manifest(), tiny_files(), key=b"")


def test_golden_examples_that_are_none_are_refused() -> None:
    with pytest.raises(ManifestError, match=r"golden\.json: examples: "):
        read_golden(b'{"tolerance": 0.01, "examples": []}', GOLDEN)
