"""NAB's realTweets: how well is a surge of talk found, by NAB's own scoring?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

from stream.backtest.counts import judge
from stream.backtest.nab import NabScore, score_alarms
from stream.backtest.tables import CountTable, read_counts
from stream.bench.gaussian import gaussian_alarms
from stream.errors import UsageError

PER_WEEK = 1.0
"""The one setting: of its usual excursions a series may alarm one a week. It was not fitted to any label; how the
detector works was chosen on five of NAB's files (README)."""


@dataclass(frozen=True, slots=True)
class NabFigures:
    """What NAB's scoring says of each file, and of all together."""

    files: Mapping[str, NabScore]
    plain: NabScore
    """What `stream.bench.gaussian` gets on all files: a detector whose scores NAB publishes."""

    @property
    def whole(self) -> NabScore:
        """All files as one."""
        return reduce(add, self.files.values())


def measure(folder: Path, per_week: float = PER_WEEK) -> NabFigures:
    """Watch every `T.csv` in `folder` that has a `T.windows.jsonl` beside it, all with the same settings.

    Raises:
        UsageError: if there is none, one can't be read, or none has a labelled window.
    """
    tables = [
        read_counts(path)
        for path in sorted(folder.glob("*.csv"))
        if path.with_name(f"{path.stem}.windows.jsonl").is_file()
    ]
    if not tables:
        raise UsageError(
            f"{str(folder)!r} holds no T.csv with a T.windows.jsonl: give NAB's series and labels"
        )
    if not any(table.windows for table in tables):
        raise UsageError(f"no T.windows.jsonl in {str(folder)!r} has a window: there is nothing to be found")
    plain = [_scored(table, gaussian_alarms([count for _, count in table.rows])) for table in tables]
    return NabFigures({table.name: _score(table, per_week) for table in tables}, reduce(add, plain))


def _score(table: CountTable, per_week: float) -> NabScore:
    judged = judge(table.rows, table.bucket, per_week)
    alarms = [row for row, each in enumerate(judged) if each.told]
    return _scored(table, alarms)


def _scored(table: CountTable, alarms: Sequence[int]) -> NabScore:
    return score_alarms([at for at, _ in table.rows], alarms, table.windows)
