"""What is to be written, in the transaction of which partition, and what is on its way already.

A group goes with the records that changed it: their offsets may only be committed together with it. What changed
for another reason goes with any partition. Nothing is crossed off before its transaction is committed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from stream.events import Undelivered


@dataclass(frozen=True, slots=True, eq=False)
class Outdated:
    """A record of `news.silences` that nobody needs any more."""

    key: str


Letter = Undelivered | Outdated


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one transaction writes: groups, each with the number of its change, and letters."""

    changes: Mapping[str, int] = field(default_factory=dict)
    letters: tuple[Letter, ...] = ()


class Ledger:
    """Letters that wait to be written, and the sheets on their way, by partition."""

    def __init__(self) -> None:
        self._letters: list[Letter] = []
        self._sent: dict[int, Sheet] = {}

    def note(self, letter: Letter) -> None:
        """`letter` is to be written."""
        self._letters.append(letter)

    def plan(
        self, changed: Mapping[str, int], touched: Mapping[int, Collection[str]], home: int
    ) -> dict[int, Sheet]:
        """The sheets of one batch; they are on their way from now on.

        Args:
            changed: the groups that are not written as they are, each with the number of its last change.
            touched: by partition, the groups that its records changed.
            home: the partition that all else goes with.
        """
        own = {
            n: {each: changed[each] for each in groups if each in changed} for n, groups in touched.items()
        }
        with_records = {each for groups in own.values() for each in groups}
        on_the_way = {change for sheet in self._sent.values() for change in sheet.changes.items()}
        rest = {
            group_id: change
            for group_id, change in changed.items()
            if group_id not in with_records and (group_id, change) not in on_the_way
        }
        sent = {id(each) for sheet in self._sent.values() for each in sheet.letters}
        letters = tuple(each for each in self._letters if id(each) not in sent)
        sheets = {n: Sheet(groups) for n, groups in own.items()}
        sheets[home] = Sheet(own.get(home, {}) | rest, letters)
        self._sent |= {n: sheet for n, sheet in sheets.items() if sheet.changes or sheet.letters}
        return sheets

    def written(self, partition: int, sheet: Sheet) -> None:
        """The transaction that held `sheet` is committed."""
        done = {id(each) for each in sheet.letters}
        self._letters = [each for each in self._letters if id(each) not in done]
        if self._sent.get(partition) is sheet:
            del self._sent[partition]

    def forget(self, partition: int) -> None:
        """What was on its way there is not committed: it is to be written again."""
        self._sent.pop(partition, None)

    def clear(self) -> None:
        """Forget everything."""
        self._letters, self._sent = [], {}
