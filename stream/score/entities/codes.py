"""Codes of shares on the exchanges of Shanghai, Shenzhen and Beijing, in the ways that news write them.

A code with its exchange (`600519.SH`, `SH600519`, `sz000001`, `600519.SS`) is one wherever it stands. Six digits
alone may be any number: in a Chinese text they count in brackets, or where the text says that a code follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SUFFIXES = {"SH": "SS", "SS": "SS", "SZ": "SZ", "BJ": "BJ"}
_WITH_EXCHANGE = re.compile(
    r"(?<![0-9A-Za-z.])(?:(S[HZ]|BJ)\.?:?\s?([0-9]{6})|([0-9]{6})\.(S[HSZ]|BJ))(?![0-9A-Za-z])", re.IGNORECASE
)
_ALONE = re.compile(r"(?:(?<=[(（])|(?<=代码[:： ])|(?<=代码))([0-9]{6})(?![0-9]|\.[A-Za-z])")
_FIGURE = re.compile(r"[0-9]{6}")
_SHANGHAI = re.compile(r"(?:60|68|90)")
_SHENZHEN = re.compile(r"(?:00|20|30)")


def find_codes(text: str) -> Iterator[tuple[str, int, int]]:
    """The codes in `text` as `code_of` writes them, each with its place in characters."""
    if _FIGURE.search(text) is None:
        return
    for match in _WITH_EXCHANGE.finditer(text):
        exchange, digits = (match[1], match[2]) if match[1] else (match[4], match[3])
        yield f"{digits}.{_SUFFIXES[exchange.upper()]}", match.start(), match.end()
    for match in _ALONE.finditer(text):
        code = code_of(match[1])
        if code is not None:
            yield code, match.start(1), match.end(1)


def code_of(ticker: str) -> str | None:
    """The id of the share that `ticker` is a code of, or None: `SH600519` and `600519` are `600519.SS`.

    Ids are written as Yahoo does: the digits, a dot, and SS (Shanghai), SZ (Shenzhen) or BJ (Beijing). They begin
    with a digit, which no US ticker does.
    """
    match = _WITH_EXCHANGE.fullmatch(ticker)
    if match is not None:
        exchange, digits = (match[1], match[2]) if match[1] else (match[4], match[3])
        return f"{digits}.{_SUFFIXES[exchange.upper()]}"
    if _FIGURE.fullmatch(ticker) is None:
        return None
    if _SHANGHAI.match(ticker):
        return f"{ticker}.SS"
    if _SHENZHEN.match(ticker):
        return f"{ticker}.SZ"
    return f"{ticker}.BJ" if ticker[0] in "489" else None
