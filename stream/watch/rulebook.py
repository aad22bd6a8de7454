"""What is watched for: the rules of alerts, built in or read from a TOML file.

[[rule]]
name = "bad_news"
series = "company:*"            # `*` ends at a slash; "*" alone means every series
direction = "negative"          # or positive, volume, shift
horizons = ["1m", "15m", "1h"]  # all of them where none is given
budget = "1/week"               # its own; without one it shares the general budget
severity = "warning"            # the least that its alerts have
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from stream.errors import UsageError
from stream.events import Severity
from stream.watch.budget import Budget
from stream.watch.kinds import KINDS

Direction = Literal["negative", "positive", "volume", "shift"]
NEGATIVE_SURGE = "negative_surge"
MEAN_SHIFT = "mean_shift"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SPAN = re.compile(r"(\d{1,6})\s*(m|h|d)")
_EXAMPLES = {
    "market": "market",
    "topic": "topic:x",
    "company": "company:x",
    "company_topic": "company:x/topic:x",
}
_MOST_SHARE = 1_000_000
_MOST_COUNT = 100_000
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_HEADER = re.compile(r"\s*\[\[\s*rule\s*\]\]")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SurgeRule:
    """One rule: which series, what about them, and how often it may be wrong.

    Attributes:
        name: what its alerts carry.
        series: a glob over series; `*` stops at a slash, and `*` alone means every series.
        direction: more negative stories, more positive ones, more of all, or a mean score that fell.
        horizons: the trailing windows that are tested; none means all that WATCH keeps.
        budget: its own budget; None shares the general one with the other rules.
        share: its part of the general budget, relative to the other rules that share it.
        level: the level of one look instead of a budget: for experiments, and where no profile fits.
        severity: the least that its alerts have.
        min_sources: distinct publishers that it takes; None means `watch.min_sources`.
        min_count: stories that it takes; None means `watch.min_count`.
    """

    name: str
    series: str = "*"
    direction: Direction = "negative"
    horizons: tuple[timedelta, ...] = ()
    budget: Budget | None = None
    share: float = 1.0
    level: float | None = None
    severity: Severity = "info"
    min_sources: int | None = None
    min_count: int | None = None

    def matches(self, series: str) -> bool:
        """Whether the rule is about `series`."""
        return self.series == "*" or glob(self.series).fullmatch(series) is not None


def glob(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression: `*` stands for anything but a slash."""
    return re.compile("[^/]*".join(re.escape(part) for part in pattern.split("*")))


def may_match(pattern: str, kind: str) -> bool:
    """Whether a glob can match a series of this kind at all."""
    if pattern == "*":
        return True
    example = _EXAMPLES[kind].split("/")
    parts = pattern.split("/")
    if len(parts) != len(example):
        return False
    return all(_same_kind(part, of) for part, of in zip(parts, example, strict=True))


def _same_kind(part: str, of: str) -> bool:
    head, colon, rest = part.partition(":")
    wanted, wants, _ = of.partition(":")
    if colon:
        return bool(wants and rest) and glob(head).fullmatch(wanted) is not None
    # Without a colon only a star can stand for what comes behind that of a company or a topic.
    return glob(part).fullmatch(wanted) is not None and (not wants or part.endswith("*"))


BUILT_IN = (
    SurgeRule(NEGATIVE_SURGE, share=0.9),
    SurgeRule(MEAN_SHIFT, direction="shift", share=0.1),
)
"""What is watched for where no file says otherwise."""


