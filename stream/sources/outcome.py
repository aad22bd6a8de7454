"""How asking a feed can end."""

from __future__ import annotations

from enum import StrEnum

from stream.errors import NewstideError


class Outcome(StrEnum):
    """How one poll of a feed ended. Also the values of a metric label: keep it short."""

    OK = "ok"
    NOT_MODIFIED = "not_modified"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TLS_ERROR = "tls_error"
    PROTOCOL_ERROR = "protocol_error"
    HTTP_ERROR = "http_error"
    THROTTLED = "throttled"
    BAD_REDIRECT = "bad_redirect"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    NOT_A_FEED = "not_a_feed"
    SINK_FAILED = "sink_failed"


class FeedError(NewstideError):
    """One feed could not be read this time; the others go on.

    Attributes:
        outcome: what went wrong.
        retry_after: seconds that the server asked to be left alone, if it did.
    """

    retriable = True

    def __init__(self, outcome: Outcome, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.retry_after = retry_after
