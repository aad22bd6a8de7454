"""Whom alerts are told: what can be set, and that no secret is shown."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from command import Command

from stream.app import ROLES, roles_of
from stream.errors import UsageError
from stream.parts import sinks_of
from stream.settings import Settings, load_settings
from stream.sinks import AlertmanagerSink, PagerDutySink, SlackSink, WebhookSink

SECRETS = ("T0/B0/key", "s3cret", "rk123", "t0ken", "pw")


def loaded(*sinks: dict[str, object], **others: object) -> Settings:
    given = {"notify.sinks": json.dumps(sinks)} | {
        f"notify.{name}": str(value) for name, value in others.items()
    }
    return load_settings(None, given).settings


def refusal(*sinks: dict[str, object], **others: object) -> str:
    with pytest.raises(UsageError) as error:
        loaded(*sinks, **others)
    return str(error.value)


ALL: tuple[dict[str, object], ...] = (
    {"type": "alertmanager", "url": "http://u:pw@am:9093", "token": "t0ken", "resend_seconds": 30},
    {"type": "webhook", "name": "desk", "url": "https://example.com/hook", "secret": "s3cret"},
    {"type": "slack", "url": "https://hooks.slack.com/services/T0/B0/key", "min_severity": "Warning"},
    {"type": "pagerduty", "routing_key": "rk123"},
)


def test_each_kind_of_sink_is_built_with_what_it_wants_to_hear() -> None:
    sinks = sinks_of(loaded(*ALL, wait_seconds=5, repeat_hours=2))
    assert [sink for sink, _ in sinks] == [
        AlertmanagerSink("alertmanager", "http://u:pw@am:9093", timedelta(seconds=30), "t0ken"),
        WebhookSink("desk", "https://example.com/hook", "s3cret"),
        SlackSink("slack", "https://hooks.slack.com/services/T0/B0/key"),
        PagerDutySink("pagerduty", "rk123"),
    ]
    wishes = [each for _, each in sinks]
    assert [each.sink for each in wishes] == ["alertmanager", "desk", "slack", "pagerduty"]
    assert [each.refresh for each in wishes] == [timedelta(seconds=30), None, None, None]
    assert [each.repeat for each in wishes] == [None, *[timedelta(hours=2)] * 3]
    assert [each.acknowledgements for each in wishes] == [False, False, False, True]
    assert [each.at_least for each in wishes] == ["info", "info", "warning", "info"]
    assert {each.wait for each in wishes} == {timedelta(seconds=5)}


def test_without_sinks_nobody_is_told_and_up_does_not_try() -> None:
    assert sinks_of(Settings()) == []
    assert roles_of(Settings()) == ROLES
    assert roles_of(loaded(ALL[1])) == (*ROLES, "notify")


def test_a_secret_may_stand_in_a_file_or_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("DESK_URL", "https://hooks.slack.com/x")
    settings = loaded(
        {"type": "webhook", "url": "http://x", "secret": {"file": str(tmp_path / "secret")}},
        {"type": "slack", "url": {"env": "DESK_URL"}},
    )
    assert [sink for sink, _ in sinks_of(settings)] == [
        WebhookSink("webhook", "http://x", "from the file"),
        SlackSink("slack", "https://hooks.slack.com/x"),
    ]


@pytest.mark.parametrize(
    ("sink", "says"),
    [
        ({"type": "webhook", "url": "example.com/T0/B0/key"}, "begins with http:// or https://"),
        ({"type": "webhook", "url": "ftp://example.com"}, "begins with http:// or https://"),
        ({"type": "webhook", "url": "https://exa mple.com"}, "without spaces"),
        ({"type": "alertmanager", "url": "u:pw@am:9093"}, "begins with http:// or https://"),
        ({"type": "slack", "url": {"env": "NO_SUCH"}}, "the variable NO_SUCH is not set"),
        ({"type": "slack", "url": {"file": "/no/such"}}, "the file /no/such can't be read (No such file"),
        ({"type": "slack", "url": {"path": "/x"}}, 'or {file = "PATH"}, or {env = "NAME"}'),
        ({"type": "slack", "url": {"file": "/x", "env": "s3cret"}}, 'or {file = "PATH"}, or {env = "NAME"}'),
        ({"type": "slack", "url": ["s3cret"]}, "give a text"),
        ({"type": "webhook", "url": "http://x", "secret": " "}, "it must not be empty"),
        ({"type": "webhook", "url": "http://x", "token": "t0ken\nX-Other: 1"}, "printable ASCII"),
        (
            {"type": "mail", "url": "http://x", "secret": "s3cret"},
            "'alertmanager', 'webhook', 'slack', 'pagerduty'",
        ),
        ({"type": "webhook", "url": "http://x", "secrt": "s3cret"}, "Extra inputs are not permitted"),
        ({"type": "pagerduty"}, "Field required"),
        ({"type": "webhook", "url": "http://x", "min_severity": "high"}, "'info', 'warning' or 'critical'"),
        ({"type": "webhook", "url": "http://x", "name": "a b"}, "use only letters, digits and . _ -"),
        ({"url": "https://hooks.slack.com/services/T0/B0/key"}, "Unable to extract tag"),
    ],
)
def test_a_sink_that_can_not_be_right_is_named_without_its_secrets(
    sink: dict[str, object], says: str
) -> None:
    said = refusal(sink)
    assert says in said
    assert said.startswith("notify.sinks.0")
    assert not [secret for secret in SECRETS if secret in said]


def test_a_file_that_is_no_text_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe\x00")
    assert "it is not UTF-8" in refusal({"type": "slack", "url": {"file": str(tmp_path / "secret")}})


def test_two_sinks_of_one_name_are_refused() -> None:
    assert "2 sinks are called 'webhook': give each a `name` of its own" in refusal(
        ALL[1] | {"name": "webhook"}, {"type": "webhook", "url": "http://x"}
    )


def test_waits_that_do_not_go_together_are_refused() -> None:
    said = refusal(retry_seconds=10, longest_retry_seconds=5)
    assert said.startswith("notify.longest_retry_seconds is '5'")
    assert "notify.retry_seconds is 10" in said


def test_a_link_is_filled_in_with_what_there_is() -> None:
    assert loaded(link="https://n.example/{alert_id}?s={series}").notify.link is not None
    assert "{id} can't be filled in: use {alert_id}, {group_id}, {series}" in refusal(
        link="https://n.example/{id}"
    )
    assert "begins with http" in refusal(link="n.example")


def test_explaining_is_asked_for_and_what_is_neither_yes_nor_no_is_named() -> None:
    assert not loaded().notify.explain
    assert loaded(explain="true").notify.explain
    said = refusal(explain="often")
    assert said.startswith("notify.explain is 'often'")


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_config_shows_no_secret(newstide: Command, tmp_path: Path, flags: tuple[str, ...]) -> None:
    sinks = ", ".join(
        "{" + ", ".join(f"{k} = {json.dumps(v)}" for k, v in each.items()) + "}" for each in ALL
    ).replace("Warning", "warning")
    (tmp_path / "newstide.toml").write_text(f"[notify]\nsinks = [{sinks}]\n")
    ran = newstide("config", *flags)
    assert ran.code == 0
    assert "am:9093" in ran.out.replace("\n", "").replace(" ", "")
    flat = "".join(ran.out.split())
    assert not [secret for secret in SECRETS if secret in flat]


def test_run_notify_without_anybody_to_tell_says_what_to_set(newstide: Command) -> None:
    ran = newstide("--bootstrap", "localhost:1", "run", "notify")
    assert ran.code == 2
    assert "notify.sinks is empty, so there is nobody to tell" in ran.err
