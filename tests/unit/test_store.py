"""The release store: nobody sees half a release, nothing published changes, aliases move and come back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from tiny_release import tiny_manifest, tiny_release

from models.aliases import ReleaseRef
from models.cache import KEPT, ReleaseCache
from models.errors import ChecksumError, ManifestError, ModelError, SignatureError
from models.files import get_whole, put_whole
from models.release import GRAPH, MANIFEST, SIGNATURE, Release
from models.signing import sign_manifest
from models.store import ReleaseStore, packaged_release

KEY = b"a key that both know"


@pytest.fixture(params=["disk", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "disk":
        yield str(tmp_path / "store")
        return
    yield "memory://newstide-test/store"
    memory = fsspec.filesystem("memory")
    if memory.exists("/newstide-test"):
        memory.rm("/newstide-test", recursive=True)


@pytest.fixture
def store(url: str, tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(url, cache=tmp_path / "cache")


def write_into(url: str, name: str, data: bytes | None) -> None:
    """Put `data` into the store behind its back; None removes the file."""
    fs, root = fsspec.url_to_fs(url)
    if data is None:
        fs.rm_file(f"{root}/{name}")
    else:
        put_whole(fs, f"{root}/{name}", data)


def test_a_published_release_is_fetched_as_it_was(store: ReleaseStore, tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r")
    ref = store.publish(release)
    fetched = store.fetch(ref.name, ref.version, manifest_sha256=release.manifest_sha256)
    assert fetched.manifest == release.manifest
    assert fetched.manifest_sha256 == release.manifest_sha256
    assert fetched.path != release.path
    assert fetched.read(GRAPH) == release.read(GRAPH)


def test_releases_are_listed_by_name_and_rising_version(store: ReleaseStore, tmp_path: Path) -> None:
    assert store.list() == ()
    for version in ("0.10.0", "0.9.0", "0.9.0-rc1"):
        store.publish(tiny_release(tmp_path / version, version))
    store.publish(tiny_release(tmp_path / "other", "1", name="bit"))
    assert [ref.label for ref in store.list()] == [
        "bit@1",
        "tiny@0.9.0",
        "tiny@0.9.0-rc1",
        "tiny@0.10.0",
    ]


def test_publishing_the_same_again_changes_nothing(store: ReleaseStore, tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r")
    assert store.publish(release) == store.publish(release)


def test_a_version_is_never_published_with_other_content(store: ReleaseStore, tmp_path: Path) -> None:
    first = tiny_release(tmp_path / "a", seed=1)
    store.publish(first)
    with pytest.raises(ModelError, match=r"tiny@1\.0\.0 is in .* with other content"):
        store.publish(tiny_release(tmp_path / "b", seed=2))
    assert store.fetch("tiny", "1.0.0").manifest_sha256 == first.manifest_sha256


def test_a_release_without_its_manifest_is_not_there_yet(
    store: ReleaseStore, url: str, tmp_path: Path
) -> None:
    release = tiny_release(tmp_path / "r")
    store.publish(release)
    write_into(url, f"releases/tiny/1.0.0/{MANIFEST}", None)
    assert store.list() == ()
    with pytest.raises(ModelError, match=r"tiny@1\.0\.0 is not in .*: it has no release yet"):
        store.fetch("tiny", "1.0.0")
    write_into(url, f"releases/tiny/1.0.0/{GRAPH}", b"half of what a publisher that died had written")
    store.publish(release)
    store.fetch("tiny", "1.0.0").verify()


def test_the_manifest_is_written_last(
    store: ReleaseStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr("models.store.put_whole", lambda _fs, path, _data: written.append(Path(path).name))
    store.publish(tiny_release(tmp_path / "r", key=KEY))
    assert written[-2:] == [SIGNATURE, MANIFEST]
    assert len(written) == 5


def test_a_damaged_release_is_not_published(store: ReleaseStore, tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r")
    (release.path / GRAPH).write_bytes(b"damaged")
    with pytest.raises(ChecksumError):
        store.publish(release)
    assert store.list() == ()


def test_a_release_that_changed_since_it_was_opened_is_not_published(
    store: ReleaseStore, tmp_path: Path
) -> None:
    release = tiny_release(tmp_path / "r")
    (release.path / MANIFEST).write_bytes(
        tiny_manifest(files=dict(release.manifest.files), licence="MIT").to_json()
    )
    with pytest.raises(ChecksumError, match="altered since it was opened"):
        store.publish(release)


@pytest.mark.parametrize("content", [b"other", None])
def test_a_release_that_was_altered_in_the_store_is_not_fetched(
    store: ReleaseStore, url: str, tmp_path: Path, content: bytes | None
) -> None:
    store.publish(tiny_release(tmp_path / "r"))
    write_into(url, f"releases/tiny/1.0.0/{GRAPH}", content)
    with pytest.raises(ChecksumError, match=r"model\.onnx"):
        store.fetch("tiny", "1.0.0")
    assert list((tmp_path / "cache").iterdir()) == []


def test_another_manifest_than_the_announced_one_is_not_fetched(store: ReleaseStore, tmp_path: Path) -> None:
    store.publish(tiny_release(tmp_path / "r"))
    with pytest.raises(ChecksumError, match=f"instead of {'0' * 64}"):
        store.fetch("tiny", "1.0.0", manifest_sha256="0" * 64)


def test_an_older_release_under_the_name_of_a_newer_one_is_not_fetched(
    store: ReleaseStore, url: str, tmp_path: Path
) -> None:
    old = tiny_release(tmp_path / "r")
    for name in [*old.manifest.files, MANIFEST]:
        write_into(url, f"releases/tiny/2.0.0/{name}", (old.path / name).read_bytes())
    with pytest.raises(ManifestError, match=r"tiny@2\.0\.0 in .* calls itself tiny@1\.0\.0"):
        store.fetch("tiny", "2.0.0")


def test_a_store_with_a_key_takes_and_gives_only_what_is_signed_with_it(url: str, tmp_path: Path) -> None:
    signing = ReleaseStore(url, cache=tmp_path / "cache", key=KEY)
    unsigned = tiny_release(tmp_path / "unsigned")
    with pytest.raises(SignatureError):
        signing.publish(unsigned)
    ReleaseStore(url, cache=tmp_path / "other").publish(unsigned)
    with pytest.raises(SignatureError):
        signing.fetch("tiny", "1.0.0")
    # Signed later: the same manifest, so the same release.
    signature = sign_manifest((unsigned.path / MANIFEST).read_bytes(), KEY)
    (unsigned.path / SIGNATURE).write_text(signature, encoding="ascii")
    signing.publish(Release.open(unsigned.path))
    assert signing.fetch("tiny", "1.0.0").signature == signature


def test_an_alias_stands_for_the_last_release_it_was_set_to(store: ReleaseStore, tmp_path: Path) -> None:
    assert store.resolve("live") is None
    for version in ("1", "2", "3"):
        store.publish(tiny_release(tmp_path / version, version))
        store.set_alias("live", "tiny", version)
    store.set_alias("live", "tiny", "3")
    found = store.resolve("live")
    assert found is not None
    assert found.label == "tiny@3"
    assert [ref.version for ref in store.history("live")] == ["3", "2", "1"]


def test_rolling_back_goes_back_step_by_step_and_ends_at_the_first(
    store: ReleaseStore, tmp_path: Path
) -> None:
    for version in ("1", "2", "3"):
        store.publish(tiny_release(tmp_path / version, version))
        store.set_alias("live", "tiny", version)
    assert [store.roll_back("live").version for _ in range(2)] == ["2", "1"]
    with pytest.raises(ModelError, match=r"alias 'live' .* has no release before"):
        store.roll_back("live")
    with pytest.raises(ModelError, match=r"alias 'next' .* has no release before"):
        store.roll_back("next")
    assert [ref.version for ref in store.history("live")] == ["1"]


def test_an_alias_remembers_a_bounded_number_of_releases(store: ReleaseStore, tmp_path: Path) -> None:
    for version in ("1", "2"):
        store.publish(tiny_release(tmp_path / version, version))
    for turn in range(40):
        store.set_alias("live", "tiny", str(1 + turn % 2))
    assert len(store.history("live")) == 16


def test_an_alias_is_not_set_to_what_is_not_there(store: ReleaseStore, tmp_path: Path) -> None:
    store.publish(tiny_release(tmp_path / "r"))
    with pytest.raises(ModelError, match=r"tiny@2 is not in .*: it has tiny@1\.0\.0"):
        store.set_alias("live", "tiny", "2")


@pytest.mark.parametrize("bad", ["../up", "", "a/b", ".hidden", "x" * 65])
def test_names_that_are_paths_are_refused(store: ReleaseStore, bad: str) -> None:
    for act in (
        lambda: store.fetch(bad, "1"),
        lambda: store.fetch("tiny", bad),
        lambda: store.history(bad),
        lambda: ReleaseRef.parse(f"tiny@{bad}"),
    ):
        with pytest.raises(ModelError, match="use up to 64 letters"):
            act()


def test_a_label_is_read_as_name_and_version() -> None:
    assert ReleaseRef.parse("tiny@1.0.0") == ReleaseRef.of("tiny", "1.0.0")
    with pytest.raises(ModelError, match="release is 'tiny': give name@version"):
        ReleaseRef.parse("tiny")


def test_a_damaged_alias_is_named(store: ReleaseStore, url: str) -> None:
    write_into(url, "aliases/live.json", b"{")
    with pytest.raises(ManifestError, match=r"live\.json: Invalid JSON"):
        store.resolve("live")


def test_an_address_that_cannot_be_used_is_named() -> None:
    with pytest.raises(ModelError, match="store is 'nosuch://x', which cannot be used"):
        ReleaseStore("nosuch://x")


def test_a_store_that_fails_is_told_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = ReleaseStore(str(tmp_path / "file"), cache=tmp_path / "cache")
    with pytest.raises(ModelError, match=r"store .* failed: .*Check its address and your rights"):
        store.publish(tiny_release(tmp_path / "r"))


def test_a_copy_that_was_damaged_on_this_machine_is_fetched_again(
    store: ReleaseStore, tmp_path: Path
) -> None:
    store.publish(tiny_release(tmp_path / "r"))
    first = store.fetch("tiny", "1.0.0")
    (first.path / GRAPH).write_bytes(b"damaged")
    again = store.fetch("tiny", "1.0.0")
    assert again.path == first.path
    again.verify()


def test_a_sound_copy_is_not_fetched_again(store: ReleaseStore, url: str, tmp_path: Path) -> None:
    store.publish(tiny_release(tmp_path / "r"))
    store.fetch("tiny", "1.0.0")
    write_into(url, f"releases/tiny/1.0.0/{GRAPH}", None)
    store.fetch("tiny", "1.0.0").verify()


def test_the_copy_not_asked_for_the_longest_is_forgotten_first(tmp_path: Path) -> None:
    cache = ReleaseCache(tmp_path / "cache")
    releases = [tiny_release(tmp_path / str(number), str(number)) for number in range(KEPT + 1)]
    for number, release in enumerate(releases):
        manifest = (release.path / MANIFEST).read_bytes()
        kept = cache.keep(manifest, None, lambda name, release=release: release.read(name))  # type: ignore[misc]
        os.utime(kept.path, (number, number))
    labels = {Release.open(path).label for path in (tmp_path / "cache").iterdir()}
    assert labels == {release.label for release in releases[1:]}


def test_two_that_fetch_the_same_at_once_both_get_it(tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r")
    manifest = (release.path / MANIFEST).read_bytes()
    cache = ReleaseCache(tmp_path / "cache")

    def get(name: str) -> bytes:
        if name == GRAPH:  # the other one is done while this one is at its first file
            ReleaseCache(tmp_path / "cache").keep(manifest, None, release.read)
        return release.read(name)

    cache.keep(manifest, None, get).verify()
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_cache_that_cannot_take_a_copy_is_told(store: ReleaseStore, tmp_path: Path) -> None:
    release = tiny_release(tmp_path / "r")
    store.publish(release)
    place = tmp_path / "cache" / release.manifest_sha256[:32]
    place.parent.mkdir()
    place.write_bytes(b"a file where a directory should be")
    with pytest.raises(ModelError, match=r"failed: .*Not a directory"):
        store.fetch("tiny", "1.0.0")


def test_a_copy_that_another_process_has_just_removed_is_no_failure(
    store: ReleaseStore, tmp_path: Path
) -> None:
    store.publish(tiny_release(tmp_path / "r"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "gone").symlink_to(tmp_path / "nowhere")
    store.fetch("tiny", "1.0.0").verify()


def test_a_disk_that_refuses_leaves_no_half_file(tmp_path: Path) -> None:
    fs = fsspec.filesystem("file")
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        put_whole(fs, str(tmp_path / "taken"), b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_store_with_real_directories_makes_them(tmp_path: Path) -> None:
    fs = fsspec.filesystem("dir", path=str(tmp_path), fs=fsspec.filesystem("file"))
    put_whole(fs, "a/b/c.json", b"x")
    assert get_whole(fs, "a/b/c.json") == b"x"


def test_the_only_release_in_the_zoo_is_the_packaged_one(tmp_path: Path) -> None:
    tiny_release(tmp_path / "tiny-1.0.0")
    assert packaged_release(tmp_path).label == "tiny@1.0.0"


def test_among_several_in_the_zoo_the_named_one_is_the_packaged_one(tmp_path: Path) -> None:
    for version in ("1", "2"):
        tiny_release(tmp_path / f"tiny-{version}", version)
    with pytest.raises(ModelError, match=r"holds tiny-1, tiny-2: name one of them in default\.txt"):
        packaged_release(tmp_path)
    (tmp_path / "default.txt").write_text("tiny-1\n", encoding="utf-8")
    assert packaged_release(tmp_path).label == "tiny@1"
    shutil.rmtree(tmp_path / "tiny-1")
    with pytest.raises(ModelError, match=r"default\.txt names 'tiny-1': name one of tiny-2"):
        packaged_release(tmp_path)


def test_an_empty_zoo_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no release: install the package again"):
        packaged_release(tmp_path)
