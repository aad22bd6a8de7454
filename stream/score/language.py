"""Which language an article is in, by what its publisher says and by its script.

The language only chooses which release reads the article, so what matters is to tell languages that different
releases read; a script does that for Chinese and English. Letters of the Latin script count as English where
nobody says otherwise: no script tells English from French.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

UNKNOWN = "und"
"""Undetermined, as BCP 47 writes it: no letters, or letters of a script that several languages use."""

SAMPLE_CHARS = 300
"""Only so much of a text is looked at, so that the cost is bounded."""

_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*")
_SAYS_NOTHING = frozenset({UNKNOWN, "mul", "zxx", "mis", "art"})
_LONG_NAMES = {"zho": "zh", "chi": "zh", "cmn": "zh", "yue": "zh", "eng": "en", "jpn": "ja", "kor": "ko"}

_SCRIPTS = (
    ("han", re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")),
    ("kana", re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9d]")),
    ("hangul", re.compile("[\u1100-\u11ff\uac00-\ud7af]")),
    ("latin", re.compile("[A-Za-z\u00c0-\u024f\uff21-\uff3a\uff41-\uff5a]")),
)
_WRITTEN_IN = {
    "en": frozenset({"latin"}),
    "zh": frozenset({"han"}),
    "ja": frozenset({"han", "kana"}),
    "ko": frozenset({"han", "hangul"}),
}
_LETTERS_A_WORD = 3
"""A Chinese character tells as much as so many Latin letters: a Chinese headline may hold long foreign names."""

_KANA_SHARE = 0.1
"""Japanese has at least this share of kana among its characters; a Chinese headline a stray one at most."""


def language_of(text: str, declared: str | None = None) -> str:
    """The language of `text` as a subtag of BCP 47 in small letters (`en`, `zh`), or `UNKNOWN`.

    What is `declared` wins when it is sane: a language tag that says something, and for the languages that this
    module tells apart, one whose script the text is written in. Of a tag only the language counts (`zh-Hant-TW` is
    `zh`). The same text always gives the same answer.
    """
    script = _script_of(text)
    named = _language_named(declared)
    if named is not None and (script is None or script in _WRITTEN_IN.get(named, {script})):
        return named
    return {"han": "zh", "kana": "ja", "hangul": "ko", "latin": "en"}.get(script or "", UNKNOWN)


def _language_named(declared: str | None) -> str | None:
    """The language of a tag; None where it is no tag, or says nothing."""
    tag = _TAG.fullmatch((declared or "").strip())
    if tag is None:
        return None
    language = tag[1].lower()
    return None if language in _SAYS_NOTHING else _LONG_NAMES.get(language, language)


def _script_of(text: str) -> str | None:
    """The script that carries most of `text`: one of `_SCRIPTS`, `other`, or None for a text without letters."""
    sample = text[:SAMPLE_CHARS]
    if sample.isascii():
        return "latin" if any(map(str.isalpha, sample)) else None
    found = {name: len(pattern.findall(sample)) for name, pattern in _SCRIPTS}
    letters = Counter(found)
    letters["other"] = sum(unicodedata.category(char)[0] == "L" for char in sample) - sum(found.values())
    for name in ("han", "kana", "hangul"):
        letters[name] *= _LETTERS_A_WORD
    if found["kana"] > _KANA_SHARE * (found["han"] + found["kana"]):
        letters["kana"] += letters.pop("han")
    script, most = max(letters.items(), key=lambda pair: pair[1])
    return script if most > 0 else None
