"""`newstide score`: what the model says of some texts, without any broker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.invocation import settings_of
from stream.cli.printing import Json, console, print_json, shorten
from stream.cli.reference import ReleaseRef, scorers_of
from stream.cli.texts import STDIN, read_texts
from stream.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from models.scorer import Answer, Scorer
    from stream.score.entities import CompanyTagger, Mention

CHUNK = 256
"""Texts scored at a time: enough to fill batches of one length each, few enough to show results as they come."""


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
    release: ReleaseRef = None,
    as_json: Json = False,
) -> None:
    """Score texts: sentiment, topics and companies. Needs no broker."""
    if not texts and file is None:
        raise UsageError(
            'score: give a text, as in `newstide score "Bank halts withdrawals"`, or --file FILE'
        )
    from stream.parts import tagger_of

    settings = settings_of(ctx)
    source = chain(_given(texts or ()), read_texts(file) if file is not None else ())
    scorer_of, tagger = scorers_of(settings, release), tagger_of(settings)
    out = console()
    for text, answer, mentions, label in _answers(source, scorer_of, tagger):
        if as_json:
            print_json(_plain(text, answer, mentions, label))
        elif file is None:
            _print_block(out, text, answer, mentions)
        else:
            _print_line(out, text, answer, mentions)


def _given(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        if text == STDIN:
            yield from read_texts(STDIN)
        elif text.strip():
            yield text
        else:
            raise UsageError(f"score: {text!r} is no text: leave it out, or put words in it")


def _answers(
    texts: Iterable[str], scorer_of: Callable[[str], Scorer], tagger: CompanyTagger
) -> Iterator[tuple[str, Answer, tuple[Mention, ...], str]]:
    """Each text with its answer, its companies and who answered."""
    from stream.score.scoring import places_of

    rest = iter(texts)
    while chunk := list(islice(rest, CHUNK)):
        scorers = [scorer_of(text) for text in chunk]
        named = [tagger.tag(text, None, ()) for text in chunk]
        answers: dict[Scorer, Iterator[Answer]] = {}
        for scorer in dict.fromkeys(scorers):
            part = [number for number, its in enumerate(scorers) if its is scorer]
            places = [places_of(named[number]) for number in part]
            answers[scorer] = iter(scorer.score([chunk[number] for number in part], places).answers)
        for text, scorer, mentions in zip(chunk, scorers, named, strict=True):
            yield text, next(answers[scorer]), mentions, scorer.release


def _plain(text: str, answer: Answer, mentions: Sequence[Mention], release: str) -> dict[str, Any]:
    from stream.score.scoring import names_besides, towards_each

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
                "score": None if towards is None else round(towards[2] - towards[0], 6),
            }
            for each, towards in towards_each(answer, mentions)
        ],
        "names": [name.model_dump() for name in names_besides(text, answer, mentions)],
        "model": release,
    }


def _print_block(out: Console, text: str, answer: Answer, mentions: Sequence[Mention]) -> None:
    """One text with all figures, on a few lines."""
    from rich.text import Text

    from stream.cli.lines import mood
    from stream.score.scoring import names_besides, towards_each

    negative, neutral, positive = answer.sentiment
    out.print(Text(shorten(text, 10 * out.width), "bold"))
    figures = f" negative {negative:.2f}  neutral {neutral:.2f}  positive {positive:.2f}"
    out.print(Text("  ").append_text(mood(positive - negative)).append(figures))
    if answer.topics:
        told = ", ".join(f"{label} {p:.2f}" for label, p in answer.topics)
        out.print(Text("  topics     ", "dim").append(told))
    for each, towards in towards_each(answer, mentions):
        line = Text("  company    ", "dim").append(f"{each.id} ({each.name})", "cyan")
        if towards is not None:
            line.append("  ").append_text(mood(towards[2] - towards[0]))
        out.print(line)
    if names := names_besides(text, answer, mentions):
        told = ", ".join(f"{name.name} ({name.kind})" for name in names)
        out.print(Text("  also named ", "dim").append(told))


def _print_line(out: Console, text: str, answer: Answer, mentions: Sequence[Mention]) -> None:
    from stream.cli.lines import answer_line

    topic = answer.topics[0][0] if answer.topics else None
    score = answer.sentiment[2] - answer.sentiment[0]
    out.print(answer_line(text, score, [each.id for each in mentions], topic, out.width))
