"""One invented trading day, the same bytes on every machine: Tuesday, 10 March 2026, in New York.

Some two thousand records in the order in which they reach the wire: quiet news about sixty invented companies and
their market, copies of it, corrections, withdrawals, records that nobody can read, and from 13:00 on a run on a
bank that drags two others down and is over by 15:00. Two things only look like trouble: one bad story that
everybody copies, and a takeover that everybody writes about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from stream.demo.background import write_background
from stream.demo.broken import break_records
from stream.demo.dice import Dice
from stream.demo.phrases import Company, load, load_companies
from stream.demo.scenes import Scenes
from stream.demo.wire import Draft, Newsroom, Note, load_outlets
from stream.events import RejectReason

SEED = 20260310
"""The day that the demo plays."""

MIDNIGHT = datetime(2026, 3, 10, 4, tzinfo=UTC)
"""When the day begins in New York, which is four hours behind UTC since the Sunday before."""

OPENS = MIDNIGHT + timedelta(hours=9, minutes=30)
CLOSES = MIDNIGHT + timedelta(hours=16)
RUN_STARTS = MIDNIGHT + timedelta(hours=13)

BANK = "HRWV"
CONTAGION = ("TMRK", "PLRV")
SYNDICATED, SURGE = "SKYV", "LUMX"

_QUIET_STORIES = 1_522
_QUIET_COPIES = 225
_RUN_COPIES = 40
_SURGE_COPIES = 10
_CORRECTIONS, _WITHDRAWALS, _REDELIVERIES = 10, 3, 5
_COPIED_WITHIN = timedelta(minutes=12)
_TRAP_QUIET = timedelta(minutes=75)


@dataclass(frozen=True, slots=True)
class DayRecord:
    """One record of `news.raw`.

    `published_at` is None where the record can't be read. `about` is the id of the company it is mainly about,
    None for the market.
    """

    key: bytes
    value: bytes
    published_at: datetime | None
    note: Note
    about: str | None


@dataclass(frozen=True, slots=True)
class DaySummary:
    """What is true of the day, for the demo to check its alerts and counts against.

    `third_story` is when the third story of the run was published: before it nobody can tell.
    """

    opens: datetime
    closes: datetime
    bank: str
    bank_name: str
    run_starts: datetime
    third_story: datetime
    contagion: tuple[str, ...]
    syndicated: str
    surge: str
    notes: Mapping[Note, int]
    rejects: Mapping[RejectReason, int]
    redelivered: int


def make_day(seed: int = SEED) -> list[DayRecord]:
    """The day's records in the order they reach the wire. The same `seed` gives the same bytes everywhere."""
    dice = Dice(f"day {seed}")
    companies = {company.id: company for company in load_companies()}
    room = Newsroom(load_outlets(), dice)
    scenes = Scenes(MIDNIGHT, companies, room, dice)
    run, trap, surge = scenes.bank_run(), scenes.syndicated_story(), scenes.takeover()
    quiet = write_background(
        _QUIET_STORIES, OPENS, CLOSES - OPENS, list(companies.values()), _may_be_quiet, room, dice
    )
    copies = [
        *_copies(quiet, _QUIET_COPIES, room, dice),
        *_copies(run, _RUN_COPIES, room, dice),
        *_copies(surge, _SURGE_COPIES, room, dice),
    ]
    drafts = [*run, *trap, *surge, *quiet, *copies, *_second_thoughts(quiet, run, room, dice)]
    arrivals = [(draft.arrives_at, _record_of(draft)) for draft in drafts]
    arrivals += _redelivered(quiet, dice)
    arrivals += _broken(dice)
    arrivals.sort(key=lambda arrival: (arrival[0], arrival[1].key))
    return [record for _, record in arrivals]


