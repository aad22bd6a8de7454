"""Names in writing without blanks between words: the longest known name at each place of a Chinese text.

A name is found wherever its characters stand, so what tells a company from an ordinary word is no capital letter,
but the characters beside it: a list of shares, a code in brackets, what companies do and what share prices do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream.score.entities.table import Alias

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_LONGEST = 12
_KEY = 2
"""Names are kept by their first so many characters."""

# Letters, digits and brackets in full width count as the usual ones; one stays one, so places stay right.
_FOLDED = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_FOLDED |= {code: code - 0x20 for code in range(ord("a"), ord("z") + 1)}
_FOLDED |= {0xFEE0 + code: code - 0x20 for code in range(ord("a"), ord("z") + 1)}

_CODE = r" ?\((?:S[HZ]|BJ)?\.? ?\d{5,6}(?:\.S[HZS]|\.BJ)?[,)]"
_LEGAL = r"(?:股份|集团|公司|控股|\(集团\)|\(中国\))"
_DOES = (
    r"(?:晚间|今日|昨日|近日|周[一二三四五])?"
    r"(?:公告|发布|披露|回应|预计|拟|称|表示|宣布|收到|完成|签订|签署|中标|终止|筹划|回购|减持|增持|定增"
    r"|涨停|跌停|涨超|跌超|涨逾|跌逾|涨近|跌近|股价|股票|复牌|停牌|封板|一字板|领涨|领跌|跟涨|跟跌|盘中|早盘|午后"
    r"|净利|营收|业绩|第[一二三四]季度|[一三]季[度报]|半年[度报]|年报|董事|高管|股东|控股股东|子公司|实控人)"
)
_AFTER = re.compile(rf"{_CODE}|{_LEGAL}|{_DOES}")
_SURELY_AFTER = re.compile(rf"{_CODE}|股份|公司|集团")
_BEFORE = re.compile(
    r"(?:股票|个股|上市公司|龙头股?|控股股东|子公司|母公司|持有|买入|卖出|增持|减持|收购|入股)$"
)
_HOUSE = re.compile(r"(?:证券|中信建投|中金公司|申万宏源|国泰海通)$")
_SAYS = re.compile(r":|研报|研究|报告|分析师|首席|指出|认为|表示|给予|维持|上调|下调|首予")
_OPINION = re.compile(r"评级|目标价|研报|看好|首次覆盖|建议关注|估值|买入")
_STARTS = re.compile(r"(?:^|[^\u4e00-\u9fff]|[的和与及对在将向由从被把以是让给])$")
_REACH = 4
"""So many characters before a name say whether it begins there."""
_BETWEEN = re.compile(r"(?:[、,/和与及;]|\s+|\([^()]{1,20}\)[、,]?)")


@dataclass(slots=True)
class Found:
    """A name at the characters [start, end) of a text.

    `believed`: whether it means the company here; `refuted`: whether even a list of companies does not make it so.
    """

    start: int
    end: int
    alias: Alias
    believed: bool
    refuted: bool


def is_the_rater(text: str, start: int, end: int) -> bool:
    """Whether the name at [start, end) is that of a broker in a text about what it thinks of others."""
    folded = text.translate(_FOLDED)
    said = _HOUSE.search(folded, start, end) is not None and _SAYS.match(folded, end) is not None
    return said and _OPINION.search(folded, end) is not None


def is_unspaced(text: str) -> bool:
    """Whether `text` holds characters of Chinese, so that names in it have no blanks around them."""
    return not text.isascii() and _HAN.search(text) is not None


class UnspacedNames:
    """Names by their characters. Looking up costs the same however many there are."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: dict[str, dict[str, Alias]] = {}

    def add(self, text: str, alias: Alias) -> None:
        """Let `text` be a name; a later one takes the place of an earlier one.

        Raises:
            ValueError: if it is too short or too long to be one; the text says what to give.
        """
        name = text.translate(_FOLDED)
        if not _KEY <= len(name) <= _LONGEST:
            raise ValueError(f"the name {text!r} has {len(text)} characters: give {_KEY} to {_LONGEST}")
        self._names.setdefault(name[:_KEY], {})[name] = alias

    def find(self, text: str, given: Collection[str]) -> list[Found]:
        """The names in `text`, longest first, not overlapping; `given` are companies it is known to speak of."""
        folded = text.translate(_FOLDED)
        found = [self._judge(folded, *each, given) for each in self._longest(folded)]
        for row in (found, found[::-1]):
            _believe_neighbours(folded, row)
        return found

    def _longest(self, text: str) -> Iterator[tuple[int, int, Alias]]:
        start, names = 0, self._names
        while start < len(text) - 1:
            among = names.get(text[start : start + _KEY])
            end = _longest_end(text, start, among) if among is not None else None
            if among is None or end is None:
                start += 1
                continue
            yield start, end, among[text[start:end]]
            start = end

    def _judge(self, text: str, start: int, end: int, alias: Alias, given: Collection[str]) -> Found:
        contradicted = any(text.startswith(word, end) for word in alias.not_before) or any(
            text.endswith(word, 0, start) for word in alias.not_after
        )
        supported = alias.is_sure or _is_supported(text, start, end, alias)
        believed = not contradicted and (supported or alias.id in given)
        return Found(start, end, alias, believed, contradicted or alias.needs_tag)


def _is_supported(text: str, start: int, end: int, alias: Alias) -> bool:
    before = text[max(0, start - _REACH) : start]
    if alias.needs_tag:
        return _STARTS.search(before) is not None and _SURELY_AFTER.match(text, end) is not None
    if _BEFORE.search(before) is not None:
        return True
    # A name with other characters right before it may be the end of a longer one that the table does not know.
    opens = start == 0 or text[start - 1] in "【[《$"
    return (opens and text.startswith(":", end)) or (
        _STARTS.search(before) is not None and _AFTER.match(text, end) is not None
    )


def _longest_end(text: str, start: int, among: dict[str, Alias]) -> int | None:
    for length in range(min(_LONGEST, len(text) - start), _KEY - 1, -1):
        if text[start : start + length] in among:
            return start + length
    return None


def _believe_neighbours(text: str, row: list[Found]) -> None:
    """Believes a name in a list beside one that is believed: 中国移动、两面针涨停."""
    for known, other in pairwise(row):
        if known.believed and not other.believed and not other.refuted:
            left, right = (known, other) if known.start < other.start else (other, known)
            other.believed = _BETWEEN.fullmatch(text, left.end, right.start) is not None
