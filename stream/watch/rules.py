"""The thresholds of WATCH, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stream.errors import UsageError

_MAX_CAPACITY = 8_000
_HALF = 0.5
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of a series before anything is seen of it.

    `per_hour` novel negative stories are expected; `shape` is how many stories that belief is worth: the smaller,
    the sooner the series' own history replaces it and the wider the tail until then.
    """

    per_hour: float
    shape: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRules:
    """When a story counts, when a count is a surge, and how long things are remembered.

    All durations are event time. The derived figures in bins and microseconds are what the stages work with.

    Raises:
        UsageError: if a value can't work, naming it and the fix.
    """

    bin_seconds: int = 60
    horizon: timedelta = timedelta(minutes=15)
    """The trailing window that is tested."""
    lateness: timedelta = timedelta(minutes=10)
    """How far behind its own series' largest `published_at` an article still counts."""
    grace: timedelta = timedelta(minutes=10)
    """How far behind the partition's clock open alerts are closed when nothing comes; never below `lateness`."""

    memory: timedelta = timedelta(hours=24)
    """How long after a story began an article can still be a copy of it."""
    likeness: float = 0.7
    """The share of equal fingerprint bytes from which two articles tell one story."""
    capacity: int = 512
    market_capacity: int = 4096
    forget_after: timedelta = timedelta(days=7)
    """A series silent for longer starts anew."""

    negative_probability: float = 0.5
    negative_score: float = -0.3
    min_weight: float = 0.2
    """Articles of less relevance are remembered but not counted."""

    half_life: timedelta = timedelta(hours=12)
    """How long a series' time must run until what it taught counts half; it stands still while all is silent."""
    idle_after: timedelta = timedelta(hours=2)
    """Silence beyond this is no evidence of a low rate: it is night, or a weekend."""
    market_prior: Prior = Prior(per_hour=20.0, shape=2.0)
    topic_prior: Prior = Prior(per_hour=4.0, shape=1.0)
    company_prior: Prior = Prior(per_hour=1.0, shape=0.5)
    max_shape: float = 30.0
    """The count is never believed steadier than a gamma of this shape: news comes in bursts."""
    learn_cap: float = 2.0
    """While an alert is open, a bin teaches the baseline at most this many times what was expected."""

    alpha: float = 1e-6
    min_count: int = 4
    min_sources: int = 3
    share_alpha: float = 0.005
    """A surge must also be more negative than usual for its volume, at this level: a rush of news is none."""
    rush: float = 4.0
    """Unless it lies beyond `alpha` even against this many times the usual rate, which no rush explains."""
    resolve_p: float = 0.01
    """The p-value from which a window is usual again."""
    resolve_share: float = 0.1
    """The same for the share of negative news among all."""
    quiet: timedelta = timedelta(minutes=15)
    cool_down: timedelta = timedelta(minutes=30)

    shift_alpha: float = 1e-6
    shift_min_stories: int = 8
    min_shift: float = 0.25
    shift_both_ways: bool = False
    """Whether a mean that rose is a shift too."""

    warning_surprise: float = 6.0
    critical_surprise: float = 10.0
    critical_sources: int = 5
    evidence: int = 5

    def __post_init__(self) -> None:
        self._check_durations()
        self._check_levels()
        for name in ("capacity", "market_capacity"):
            if not 1 <= getattr(self, name) <= _MAX_CAPACITY:
                raise UsageError(f"watch.{name} is {getattr(self, name)}: give 1 to {_MAX_CAPACITY} stories")

    def _check_durations(self) -> None:
        if self.bin_seconds < 1:
            raise UsageError(f"watch.bin_seconds is {self.bin_seconds}: give at least 1")
        for name in ("horizon", "lateness", "quiet", "cool_down", "half_life", "idle_after"):
            value: timedelta = getattr(self, name)
            if value < timedelta(seconds=self.bin_seconds) or value % timedelta(seconds=self.bin_seconds):
                raise UsageError(f"watch.{name} is {value}: give a multiple of {self.bin_seconds} seconds")
        if self.grace < self.lateness:
            raise UsageError(f"watch.grace is {self.grace}: give at least the lateness, {self.lateness}")
        if self.memory < self.horizon + self.lateness:
            raise UsageError(f"watch.memory is {self.memory}: give at least horizon + lateness")
        if self.forget_after < self.memory + self.quiet + self.cool_down:
            raise UsageError(
                f"watch.forget_after is {self.forget_after}: give at least memory + quiet + cool_down"
            )

    def _check_levels(self) -> None:
        for name in ("alpha", "share_alpha", "resolve_p", "resolve_share", "shift_alpha"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise UsageError(f"watch.{name} is {getattr(self, name)}: give a probability between 0 and 1")
        if max(self.alpha, self.shift_alpha) >= self.resolve_p:
            raise UsageError(f"watch.resolve_p is {self.resolve_p}: give more than alpha, or alerts flap")
        if self.share_alpha >= self.resolve_share:
            raise UsageError(f"watch.resolve_share is {self.resolve_share}: give more than share_alpha")
        if not _HALF < self.likeness <= 1.0:
            raise UsageError(f"watch.likeness is {self.likeness}: give more than 0.5 and at most 1")
        for name in ("market_prior", "topic_prior", "company_prior"):
            prior: Prior = getattr(self, name)
            if prior.per_hour <= 0.0 or prior.shape <= 0.0:
                raise UsageError(f"watch.{name} is {prior}: give a rate and a shape above 0")
        for name, least in (("max_shape", 0.1), ("learn_cap", 1.0), ("rush", 1.0)):
            if getattr(self, name) < least:
                raise UsageError(f"watch.{name} is {getattr(self, name)}: give at least {least}")

    @property
    def bin_micros(self) -> int:
        """The width of a bin in microseconds."""
        return self.bin_seconds * 1_000_000

    def bins(self, duration: timedelta) -> int:
        """How many whole bins `duration` spans."""
        return duration // timedelta(seconds=self.bin_seconds)

    @property
    def horizon_bins(self) -> int:
        """Bins in the window that is tested."""
        return self.bins(self.horizon)

    @property
    def kept_bins(self) -> int:
        """Bins until one can neither change nor be tested any more, and teaches the baseline."""
        return self.bins(self.horizon) + self.bins(self.lateness)

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
