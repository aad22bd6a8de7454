"""A plain count series through the same baseline, the same test and the same alerts as the news.

For series that are counted elsewhere, such as mentions per five minutes, and for simulations: one call for each
bucket, in the order of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from stream.events import Alert, Evidence
from stream.watch.baseline import Usual
from stream.watch.chances import Look
from stream.watch.gauge import Gauge
from stream.watch.kinds import kind_of
from stream.watch.profile import Profile
from stream.watch.rulebook import SurgeRule
from stream.watch.rules import WatchRules
from stream.watch.surge import Detectors, Judgement
from stream.watch.tallies import Tally
from stream.watch.times import micros_of

_MANY = 1_000_000


@dataclass(slots=True)
class _Scene:
    """The `Scene` of a count series: it has no articles to show."""

    series: str
    bin: int
    as_of: int
    usual: Usual
    bin_micros: int
    model: str = "counts"
    next_story: int = 0

    def sources(self, look: Look, direction: str) -> int:  # noqa: ARG002 - the scene of news looks at them
        """As many as any rule asks for: a count does not say who told it."""
        return _MANY

    def evidence(self, look: Look, direction: str) -> tuple[Evidence, ...]:  # noqa: ARG002 - as above
        """None."""
        return ()

    def named(self, news_ids: tuple[str, ...]) -> tuple[Evidence, ...]:  # noqa: ARG002 - as above
        """None."""
        return ()

    def began(self, look: Look, direction: str, after: int) -> int:  # noqa: ARG002 - as above
        """The beginning of the window, but after the last alert."""
        return max(look.window.start * self.bin_micros, after + 1)


class CountSeries:
    """One series of counts. Pure and deterministic; not thread-safe.

    Args:
        rules: the thresholds; `bin_seconds` is the width of a bucket.
        name: of the series: says on whose group of the profile it leans.
    """

    def __init__(self, rules: WatchRules, name: str = "company:counts") -> None:
        self._rules = rules
        self._name = name
        self._detectors = Detectors(rules).of(name)
        self._gauge: Gauge | None = None
        self.alerts: list[Alert] = []

    def observe(self, at: datetime, count: int) -> Judgement:
        """Take one bucket; what its first rule says of it. Buckets that are left out were empty.

        Alerts come to `alerts` as they are said.
        """
        return self.observe_bin(micros_of(at) // self._rules.bin_micros, count)

    def observe_bin(self, here: int, count: int) -> Judgement:
        """The same, by the number of the bin."""
        gauge = self._passed(here)
        if count:
            self._count(gauge, here, count)
        self.alerts += gauge.judge((here + 1) * self._rules.bin_micros - 1)
        return gauge.look(gauge.lives[0])

    def watch_bin(self, here: int, count: int) -> list[Alert]:
        """The same for a bucket that is not empty, without the judgement; what is said."""
        gauge = self._passed(here)
        self._count(gauge, here, count)
        said = gauge.judge((here + 1) * self._rules.bin_micros - 1)
        self.alerts += said
        return said

    def _passed(self, here: int) -> Gauge:
        if self._gauge is None:
            self._gauge = Gauge(kind_of(self._name), self._rules, self._detectors, here, self._scene)
        self.alerts += self._gauge.pass_to(here)
        return self._gauge

    def _count(self, gauge: Gauge, here: int, count: int) -> None:
        tally = Tally(count, 0, count, -1_000_000 * count, 1_000_000 * count)
        gauge.tallies.count(here, tally, 0)

    def _scene(self, as_of: int, usual: Usual) -> _Scene:
        here = as_of // self._rules.bin_micros
        return _Scene(self._name, here, as_of, usual, self._rules.bin_micros)


def count_rules(
    *,
    bin_seconds: int = 300,
    level: float = 1e-5,
    horizons: tuple[timedelta, ...] = (
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(hours=1),
        timedelta(days=1),
    ),
    profile: Profile | None = None,
    half_life: timedelta = timedelta(days=7),
) -> WatchRules:
    """Rules for a count series that no profile knows: one rule on its volume, at a level for each bucket."""
    return WatchRules(
        surges=(SurgeRule("volume_surge", direction="volume", level=level),),
        profile=profile or Profile.plain(per_hour=60.0, shape=0.5),
        bin_seconds=bin_seconds,
        horizons=horizons,
        lateness=timedelta(seconds=bin_seconds),
        half_life=half_life,
    )
