"""`newstide explain`: which words moved the answer to a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json, shorten
from stream.cli.reference import ReleaseRef, scorers_of
from stream.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from models.explain import Explanation, WordShift

_SHOWN = 10
_BAR = 12
_CLEAR, _FAINT = 0.15, 0.03
"""Shifts beyond these are coloured, strongly or faintly."""


def explain(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to explain.", show_default=False)],
    *,
    entity: Annotated[
        str | None, typer.Option(metavar="NAME", help="Explain the sentiment towards this name in the text.")
    ] = None,
    release: ReleaseRef = None,
    as_json: Json = False,
) -> None:
    """Show which words moved the answer to a text: each is left out in turn. Needs no broker.

    Without --release the text is answered by the release of its language, as in `newstide score`.
    """
    from models.explain import explain as find_shifts
    from models.spans import find_mention

    if not text.strip():
        raise UsageError('explain: give a text, as in `newstide explain "Bank halts withdrawals"`')
    place = find_mention(text, entity.strip()) if entity is not None else None
    if entity is not None and place is None:
        raise UsageError(f"--entity {entity}: the text does not name it; write it as the text does")
    settings = settings_of(ctx)
    found = find_shifts(scorers_of(settings, release)(text), text, place)
    if as_json:
        print_json(_plain(found))
    else:
        _print(console(), found)


def _plain(found: Explanation) -> dict[str, Any]:
    negative, neutral, positive = (round(p, 6) for p in found.sentiment)
    told: dict[str, Any] = {"text": found.text}
    if found.entity is not None:
        start, end = found.entity
        told["entity"] = {"name": found.text[start:end], "start": start, "end": end}
    return told | {
        "sentiment": {"negative": negative, "neutral": neutral, "positive": positive},
        "score": round(found.score, 6),
        "words": [
            {"word": each.word, "start": each.start, "end": each.end, "shift": round(each.shift, 6)}
            for each in found.words
        ],
        "release": found.release,
    }


def _print(out: Console, found: Explanation) -> None:
    from rich.table import Table
    from rich.text import Text

    from stream.cli.lines import mood

    out.print(coloured(found))
    negative, neutral, positive = found.sentiment
    figures = f" negative {negative:.2f}  neutral {neutral:.2f}  positive {positive:.2f}"
    whom = f"  towards {shorten(found.text[slice(*found.entity)], 40)}" if found.entity else ""
    out.print(Text("  ").append_text(mood(found.score)).append(figures + whom))
    table = Table(box=None, pad_edge=False)
    table.add_column("word", overflow="ellipsis", max_width=30)
    table.add_column("shift", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for each in found.strongest(_SHOWN):
        bar = "█" * min(_BAR, round(abs(each.shift) * _BAR))
        table.add_row(shorten(each.word, 30), f"{each.shift:+.3f}", Text(bar, _style(each)))
    out.print(table)
    out.print(Text(f"the score without a word is lower by its shift; {found.release}", "dim"))


def coloured(found: Explanation) -> Text:
    """The text with the words that make it better in green and those that make it worse in red."""
    from rich.text import Text

    line, last = Text(), 0
    for each in found.words:
        line.append(_visible(found.text[last : each.start])).append(_visible(each.word), _style(each))
        last = each.end
    line.append(_visible(found.text[last:]))
    return line


def _style(each: WordShift) -> str:
    if abs(each.shift) < _FAINT:
        return ""
    colour = "green" if each.shift > 0 else "red"
    return f"bold {colour}" if abs(each.shift) >= _CLEAR else colour


def _visible(text: str) -> str:
    """`text` without control characters: news must not steer somebody's terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
