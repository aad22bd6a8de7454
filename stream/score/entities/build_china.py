"""Makes the packaged table `stream/score/data/a_shares.csv` anew from the list of shares of mainland China.

    python -m stream.score.entities.build_china --listed stock_basic.csv --words words.txt --out a_shares.csv

`--listed` is a CSV with the columns ts_code (600519.SH) and name, the short name under which a share is traded.
`--words` is a list of Chinese words, one a line: a short name that stands there needs evidence in the text.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stream.score.entities.codes import code_of

_SPECIAL = re.compile(r"^(?:\*?ST|S\*?ST|XD|XR|DR|N|C)(?=[\u4e00-\u9fff])")
"""What an exchange puts before a name for a time: special treatment, ex dividend, newly listed."""
_CLASS = re.compile(r"(?<=[\u4e00-\u9fff])(?:[AB]|-[UW]{1,2}D?)$")
"""What it puts after a name: the class of the share, no profit yet, unequal votes."""
_ONE_WORD = 3
"""Names of so many characters may be a word; longer ones hardly are."""

_UNLESS = ((re.compile("银行$"), "业|间|家|板块|股|保险"), (re.compile("^中国"), "业"))
"""What shows, right after a name of this form, that no company is meant: 中国银行业 is not the Bank of China."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the files that the command line names and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m stream.score.entities.build_china", description=__doc__)
    for option in ("--listed", "--words", "--out"):
        parser.add_argument(option, type=Path, required=True)
    given = parser.parse_args(arguments)
    with given.listed.open(encoding="utf-8-sig", newline="") as lines:
        rows = build_rows(csv.DictReader(lines), frozenset(given.words.read_text(encoding="utf-8").split()))
    with given.out.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)


def build_rows(listed: Iterable[Mapping[str, str]], words: frozenset[str]) -> list[Sequence[str]]:
    """The rows of the table, header first, in the order of `listed`.

    A share goes by its name as it is traded, and by the same less what the exchange put before or after it, where
    no other share is called so.
    """
    shares = [(code_of(row["ts_code"]), row["name"].replace(" ", "")) for row in listed]
    bare = Counter(_bare(name) for _, name in shares)
    table: list[Sequence[str]] = [("id", "name", "tickers", "aliases", "words", "unless")]
    for code, name in shares:
        if code is None:
            continue
        names = dict.fromkeys((name, name.lstrip("*"), _CLASS.sub("", name), _bare(name)))
        # Two characters left of a longer name (the 生物 of *ST生物) are hardly ever the company's.
        known = [each for each in names if len(each) >= _ONE_WORD or each == _CLASS.sub("", name)]
        known = [each for each in known if bare[each] <= 1 and len(each) > 1]
        sure = [each for each in known if not _may_be_a_word(each, name, words)]
        unsure = [each for each in known if each not in sure]
        unless = next((what for form, what in _UNLESS if form.search(_bare(name))), "")
        table.append((code, _bare(name), "", "|".join(sure), "|".join(unsure), unless))
    return table


def _bare(name: str) -> str:
    return _CLASS.sub("", _SPECIAL.sub("", name))


def _may_be_a_word(called: str, traded: str, words: frozenset[str]) -> bool:
    """Whether a name may also be an ordinary word: it is one, it is very short, or it was cut to be one."""
    if called in words:
        return len(called) <= _ONE_WORD or called != traded
    return len(called) < _ONE_WORD


if __name__ == "__main__":
    main()
