"""What goes over the wire on the invented day: articles, their copies, and second thoughts about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Literal

from stream.demo.dice import Dice
from stream.demo.phrases import Company, load

Note = Literal["story", "copy", "correction", "withdrawal", "broken"]


@dataclass(frozen=True, slots=True)
class Outlet:
    """A publisher. `share` and `copies` weigh how much it breaks and repeats; `house` is how it marks a copy."""

    name: str
    host: str
    share: int
    copies: int
    tickers: bool
    house: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An article before it becomes bytes. `lag` is how long the wire takes to bring it."""

    outlet: Outlet
    published_at: datetime
    lag: timedelta
    headline: str
    body: str | None
    about: Company | None
    mood: str = "neutral"
    note: Note = "story"
    revises: str | None = None
    status: str = "normal"

    @property
    def id(self) -> str:
        """Names the publisher and tells apart all it publishes on one day."""
        told = f"{self.outlet.host}|{self.published_at.isoformat()}|{self.headline}".encode()
        return f"{self.outlet.host.partition('.')[0]}-{blake2b(told, digest_size=6).hexdigest()}"

    @property
    def arrives_at(self) -> datetime:
        """When the wire has it."""
        return self.published_at + self.lag

    def fields(self) -> dict[str, object]:
        """The article as its publisher writes it down."""
        day = self.published_at
        fields: dict[str, object] = {
            "id": self.id,
            "source": self.outlet.name,
            "published_at": day.isoformat(),
            "headline": self.headline,
            "url": f"https://{self.outlet.host}/{day:%Y/%m/%d}/{self.id.rpartition('-')[2]}",
            "language": "en",
        }
        if self.body is not None:
            fields["body"] = self.body
        if self.about is not None and self.outlet.tickers:
            fields["tickers"] = [self.about.id]
        if self.revises is not None:
            fields |= {"revises": self.revises, "status": self.status}
        return fields

    def encode(self) -> bytes:
        """The article as it goes on the wire."""
        return to_bytes(self.fields())


def to_bytes(fields: dict[str, object]) -> bytes:
    """JSON in UTF-8, without blanks."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def load_outlets() -> tuple[Outlet, ...]:
    """The publishers of the day."""
    return tuple(Outlet(**row) for row in load("outlets.toml")["outlet"])


class Newsroom:
    """Decides who breaks a story, who copies it, and when."""

    def __init__(self, outlets: Sequence[Outlet], dice: Dice) -> None:
        self._outlets = outlets
        self._dice = dice
        self._breakers = [outlet for outlet in outlets for _ in range(outlet.share)]
        self._copiers = [outlet for outlet in outlets for _ in range(outlet.copies)]

    def breaks(
        self, at: datetime, headline: str, body: str | None, about: Company | None, mood: str = "neutral"
    ) -> Draft:
        """A new story at time `at`."""
        outlet = self._dice.pick(self._breakers)
        return Draft(outlet, at, self._lag(8), headline, body, about, mood)

    def copies(self, story: Draft, count: int, within: timedelta) -> list[Draft]:
        """`count` copies of `story`, most by other outlets, each within that time after it."""
        span = int(within.total_seconds())
        copies = []
        for _ in range(count):
            outlet = self._dice.pick([other for other in self._copiers if other is not story.outlet])
            at = story.published_at + timedelta(seconds=self._dice.between(30, span))
            headline, body = self._edit(story, outlet)
            copies.append(
                replace(
                    story,
                    outlet=outlet,
                    published_at=at,
                    lag=self._lag(40),
                    headline=headline,
                    body=body,
                    note="copy",
                )
            )
        return copies

    def corrects(self, story: Draft, after: timedelta) -> Draft:
        """The same outlet puts `story` right."""
        body = f"(Corrects an earlier version that gave a wrong figure.) {story.body or story.headline + '.'}"
        return replace(
            story,
            published_at=story.published_at + after,
            headline=f"CORRECTED-{story.headline}",
            body=body,
            note="correction",
            revises=story.id,
            status="corrected",
        )

    def withdraws(self, story: Draft, after: timedelta) -> Draft:
        """The same outlet takes `story` back."""
        return replace(
            story,
            published_at=story.published_at + after,
            headline=f"WITHDRAWN-{story.headline}",
            body="The article was published in error. There will be no substitute.",
            note="withdrawal",
            revises=story.id,
            status="withdrawn",
        )

    def _lag(self, most: int) -> timedelta:
        return timedelta(milliseconds=self._dice.between(400, most * 1000))

    def _edit(self, story: Draft, outlet: Outlet) -> tuple[str, str | None]:
        """What `outlet` makes of another's words: its own mark, capitals, or a shorter tail."""
        headline, body = story.headline, story.body
        if outlet.house == "caps":
            headline = headline.upper() if self._dice.happens(50) else _in_title_case(headline)
        elif outlet.house and self._dice.happens(60):
            headline = outlet.house + headline
        if body is not None and self._dice.happens(40):
            body = body[: body.rfind(". ") + 1] or None
        return headline, body


def _in_title_case(text: str) -> str:
    """Each word with a capital, as some outlets set their headlines. str.title would spoil "Fed's"."""
    return " ".join(word[:1].upper() + word[1:] for word in text.split())
