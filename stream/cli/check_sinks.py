"""What `newstide doctor` looks at where alerts are told: whether somebody listens there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stream.cli.checks import Finding

if TYPE_CHECKING:
    from stream.settings import Settings

_SECONDS = 3.0


def check_sinks(settings: Settings) -> Iterator[Finding]:
    """Whether a connection to each sink can be opened. Nothing is sent: it may still refuse what comes."""
    import httpx
    from pydantic import SecretStr

    for name, sink in settings.notify.named_sinks.items():
        url = httpx.URL(sink.url.get_secret_value() if isinstance(sink.url, SecretStr) else sink.url)
        where = (url.host, url.port or (443 if url.scheme == "https" else 80))
        try:
            socket.create_connection(where, _SECONDS).close()
        except OSError as error:
            said = error.strerror or str(error) or type(error).__name__
            fix = "start it, correct its url under notify.sinks, or leave it to the proxy if there is one"
            says = f"{name}: {where[0]}:{where[1]} can't be reached: {said}"
            yield Finding("sink", "warn", says, fix)
        else:
            yield Finding("sink", "ok", f"{name}: {where[0]}:{where[1]} listens, {sink.type}")
