"""How records look to a person: one line for each, and a panel for an alert.

A line fits the width it is given; what is cut is the headline, never the figures. Every colour only repeats
what the text says too, so nothing is lost without colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.panel import Panel
from rich.text import Text

from stream.cli.printing import shorten
from stream.cli.rejects import RejectedRecord
from stream.events import Alert, Evidence, NewsItem, ScoredNews, Signal, Story, Undelivered, Withdrawal

if TYPE_CHECKING:
    from rich.console import RenderableType

_BAR = 5
_MOOD = 0.2
"""Beyond this score, either way, a line is coloured."""
_CHIPS = 4
_HEADLINE = 60
"""The topic is shown only where the headline keeps at least this many characters."""
_EVIDENCE = 5
_SEVERITY = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


def scored_line(news: ScoredNews, width: int) -> Text:
    """Time, score, companies, headline, and the likeliest topic where there is room."""
    headline = f"{news.status.upper()}: {news.headline}" if news.status != "normal" else news.headline
    topic = news.topics[0].label if news.topics else None
    companies = [entity.id for entity in news.entities]
    line = Text(f"{news.published_at:%H:%M:%S} ", "dim")
    return line.append_text(answer_line(headline, news.score, companies, topic, width - line.cell_len))


def answer_line(text: str, score: float, companies: Sequence[str], topic: str | None, width: int) -> Text:
    """Score, companies, the text cut to fit, and the likeliest topic where there is room."""
    line = mood(score)
    _add_chips(line, companies)
    end = f" · {topic}" if topic else ""
    room = width - line.cell_len - len(end)
    if room < min(len(text), _HEADLINE):
        room, end = room + len(end), ""
    return _fit(line.append(shorten(text, room)).append(end, "dim"), width)


def signal_line(signal: Signal, width: int) -> Text:
    """Time, score, series with the weight, headline."""
    line = _start(signal.published_at, signal.score)
    line.append(signal.series, "cyan").append(f" ({signal.weight:.2f}) ", "dim")
    return _fit(line.append(shorten(signal.headline, width)), width)


def withdrawal_line(withdrawal: Withdrawal, width: int) -> Text:
    """Time, and which article was taken back."""
    line = Text(f"{withdrawal.published_at:%H:%M:%S} ", "dim")
    return _fit(line.append("withdrawn ", "yellow").append(shorten(withdrawal.withdraws, width)), width)


def story_line(story: Story, width: int) -> Text:
    """Time first seen, mean score, how often it was copied and by how many sources, headline."""
    line = _start(story.first_seen_at, story.sentiment.positive - story.sentiment.negative)
    line.append(f"{story.copies}x ", "bold" if story.copies > 1 else "dim")
    line.append(f"{len(story.sources)} src ", "dim")
    _add_chips(line, story.companies)
    return _fit(line.append(shorten(story.headline, width)), width)


def news_line(item: NewsItem, width: int) -> Text:
    """Time, source, headline."""
    line = Text(f"{item.published_at:%H:%M:%S} ", "dim")
    return _fit(line.append(f"{item.source} ", "cyan").append(shorten(item.headline, width)), width)


def reject_line(reject: RejectedRecord, width: int) -> Text:
    """Time, reason, where it came from, and what is wrong with it."""
    line = Text(f"{reject.at:%H:%M:%S} ", "dim").append(f"{reject.reason} ", "red")
    return _fit(line.append(f"{reject.origin} ", "dim").append(shorten(reject.detail, width)), width)


def undelivered_line(place: str, letter: Undelivered, width: int) -> Text:
    """Time, place, the sink, what it was told of, and why it did not take it."""
    line = (
        Text(f"{letter.given_up_at:%m-%d %H:%M} ", "dim").append(f"{place} ").append(f"{letter.sink} ", "red")
    )
    said = letter.notification
    line.append(f"{said.named_series} {said.status} ").append(f"{letter.reason.replace('_', ' ')} ", "dim")
    return _fit(line.append(shorten(letter.detail, width)), width)


def alert_panel(alert: Alert, width: int) -> RenderableType:
    """The alert with its figures and the articles that weigh most in it."""
    style = "green" if alert.status in {"resolved", "retracted"} else _SEVERITY[alert.severity]
    minutes = alert.window_seconds / 60
    body = Text()
    body.append(f"{alert.observed:g} bad stories in {minutes:g} min", "bold")
    body.append(f", {alert.expected:.2g} expected")
    body.append(f"   surprise {alert.surprise:.1f}   {alert.sources} sources")
    if alert.mean_score is not None:
        body.append(f"\nmean score {alert.mean_score:+.2f}")
        if alert.baseline_score is not None:
            body.append(f", usually {alert.baseline_score:+.2f}")
    body.append(
        f"\nsince {alert.onset:%Y-%m-%d %H:%M}, as of {alert.as_of:%H:%M} UTC   rule {alert.rule}", "dim"
    )
    for evidence in alert.evidence[:_EVIDENCE]:
        body.append("\n").append_text(_evidence_line(evidence, width - 4))
    hidden = len(alert.evidence) - _EVIDENCE
    if hidden > 0:
        body.append(f"\nand {hidden} more", "dim")
    title = Text(f"{alert.severity.upper()} {alert.series} {alert.status}", style)
    return Panel(body, title=title, title_align="left", border_style=style, width=width)


def _evidence_line(evidence: Evidence, width: int) -> Text:
    line = _start(evidence.published_at, evidence.score)
    line.append(f"{shorten(evidence.source, 16)} ", "cyan")
    return _fit(line.append(shorten(evidence.headline, width)), width)


def mood(score: float) -> Text:
    """The score as a bar and as a figure, red or green where it is clear."""
    style = "red" if score <= -_MOOD else "green" if score >= _MOOD else "dim"
    bar = "█" * round(abs(score) * _BAR) or "·"
    return Text(f"{bar:<{_BAR}} {score:+.2f} ", style)


def _start(at: datetime, score: float) -> Text:
    """The time of day in UTC, and the score."""
    return Text(f"{at:%H:%M:%S} ", "dim").append_text(mood(score))


def _add_chips(line: Text, names: Sequence[str]) -> None:
    for name in names[:_CHIPS]:
        line.append(f"[{shorten(name, 12)}]", "bold cyan").append(" ")
    if len(names) > _CHIPS:
        line.append(f"+{len(names) - _CHIPS} ", "dim")


def _fit(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    return line
