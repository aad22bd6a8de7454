"""A release comes into force, or goes again: in the store first, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tiny_release import tiny_release

from models.aliases import ReleaseRef
from models.errors import ModelError, SignatureError
from models.release import GRAPH, SIGNATURE, Release
from models.store import ReleaseStore
from stream.parts import key_of, release_of, store_of
from stream.releases import make_note, next_version, promote, roll_back
from stream.settings import Settings, load_settings

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(str(tmp_path / "store"), cache=tmp_path / "cache")


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Release]:
    return lambda version: tiny_release(tmp_path / "made" / version, version, seed=len(version))


def labels(refs: tuple[ReleaseRef, ...]) -> list[str]:
    return [ref.label for ref in refs]


@pytest.mark.parametrize(
    ("version", "taken", "following"),
    [
        ("1.2.3", [], "1.2.4"),
        ("1.2.9", ["1.2.10", "1.2.11"], "1.2.12"),
        ("0.0.1-rc1", [], "0.0.2"),
        ("1.0.0+int8", [], "1.0.1"),
        ("2026.03.02", ["2026.03.3"], "2026.03.4"),
        ("2026", ["2026.1"], "2026.2"),
        ("first", [], "first.1"),
        ("1.2.3.4", [], "1.2.4"),
    ],
)
def test_the_next_version_is_one_patch_on_and_not_taken(
    version: str, taken: list[str], following: str
) -> None:
    assert next_version(version, taken) == following


def test_a_first_promotion_keeps_the_release_that_came_with_newstide(
    store: ReleaseStore, make: Callable[[str], Release]
) -> None:
    promoted = promote(store, "live", make("1.0.1"), base=make("1.0.0"))
    assert promoted.label == "tiny@1.0.1"
    assert labels(store.history("live")) == ["tiny@1.0.1", "tiny@1.0.0"]
    assert roll_back(store, "live").label == "tiny@1.0.0"
    assert labels(store.history("live")) == ["tiny@1.0.0"]


def test_a_later_promotion_adds_only_the_newcomer(
    store: ReleaseStore, make: Callable[[str], Release]
) -> None:
    second = promote(store, "live", make("1.0.1"), base=make("1.0.0"))
    promote(store, "live", make("1.0.2"), base=second)
    assert labels(store.history("live")) == ["tiny@1.0.2", "tiny@1.0.1", "tiny@1.0.0"]


def test_what_was_compared_with_another_release_is_not_promoted(
    store: ReleaseStore, make: Callable[[str], Release]
) -> None:
    base = make("1.0.0")
    promote(store, "live", make("1.0.1"), base=base)
    with pytest.raises(ModelError, match=r"tiny@1\.0\.1 came into force as 'live' meanwhile"):
        promote(store, "live", make("1.0.2"), base=base)
    assert labels(store.list()) == ["tiny@1.0.0", "tiny@1.0.1"]


def test_what_was_set_where_nothing_was_is_not_promoted_over(
    store: ReleaseStore, make: Callable[[str], Release]
) -> None:
    promote(store, "live", make("1.0.1"), base=None)
    with pytest.raises(ModelError, match=r"tiny@1\.0\.1 came into force .* compared with nothing"):
        promote(store, "live", make("1.0.2"), base=None)


def test_one_who_is_quicker_while_a_release_is_published_is_not_overwritten(
    store: ReleaseStore, make: Callable[[str], Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, quick, slow = make("1.0.0"), make("1.0.1"), make("1.0.2")
    plain = ReleaseStore.publish

    def publish(self: ReleaseStore, release: Release) -> ReleaseRef:
        if release is slow:
            monkeypatch.setattr(ReleaseStore, "publish", plain)
            promote(store, "live", quick, base=base)
        return plain(self, release)

    monkeypatch.setattr(ReleaseStore, "publish", publish)
    with pytest.raises(ModelError, match=r"tiny@1\.0\.1 came into force as 'live' meanwhile"):
        promote(store, "live", slow, base=base)
    assert labels(store.history("live")) == ["tiny@1.0.1", "tiny@1.0.0"]


def test_with_a_key_both_releases_are_signed_and_their_own_folders_left_alone(
    tmp_path: Path, make: Callable[[str], Release]
) -> None:
    store = ReleaseStore(str(tmp_path / "store"), cache=tmp_path / "cache", key=KEY)
    base, candidate = make("1.0.0"), make("1.0.1")
    promoted = promote(store, "live", candidate, base=base, key=KEY)
    assert promoted.signature is not None
    assert roll_back(store, "live").signature is not None
    assert not (base.path / SIGNATURE).exists()
    assert not (candidate.path / SIGNATURE).exists()


def test_a_rollback_forgets_what_stood_between(store: ReleaseStore, make: Callable[[str], Release]) -> None:
    base = make("1.0.0")
    second = promote(store, "live", make("1.0.1"), base=base)
    promote(store, "live", make("1.0.2"), base=second)
    assert roll_back(store, "live", ReleaseRef.of("tiny", "1.0.0")).label == "tiny@1.0.0"
    assert labels(store.history("live")) == ["tiny@1.0.0"]


def test_a_rollback_to_what_is_in_force_changes_nothing(
    store: ReleaseStore, make: Callable[[str], Release]
) -> None:
    promote(store, "live", make("1.0.1"), base=make("1.0.0"))
    assert roll_back(store, "live", ReleaseRef.of("tiny", "1.0.1")).label == "tiny@1.0.1"
    assert labels(store.history("live")) == ["tiny@1.0.1", "tiny@1.0.0"]


def test_a_release_that_was_taken_back_can_be_named_again(
    store: ReleaseStore, make: Callable[[str], Release]
) -> None:
    promote(store, "live", make("1.0.1"), base=make("1.0.0"))
    roll_back(store, "live")
    roll_back(store, "live", ReleaseRef.of("tiny", "1.0.1"))
    assert labels(store.history("live")) == ["tiny@1.0.1", "tiny@1.0.0"]


def test_without_a_former_release_a_rollback_says_what_there_is(
    store: ReleaseStore, make: Callable[[str], Release]
) -> None:
    with pytest.raises(ModelError, match=r"no former release: it was never set.* has no release yet"):
        roll_back(store, "live")
    ref = store.publish(make("1.0.0"))
    store.set_alias("live", ref.name, ref.version)
    with pytest.raises(ModelError, match=r"nothing lies before tiny@1\.0\.0.* has tiny@1\.0\.0"):
        roll_back(store, "live")
    with pytest.raises(ModelError, match=r"tiny@9 is not in"):
        roll_back(store, "live", ReleaseRef.of("tiny", "9"))


def test_an_unsound_release_is_not_rolled_back_to(
    store: ReleaseStore, make: Callable[[str], Release], tmp_path: Path
) -> None:
    base = make("1.0.0")
    promote(store, "live", make("1.0.1"), base=base)
    (tmp_path / "store" / "releases" / "tiny" / "1.0.0" / GRAPH).write_bytes(b"rust")
    with pytest.raises(ModelError, match=GRAPH):
        roll_back(store, "live")
    assert labels(store.history("live"))[0] == "tiny@1.0.1"


def test_a_note_says_what_who_when_and_by_which_figures(make: Callable[[str], Release]) -> None:
    release = make("1.0.1")
    note = make_note(
        release, alias="live", action="promote", by="ada@desk", at=AT, gate={"heldout.topic.n.new": 9.0}
    )
    assert (note.name, note.version, note.alias, note.action) == ("tiny", "1.0.1", "live", "promote")
    assert (note.manifest_sha256, note.by, note.at) == (release.manifest_sha256, "ada@desk", AT)
    assert note.gate == {"heldout.topic.n.new": 9.0}
    assert make_note(release, alias="live", action="rollback", by="ada", at=AT).gate == {}


def settings_with(tmp_path: Path, **more: str) -> Settings:
    named = {"broker.data_dir": str(tmp_path / "data"), "releases.alias": "live"}
    return load_settings(None, named | {f"releases.{name}": value for name, value in more.items()}).settings


def test_with_a_key_an_unsigned_release_never_comes_into_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = settings_with(tmp_path)
    assert key_of(plain) is None
    ref = store_of(plain).publish(tiny_release(tmp_path / "unsigned"))
    store_of(plain).set_alias("live", ref.name, ref.version)
    assert release_of(plain).label == "tiny@1.0.0"

    keyed = settings_with(tmp_path, key=KEY.decode())
    with pytest.raises(SignatureError, match="is not signed, but a key is set"):
        release_of(keyed)
    with pytest.raises(SignatureError, match="is not signed, but a key is set"):
        store_of(keyed).publish(tiny_release(tmp_path / "another", "1.0.1"))
    store_of(keyed).publish(tiny_release(tmp_path / "signed", "1.0.0", key=KEY))
    assert release_of(keyed).signature is not None

    with pytest.raises(SignatureError, match="is not signed with the key that is set"):
        release_of(settings_with(tmp_path, key="another key"))
