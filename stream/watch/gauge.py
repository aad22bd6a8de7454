"""The counts of one series through time: what is tested, what is learned, and what its rules say.

Time in a series is a bin number, `now`. It passes when something of the series says so, or while an alert is open
also when the partition's clock or a withdrawal says so. It passes one bin after the other wherever something is
decided in between, and what is decided depends on the bin alone: to pass to 10 and then to 20 is to pass to 20.
"""

from __future__ import annotations

from collections.abc import Callable

from stream.events import Alert
from stream.watch.alerts import Lifecycle, Scene
from stream.watch.baseline import Baseline, Usual
from stream.watch.chances import Look
from stream.watch.rules import WatchRules
from stream.watch.surge import Detector, Judgement
from stream.watch.tallies import Tallies, Window

_HOUR = 3_600


class Gauge:
    """The counts, the baseline and the alerts of one series.

    Args:
        kind: of the series: whose group of the profile it leans on.
        rules: the thresholds.
        detectors: what judges its windows; each has its own alerts.
        born: the bin from which its time counts.
        scene: what alerts may ask of the series, for a time in microseconds and what is usual then.
    """

    def __init__(
        self,
        kind: str,
        rules: WatchRules,
        detectors: tuple[Detector, ...],
        born: int,
        scene: Callable[[int, Usual], Scene],
    ) -> None:
        self._horizons = rules.all_horizons
        self._kept, self._block, self._bin_micros = rules.kept_bins, rules.block_bins, rules.bin_micros
        self._scene = scene
        self.now = born
        self.tallies = Tallies(self._horizons, self._kept, self._block)
        self.baseline = Baseline(
            rules.profile.group(kind),
            rules.profile.seasons,
            bin_seconds=rules.bin_seconds,
            block=self._block,
            half_life=rules.half_life.total_seconds() / _HOUR,
            idle=rules.idle_after.total_seconds() / _HOUR,
            cap=rules.learn_cap,
            born=born,
        )
        self.lives = tuple(Lifecycle(detector, rules) for detector in detectors)

    @property
    def alarmed(self) -> bool:
        """Whether an alert is open."""
        return any(life.open is not None for life in self.lives)

    def usual(self) -> Usual:
        """What is usual now.

        A block that waits to be learned is no silence, or a busy series that has just begun would seem quiet.
        """
        passed, first = self.now - self._kept, self.tallies.first_kept()
        return self.baseline.usual(
            max(self.baseline.learned_to, passed if first is None else min(passed, first))
        )

    def pass_to(self, bin_number: int) -> list[Alert]:
        """Let time pass to a bin, no-op if it is not ahead; what is said on the way."""
        said: list[Alert] = []
        while self.now < bin_number:
            said += self._step(bin_number)
        return said

    def pass_open(self, bin_number: int) -> list[Alert]:
        """Let time pass to a bin, or until no alert is open, whichever comes first; what is said on the way."""
        said: list[Alert] = []
        while self.now < bin_number and self.alarmed:
            said += self._step(bin_number)
        return said

    def judge(self, as_of: int, *, open_only: bool = False) -> list[Alert]:
        """Let every rule look, or only those with an open alert; what they say, at microsecond `as_of`."""
        windows = self.tallies.windows(self.now)
        usual: Usual | None = None
        said = []
        for life in self.lives:
            if life.open is None and open_only:
                continue
            asked = self._asked(life, windows)
            if life.open is None and not life.detector.may_alarm(asked):
                continue
            usual = usual or self.usual()
            judgement = life.detector.judge(self._looks(asked), usual)
            alert = life.hear(judgement, self._scene(as_of, usual))
            if alert is not None:
                said.append(alert)
        return said

    def look(self, life: Lifecycle) -> Judgement:
        """How one rule judges the present moment; changes nothing."""
        asked = self._asked(life, self.tallies.windows(self.now))
        return life.detector.judge(self._looks(asked), self.usual())

    def _step(self, bin_number: int) -> list[Alert]:
        """Pass to the next bin where something is due, at most to `bin_number`."""
        alarmed = self.alarmed
        if alarmed:
            self.now += 1
        else:
            due = self.tallies.next_due()
            self.now = bin_number if due is None else min(bin_number, max(self.now + 1, due))
        while (block := self.tallies.due(self.now)) is not None:
            first, end = block * self._block, (block + 1) * self._block
            spared = any(life.spares(first, end - 1) for life in self.lives)
            self.baseline.learn(first, end, self.tallies.fold(block), spared=spared)
        return self.judge(self.now * self._bin_micros, open_only=True) if alarmed else []

    def _asked(self, life: Lifecycle, windows: tuple[Window, ...]) -> list[Window]:
        """The windows that a rule may look at now: of its horizons, and not into an alert that has ended."""
        wanted, reach, first = life.detector.horizons, life.reach, life.said_to + 1
        asked: list[Window] = []
        for span, window in zip(self._horizons, windows, strict=True):
            # A window that begins with a block is up to a block shorter than its horizon.
            least = span if span <= self._kept else span - self._block + 1
            if span not in wanted or (reach is not None and asked and least > reach):
                continue
            asked.append(window if window.start >= first else self.tallies.since(first, self.now))
        return asked

    def _looks(self, windows: list[Window]) -> list[Look]:
        hours, end = self.baseline.hours, self.now + 1
        last = hours(self.now, end)
        return [Look(window, hours(window.start, end), last) for window in windows]
