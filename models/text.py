"""From a raw text to tokens: the same code in training and in serving, so that both read the same thing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from html import unescape
from html.entities import html5
from pathlib import Path

from tokenizers import Tokenizer

from models.errors import ModelError

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_URL = re.compile(r"https?://\S*|(?<![\w.])www\.\S+", re.IGNORECASE)
_BLANK = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")
# Soft hyphens, zero-width and bidirectional marks, tags and halves of surrogate pairs: nothing a reader sees.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]+"
)

_MAX_PASSES = 4
"""How deep entities may hide in entities (`&amp;amp;`). A bound, so that a hostile text costs linear time."""


def normalise(text: str) -> str:
    """`text` as the model reads it.

    HTML entities are resolved (only with their semicolon, so that `AT&LT` stays what it is), URLs taken out,
    invisible characters dropped, control characters and white space folded into single blanks, and the rest
    composed (Unicode NFC). Normalising twice gives the same as once, and the time is linear in the length.
    """
    for _ in range(_MAX_PASSES):
        folded = _fold(text)
        if folded == text:
            return folded
        text = folded
    # Deeper than anybody writes: without ampersands nothing is left to resolve, so one more pass is the last.
    return _fold(text.replace("&", " "))


def normalise_with_origins(text: str) -> tuple[str, tuple[int, ...] | None]:
    """`normalise(text)`, and for each of its characters the place in `text` that it came from.

    The places rise; one more at the end is the length of `text`. None stands for "each from its own place", which
    most headlines are: they are normal as they come.
    """
    clean = normalise(text)
    if clean == text:
        return clean, None
    current, origins = text, list(range(len(text) + 1))
    for _ in range(_MAX_PASSES):
        folded, places = _trace(current)
        origins = [origins[place] for place in places]
        if folded == current:
            break
        current = folded
    else:
        current, places = _trace(current.replace("&", " "))
        origins = [origins[place] for place in places]
    return current, tuple(origins)


def load_tokenizer(source: Path | bytes, max_length: int) -> Tokenizer:
    """The tokenizer in `source`, a `tokenizer.json` or its bytes: cuts at `max_length` tokens, pads nothing.

    Words of the text that look like the tokenizer's own marks (`[SEP]`, `[MASK]`) are read as plain text.

    Raises:
        ModelError: if `source` cannot be read as a tokenizer, or `max_length` leaves no room for a word.
    """
    if max_length < 3:  # noqa: PLR2004  # the two marks around a text, and one word
        raise ModelError(f"max_length is {max_length}: give 3 or more tokens")
    name = "tokenizer.json" if isinstance(source, bytes) else str(source)
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
        tokenizer = Tokenizer.from_buffer(data)
    except OSError as error:
        raise ModelError(
            f"{name} cannot be read: {error.strerror}; give the path of a tokenizer.json"
        ) from error
    except Exception as error:  # tokenizers raises bare Exception or ValueError
        raise ModelError(f"{name} is not a tokenizer ({error}): write the release anew") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    tokenizer.encode_special_tokens = True
    return tokenizer


def _fold(text: str) -> str:
    """One pass of `normalise`. The cheap tests first: most headlines need hardly anything.

    No address is without what is looked for first, and of all white space only the blank counts as printable.
    """
    if "&" in text:
        text = _ENTITY.sub(_resolve, text)
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    if "://" in text or "www." in text.lower():
        text = _URL.sub(" ", text)
    if "  " in text or not text.isprintable():
        text = _BLANK.sub(" ", text)
    text = text.strip(" ")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _trace(text: str) -> tuple[str, list[int]]:
    """`_fold(text)`, and the place that each of its characters came from, with the length of `text` at the end."""
    places = list(range(len(text) + 1))
    for pattern, replacement in ((_ENTITY, _resolve), (_INVISIBLE, ""), (_URL, " "), (_BLANK, " ")):
        text, places = _substitute(pattern, replacement, text, places)
    left = len(text) - len(text.lstrip(" "))
    kept = text.strip(" ")
    places = [*places[left : left + len(kept)], places[-1]]
    return _compose(kept, places)


def _substitute(
    pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str], text: str, places: list[int]
) -> tuple[str, list[int]]:
    """`pattern.sub`, with the places: what a match becomes comes from where the match begins."""
    parts, kept, last = [], [], 0
    for match in pattern.finditer(text):
        new = replacement if isinstance(replacement, str) else replacement(match)
        if new == match.group():
            continue  # what looks like an entity and is none stays where it is, letter by letter
        parts += [text[last : match.start()], new]
        kept += [*places[last : match.start()], *[places[match.start()]] * len(new)]
        last = match.end()
    if not last:
        return text, places
    return "".join([*parts, text[last:]]), kept + places[last:]


def _compose(text: str, places: list[int]) -> tuple[str, list[int]]:
    """`text` in NFC, cluster by cluster: what a cluster becomes comes from where the cluster begins."""
    if unicodedata.is_normalized("NFC", text):
        return text, places
    parts: list[str] = []
    kept: list[int] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and not _parts_at(text, start, end):
            continue
        composed = unicodedata.normalize("NFC", text[start:end])
        parts.append(composed)
        kept += [places[start]] * len(composed)
        start = end
    return "".join(parts), [*kept, places[-1]]


def _parts_at(text: str, start: int, end: int) -> bool:
    """Whether the cluster that begins at `start` is whole before `end`: composing never reaches across."""
    if unicodedata.combining(text[end]):
        return False
    apart = unicodedata.normalize("NFC", text[start:end]) + unicodedata.normalize("NFC", text[end])
    return unicodedata.normalize("NFC", text[start : end + 1]) == apart


def _resolve(match: re.Match[str]) -> str:
    entity = match.group()
    # `html.unescape` would also take `&notit;` for `&not` and `it;`: names must be whole here.
    return unescape(entity) if entity[1] == "#" else html5.get(entity[1:], entity)
