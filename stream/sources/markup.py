"""HTML becomes the text that a reader sees, in one line."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

_INLINE = re.compile(
    r"a|abbr|b|bd[io]|big|cite|code|em|font|i|ins|kbd|mark|q|s|samp|small|span|strong|su[bp]|tt|u|var|wbr"
)
"""Tags that stand within words; any other parts them."""

_UNSEEN = frozenset({"script", "style"})
_TAG = re.compile(r"<(?:/?[a-zA-Z]|[!?])[^<>]*>?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")
_ROUNDS = 3


def plain_text(source: str, limit: int) -> str:
    """The text of `source`, at most `limit` characters, without tags, entities, scripts and line breaks.

    What is escaped twice, as feeds often do, is undone twice. Nothing that looks like a tag is left. Control
    characters become spaces, and lone surrogates question marks.
    """
    text = source.encode("utf-8", "replace").decode("utf-8")
    for _ in range(_ROUNDS):
        if "<" not in text and "&" not in text:
            break
        text = _once(text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    return _CONTROL.sub(" ", text).strip()[:limit].rstrip()


def _once(text: str) -> str:
    reader = _Reader()
    try:
        reader.feed(text)
        reader.close()
    except AssertionError:
        # html.parser gives up like this at a marked section that it doesn't know, such as <![if IE]>.
        return html.unescape(_TAG.sub(" ", text))
    return "".join(reader.pieces)


class _Reader(HTMLParser):
    """Collects the text; a tag that isn't inline parts words."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  (the base's)
        self._unseen = tag in _UNSEEN
        self._part(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unseen = False
        self._part(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)

    def _part(self, tag: str) -> None:
        if _INLINE.fullmatch(tag) is None:
            self.pieces.append(" ")
