"""How to reach the broker, and why it could not be reached.

aiokafka raises the same error for a wrong password, an unknown authority and plaintext against TLS, and leaves
the cause in its log. `explained` listens there, and raises an error that names the cause and the setting.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import errors as kafka
from aiokafka.helpers import create_ssl_context

from stream.errors import BrokerRefusedError, BrokerUnavailableError, NewstideError, UsageError


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the broker is and how to speak to it. Secrets are not shown by `repr`."""

    bootstrap: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    sasl_username: str | None = None
    sasl_password: str | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_key_password: str | None = None
    ssl_check_hostname: bool = True
    client_id: str = "newstide"
    request_timeout_ms: int = 40_000
    session_timeout_ms: int = 10_000
    group_instance_id: str | None = None
    topic_prefix: str = ""
    embedded: bool = False

    def named(self, topic: str) -> str:
        """The topic's name on this broker: several newstides can share one cluster."""
        return self.topic_prefix + topic

    def __repr__(self) -> str:
        return f"Connection({self.security_protocol.lower()}://{self.bootstrap})"

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments that every aiokafka client takes.

        Raises:
            UsageError: if a certificate or key file can't be read.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.client_id,
            "security_protocol": self.security_protocol,
            "request_timeout_ms": self.request_timeout_ms,
            # A broker that says CONCURRENT_TRANSACTIONS or NOT_ENOUGH_REPLICAS in normal work is asked again
            # after this pause; the library's 100 ms would be seen in every small transaction.
            "retry_backoff_ms": 20,
        }
        if self.security_protocol.startswith("SASL"):
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password,
            }
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = self._ssl_context()
        return options

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            context: ssl.SSLContext = create_ssl_context(
                cafile=self.ssl_cafile,
                certfile=self.ssl_certfile,
                keyfile=self.ssl_keyfile,
                password=self.ssl_key_password,
            )
        except (OSError, ssl.SSLError) as error:
            raise UsageError(
                f"kafka.ssl_cafile={self.ssl_cafile!r}, kafka.ssl_certfile={self.ssl_certfile!r}, "
                f"kafka.ssl_keyfile={self.ssl_keyfile!r} can't be used: {error}"
            ) from error
        context.check_hostname = self.ssl_check_hostname
        return context


_TOPIC_RIGHTS = "grant Read, Write and Describe on the topic to this user (see deploy/SECURITY.md)"

_CAUSES: tuple[tuple[str, str], ...] = (
    (
        "SaslAuthenticationFailed",
        "the broker refused the user or password: check kafka.sasl_username and kafka.sasl_password",
    ),
    (
        "UnsupportedSaslMechanism",
        "the broker does not offer this kafka.sasl_mechanism: use one that its listener has enabled",
    ),
    (
        "Hostname mismatch",
        "the certificate is for another host: use the name it was issued for in kafka.bootstrap",
    ),
    (
        "IP address mismatch",
        "the certificate is for another host: use the name it was issued for in kafka.bootstrap",
    ),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "the broker's certificate is not signed by a known authority: set kafka.ssl_cafile to its CA",
    ),
    (
        "CERTIFICATE_REQUIRED",
        "the broker asks for a client certificate: set kafka.ssl_certfile and kafka.ssl_keyfile",
    ),
    (
        "WRONG_VERSION_NUMBER",
        "the listener does not speak TLS: set kafka.security_protocol to PLAINTEXT or SASL_PLAINTEXT",
    ),
    (
        "record layer failure",
        "the listener does not speak TLS: set kafka.security_protocol to PLAINTEXT or SASL_PLAINTEXT",
    ),
)

_REFUSALS: tuple[tuple[type[BaseException], str], ...] = (
    (kafka.TopicAuthorizationFailedError, f"missing right on a topic: {_TOPIC_RIGHTS}"),
    (
        kafka.GroupAuthorizationFailedError,
        "missing right on the consumer group: grant Read and Describe on groups prefixed newstide-",
    ),
    (
        kafka.TransactionalIdAuthorizationFailed,
        "missing right on the transactional id: grant Write and Describe on ids prefixed newstide-",
    ),
    (
        kafka.ClusterAuthorizationFailedError,
        "missing right on the cluster: let an administrator create the topics, or grant Create",
    ),
    (
        kafka.MessageSizeTooLargeError,
        "a record is larger than its topic takes: send a smaller one, or raise the topic's max.message.bytes",
    ),
)


