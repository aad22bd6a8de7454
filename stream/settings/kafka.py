"""The Kafka cluster, and how to sign in to it."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from stream.settings.values import LAST_PORT, ExistingFile, Name, Section, upper, wrong

EMBEDDED = "embedded"
"""The value of `kafka.bootstrap` that means the embedded broker of this machine."""

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s,:\[\]]+):(\d{1,5})")


def _addresses(value: str) -> str:
    """Check `host:port,host:port`, or the word that means the embedded broker."""
    if value == EMBEDDED:
        return value
    for part in value.split(","):
        found = _ADDRESS.fullmatch(part.strip())
        if found is None or not 1 <= int(found[2]) <= LAST_PORT:
            raise ValueError(f"give host:port, several between commas, or {EMBEDDED!r}")
    return value


class KafkaSettings(Section):
    """The cluster and how to sign in to it; the names are Kafka's own. Times are in milliseconds."""

    bootstrap: Annotated[str, AfterValidator(_addresses)] = EMBEDDED
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], BeforeValidator(upper)
    ] = "PLAINTEXT"
    sasl_mechanism: Annotated[Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], BeforeValidator(upper)] = (
        "SCRAM-SHA-512"
    )
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: ExistingFile | None = None
    ssl_certfile: ExistingFile | None = None
    ssl_keyfile: ExistingFile | None = None
    ssl_key_password: SecretStr | None = None
    ssl_check_hostname: bool = True
    client_id: Name = "newstide"
    request_timeout_ms: Annotated[int, Field(ge=1_000, le=600_000)] = 40_000
    """Also how long a record may wait to be sent; below 40 s a slow restart of a broker shows as an error."""
    session_timeout_ms: Annotated[int, Field(ge=1_000, le=1_800_000)] = 10_000
    group_instance_id: Name | None = None
    topic_prefix: Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9._-]*$")] = ""
    """What the name of every topic begins with, where several monitors share a cluster."""

    @property
    def embedded(self) -> bool:
        """Whether the embedded broker of this machine is meant."""
        return self.bootstrap == EMBEDDED

    @model_validator(mode="after")
    def _signing_in_is_whole(self) -> Self:
        if self.embedded and self.security_protocol != "PLAINTEXT":
            raise wrong(
                "security_protocol",
                "the embedded broker speaks PLAINTEXT only: name your cluster in kafka.bootstrap",
            )
        if self.security_protocol.startswith("SASL"):
            for name in ("sasl_username", "sasl_password"):
                if getattr(self, name) is None:
                    raise wrong("security_protocol", f"it needs kafka.{name}: set it too")
        elif self.sasl_username is not None or self.sasl_password is not None:
            field = "sasl_password" if self.sasl_username is None else "sasl_username"
            raise wrong(
                field,
                f"kafka.security_protocol is {self.security_protocol}, which signs nobody in: "
                "set it to SASL_SSL or SASL_PLAINTEXT",
            )
        return self

    @model_validator(mode="after")
    def _certificate_and_key_go_together(self) -> Self:
        if self.ssl_certfile is not None and self.ssl_keyfile is None:
            raise wrong("ssl_certfile", "it needs its private key: set kafka.ssl_keyfile too")
        if self.ssl_keyfile is not None and self.ssl_certfile is None:
            raise wrong("ssl_keyfile", "it needs its certificate: set kafka.ssl_certfile too")
        return self
