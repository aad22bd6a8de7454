from __future__ import annotations

from pathlib import Path

import pytest
from monitoring import put_tiny_release, settings_for
from tiny_release import tiny_release

from models.store import ReleaseStore, packaged_release
from stream.bus import Connection
from stream.connect import broker_of, connection_of
from stream.errors import BrokerUnavailableError
from stream.parts import load_scorer, release_of, rules_of, store_of, tagger_of
from stream.settings import load_settings
from stream.watch.profile import Profile

NOWHERE = Connection("nowhere:1")


def test_the_release_that_the_alias_stands_for_is_loaded_as_the_settings_say(tmp_path: Path) -> None:
    put_tiny_release(tmp_path)
    settings = settings_for(tmp_path, NOWHERE, score__batch_tokens=64)
    release = release_of(settings)
    assert release.label == "tiny@1.0.0"
    assert load_scorer(settings, release).score(["bank run"]).release == "tiny@1.0.0"


def test_without_an_alias_the_release_in_the_package_is_used(tmp_path: Path) -> None:
    assert release_of(settings_for(tmp_path, NOWHERE)).label == packaged_release().label


def test_with_a_key_only_signed_releases_come_out_of_the_store(tmp_path: Path) -> None:
    key = "0123456789abcdef0123456789abcdef"
    signed = tiny_release(tmp_path / "signed", key=key.encode())
    store = ReleaseStore(str(tmp_path / "releases"), cache=tmp_path / "cache", key=key.encode())
    store.publish(signed)
    settings = settings_for(tmp_path, NOWHERE, releases__key=key)
    assert store_of(settings).fetch("tiny", "1.0.0").signature == signed.signature


def test_further_company_tables_stand_behind_those_that_ship(tmp_path: Path) -> None:
    table = Path(__file__).parents[2] / "stream" / "demo" / "data" / "companies.csv"
    for tagger in (
        tagger_of(settings_for(tmp_path, NOWHERE), [table]),
        tagger_of(settings_for(tmp_path, NOWHERE, score__companies=table)),
    ):
        found = [mention.id for mention in tagger.tag("Harrowvale Bank sues Apple Inc.", None, ())]
        assert sorted(found) == ["AAPL", "HRWV"]


def test_every_threshold_of_watch_reaches_its_rules(tmp_path: Path) -> None:
    rules = rules_of(settings_for(tmp_path, NOWHERE, watch__min_sources=4, watch__min_count=7))
    assert (rules.min_sources, rules.min_count) == (4, 7)


def test_budget_companies_rules_and_profile_reach_watch(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('[[rule]]\nname = "bank"\nseries = "company:BANK"\n')
    (tmp_path / "profile.json").write_text(Profile.plain(2.0, 1.0, series=10).to_json())
    rules = rules_of(
        settings_for(
            tmp_path,
            NOWHERE,
            alerts__budget="2/day",
            alerts__companies=30,
            alerts__rules=tmp_path / "rules.toml",
            alerts__profile=tmp_path / "profile.json",
        )
    )
    assert [rule.name for rule in rules.surges] == ["bank"]
    assert rules.budget.per_day == 2.0
    assert [rules.profile.groups[kind].series for kind in ("market", "company", "company_topic")] == [
        10,
        30,
        30,
    ]


def test_the_connection_is_what_the_settings_say() -> None:
    settings = load_settings(
        None,
        {
            "kafka.bootstrap": "broker.example:9093",
            "kafka.security_protocol": "SASL_SSL",
            "kafka.sasl_username": "worker",
            "kafka.sasl_password": "secret",
            "kafka.topic_prefix": "test.",
        },
    ).settings
    connection = connection_of(settings)
    assert (connection.bootstrap, connection.security_protocol) == ("broker.example:9093", "SASL_SSL")
    assert (connection.sasl_username, connection.sasl_password) == ("worker", "secret")
    assert connection.named("news.raw") == "test.news.raw"
    assert not connection.embedded
    with broker_of(settings) as given:
        assert given == connection


def test_the_embedded_broker_runs_as_long_as_it_is_needed(tmp_path: Path) -> None:
    settings = load_settings(None, {"broker.port": "0", "broker.data_dir": str(tmp_path)}).settings
    with broker_of(settings) as connection:
        assert connection.embedded
        # The embedded broker never expires a dead member: one with a name takes its own place again.
        assert connection.group_instance_id == "newstide"
        assert connection.session_timeout_ms == 300_000
        port = connection.bootstrap.rpartition(":")[2]
    taken = load_settings(None, {"broker.port": port, "broker.data_dir": str(tmp_path)}).settings
    with broker_of(taken) as again:
        assert again.bootstrap == connection.bootstrap
        with pytest.raises(BrokerUnavailableError, match=r"broker\.port"), broker_of(taken):
            pass