_LONGEST_SECONDS = 5.0
"""How long the start or the stop of a client may go on after it was cancelled."""

_CLOSED = re.compile(
    r"Connection at \S+ closed|ConnectionResetError|IncompleteReadError|ConnectionAbortedError"
)
"""What the log says of a connection that was opened and then ended without an answer."""

_REASON = re.compile(r'Unable connect to ".*\[Errno -?\d+\] ([^[(\n]+?)(?: \w*\(|$)', re.MULTILINE)
"""What the log says of an address where nobody answers."""


class _Listener(logging.Handler):
    """Keeps the last lines that aiokafka logs, for the cause that stands only there."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        # An error without a text of its own says what it is by its name only.
        args = record.args if isinstance(record.args, tuple) else ()
        causes = [each for each in (*args, *(record.exc_info or ())) if isinstance(each, BaseException)]
        text += "".join(f" {each!r}" for each in causes)
        self.lines.append(text)
        del self.lines[:-50]


def explain(error: BaseException, connection: Connection, lines: list[str]) -> NewstideError:
    """The error a person should read: the cause, and the setting or right to change."""
    for kind, text in _REFUSALS:
        if isinstance(error, kind):
            named = f" ({error.args[0]})" if error.args else ""
            return BrokerRefusedError(f"{connection.bootstrap} refused{named}: {text}")
    heard = "\n".join([*lines, repr(error)])
    for sign, text in _CAUSES:
        if sign in heard:
            return BrokerRefusedError(f"{connection.bootstrap}: {text}")
    if _CLOSED.search(heard):
        protocol = connection.security_protocol
        wants = "may not speak TLS" if protocol.endswith("SSL") else "may want TLS or a password"
        return BrokerRefusedError(
            f"{connection.bootstrap} closed the connection at once: its listener {wants}, "
            f"but kafka.security_protocol is {protocol}: set it to what the listener speaks"
        )
    if isinstance(error, kafka.KafkaError) and not _may_pass(error):
        return BrokerRefusedError(f"{connection.bootstrap}: {type(error).__name__}: {error}")
    found = _REASON.search(heard)
    return BrokerUnavailableError(
        f"no broker answers at {connection.bootstrap} (kafka.bootstrap): start it, or correct the address"
        + (f" ({found[1]})" if found else "")
    )


def _may_pass(error: kafka.KafkaError) -> bool:
    """Whether `error` says no more than that the broker can't be reached now."""
    return bool(error.retriable) or isinstance(
        error, kafka.KafkaConnectionError | kafka.KafkaTimeoutError | kafka.KafkaUnavailableError
    )


async def run_whole(work: Coroutine[Any, Any, None]) -> None:
    """Start or stop a client of aiokafka; where we are cancelled meanwhile, let that end before we do.

    A start that is cancelled leaves its first connection open, and a stop takes our cancellation for one of its
    own tasks' and goes on as if nobody had asked.
    """
    working = asyncio.ensure_future(work)
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working}, timeout=_LONGEST_SECONDS)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        raise


@asynccontextmanager
async def explained(connection: Connection) -> AsyncIterator[None]:
    """Run clients inside; a failure of theirs leaves as a `NewstideError` that names cause and fix.

    Raises:
        BrokerRefusedError: the broker answered and refused.
        BrokerUnavailableError: no broker answered.
    """
    listener = _Listener()
    logger = logging.getLogger("aiokafka")
    logger.addHandler(listener)
    try:
        yield
    except (kafka.KafkaError, ConnectionError, socket.gaierror) as error:
        raise explain(error, connection, listener.lines) from error
    finally:
        logger.removeHandler(listener)
