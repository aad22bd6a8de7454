"""The broker that the settings mean."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from stream.broker import EmbeddedBroker
from stream.bus import Connection
from stream.settings import Settings

_EMBEDDED_SESSION_MS = 300_000
"""The embedded broker never expires a dead member, so a short session would only end live ones."""


def connection_of(settings: Settings, bootstrap: str | None = None) -> Connection:
    """How to reach the broker. `bootstrap` is where the embedded one listens, if other than its setting."""
    kafka = settings.kafka
    connection = Connection(
        bootstrap=kafka.bootstrap,
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        sasl_username=kafka.sasl_username,
        sasl_password=kafka.sasl_password.get_secret_value() if kafka.sasl_password else None,
        ssl_cafile=str(kafka.ssl_cafile) if kafka.ssl_cafile else None,
        ssl_certfile=str(kafka.ssl_certfile) if kafka.ssl_certfile else None,
        ssl_keyfile=str(kafka.ssl_keyfile) if kafka.ssl_keyfile else None,
        ssl_key_password=kafka.ssl_key_password.get_secret_value() if kafka.ssl_key_password else None,
        ssl_check_hostname=kafka.ssl_check_hostname,
        client_id=kafka.client_id,
        request_timeout_ms=kafka.request_timeout_ms,
        session_timeout_ms=kafka.session_timeout_ms,
        group_instance_id=kafka.group_instance_id,
        topic_prefix=kafka.topic_prefix,
    )
    if not kafka.embedded:
        return connection
    return replace(
        connection,
        bootstrap=bootstrap or f"{settings.broker.host}:{settings.broker.port}",
        session_timeout_ms=_EMBEDDED_SESSION_MS,
        # A member with a name takes its own place again after a crash; one without would block its group.
        group_instance_id=kafka.group_instance_id or "newstide",
        embedded=True,
    )


@contextmanager
def broker_of(settings: Settings) -> Iterator[Connection]:
    """The broker that the settings mean: the user's own, or an embedded one that runs as long as this lasts."""
    if not settings.kafka.embedded:
        yield connection_of(settings)
        return
    broker = settings.broker
    embedded = EmbeddedBroker(
        broker.data_dir / "broker", host=broker.host, port=broker.port, on_end=_end_this_process
    )
    with embedded as address:
        yield connection_of(settings, str(address))
        embedded.check()


def _end_this_process() -> None:
    """End in order, as if asked to: a monitor waits for its broker, but nobody would start this one again."""
    os.kill(os.getpid(), signal.SIGTERM)
