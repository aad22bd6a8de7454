"""Which releases are in force in one process, and for which languages."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from monitoring import put_tiny_release, settings_for
from tiny_release import tiny_release

from models.errors import ModelError, StoreAwayError
from models.packaged import packaged_named, packaged_release
from models.store import ReleaseStore
from stream.bus import Connection
from stream.cli.checks import check_languages
from stream.errors import UsageError
from stream.parts import release_at_start, release_of
from stream.serving import by_language, open_serving, scorer_in_force
from stream.settings import Settings, load_settings

NOWHERE = Connection("nowhere:1")


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    """`production` is tiny@1.0.0, `chinese` is tiny@2."""
    put_tiny_release(tmp_path)
    store = ReleaseStore(str(tmp_path / "releases"), cache=tmp_path / "cache")
    store.publish(tiny_release(tmp_path / "second", "2", seed=2))
    store.set_alias("chinese", "tiny", "2")
    return store


def settings_with(folder: Path, languages: str) -> Settings:
    return settings_for(folder, NOWHERE, releases__languages=languages)


def test_without_a_word_of_languages_one_release_reads_all(tmp_path: Path, store: ReleaseStore) -> None:
    (serving,) = open_serving(settings_for(tmp_path, NOWHERE))
    assert (str(serving), serving.alias, serving.languages) == ("tiny@1.0.0", "production", ())
    assert not by_language((serving,))


def test_a_language_with_an_alias_of_its_own_has_a_release_of_its_own(
    tmp_path: Path, store: ReleaseStore, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        serving = open_serving(settings_with(tmp_path, "zh=chinese, ja=chinese,fr=production"))
    assert [str(each) for each in serving] == ["tiny@1.0.0", "ja, zh: tiny@2"]
    assert [each.alias for each in serving] == ["production", "chinese"]
    slots = by_language(serving)
    assert sorted(slots) == ["ja", "zh"]
    assert slots["ja"] is slots["zh"] is serving[1].slot
    assert "tiny@2 was made for en, not for ja, zh" in caplog.text


def test_a_text_is_given_to_the_scorer_that_is_in_force_for_its_language_now(
    tmp_path: Path, store: ReleaseStore
) -> None:
    serving = open_serving(settings_with(tmp_path, "zh=chinese"))
    scorer_of = scorer_in_force(serving)
    texts = ("Bank halts withdrawals", "银行暂停取款", "?")
    assert [scorer_of(text).release for text in texts] == ["tiny@1.0.0", "tiny@2", "tiny@1.0.0"]
    serving[0].slot.swap_to(tiny_release(tmp_path / "third", "3"))
    assert [scorer_of(text).release for text in texts] == ["tiny@3", "tiny@2", "tiny@3"]


def test_one_version_can_be_named_and_then_nothing_is_followed(tmp_path: Path, store: ReleaseStore) -> None:
    _, named = open_serving(settings_with(tmp_path, '{"zh": "tiny@2"}'))
    assert (str(named), named.alias) == ("zh: tiny@2", None)


def test_a_release_that_ships_can_be_named_too(tmp_path: Path) -> None:
    shipped = packaged_release()
    for which in (shipped.manifest.name, shipped.label):
        assert release_of(settings_with(tmp_path, f"zh={which}"), which).label == shipped.label
    assert packaged_named("nobody") is None


def test_of_several_versions_that_ship_the_highest_is_meant(tmp_path: Path) -> None:
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        tiny_release(tmp_path / f"tiny-{version}", version)
    found = packaged_named("tiny", tmp_path)
    assert found is not None
    assert found.label == "tiny@1.10.0"


def test_a_name_that_nothing_goes_by_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"releases\.languages names 'chinese': no alias of .* promote a release"
    ):
        open_serving(settings_with(tmp_path, "zh=chinese"))


def test_while_the_store_is_away_the_copy_of_this_machine_serves_its_language(
    tmp_path: Path, store: ReleaseStore
) -> None:
    settings = settings_with(tmp_path, "zh=chinese,ja=tiny@2")
    release_of(settings, "chinese")
    (tmp_path / "releases").rename(tmp_path / "elsewhere")
    (tmp_path / "releases").write_text("no folder")
    release, away = release_at_start(settings, "chinese")
    assert release.label == "tiny@2"
    assert away is not None
    assert "Not a directory" in away
    with pytest.raises(StoreAwayError, match="no copy of what alias 'japanese'"):
        release_at_start(settings, "japanese")
    with pytest.raises(StoreAwayError):
        release_at_start(settings, "tiny@2")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("zh", "give pairs such as zh=chinese"),
        ("zh=", "zh"),
        ("Chinese=x", "give two or three letters, such as en"),
        ("zh=a b", "give a name or NAME@VERSION"),
    ],
)
def test_languages_that_can_not_be_right_are_refused(given: str, said: str) -> None:
    with pytest.raises(UsageError, match=r"releases\.languages") as refused:
        load_settings(None, {"releases.languages": given})
    assert said in str(refused.value)


def test_the_doctor_shows_the_release_of_each_language(tmp_path: Path, store: ReleaseStore) -> None:
    assert not list(check_languages(settings_for(tmp_path, NOWHERE)))
    (found,) = check_languages(settings_with(tmp_path, "zh=chinese"))
    assert (found.check, found.status) == ("model zh", "warn")
    assert found.says == "tiny@2: whole, golden answers right, but not made for zh"
    (found,) = check_languages(settings_with(tmp_path, "en=chinese"))
    assert (found.status, found.says) == ("ok", "tiny@2: whole, golden answers right")
    (found,) = check_languages(settings_with(tmp_path, "zh=nobody"))
    assert found.status == "fail"
