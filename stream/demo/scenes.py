"""What happens on the invented day: the run on a bank, and two things that only look like trouble."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from stream.demo.dice import Dice
from stream.demo.phrases import Company, Filling, load
from stream.demo.wire import Draft, Newsroom

_QUARTER = timedelta(minutes=15)
_SYNDICATED_COPIES = 25
_SYNDICATED_WITHIN = timedelta(minutes=9, seconds=30)
_SURGE_EVERY = timedelta(minutes=3)


class Scenes:
    """Tells the scenes of one day. `midnight` is the day's beginning in New York, aware."""

    def __init__(
        self, midnight: datetime, companies: Mapping[str, Company], room: Newsroom, dice: Dice
    ) -> None:
        self._midnight = midnight
        self._companies = companies
        self._room = room
        self._dice = dice
        self._words = load("words.toml")
        self._scenes = load("scenes.toml")

    def bank_run(self) -> list[Draft]:
        """The run and its end, in the order it is told; the lines of a quarter of an hour are spread over it."""
        stories = []
        for phase in load("run.toml")["phase"]:
            starts = self._at(phase["starts"])
            lines = _mixed(phase["lines"], phase.get("contagion", []))
            for place, line in enumerate(lines):
                step = _QUARTER / len(lines)
                at = starts + step * place + step * self._dice.below(80) / 100
                stories.append(self._tell(line, at, phase.get("mood", "negative")))
        return stories

    def syndicated_story(self) -> list[Draft]:
        """One bad story and its many copies within ten minutes: the story first."""
        scene = self._scenes["syndicated"]
        about = self._companies[scene["about"]]
        story = self._room.breaks(
            self._at(scene["starts"]), scene["headline"], scene["body"], about, "negative"
        )
        return [story, *self._room.copies(story, _SYNDICATED_COPIES, _SYNDICATED_WITHIN)]

    def takeover(self) -> list[Draft]:
        """A surge of good news."""
        scene = self._scenes["surge"]
        starts = self._at(scene["starts"])
        return [
            self._tell(line, starts + _SURGE_EVERY * place, "positive")
            for place, line in enumerate(scene["lines"])
        ]

    def _tell(self, line: str, at: datetime, mood: str) -> Draft:
        headline, _, body = line.partition(" || ")
        filling = Filling(self._dice, (self._words["common"],))
        spoken = filling.say(headline)
        rest = filling.say(body) if body else None
        return self._room.breaks(at.replace(microsecond=0), spoken, rest, self._named_in(spoken), mood)

    def _named_in(self, headline: str) -> Company | None:
        """The company named first."""
        named = [company for company in self._companies.values() if company.short in headline]
        return min(named, key=lambda company: headline.index(company.short), default=None)

    def _at(self, clock: str) -> datetime:
        given = time.fromisoformat(clock)
        return self._midnight + timedelta(hours=given.hour, minutes=given.minute)


def _mixed(lines: list[Any], others: list[Any]) -> list[Any]:
    """`others` strewn evenly among `lines`, both in their order."""
    placed = [(place / len(lines), 0, line) for place, line in enumerate(lines)]
    placed += [((place + 0.5) / len(others), 1, line) for place, line in enumerate(others)]
    return [line for _, _, line in sorted(placed)]
