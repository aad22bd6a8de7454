"""Whom alerts are told, and how patiently.

A secret is given as text, or as where it stands: `{file = "/run/secrets/desk"}` or `{env = "DESK_SECRET"}`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from stream.events import Severity
from stream.settings.values import Name, Section, from_text, lower, wrong

_PLACES = frozenset({"{alert_id}", "{group_id}", "{series}"})


def _web_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@][^\s]*", value):
        raise ValueError("give an address that begins with http:// or https://, without spaces")
    return value


def _secret_web_address(value: SecretStr) -> SecretStr:
    _web_address(value.get_secret_value())
    return value


def _link(value: str) -> str:
    unknown = set(re.findall(r"\{[^}]*\}", _web_address(value))) - _PLACES
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} can't be filled in: use {', '.join(sorted(_PLACES))}")
    return value


def _secret(value: object) -> object:
    """Read a secret from the file or the variable that is named."""
    if not isinstance(value, dict):
        return value.strip() if isinstance(value, str) else value
    match value:
        case {"file": str(name), **rest} if not rest:
            try:
                return Path(name).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                said = getattr(error, "strerror", None) or "it is not UTF-8"
                raise ValueError(
                    f"the file {name} can't be read ({said}): give one that holds the secret"
                ) from None
        case {"env": str(name), **rest} if not rest:
            if name not in os.environ:
                raise ValueError(f"the variable {name} is not set: set it to the secret")
            return os.environ[name].strip()
    raise ValueError('give the secret as text, or {file = "PATH"}, or {env = "NAME"}')


def _fit_for_a_header(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("it must be printable ASCII without spaces, and not empty")
    return value


def _not_empty(value: SecretStr) -> SecretStr:
    if not value.get_secret_value():
        raise ValueError("it must not be empty")
    return value


Secret = Annotated[SecretStr, BeforeValidator(_secret), AfterValidator(_not_empty)]
Token = Annotated[SecretStr, BeforeValidator(_secret), AfterValidator(_fit_for_a_header)]
SecretUrl = Annotated[SecretStr, BeforeValidator(_secret), AfterValidator(_secret_web_address)]
Url = Annotated[str, Field(max_length=2_048), AfterValidator(_web_address)]


class _SinkSettings(Section):
    """What all sinks share. `min_severity` keeps from a sink what is less severe."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")] | None = None
    min_severity: Annotated[Severity, BeforeValidator(lower)] = "info"


class AlertmanagerSettings(_SinkSettings):
    """An Alertmanager: the address of its web page. An open alert is sent again every `resend_seconds`."""

    type: Literal["alertmanager"]
    url: Url
    token: Token | None = None
    resend_seconds: Annotated[float, Field(ge=1, le=3_600)] = 60.0


class WebhookSettings(_SinkSettings):
    """A program of your own. With `secret` each request is signed; `token` is sent as a bearer token.

    Its address counts as a secret, since many have a key in their path.
    """

    type: Literal["webhook"]
    url: SecretUrl
    secret: Secret | None = None
    token: Token | None = None


class SlackSettings(_SinkSettings):
    """An incoming webhook of Slack. Its address lets anybody write there, so it is a secret."""

    type: Literal["slack"]
    url: SecretUrl


class PagerDutySettings(_SinkSettings):
    """An integration of PagerDuty (Events API v2)."""

    type: Literal["pagerduty"]
    routing_key: Secret
    url: Url = "https://events.pagerduty.com/v2/enqueue"


SinkSettings = Annotated[
    AlertmanagerSettings | WebhookSettings | SlackSettings | PagerDutySettings, Discriminator("type")
]


class NotifySettings(Section):
    """NOTIFY: its group, whom it tells, and when."""

    group: Name = "newstide-notify"
    max_poll_records: Annotated[int, Field(ge=1, le=10_000)] = 256
    poll_ms: Annotated[int, Field(ge=1, le=10_000)] = 200
    # No `repr`: what is wrong with a sink is told without its value, which may hold a secret.
    sinks: Annotated[tuple[SinkSettings, ...], NoDecode, BeforeValidator(from_text), Field(repr=False)] = ()
    wait_seconds: Annotated[float, Field(ge=0, le=3_600)] = 10.0
    repeat_hours: Annotated[float, Field(gt=0, le=720)] = 4.0
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    retry_seconds: Annotated[float, Field(gt=0, le=3_600)] = 1.0
    longest_retry_seconds: Annotated[float, Field(gt=0, le=3_600)] = 120.0
    give_up_minutes: Annotated[float, Field(gt=0, le=10_080)] = 60.0
    queue: Annotated[int, Field(ge=1, le=10_000)] = 100
    forget_hours: Annotated[float, Field(gt=0, le=8_760)] = 168.0
    link: Annotated[str, Field(max_length=2_048), AfterValidator(_link)] | None = None
    explain: bool = False

    @property
    def named_sinks(self) -> dict[str, SinkSettings]:
        """The sinks by their names; one without a name goes by its type."""
        return {each.name or each.type: each for each in self.sinks}

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for name, count in Counter(each.name or each.type for each in self.sinks).items():
            if count > 1:
                raise wrong("sinks", f"{count} sinks are called {name!r}: give each a `name` of its own")
        return self

    @model_validator(mode="after")
    def _waits_go_together(self) -> Self:
        if self.longest_retry_seconds < self.retry_seconds:
            raise wrong(
                "longest_retry_seconds",
                f"notify.retry_seconds is {self.retry_seconds:g}: give no less than that",
            )
        return self
