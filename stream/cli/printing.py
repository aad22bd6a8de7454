"""Where a command's words go: results to stdout, progress and remarks to stderr.

Colour appears on a terminal only, and never with NO_COLOR. JSON goes out one record a line, each at once, so
that a program that reads the pipe sees it live.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one record a line.")]


def console() -> Console:
    """The console on stdout."""
    from rich.console import Console

    return Console(highlight=False, emoji=False)


def remarks() -> Console:
    """The console on stderr, for progress and remarks that are no result."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)


def warn(text: str) -> None:
    """Tell people of something that was left out, in one line on stderr."""
    remarks().print(text, style="yellow", markup=False, soft_wrap=True)


def print_json(record: Any) -> None:
    """Write one record as a line of JSON."""
    print_line(json.dumps(record, ensure_ascii=False, default=str))


def print_line(text: str) -> None:
    """Write one line to stdout at once; when nobody reads any more, end quietly."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more at its end, which would complain: give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


def counted(number: int, thing: str) -> str:
    """`number` of a thing whose plural ends in s: "1 feed", "2 feeds"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def shorten(text: str, width: int) -> str:
    """`text` on one line, cut to `width` characters with an ellipsis.

    Control characters become spaces: news must not steer somebody's terminal.
    """
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= width else flat[: max(width - 1, 0)] + "…"
