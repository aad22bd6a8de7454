"""The saved state of WATCH: records of `news.baselines`, small enough that one article writes little.

Each series has its core (counts, baseline, alerts) under its own name, and its recent stories, a few to a record,
under `series<US>recent<US>N`, where US is the unit separator (0x1F) and N runs in a ring. The ids of articles that
were taken back stand under `control<US>N`, once for each partition. Values are JSON and carry their version.
Numbers come back to the last bit, so a restored series goes on exactly as the saved one would have.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field
from typing import Any

from stream.errors import StateError
from stream.watch.alerts import Lifecycle, OpenAlert, Peak
from stream.watch.baseline import Rate, Usual
from stream.watch.chances import Look
from stream.watch.novelty import CHUNK
from stream.watch.rebin import refined, times_finer
from stream.watch.recent import Member, Recent
from stream.watch.rules import WatchRules
from stream.watch.series import Series
from stream.watch.stories import Telling
from stream.watch.surge import Detector
from stream.watch.tallies import Bin, Tally, Window

VERSION = 2
_SEPARATOR = "\x1f"
_CONTROL = "control"
_GLANCE = re.compile(rb'\{"v":(\d+),"high":(null|-?\d+),"open":(true|false),')
_RING = 16_384
"""Twice the chunks that the largest capacity needs, so a key is used again only long after its chunk was let go.
It was 1,024: records that stand where that put them are written anew, and the former ones removed."""


def chunk_key(series: str, chunk: int) -> str:
    """The key of one chunk of a series' recent stories."""
    return f"{series}{_SEPARATOR}recent{_SEPARATOR}{chunk % _RING}"


def control_key(slot: int) -> str:
    """The key of one chunk of the ids that were taken back."""
    return f"{_CONTROL}{_SEPARATOR}{slot}"


@dataclass(slots=True)
class Saved:
    """The saved records of one partition, sorted out by what they are of."""

    cores: dict[str, bytes] = field(default_factory=dict)
    chunks: dict[str, dict[str, bytes]] = field(default_factory=dict)
    control: dict[str, bytes] = field(default_factory=dict)


def sort_out(records: dict[str, bytes]) -> Saved:
    """Which record is what, by its key alone.

    Raises:
        StateError: if a key is of no known form.
    """
    saved = Saved()
    for key, value in records.items():
        match key.split(_SEPARATOR):
            case [series]:
                saved.cores[series] = value
            case [name, _] if name == _CONTROL:
                saved.control[key] = value
            case [series, "recent", _]:
                saved.chunks.setdefault(series, {})[key] = value
            case _:
                raise StateError(f"state record {key!r} has a key of no known form: remove it from the topic")
    return saved


def write_json(body: dict[str, Any]) -> bytes:
    """A value as it is saved: compact JSON with its version."""
    return json.dumps({"v": VERSION} | body, ensure_ascii=False, separators=(",", ":")).encode()


def read_json(key: str, value: bytes) -> dict[str, Any]:
    """The value saved under `key`.

    Raises:
        StateError: if it is not JSON or of another version.
    """
    try:
        body = json.loads(value)
        version = body["v"]
    except (ValueError, TypeError, KeyError) as error:
        raise StateError(
            f"state record {key!r} can't be read ({error}): restore the topic or empty it"
        ) from error
    if version != VERSION:
        raise StateError(
            f"state record {key!r} has version {version}, this newstide reads {VERSION}: "
            "run the version that wrote it, or empty news.baselines to start anew"
        )
    return dict(body)


def core_of(series: Series) -> bytes:
    """The core of a series as it is saved."""
    return write_json(
        {
            # First what `glance` looks for.
            "high": series.high,
            "open": series.alarmed,
            "bin_seconds": series.rules.bin_seconds,
            "now": series.now,
            "model": series.model,
            "span": [series.recents.first, series.recents.next],
            "bins": [[number, *astuple(counted)] for number, counted in series.bins.items()],
            "blocks": [
                [number, *astuple(counted)] for number, counted in series.gauge.tallies.blocks.items()
            ],
            "baseline": series.baseline.dump(),
            "lives": {life.name: _life_of(life) for life in series.lives if life.ever},
        }
    )


def glance(key: str, core: bytes) -> tuple[int | None, bool]:
    """The series' largest event time and whether an alert is open, without reading all of its core.

    Raises:
        StateError: if it is no core of this version.
    """
    found = _GLANCE.match(core)
    if found is None or int(found[1]) != VERSION:
        body = read_json(key, core)
        try:
            return body["high"], bool(body["open"])
        except KeyError as error:
            raise StateError(
                f"state record {key!r} is damaged ({error!r}): restore the topic or empty it"
            ) from error
    return (None if found[2] == b"null" else int(found[2])), found[3] == b"true"


def chunk_of(stories: Iterable[Recent]) -> bytes:
    """A chunk of recent stories as it is saved."""
    return write_json({"stories": [_story_of(story) for story in stories]})


