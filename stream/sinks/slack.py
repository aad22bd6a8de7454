"""Slack's incoming webhooks, and whatever else takes their payload (Mattermost, Rocket.Chat): text and blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from stream.events import Evidence, Notification
from stream.notify.wording import cut, explanation_of, others_of, sentence_of, source_of, title_of, web_link
from stream.sinks.request import HttpRequest, json_request

_SIGNS = {"critical": ":red_circle:", "warning": ":large_orange_circle:", "info": ":large_blue_circle:"}
_HEADER, _SECTION, _ARTICLES, _OTHERS = 150, 3000, 5, 10
"""Slack's own limits for a header and a section, in characters; and how much of a group is shown."""
_LINE = 400


@dataclass(frozen=True, slots=True)
class SlackSink:
    """Posts to an incoming webhook. Who knows its address may write there, so the address is a secret."""

    name: str
    url: str = field(repr=False)
    kind: str = "slack"

    def request(self, notification: Notification, now: datetime) -> HttpRequest:  # noqa: ARG002 - a sink's signature
        """A message: title, sentence, articles, and the alerts that refer to it."""
        title = title_of(notification)
        done = notification.status in {"resolved", "retracted"}
        sign = ":white_check_mark:" if done else _SIGNS[notification.severity]
        blocks: list[dict[str, object]] = [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": cut(f"{sign} {title}", _HEADER), "emoji": True},
            },
            _section(escape(sentence_of(notification))),
        ]
        articles = [_article(each) for each in notification.lead.evidence[:_ARTICLES]]
        if articles and notification.status != "retracted":
            blocks.append(_section("\n".join(articles)))
        explanation = explanation_of(notification)
        if explanation:
            blocks.append(_section(escape(cut(explanation, _LINE))))
        others = [escape(cut(line, _LINE)) for line in others_of(notification)]
        if others:
            more = [f"and {len(others) - _OTHERS} more"] if len(others) > _OTHERS else []
            blocks.append(_section("*Same cause:*\n" + "\n".join([*others[:_OTHERS], *more])))
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _foot(notification)}]})
        return json_request(self.url, {"text": escape(title), "blocks": blocks})


def escape(text: str) -> str:
    """`text` so that Slack shows it as it is: a headline can neither link nor call anybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(text: str) -> dict[str, object]:
    # A cut may only fall between lines: half an escape would be shown as it is.
    kept = ""
    for line in text.split("\n"):
        if len(kept) + len(line) >= _SECTION:
            break
        kept += f"\n{line}" if kept else line
    return {"type": "section", "text": {"type": "mrkdwn", "text": kept or "…"}}


def _article(article: Evidence) -> str:
    headline, url = escape(cut(article.headline, _LINE)), web_link(article.url)
    shown = f"<{escape(url)}|{headline.replace('|', '¦')}>" if url else headline
    return f"• {shown} _{escape(cut(source_of(article), _LINE)).replace('_', ' ')}_"


def _foot(notification: Notification) -> str:
    read_on = f"<{escape(notification.link)}|more> · " if notification.link else ""
    return f"{read_on}newstide · `newstide ack {notification.lead.alert_id}`"
