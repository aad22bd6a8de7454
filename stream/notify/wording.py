"""Puts a notification into words for people: a title, a sentence, and lines for what stands behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from stream.events import Alert, Evidence, Notification

_MINUTE, _HOUR = 60, 3600


def title_of(notification: Notification) -> str:
    """One line with status, severity, series and rule: `[FIRING] critical: company:AAPL, negative surge`."""
    lead = notification.lead
    return (
        f"[{notification.status.upper()}] {notification.severity}: {lead.series}, {rule_in_words(lead.rule)}"
    )


def sentence_of(notification: Notification) -> str:
    """What was seen, beside what is usual, and what came of it."""
    lead = notification.lead
    seen = (
        f"{_number(lead.observed)} stories in {_span(lead.window_seconds)} where {_number(lead.expected)} are "
        f"usual, from {lead.sources} {'source' if lead.sources == 1 else 'sources'}; since {_clock(lead.onset)}."
    )
    match notification.status:
        case "resolved":
            return f"Back to usual at {_clock(lead.as_of)}. {_mean(lead)}".rstrip()
        case "retracted":
            return f"Taken back at {_clock(lead.as_of)}: the news behind it was withdrawn."
        case "acknowledged":
            return f"{notification.acknowledged_by or 'Somebody'} looks after it. {seen}"
    if notification.why == "graver":
        return f"Now {notification.severity}, was {notification.before}. {seen} {_mean(lead)}".rstrip()
    if notification.why == "reminder":
        return f"Still open. {seen} {_mean(lead)}".rstrip()
    return f"{seen} {_mean(lead)}".rstrip()


def others_of(notification: Notification) -> Iterator[str]:
    """One line for each alert of the same cause."""
    for each in notification.others:
        yield f"{each.series}, {rule_in_words(each.rule)}: {each.severity}, {each.status}"


def explanation_of(notification: Notification) -> str | None:
    """Which words moved the score of the first article, each with its sign; None where that is not known."""
    known = notification.explanation
    if known is None:
        return None
    towards = "" if known.towards is None else f" towards {known.towards}"
    words = ", ".join(f"{each.word} {each.shift:+.2f}" for each in known.words)
    return f"Words that moved the score of the first article{towards} ({known.score:+.2f}): {words}"


def source_of(article: Evidence) -> str:
    """Where an article came from, when, how it was scored, and why it counts where that is said."""
    why = f", {article.why}" if article.why else ""
    return f"{article.source}, {_clock(article.published_at)}, {article.score:+.2f}{why}"


def web_link(url: str | None) -> str | None:
    """`url` where it leads to the web: what else a publisher writes there is nothing to click on."""
    if url is None or not url.lower().startswith(("http://", "https://")) or not url.isprintable():
        return None
    return None if any(c in url for c in ' <>"|') else url


def link_of(notification: Notification) -> str | None:
    """Where to read on: the link that is set, else the first article that has one."""
    if notification.link is not None:
        return notification.link
    return next((url for each in notification.lead.evidence if (url := web_link(each.url))), None)


def rule_in_words(rule: str) -> str:
    """The rule's name as words."""
    return rule.replace("_", " ")


def cut(text: str, length: int) -> str:
    """`text` without control characters, and no longer than `length`."""
    flat = "".join(c if c.isprintable() else " " for c in text)
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def _mean(lead: Alert) -> str:
    if lead.mean_score is None:
        return ""
    usual = "" if lead.baseline_score is None else f", usually {lead.baseline_score:+.2f}"
    return f"Mean score {lead.mean_score:+.2f}{usual}."


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.2g}"


def _span(seconds: int) -> str:
    if seconds % _HOUR == 0:
        return f"{seconds // _HOUR} h"
    return f"{seconds // _MINUTE} min" if seconds % _MINUTE == 0 else f"{seconds} s"


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
