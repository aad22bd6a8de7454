"""Gzip undone within a bound: however well it was packed, no more comes out than is allowed."""

from __future__ import annotations

import zlib

from stream.sources.outcome import FeedError, Outcome

_GZIP = 16 + zlib.MAX_WBITS


class Inflater:
    """Undoes the content encoding of one answer, piece by piece.

    httpx would unpack a whole network read at once, and 64 KiB of gzip can hold 64 MiB: so this asks zlib for
    no more than is still allowed.

    Args:
        encoding: the header Content-Encoding; `gzip`, `identity` and none are understood.
        limit: the most bytes that may come in, and the most that may come out.

    Raises:
        FeedError: from any method: an unknown encoding, broken gzip, or more than `limit` bytes.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        encoding = encoding.strip().lower()
        if encoding not in {"", "identity", "gzip", "x-gzip"}:
            raise FeedError(Outcome.PROTOCOL_ERROR, f"Content-Encoding is {encoding[:80]!r}, asked was gzip")
        self._gzip = encoding.endswith("gzip")
        self._member = zlib.decompressobj(_GZIP)
        self._limit = limit
        self._came_in = 0
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Takes the next piece as it came from the network."""
        self._came_in += len(chunk)
        if self._came_in > self._limit:
            raise self._too_large()
        if self._gzip:
            self._unpack(chunk)
        else:
            self._keep(chunk)

    def result(self) -> bytes:
        """The whole content."""
        if self._gzip and self._came_in and not self._member.eof:
            raise FeedError(Outcome.PROTOCOL_ERROR, "the gzip ends in the middle")
        return b"".join(self._pieces)

    def _unpack(self, chunk: bytes) -> None:
        while chunk:
            if self._member.eof:
                # A gzip file may be several, one after the other.
                self._member = zlib.decompressobj(_GZIP)
            try:
                self._keep(self._member.decompress(chunk, self._limit - self._size + 1))
            except zlib.error as error:
                raise FeedError(Outcome.PROTOCOL_ERROR, f"the gzip is broken: {error}") from error
            chunk = self._member.unused_data

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise self._too_large()
        self._pieces.append(piece)

    def _too_large(self) -> FeedError:
        return FeedError(Outcome.TOO_LARGE, f"the answer has more than {self._limit} bytes")
