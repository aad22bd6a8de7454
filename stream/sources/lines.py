"""The lines of a stream, each within a bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from stream.topics import MAX_RECORD_BYTES

MAX_ROW_BYTES = MAX_RECORD_BYTES - 64 * 1024
"""The longest line that is sent: what the topic takes, less room for key and headers."""

BOM = b"\xef\xbb\xbf"
TOO_LONG = f"it has {MAX_ROW_BYTES} bytes or more, and the topic takes no such record: shorten it"

_WIDE = (b"\xff\xfe", b"\xfe\xff")


class TextLines(Iterator[str]):
    """The lines of a stream as text.

    Of a line that can't be read a substitute is given, and `take_flaw` says what was wrong.

    Attributes:
        number: of the line given last, from 1 on.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = lines_of(stream)
        self.number = 0
        self._flaw: tuple[int, str] | None = None

    def take_flaw(self) -> tuple[int, str] | None:
        """The first line since the last call that could not be read, and why; None where all could."""
        flaw, self._flaw = self._flaw, None
        return flaw

    def __next__(self) -> str:
        self.number, line = next(self._lines)
        if line is None:
            self._note(TOO_LONG)
            return "\n"
        if self.number == 1:
            line = line.removeprefix(BOM)
        if self.number == 1 and line.startswith(_WIDE):
            self._note("the file is in UTF-16: save it as UTF-8")
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            found = line[error.start]
            self._note(
                f"its byte {error.start + 1} is {found:#04x}, which is not UTF-8: save the file as UTF-8"
            )
            return line.decode(errors="replace")

    def _note(self, flaw: str) -> None:
        self._flaw = self._flaw or (self.number, flaw)


def lines_of(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """The lines with their numbers from 1 on; None for one that is too long to be sent."""
    number = 0
    while line := stream.readline(MAX_ROW_BYTES):
        number += 1
        if len(line) < MAX_ROW_BYTES or line.endswith(b"\n"):
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_ROW_BYTES)
        yield number, None