def series_from(
    name: str, core: bytes, chunks: dict[str, bytes], rules: WatchRules, detectors: tuple[Detector, ...]
) -> Series:
    """The series as it was when it was saved.

    Raises:
        StateError: if a record is unreadable, of another version, of other bins or incomplete; names its key.
    """
    body = read_json(name, core)
    try:
        times = _times_finer(name, body["bin_seconds"], rules)
        body = refined(body, times) if times > 1 else body
        series = _core_from(name, body, rules, detectors)
        first, following = body["span"]
    except (ValueError, TypeError, KeyError) as error:
        raise StateError(
            f"state record {name!r} is damaged ({error!r}): restore the topic or empty it"
        ) from error
    stories, left = _stories_from(name, chunks, times)
    series.recents.first = series.recents.next = following
    for number in range(first, following):
        if number not in stories:
            raise StateError(
                f"state record {name!r} tells of story {number}, but no record holds it: restore the topic"
            )
        series.recents.put(stories[number])
    series.recents.changes.left = left
    if times > 1 or left:
        # The core that is saved next will say that they are of its own bins.
        series.recents.changes.written |= series.recents.chunks()
    return series


def _stories_from(name: str, chunks: dict[str, bytes], times: int) -> tuple[dict[int, Recent], set[str]]:
    """The saved stories by their numbers, and the keys of records that stand elsewhere than they would now."""
    stories: dict[int, Recent] = {}
    left: set[str] = set()
    for key, value in chunks.items():
        try:
            for saved in read_json(key, value)["stories"]:
                story = _story_from(saved)
                if story.bin is not None:
                    story.bin *= times
                in_place = chunk_key(name, story.number // CHUNK) == key
                if not in_place:
                    left.add(key)
                if in_place or story.number not in stories:
                    stories[story.number] = story
        except (ValueError, TypeError, KeyError) as error:
            raise StateError(
                f"state record {key!r} is damaged ({error!r}): restore the topic or empty it"
            ) from error
    return stories, left


def _times_finer(name: str, saved: int, rules: WatchRules) -> int:
    times = times_finer(saved, rules.bin_seconds)
    if times is None:
        raise StateError(
            f"state record {name!r} has bins of {saved} s, of which watch.bin_seconds, {rules.bin_seconds}, is no "
            "part: run the version that wrote it, or empty the topic to start anew"
        )
    return times


def _core_from(name: str, body: dict[str, Any], rules: WatchRules, detectors: tuple[Detector, ...]) -> Series:
    series = Series(name, rules, detectors, body["now"])
    series.high, series.model = body["high"], body["model"]
    for number, *counted in body["bins"]:
        series.gauge.tallies.bins[number] = Bin(*counted)
    for number, *counted in body["blocks"]:
        series.gauge.tallies.blocks[number] = Tally(*counted)
    series.baseline.load(body["baseline"])
    for life in series.lives:
        if life.name in body["lives"]:
            _life_into(life, body["lives"][life.name])
    return series


def _life_of(life: Lifecycle) -> dict[str, Any]:
    return {
        "last_onset": life.last_onset,
        "cool_until": life.cool_until,
        "spared": [life.spared_from, life.spared_to],
        "said_to": life.said_to,
        "open": None if life.open is None else _open_of(life.open),
    }


def _open_of(alert: OpenAlert) -> list[Any]:
    peak, look = alert.peak, alert.peak.look
    window = [look.window.start, look.window.end, *astuple(look.window.tally), look.hours, look.last]
    return [
        alert.alert_id,
        alert.onset,
        alert.severity,
        alert.surprise,
        alert.said_in,
        alert.sources,
        alert.evidence,
        [peak.next_story, window, peak.usual, peak.p_value],
        alert.reach,
        alert.quiet_since,
    ]


def _life_into(life: Lifecycle, saved: dict[str, Any]) -> None:
    life.last_onset, life.cool_until = saved["last_onset"], saved["cool_until"]
    life.spared_from, life.spared_to = saved["spared"]
    life.said_to = saved["said_to"]
    if saved["open"] is None:
        return
    alert_id, onset, severity, surprise, said_in, sources, evidence, peak, reach, quiet_since = saved["open"]
    next_story, (start, end, *tally, hours, last), (rates, *figures), p_value = peak
    usual = Usual((Rate(*rates[0]), Rate(*rates[1]), Rate(*rates[2])), *figures)
    life.open = OpenAlert(
        alert_id,
        onset,
        severity,
        surprise,
        said_in,
        sources,
        tuple(evidence),
        Peak(next_story, Look(Window(start, end, Tally(*tally)), hours, last), usual, p_value),
        reach,
        quiet_since,
    )


def _story_of(story: Recent) -> list[Any]:
    return [
        story.number,
        story.at,
        story.weight,
        b64encode(story.fingerprint).decode(),
        story.negativity,
        story.score,
        story.negative,
        story.headline,
        story.url,
        [[member.news_id, member.source, member.own] for member in story.members],
        story.copies,
        story.bin,
        story.withdrawn,
        None if story.telling is None else astuple(story.telling),
    ]


def _story_from(saved: list[Any]) -> Recent:
    number, at, weight, fingerprint, *middle, members, copies, counted_in, withdrawn, telling = saved
    negativity, score, negative, headline, url = middle
    story = Recent(
        number=number,
        at=at,
        weight=weight,
        fingerprint=b64decode(fingerprint),
        negativity=negativity,
        score=score,
        negative=negative,
        headline=headline,
        url=url,
        members=[Member(news_id, source, own) for news_id, source, own in members],
        copies=copies,
        bin=counted_in,
        withdrawn=withdrawn,
    )
    if telling is not None:
        first_at, last_at, told, *mood, companies, topics = telling
        sums = dict(zip(("negative", "neutral", "positive"), mood, strict=True))
        story.telling = Telling(
            first_at, last_at, told, **sums, companies=tuple(companies), topics=tuple(topics)
        )
    return story