def summary_of_day(day: Sequence[DayRecord]) -> DaySummary:
    """The truth about a day that `make_day` made."""
    names = {company.id: company.name for company in load_companies()}
    readable = Counter(record.key for record in day if record.note != "broken")
    return DaySummary(
        opens=OPENS,
        closes=CLOSES,
        bank=BANK,
        bank_name=names[BANK],
        run_starts=RUN_STARTS,
        third_story=_run_of(day)[2],
        contagion=CONTAGION,
        syndicated=SYNDICATED,
        surge=SURGE,
        notes=Counter(record.note for record in day),
        rejects=Counter(reason for reason, _ in break_records(_broken_headline(), OPENS)),
        redelivered=sum(times - 1 for times in readable.values()),
    )


def _run_of(day: Sequence[DayRecord]) -> list[datetime]:
    """When the stories of the run were published, in order."""
    return sorted(
        record.published_at
        for record in day
        if record.note == "story" and record.about == BANK and record.published_at is not None
        if record.published_at >= RUN_STARTS
    )


def _may_be_quiet(company: Company, at: datetime) -> bool:
    """Whether `company` may have ordinary news at `at`: not while a scene is about it."""
    if company.id == BANK or company.id in CONTAGION:
        return at < RUN_STARTS - _TRAP_QUIET
    if company.id in {SYNDICATED, SURGE}:
        return abs(at - (MIDNIGHT + timedelta(hours=11, minutes=15))) > _TRAP_QUIET
    return True


def _copies(stories: Sequence[Draft], wanted: int, room: Newsroom, dice: Dice) -> list[Draft]:
    """`wanted` copies of some of `stories`, one to three of each."""
    copies: list[Draft] = []
    for story in dice.shuffled([story for story in stories if story.published_at < CLOSES - _COPIED_WITHIN]):
        if len(copies) == wanted:
            break
        copies += room.copies(story, min(dice.between(1, 3), wanted - len(copies)), _COPIED_WITHIN)
    return copies


def _second_thoughts(quiet: Sequence[Draft], run: Sequence[Draft], room: Newsroom, dice: Dice) -> list[Draft]:
    """Corrections and withdrawals, one of the latter in the middle of the run."""
    early = [story for story in quiet if story.published_at < CLOSES - timedelta(hours=1)]
    some = dice.shuffled([story for story in early if any(char.isdigit() for char in story.headline)])
    wrong = dice.shuffled([story for story in early if story.mood == "negative"])
    withdrawn = [*wrong[: _WITHDRAWALS - 1], run[len(run) // 2]]
    corrected = [story for story in some if story not in withdrawn][:_CORRECTIONS]

    def later() -> timedelta:
        return timedelta(seconds=dice.between(600, 2_400))

    return [
        *(room.corrects(story, later()) for story in corrected),
        *(room.withdraws(story, later()) for story in withdrawn),
    ]


def _redelivered(quiet: Sequence[Draft], dice: Dice) -> Iterable[tuple[datetime, DayRecord]]:
    """Records that a publisher sends twice, byte for byte."""
    for story in dice.shuffled(quiet)[:_REDELIVERIES]:
        record = _record_of(story)
        again = DayRecord(record.key, record.value, record.published_at, "copy", record.about)
        yield story.arrives_at + timedelta(seconds=dice.between(5, 60)), again


def _broken(dice: Dice) -> Iterable[tuple[datetime, DayRecord]]:
    """The records that nobody can read, strewn over the day."""
    records = list(break_records(_broken_headline(), OPENS))
    for number, (reason, value) in zip(count(1), records):
        at = OPENS + (CLOSES - OPENS) * (number * 1000 - dice.below(900)) / (len(records) * 1000)
        yield at, DayRecord(f"damaged-{number:02}-{reason}".encode(), value, None, "broken", None)


def _broken_headline() -> str:
    headline: str = load("scenes.toml")["broken"]["headline"]
    return headline


def _record_of(draft: Draft) -> DayRecord:
    about = draft.about.id if draft.about else None
    return DayRecord(draft.id.encode(), draft.encode(), draft.published_at, draft.note, about)
