"""`newstide score`: what the model says of some texts, without any broker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json, shorten
from stream.cli.texts import STDIN, read_texts
from stream.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from models.release import Release
    from models.scorer import Answer, Scorer
    from stream.score.entities import CompanyTagger, Mention
    from stream.settings import Settings

CHUNK = 256
"""Texts scored at a time: enough to fill batches of one length each, few enough to show results as they come."""

ReleaseDir = Annotated[
    Path | None,
    typer.Option("--release", metavar="DIR", help="A release; else the one in force."),
]


def score(
    ctx: typer.Context,
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT]...", help="Texts to score; `-` reads stdin, one a line."),
    ] = None,
    *,
    file: Annotated[
        str | None,
        typer.Option(
            "--file", "-f", metavar="FILE", help="One text a line, or .csv/.jsonl with text or headline."
        ),
    ] = None,
    release: ReleaseDir = None,
    as_json: Json = False,
) -> None:
    """Score texts: sentiment, topics and companies. Needs no broker."""
    if not texts and file is None:
        raise UsageError(
            'score: give a text, as in `newstide score "Bank halts withdrawals"`, or --file FILE'
        )
    from stream.parts import load_scorer, tagger_of

    settings = settings_of(ctx)
    source = chain(_given(texts or ()), read_texts(file) if file is not None else ())
    scorer, tagger = load_scorer(settings, open_release(settings, release)), tagger_of(settings)
    out = console()
    for text, answer, mentions in _answers(source, scorer, tagger):
        if as_json:
            print_json(_plain(text, answer, mentions, scorer.release))
        elif file is None:
            _print_block(out, text, answer, mentions)
        else:
            _print_line(out, text, answer, mentions)


def open_release(settings: Settings, directory: Path | None) -> Release:
    """The release in `directory`; without one, that which a monitor with these settings would start with.

    Raises:
        ModelError: if there is none, or it is not whole.
    """
    from models.release import Release
    from stream.parts import release_of

    return Release.open(directory) if directory is not None else release_of(settings)


def _given(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        if text == STDIN:
            yield from read_texts(STDIN)
        elif text.strip():
            yield text


def _answers(
    texts: Iterable[str], scorer: Scorer, tagger: CompanyTagger
) -> Iterator[tuple[str, Answer, tuple[Mention, ...]]]:
    rest = iter(texts)
    while chunk := list(islice(rest, CHUNK)):
        for text, answer in zip(chunk, scorer.score(chunk).answers, strict=True):
            yield text, answer, tagger.tag(text, None, ())


def _plain(text: str, answer: Answer, mentions: Sequence[Mention], release: str) -> dict[str, Any]:
    negative, neutral, positive = (round(float(p), 6) for p in answer.sentiment)
    return {
        "text": text,
        "sentiment": {"negative": negative, "neutral": neutral, "positive": positive},
        "score": round(positive - negative, 6),
        "topics": [{"label": label, "probability": round(float(p), 6)} for label, p in answer.topics],
        "entities": [
            {
                "id": each.id,
                "name": each.name,
                "start": each.start,
                "end": each.end,
                "relevance": each.relevance,
            }
            for each in mentions
        ],
        "model": release,
    }


def _print_block(out: Console, text: str, answer: Answer, mentions: Sequence[Mention]) -> None:
    """One text with all figures, on a few lines."""
    from rich.text import Text

    from stream.cli.lines import mood

    negative, neutral, positive = answer.sentiment
    out.print(Text(shorten(text, 10 * out.width), "bold"))
    figures = f" negative {negative:.2f}  neutral {neutral:.2f}  positive {positive:.2f}"
    out.print(Text("  ").append_text(mood(positive - negative)).append(figures))
    out.print(
        Text("  topics     ", "dim").append(", ".join(f"{label} {p:.2f}" for label, p in answer.topics))
    )
    if mentions:
        named = ", ".join(f"{each.id} ({each.name})" for each in mentions)
        out.print(Text("  companies  ", "dim").append(named, "cyan"))


def _print_line(out: Console, text: str, answer: Answer, mentions: Sequence[Mention]) -> None:
    from stream.cli.lines import answer_line

    topic = answer.topics[0][0] if answer.topics else None
    score = answer.sentiment[2] - answer.sentiment[0]
    out.print(answer_line(text, score, [each.id for each in mentions], topic, out.width))
