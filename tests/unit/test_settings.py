from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from stream.errors import UsageError
from stream.settings import Loaded, Settings, load_settings
from stream.watch.rules import WatchRules


@pytest.fixture(autouse=True)
def _a_clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("NEWSTIDE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def refusal(overrides: Mapping[str, str] | None = None, config: Path | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        load_settings(config, overrides)
    return str(caught.value)


def row(loaded: Loaded, name: str) -> tuple[object, str]:
    return next((value, origin) for known, value, origin in loaded.rows() if known == name)


def test_without_anything_every_value_is_a_default() -> None:
    loaded = load_settings()
    assert loaded.settings.kafka.embedded
    assert set(loaded.origins.values()) == {"default"}


def test_each_layer_wins_over_the_one_below(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("newstide.toml").write_text(
        '[kafka]\nbootstrap = "file:1"\nclient_id = "file"\n[score]\nbatch_tokens = 99\n'
    )
    monkeypatch.setenv("NEWSTIDE_KAFKA__BOOTSTRAP", "env:2")
    monkeypatch.setenv("NEWSTIDE_KAFKA__CLIENT_ID", "env")
    loaded = load_settings(None, {"kafka.bootstrap": "flag:3"})
    assert row(loaded, "kafka.bootstrap") == ("flag:3", "flag")
    assert row(loaded, "kafka.client_id") == ("env", "environment NEWSTIDE_KAFKA__CLIENT_ID")
    assert row(loaded, "score.batch_tokens") == (99, "newstide.toml")
    assert row(loaded, "score.max_length") == (128, "default")


def test_a_named_file_replaces_the_one_in_the_working_directory(tmp_path: Path) -> None:
    Path("newstide.toml").write_text("[metrics]\nport = 1\n")
    other = tmp_path / "other.toml"
    other.write_text("[metrics]\nhost = '0.0.0.0'\n")
    loaded = load_settings(other)
    assert loaded.settings.metrics.port == 9108
    assert row(loaded, "metrics.host") == ("0.0.0.0", str(other))  # noqa: S104  (a value, not a socket)


def test_a_named_file_that_is_missing_is_an_error() -> None:
    assert refusal(config=Path("nowhere.toml")) == (
        "--config nowhere.toml: there is no such file: give the path of a TOML file"
    )
    assert refusal(config=Path()).startswith("--config .: it is no file")


@pytest.mark.parametrize("content", [b"[kafka\n", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_an_error(content: bytes) -> None:
    Path("newstide.toml").write_bytes(content)
    assert refusal().startswith("newstide.toml is not TOML: ")


def test_a_value_outside_any_table_is_an_error() -> None:
    Path("newstide.toml").write_text("kafka = 3\n")
    assert "'kafka' stands outside any table" in refusal()


def test_an_unknown_name_is_an_error_that_knows_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal({"kafka.bootstap": "a:1"}) == (
        "unknown setting 'kafka.bootstap' in a flag: did you mean 'kafka.bootstrap'?"
    )
    assert "`newstide config` lists" in refusal({"zzz": "1"})
    Path("newstide.toml").write_text("[scores]\nbatch_tokens = 1\n")
    assert "'scores.batch_tokens' in newstide.toml: did you mean 'score.batch_tokens'?" in refusal()
    Path("newstide.toml").unlink()
    monkeypatch.setenv("newstide_kafka_bootstrap", "a:1")
    assert "in the environment: did you mean 'NEWSTIDE_KAFKA__BOOTSTRAP'?" in refusal()


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSTIDE_KAFKA__SASL_PASSWORD", "")
    monkeypatch.setenv("NEWSTIDE_NOTHING", "")
    assert load_settings().settings.kafka.sasl_password is None


def test_variables_that_kubernetes_adds_for_a_service_are_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "NEWSTIDE_SERVICE_HOST": "10.0.0.1",
        "NEWSTIDE_SERVICE_PORT": "9108",
        "NEWSTIDE_SERVICE_PORT_HTTP": "9108",
        "NEWSTIDE_PORT": "tcp://10.0.0.1:9108",
        "NEWSTIDE_PORT_9108_TCP": "tcp://10.0.0.1:9108",
        "NEWSTIDE_PORT_9108_TCP_ADDR": "10.0.0.1",
        "NEWSTIDE_WATCH_PORT": "tcp://10.0.0.2:9108",
    }.items():
        monkeypatch.setenv(name, value)
    assert set(load_settings().origins.values()) == {"default"}
    monkeypatch.setenv("NEWSTIDE_METRICS_PORT", "9108")
    assert "did you mean 'NEWSTIDE_METRICS__PORT'?" in refusal()


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("kafka.bootstrap", "broker", "give host:port"),
        ("kafka.bootstrap", "broker:70000", "give host:port"),
        ("kafka.ssl_cafile", "ca.pem", "there is no such file"),
        ("kafka.security_protocol", "TLS", "it should be 'PLAINTEXT', 'SSL'"),
        ("score.batch_tokens", "many", "give a whole number"),
        ("score.max_record_bytes", "999999999", "less than or equal to 8388608"),
        ("metrics.port", "-1", "greater than or equal to 0"),
        ("log.level", "loud", "'DEBUG'"),
        ("ingest.feeds", "[1", "Expecting"),
        ("score.group", "a b", "use only letters, digits and . _ -"),
    ],
)
def test_a_wrong_value_names_field_value_origin_and_fix(name: str, value: str, fix: str) -> None:
    text = refusal({name: value})
    assert text.startswith(f"{name} is ")
    assert value.lower() in text.lower()
    assert "(from flag): " in text
    assert fix in text


def test_a_language_that_is_none_is_named_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSTIDE_RELEASES__LANGUAGES", '{"xx9": "newstide-en"}')
    assert refusal().startswith("releases.languages.xx9 is 'xx9' (from environment")


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSTIDE_METRICS__PORT", "x" * 500)
    lines = refusal({"score.batch_tokens": "1"}).splitlines()
    assert len(lines) == 2
    assert any("…" in line and "environment NEWSTIDE_METRICS__PORT" in line for line in lines)


@pytest.mark.parametrize(
    ("overrides", "named", "fix"),
    [
        ({"kafka.security_protocol": "SSL"}, "kafka.security_protocol", "name your cluster"),
        (
            {"kafka.bootstrap": "a:1", "kafka.security_protocol": "SASL_SSL"},
            "kafka.security_protocol",
            "set it too",
        ),
        (
            {"kafka.bootstrap": "a:1", "kafka.security_protocol": "SASL_SSL", "kafka.sasl_username": "u"},
            "kafka.security_protocol",
            "kafka.sasl_password",
        ),
        ({"kafka.bootstrap": "a:1", "kafka.sasl_username": "u"}, "kafka.sasl_username", "SASL_SSL"),
        ({"topics.min_insync_replicas": "2"}, "topics.min_insync_replicas", "at most that many"),
    ],
)
def test_fields_that_belong_together_are_checked_together(
    overrides: dict[str, str], named: str, fix: str
) -> None:
    text = refusal(overrides)
    assert text.startswith(f"{named} is {overrides[named]!r} (from flag): ")
    assert fix in text


@pytest.mark.parametrize(("one", "other"), [("ssl_certfile", "ssl_keyfile"), ("ssl_keyfile", "ssl_certfile")])
def test_a_certificate_needs_its_key_and_a_key_its_certificate(one: str, other: str, tmp_path: Path) -> None:
    pem = tmp_path / "x.pem"
    pem.write_text("-")
    assert f"set kafka.{other} too" in refusal({f"kafka.{one}": str(pem)})
    both = load_settings(None, {f"kafka.{one}": str(pem), f"kafka.{other}": str(pem)})
    assert both.settings.kafka.ssl_certfile == pem


def test_a_secret_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSTIDE_KAFKA__SASL_PASSWORD", "geheim")
    assert "geheim" not in refusal()
    assert "kafka.sasl_password is **********" in refusal()
    monkeypatch.setenv("NEWSTIDE_RELEASES__KEY", "geheim")
    loaded = load_settings(
        None,
        {"kafka.bootstrap": "a:1", "kafka.security_protocol": "sasl_plaintext", "kafka.sasl_username": "u"},
    )
    assert loaded.settings.kafka.sasl_password is not None
    assert loaded.settings.kafka.sasl_password.get_secret_value() == "geheim"
    assert "geheim" not in repr(loaded)
    assert "geheim" not in json.dumps(list(loaded.rows()))


def test_several_brokers_and_addresses_in_brackets_are_taken() -> None:
    brokers = "kafka-0.example:9092, [2001:db8::1]:9093"
    assert load_settings(None, {"kafka.bootstrap": brokers}).settings.kafka.bootstrap == brokers


def test_lists_are_read_from_a_table_from_json_and_from_commas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in names:
        path.write_text("")
    text = ",".join(str(path) for path in names)
    monkeypatch.setenv("NEWSTIDE_SCORE__COMPANIES", text)
    assert load_settings().settings.score.companies == tuple(names)
    as_json = json.dumps([str(path) for path in names])
    assert load_settings(None, {"score.companies": as_json}).settings.score.companies == tuple(names)
    Path("newstide.toml").write_text(
        '[ingest]\nfeeds = ["https://a.example/rss", '
        '{url = "http://b.example/", source = "B", every_seconds = 5}]\n'
    )
    first, second = load_settings().settings.ingest.feeds
    assert (first.url, first.source, first.every_seconds) == ("https://a.example/rss", None, 60.0)
    assert (second.source, second.every_seconds) == ("B", 5.0)


def test_a_feed_must_be_on_the_web() -> None:
    text = refusal({"ingest.feeds": "ftp://a.example/rss"})
    assert text.startswith("ingest.feeds.0.url is 'ftp://a.example/rss' (from flag): give an address")


def test_settings_never_change_once_loaded() -> None:
    settings = load_settings().settings
    with pytest.raises(ValidationError, match="frozen"):
        settings.kafka = settings.kafka  # type: ignore[misc]  # that it is refused is the test
    with pytest.raises(ValidationError, match="frozen"):
        settings.kafka.client_id = "other"  # type: ignore[misc]  # that it is refused is the test


def test_without_settings_watch_goes_by_its_own_rules() -> None:
    assert load_settings().settings.watch.rules == WatchRules()


def test_thresholds_that_do_not_go_together_are_refused() -> None:
    assert "watch.quiet is 0:00:15: give a multiple of 30 seconds" in refusal({"watch.quiet_minutes": "0.25"})


@pytest.mark.parametrize("budget", ["often", "1", "0/week", "1/fortnight"])
def test_a_budget_that_says_no_number_of_alarms_is_refused(budget: str) -> None:
    told = refusal({"alerts.budget": budget})
    assert f"alerts.budget is {budget!r}" in told
    assert "write it as 1/week" in told


def test_what_is_kept_on_disk_follows_the_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().settings.broker.data_dir == tmp_path / "state" / "newstide"
    moved = load_settings(None, {"broker.data_dir": "/srv/n"})
    assert moved.settings.release_store == "/srv/n/releases"
    assert row(moved, "releases.store") == ("/srv/n/releases", "default")
    assert moved.settings.ingest_dir == Path("/srv/n/ingest")
    own = load_settings(None, {"releases.store": "s3://b/r", "ingest.state_dir": "/var/i"}).settings
    assert (own.release_store, own.ingest_dir) == ("s3://b/r", Path("/var/i"))
    monkeypatch.delenv("XDG_STATE_HOME")
    assert Settings().broker.data_dir == Path.home() / ".local" / "state" / "newstide"
