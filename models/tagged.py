"""Sentences whose words are tagged: JSON lines with `tokens` and as many BIO `tags`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import UnusableDataError
from models.spans import Offsets
from models.text import normalise


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence as it is read. `text` joins its words; `words` are the characters of each in it."""

    text: str
    words: Offsets
    tags: tuple[str, ...]


def read_tagged(path: Path, kinds: Sequence[str]) -> Iterator[TaggedSentence]:
    """The sentences in `path`, whose tags are O, or B- or I- with one of `kinds`.

    Raises:
        UnusableDataError: if the file can't be read, or a line is none of that kind. The text names the line
            and the fix.
    """
    known = {"O", *(f"{mark}-{kind}" for kind in kinds for mark in "BI")}
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line, told in enumerate(file, start=1):
                if told.strip():
                    yield _sentence_of(told, known, f"{path}, line {line}")
    except OSError as error:
        raise UnusableDataError(
            f"{path} can't be read ({error.strerror}): give the path of a file"
        ) from error
    except UnicodeDecodeError as error:
        raise UnusableDataError(f"{path} is no UTF-8 (byte {error.start}): save it as UTF-8") from error


def _sentence_of(told: str, known: set[str], where: str) -> TaggedSentence:
    try:
        row = json.loads(told)
    except (ValueError, RecursionError) as error:
        raise UnusableDataError(f"{where}: this is no JSON ({error}): write one object a line") from error
    tokens, tags = (_strings_in(row, name, where) for name in ("tokens", "tags"))
    if len(tokens) != len(tags):
        raise UnusableDataError(f"{where}: {len(tokens)} tokens have {len(tags)} tags: give one for each")
    if unknown := [tag for tag in tags if tag not in known]:
        raise UnusableDataError(f"{where}: tag {unknown[0]!r} is none of {', '.join(sorted(known))}")
    text, words = "", []
    for token in map(normalise, tokens):
        text += " " * bool(text and token)
        words.append((len(text), len(text) + len(token)))
        text += token
    return TaggedSentence(text, words, tuple(tags))


def _strings_in(row: object, name: str, where: str) -> list[str]:
    found = row.get(name) if isinstance(row, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise UnusableDataError(f'{where}: write an object with "tokens" and "tags", both lists of strings')
    return found
