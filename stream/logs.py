"""The log: JSON lines for machines, or readable lines for people.

Fields come from `extra=` of a call and from `log_fields`, which holds for all that is logged within it. What
looks like a secret is masked, whoever logged it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO

from stream.errors import UsageError

LogFormat = Literal["auto", "text", "json"]

_MASK: Final = "***"
_STANDARD: Final = frozenset(
    logging.LogRecord("", logging.INFO, "", 0, "", None, None).__dict__
    | {"message": "", "asctime": "", "taskName": ""}
)
_SECRET_NAME: Final = re.compile(
    r"password|passwd|secret|authorization|api_?key|private_?key|credential", re.IGNORECASE
)
_SECRET_TEXT: Final = re.compile(
    r"""(?P<before>://[^/\s:@]*:|(?:password|passwd|secret|authorization|api_?key)['"]?\s*[=:]\s*)"""
    r"""(?P<secret>(?:basic|bearer)\s+\S+|'[^']*'|"[^"]*"|[^\s,;@'")}]+)""",
    re.IGNORECASE,
)
_EXPECTED_RETRY: Final = re.compile(r"ConcurrentTransactions|NotEnoughReplicas")
_fields: ContextVar[dict[str, object]] = ContextVar("newstide_log_fields")


@contextlib.contextmanager
def log_fields(**fields: object) -> Iterator[None]:
    """Add `fields` to all that is logged within, in this task and those it starts."""
    token = _fields.set({**_fields.get({}), **fields})
    try:
        yield
    finally:
        _fields.reset(token)


def configure_logging(
    log_format: LogFormat = "auto", level: str = "INFO", stream: TextIO | None = None
) -> logging.Handler:
    """Log to `stream` (standard error by default), in place of whatever the root logger did before.

    `auto` is text on a terminal and JSON elsewhere.

    Raises:
        UsageError: if the format or the level is unknown.
    """
    if log_format not in {"auto", "text", "json"}:
        raise UsageError(f"log.format is {log_format!r}: give auto, text or json")
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise UsageError(f"log.level is {level!r}: give DEBUG, INFO, WARNING or ERROR")
    handler = logging.StreamHandler(stream)
    as_text = log_format == "text" or (log_format == "auto" and handler.stream.isatty())
    handler.setFormatter(TextLines() if as_text else JsonLines())
    handler.addFilter(_is_worth_a_line)
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    for former in root.handlers[:]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(number)
    # The client tells each fetch and heartbeat at DEBUG, each step of a group at INFO; ours are few and wanted.
    logging.getLogger("aiokafka").setLevel(
        max(number, logging.WARNING if number > logging.DEBUG else logging.INFO)
    )
    # It tells each request with its whole address, and the address of a webhook is a secret.
    logging.getLogger("httpx").setLevel(max(number, logging.WARNING))
    return handler


class JsonLines(logging.Formatter):
    """One JSON object a line: time (ISO 8601, UTC), level, logger, message, the fields, and the exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Write `record` as one line, whatever its fields are."""
        line: dict[str, object] = {
            "time": _time_of(record),
            "level": record.levelname,
            "logger": record.name,
            "message": mask(record.getMessage()),
        }
        line |= {name: value for name, value in _fields_of(record).items() if name not in line}
        if record.exc_info:
            line["exception"] = mask(self.formatException(record.exc_info))
        return json.dumps(line, default=str, ensure_ascii=False)


class TextLines(logging.Formatter):
    """One readable line: time, level, logger, message, `name=value` for each field; then the exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Write `record` for a person."""
        fields = "".join(f" {name}={value}" for name, value in _fields_of(record).items())
        # A line break in a message (of an article, say) must not pass for a second line of the log.
        message = mask(record.getMessage()).replace("\r", "\\r").replace("\n", "\\n")
        line = f"{_time_of(record)} {record.levelname:<8} {record.name}: {message}{fields}"
        if record.exc_info:
            line += "\n" + mask(self.formatException(record.exc_info))
        return line


def mask(text: str) -> str:
    """`text` with passwords in URLs, and values that are named like secrets, replaced by `***`."""
    return _SECRET_TEXT.sub(_mask_one, text)


def _mask_one(found: re.Match[str]) -> str:
    if found["before"].startswith("://") and found.string[found.end() : found.end() + 1] != "@":
        return found[0]  # host:port, not user:password@
    return found["before"] + _MASK


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    own = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
    return {name: _mask_field(name, value) for name, value in {**_fields.get({}), **own}.items()}


def _mask_field(name: str, value: object) -> object:
    if _SECRET_NAME.search(name):
        return _MASK
    return mask(value) if isinstance(value, str) else value


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Whether to write `record`.

    While the broker ends one transaction it asks the next to come again; aiokafka does so by itself, and
    calls it an error or a warning each time. And of an address where nobody answers it logs an error before it
    raises one, which `stream.bus.connection.explain` tells with its cause.
    """
    if record.name == "aiokafka":
        return not record.getMessage().startswith('Unable connect to "')
    return record.name != "aiokafka.producer.sender" or not _EXPECTED_RETRY.search(record.getMessage())