def read_rules(path: Path) -> tuple[SurgeRule, ...]:
    """The rules of a TOML file, in their order.

    Raises:
        UsageError: if the file can't be read or a rule is wrong; names file, line and reason.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: can't be read as a text file of rules: {error}") from error
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: is not TOML: {error}") from error
    place = _Places(path, text)
    unknown = sorted(set(tables) - {"rule"})
    if unknown:
        raise UsageError(f"{path}: {unknown[0]!r} is no part of a rule file: give [[rule]] tables only")
    listed = tables.get("rule")
    if not isinstance(listed, list) or not listed:
        raise UsageError(f"{path}: holds no rule: begin one with [[rule]]")
    rules: dict[str, SurgeRule] = {}
    for number, table in enumerate(listed):
        rule = _rule_of(table, number, place)
        if rule.name in rules:
            raise place.wrong(number, "name", rule.name, "another rule has this name; give each its own")
        rules[rule.name] = rule
    return tuple(rules.values())


class _Places:
    """Where the keys of a file of rules stand: the TOML reader of the standard library does not tell."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._headers = [number for number, line in enumerate(self._lines, 1) if _HEADER.match(line)]

    def wrong(self, rule: int, key: str, value: object, reason: str) -> UsageError:
        """The error for one key of the rule with this number."""
        return UsageError(f"{self._path}:{self._line(rule, key)}: {key} = {value!r}: {reason}")

    def missing(self, rule: int, key: str, fix: str) -> UsageError:
        """The error for a key that the rule with this number lacks."""
        return UsageError(f"{self._path}:{self._line(rule, key)}: the rule has no {key}: {fix}")

    def _line(self, rule: int, key: str) -> int:
        if rule >= len(self._headers):
            return 1
        first = self._headers[rule]
        last = self._headers[rule + 1] - 1 if rule + 1 < len(self._headers) else len(self._lines)
        wanted = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
        found = (number for number in range(first, last + 1) if wanted.match(self._lines[number - 1]))
        return next(found, first)


def _rule_of(table: Any, number: int, place: _Places) -> SurgeRule:
    if not isinstance(table, Mapping):
        raise place.wrong(number, "rule", table, "give a table: [[rule]]")
    known = [each.name for each in fields(SurgeRule)]
    for key in table:
        if key not in known:
            raise place.wrong(number, key, table[key], f"there is no such key; there are {', '.join(known)}")
    if "name" not in table:
        raise place.missing(number, "name", 'give it one, such as name = "bad_news"')
    read = {}
    for key, value in table.items():
        try:
            read[key] = _READERS[key](value)
        except (ValueError, TypeError, UsageError) as error:
            raise place.wrong(number, key, value, str(error)) from error
    if "budget" in read and "level" in read:
        raise place.wrong(number, "level", read["level"], "give a budget or a level, not both")
    return SurgeRule(**read)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("give lower-case letters, digits and _, such as bad_news")
    return value


def _series(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError('give a series or a glob, such as "company:*" or "market"')
    if not any(may_match(value, kind) for kind in KINDS):
        raise ValueError(
            'no series can match: give "*", "market", "company:…", "topic:…" or "company:…/topic:…"'
        )
    return value


def _one_of(*allowed: str) -> Any:
    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"give one of {', '.join(allowed)}")
        return str(value)

    return read


def _horizons(value: Any) -> tuple[timedelta, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError('give a list of spans, such as ["1m", "15m", "1h", "1d"]')
    return tuple(sorted({span_of(each) for each in value}))


def span_of(value: Any) -> timedelta:
    """Read `15m`, `1h`, `1d`: from a minute to a day.

    Raises:
        ValueError: if it is no such span.
    """
    written = _SPAN.fullmatch(value) if isinstance(value, str) else None
    span = int(written[1]) * _UNITS[written[2]] if written is not None else timedelta(0)
    if not timedelta(minutes=1) <= span <= _DAY:
        raise ValueError(f"{value!r} is no span from a minute to a day: write 1m, 15m, 1h or 1d")
    return span


def _budget(value: Any) -> Budget:
    if not isinstance(value, str):
        raise TypeError('give a text such as "1/week"')
    return Budget.parse(value)


def _above_0(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value <= _MOST_SHARE:
        raise ValueError(f"give a number above 0 and at most {_MOST_SHARE:,}")
    return float(value)


def _level(value: Any) -> float:
    level = _above_0(value)
    if level > MOST_LEVEL:
        raise ValueError(f"give a probability of at most {MOST_LEVEL}")
    return level


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_COUNT:
        raise ValueError(f"give a whole number from 1 to {_MOST_COUNT:,}")
    return value


MOST_LEVEL = 0.02
"""However large the budget, what is not even this rare is no surge."""

_READERS = {
    "name": _name,
    "series": _series,
    "direction": _one_of(*get_args(Direction)),
    "horizons": _horizons,
    "budget": _budget,
    "share": _above_0,
    "level": _level,
    "severity": _one_of(*get_args(Severity)),
    "min_sources": _count,
    "min_count": _count,
}
