"""The thresholds of WATCH, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from stream.errors import UsageError
from stream.events import MARKET
from stream.watch.budget import Budget
from stream.watch.profile import Profile, default_profile
from stream.watch.rulebook import BUILT_IN, MOST_LEVEL, SurgeRule

_MAX_CAPACITY = 65_536
_CAPACITIES = {
    "capacity": "stories",
    "topic_capacity": "topic_stories",
    "market_capacity": "market_stories",
}
"""What users call them."""
_HALF = 0.5
_FINE = timedelta(hours=1)
_BLOCK = timedelta(minutes=15)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRules:
    """When a story counts, when a count is a surge, and how long things are remembered.

    All durations are event time. The derived figures in bins and microseconds are what the stages work with.

    Raises:
        UsageError: if a value can't work, naming it and the fix.
    """

    surges: tuple[SurgeRule, ...] = BUILT_IN
    """What is watched for."""
    budget: Budget = field(default_factory=lambda: Budget.parse("1/week"))
    """False alarms that all rules without a budget of their own may raise together."""
    profile: Profile = field(default_factory=default_profile)

    bin_seconds: int = 30
    """A surge begins in the middle of a bin: the finer they are, the less of it the first one hides."""
    horizons: tuple[timedelta, ...] = (
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(hours=1),
        timedelta(days=1),
    )
    """The trailing windows that are tested, rising."""
    lateness: timedelta = timedelta(minutes=10)
    """How far behind its own series' largest `published_at` an article still counts."""
    grace: timedelta = timedelta(minutes=10)
    """How far behind the partition's clock open alerts are closed when nothing comes; never below `lateness`."""

    memory: timedelta = timedelta(hours=24)
    """How long after a story began an article can still be a copy of it."""
    likeness: float = 0.75
    """The share of equal fingerprint bytes from which two articles tell one story."""
    capacity: int = 512
    """Stories that one series remembers at most, however long `memory` is."""
    topic_capacity: int = 4_096
    market_capacity: int = 32_768
    """The same for a topic, and for the market, which hears of everything: a day of 30,000 stories."""
    forget_after: timedelta = timedelta(days=7)
    """A series silent for longer starts anew."""

    negative_probability: float = 0.5
    negative_score: float = -0.3
    min_weight: float = 0.2
    """Articles of less relevance are remembered but not counted."""

    half_life: timedelta = timedelta(days=7)
    """How long a series' time must run until what it taught counts half; the week's clock tells how it runs."""
    idle_after: timedelta = timedelta(hours=2)
    """Silence beyond this is no evidence of a low rate where the usual rate makes it incredible."""
    learn_cap: float = 2.0
    """While an alert is open, a block teaches the baseline at most this many times what was expected."""

    min_count: int = 3
    min_sources: int = 2
    share_alpha: float = 0.05
    """A surge must also be more negative than usual for its volume, at this level: a rush of news is none."""
    rush: float = 4.0
    """Unless it lies beyond the level even against this many times the usual rate, which no rush explains."""
    resolve_p: float = 0.05
    """The p-value from which a window is usual again."""
    resolve_share: float = 0.2
    """The same for the share of negative news among all."""
    quiet: timedelta = timedelta(minutes=15)
    cool_down: timedelta = timedelta(minutes=30)

    shift_min_stories: int = 8
    min_shift: float = 0.25
    mood: float = 0.05
    """How far the mean score of many stories sways by itself (standard deviation)."""
    shift_both_ways: bool = False
    """Whether a mean that rose is a shift too."""

    warning_surprise: float = 6.0
    critical_surprise: float = 10.0
    critical_sources: int = 5
    evidence: int = 5

    def __post_init__(self) -> None:
        self._check_durations()
        self._check_levels()
        for name, setting in _CAPACITIES.items():
            if not 1 <= getattr(self, name) <= _MAX_CAPACITY:
                raise UsageError(
                    f"watch.{setting} is {getattr(self, name)}: give 1 to {_MAX_CAPACITY} stories"
                )

    def _check_durations(self) -> None:
        if self.bin_seconds < 1:
            raise UsageError(f"watch.bin_seconds is {self.bin_seconds}: give at least 1")
        for name in ("lateness", "quiet", "cool_down", "half_life", "idle_after"):
            value: timedelta = getattr(self, name)
            if not self._is_whole(value):
                raise UsageError(f"watch.{name} is {value}: give a multiple of {self.bin_seconds} seconds")
        spans = self.horizons
        if not spans or list(spans) != sorted(set(spans)) or not all(map(self._is_whole, spans)):
            raise UsageError(
                f"watch.horizons is {[str(each) for each in spans]}: give rising multiples of "
                f"{self.bin_seconds} seconds"
            )
        if self.grace < self.lateness:
            raise UsageError(f"watch.grace is {self.grace}: give at least the lateness, {self.lateness}")
        if self.memory < self.fine + self.lateness:
            raise UsageError(f"watch.memory is {self.memory}: give at least {self.fine + self.lateness}")
        if self.forget_after < self.memory + self.quiet + self.cool_down:
            raise UsageError(
                f"watch.forget_after is {self.forget_after}: give at least memory + quiet + cool_down"
            )

    def _check_levels(self) -> None:
        for name in ("share_alpha", "resolve_p", "resolve_share"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise UsageError(f"watch.{name} is {getattr(self, name)}: give a probability between 0 and 1")
        if self.resolve_p <= MOST_LEVEL:
            raise UsageError(
                f"watch.resolve_p is {self.resolve_p}: give more than {MOST_LEVEL}, or alerts flap"
            )
        if self.share_alpha >= self.resolve_share:
            raise UsageError(f"watch.resolve_share is {self.resolve_share}: give more than share_alpha")
        if not _HALF < self.likeness <= 1.0:
            raise UsageError(f"watch.likeness is {self.likeness}: give more than 0.5 and at most 1")
        for name, least in (("learn_cap", 1.0), ("rush", 1.0), ("mood", 0.0)):
            if getattr(self, name) < least:
                raise UsageError(f"watch.{name} is {getattr(self, name)}: give at least {least}")
        names = [rule.name for rule in self.surges]
        if not names or len(set(names)) != len(names):
            raise UsageError(f"the rules are {names}: give at least one, each with its own name")

    def _is_whole(self, span: timedelta) -> bool:
        width = timedelta(seconds=self.bin_seconds)
        return span >= width and not span % width

    @property
    def bin_micros(self) -> int:
        """The width of a bin in microseconds."""
        return self.bin_seconds * 1_000_000

    def capacity_of(self, kind: str) -> int:
        """How many stories a series of this kind remembers at most."""
        return {MARKET: self.market_capacity, "topic": self.topic_capacity}.get(kind, self.capacity)

    def bins(self, duration: timedelta) -> int:
        """How many whole bins `duration` spans."""
        return duration // timedelta(seconds=self.bin_seconds)

    @property
    def fine(self) -> timedelta:
        """The longest horizon whose bins are kept one by one; those beyond are kept in blocks."""
        return max((each for each in self.horizons if each <= _FINE), default=self.horizons[0])

    @property
    def all_horizons(self) -> tuple[int, ...]:
        """Every horizon that WATCH or a rule names, in bins, rising."""
        named = {*self.horizons, *(each for rule in self.surges for each in rule.horizons)}
        return tuple(sorted({max(1, self.bins(each)) for each in named}))

    @property
    def block_bins(self) -> int:
        """Bins that teach the baseline together: a quarter of an hour."""
        return max(1, _BLOCK // timedelta(seconds=self.bin_seconds))

    @property
    def kept_bins(self) -> int:
        """Bins until one can neither change nor be tested by itself any more, and teaches the baseline."""
        fine = [each for each in self.all_horizons if each <= self.bins(_FINE)]
        return (fine[-1] if fine else self.all_horizons[0]) + self.bins(self.lateness)

    @property
    def lateness_micros(self) -> int:
        """`lateness` in microseconds."""
        return self.lateness // _MICROSECOND

    @property
    def memory_micros(self) -> int:
        """`memory` in microseconds."""
        return self.memory // _MICROSECOND

    @property
    def forget_micros(self) -> int:
        """`forget_after` in microseconds."""
        return self.forget_after // _MICROSECOND
