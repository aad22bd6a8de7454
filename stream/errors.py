"""What can go wrong, and whether trying again can help.

Bad input is not an error here: it is a value, `stream.events.Reject`. An error is a failure of a part that
should have worked. The command line prints the text of a `NewstideError` as its last line and exits with its
`exit_code`; anything else is a defect of newstide itself.
"""

from __future__ import annotations


class NewstideError(Exception):
    """A failure with a text for a person: what happened, to which value, and what to do about it.

    Attributes:
        retriable: whether the same call may succeed later without anybody changing anything.
        exit_code: what the process returns when this error ends it (1 failed, 2 wrong use).
    """

    retriable: bool = False
    exit_code: int = 1


class UsageError(NewstideError):
    """The command, a flag or a setting was wrong; the text names it, its value and the fix."""

    exit_code = 2


class BrokerUnavailableError(NewstideError):
    """The broker could not be reached; it may come back."""

    retriable = True


class BrokerRefusedError(NewstideError):
    """The broker answered and refused: wrong password, unknown authority, missing right, missing topic."""


class PartitionLostError(NewstideError):
    """Another worker owns the partition now; what this one had open was aborted."""

    retriable = True


class StateError(NewstideError):
    """Saved state could not be read back; the text names the record."""


class StalledError(NewstideError):
    """The loop made no progress within its bound; the watchdog ends the process so that it is restarted."""
