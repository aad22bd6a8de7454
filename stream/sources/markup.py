"""HTML becomes the text that a reader sees, in one line."""

from __future__ import annotations

import html
import re

# Possessive throughout, and no part of it goes past the next `<`: so the time is in proportion to the text,
# whatever was sent to make it otherwise. html.parser takes minutes for 64 KiB of `<a <a <a`.
_TAG = re.compile(
    r"""<(?: !--
          |  (?P<close>/?) (?P<name>[a-zA-Z][^\s<>/"']*+) (?: [^<>"'] | "[^"<]*+" | '[^'<]*+' | ["'] )*+ >?
          |  [!?/][^<>]*+ >? )""",
    re.VERBOSE,
)
_INLINE = re.compile(
    r"a|abbr|b|bd[io]|big|cite|code|em|font|i|ins|kbd|mark|q|s|samp|small|span|strong|su[bp]|tt|u|var|wbr"
)
"""Tags that stand within words; any other parts them."""

_END_OF = {
    "script": re.compile("</script", re.IGNORECASE),
    "style": re.compile("</style", re.IGNORECASE),
}
"""What ends the elements whose content is not for readers."""

_BLANK = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")
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
        text = html.unescape(_without_tags(text))
    # What is left by now was escaped more often still; with a space in its place, no new tag can come together.
    return _BLANK.sub(" ", _TAG.sub(" ", text)).strip()[:limit].rstrip()


def _without_tags(text: str) -> str:
    pieces: list[str] = []
    at = 0
    while (tag := _TAG.search(text, at)) is not None:
        pieces.append(text[at : tag.start()])
        at = tag.end()
        name = (tag["name"] or "").lower()
        if tag[0] == "<!--":
            end = text.find("-->", at)
            at = end + 3 if end >= 0 else len(text)
        elif name in _END_OF and not tag["close"] and not tag[0].endswith("/>"):
            closing = _END_OF[name].search(text, at)
            at = closing.start() if closing is not None else len(text)
        if _INLINE.fullmatch(name) is None:
            pieces.append(" ")
    pieces.append(text[at:])
    return "".join(pieces)
