"""The life of an alert: firing, updated as it grows, then resolved or retracted.

A `Lifecycle` belongs to one rule of one series. It hears a judgement when an article came, when a bin passed and
when an article that was counted is taken back, and answers with what is to be said, if anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from stream.events import Alert, AlertStatus, Evidence, Severity
from stream.watch.baseline import Usual
from stream.watch.chances import Look
from stream.watch.levels import measure_of
from stream.watch.rulebook import Direction
from stream.watch.rules import WatchRules
from stream.watch.surge import Detector, Judgement, Level
from stream.watch.tallies import Tally
from stream.watch.times import rounded, time_of

_GROWTH = 1.25
_SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")


class Scene(Protocol):
    """What a lifecycle may ask of its series at the moment of a judgement. Times are microseconds since 1970."""

    series: str
    model: str
    bin: int
    as_of: int
    usual: Usual

    @property
    def next_story(self) -> int:
        """The number that the next story will have."""
        ...

    def sources(self, look: Look, direction: Direction) -> int:
        """Distinct publishers of the stories of this direction in the window, their copies included."""
        ...

    def evidence(self, look: Look, direction: Direction) -> tuple[Evidence, ...]:
        """The stories of this direction in the window that weigh most."""
        ...

    def named(self, news_ids: tuple[str, ...]) -> tuple[Evidence, ...]:
        """Those of `news_ids` that are still remembered and were not taken back."""
        ...

    def began(self, look: Look, direction: Direction, after: int) -> int:
        """When the earliest such story of the window came that came after `after`; else `as_of`."""
        ...


@dataclass(slots=True)
class Peak:
    """The most surprising window of an alert: what it stands on. `next_story` is the number no story had yet."""

    next_story: int
    look: Look
    usual: Usual
    p_value: float


@dataclass(slots=True)
class OpenAlert:
    """An alert that was said and not yet ended.

    `severity` indexes info, warning, critical; `reach` is how many bins the longest window has that can keep it
    open, so that a day which remembers a surge does not keep the alert of an hour.
    """

    alert_id: str
    onset: int
    severity: int
    surprise: float
    said_in: int
    sources: int
    evidence: tuple[str, ...]
    peak: Peak
    reach: int
    quiet_since: int | None = None

    @property
    def named(self) -> Severity:
        """The severity by its name."""
        return _SEVERITIES[self.severity]


class Lifecycle:
    """The alerts of one rule of one series, one at a time."""

    def __init__(self, detector: Detector, rules: WatchRules) -> None:
        self.detector = detector
        self._rules = rules
        rule = detector.rule
        self._direction = rule.direction
        self._least_sources = rule.min_sources or rules.min_sources
        self._least_severity = _SEVERITIES.index(rule.severity)
        self.open: OpenAlert | None = None
        self.last_onset = -1
        self.cool_until = -1
        self.spared_from = self.spared_to = -1
        self.said_to = -1
        """The last bin of the last alert that was resolved: what came until then was said, and counts no more."""

    @property
    def name(self) -> str:
        """Of the rule."""
        return self.detector.rule.name

    @property
    def ever(self) -> bool:
        """Whether there is or was an alert."""
        return self.last_onset >= 0

    @property
    def reach(self) -> int | None:
        """The span, in bins, of the longest window that counts now; None where all do."""
        return None if self.open is None else self.open.reach

    def hear(self, judgement: Judgement, scene: Scene) -> Alert | None:
        """An article came, or a bin passed: open an alert, say that it grew, end it, or nothing."""
        if self.open is None:
            return self._fire(judgement, scene) if self._may_fire(judgement, scene) else None
        alert = self.open
        if judgement.level is Level.USUAL:
            if alert.quiet_since is None:
                alert.quiet_since = scene.bin
            elif scene.bin - alert.quiet_since >= self._rules.bins(self._rules.quiet):
                return self._resolve(alert, judgement, scene)
            return None
        alert.quiet_since = None
        if judgement.p_value < alert.peak.p_value:
            alert.peak = _peak(judgement, scene)
        return self._update(alert, judgement, scene)

    def take_back(
        self, number: int, counted_in: int, less: Tally, scene: Scene, news_id: str
    ) -> Alert | None:
        """A counted story changed by `-less`: retract the alert if its peak does not stand without it.

        An alert that stands, but had counted the article or named it as evidence, is said anew without it.
        """
        alert = self.open
        if alert is None:
            return None
        peak = alert.peak
        window = peak.look.window
        counted = False
        if number < peak.next_story and window.start <= counted_in <= window.end:
            window.tally.add(less, -1)
            judgement = self.detector.judge((peak.look,), peak.usual)
            peak.p_value = judgement.p_value
            if judgement.level is Level.USUAL:
                return self._retract(alert, judgement, scene)
            counted = less.counts()[measure_of(self.detector.rule)] != 0
        if not counted and news_id not in alert.evidence:
            return None
        judgement = self.detector.judge((peak.look,), peak.usual)
        alert.said_in = scene.bin
        return self._say("updated", alert, judgement, scene, scene.named(alert.evidence), peak)

    def spares(self, first: int, last: int) -> bool:
        """Whether some of these bins are part of an alert, open or ended, and should teach the baseline little."""
        if self.open is not None and last >= self.open.onset // self._rules.bin_micros:
            return True
        return self.spared_from <= last and first <= self.spared_to

    def _may_fire(self, judgement: Judgement, scene: Scene) -> bool:
        return (
            judgement.level is Level.ALARMING
            and scene.bin >= self.cool_until
            and scene.sources(judgement.look, self._direction) >= self._least_sources
        )

    def _fire(self, judgement: Judgement, scene: Scene) -> Alert:
        look, direction = judgement.look, self._direction
        onset = scene.began(look, direction, self.last_onset)
        sources, evidence = scene.sources(look, direction), scene.evidence(look, direction)
        alert = OpenAlert(
            alert_id=_alert_id(scene.series, self.name, onset),
            onset=onset,
            severity=self._severity(judgement.surprise, sources),
            surprise=judgement.surprise,
            said_in=scene.bin,
            sources=sources,
            evidence=tuple(each.news_id for each in evidence),
            peak=_peak(judgement, scene),
            reach=max(look.window.bins, self._rules.bins(self._rules.quiet)),
        )
        self.open, self.last_onset = alert, onset
        return self._say("firing", alert, judgement, scene, evidence, alert.peak)

    def _update(self, alert: OpenAlert, judgement: Judgement, scene: Scene) -> Alert | None:
        """Said when the surprise grew by a decade and a quarter of itself, or the severity rose; once in a bin."""
        surprise = judgement.surprise
        grew = surprise >= max(alert.surprise + 1.0, alert.surprise * _GROWTH)
        could_be_graver = self._severity(surprise, self._rules.critical_sources) > alert.severity
        if scene.bin <= alert.said_in or not (grew or could_be_graver):
            return None
        sources = scene.sources(judgement.look, self._direction)
        severity = self._severity(surprise, sources)
        if not grew and severity <= alert.severity:
            return None
        evidence = scene.evidence(judgement.look, self._direction)
        alert.severity = max(alert.severity, severity)
        alert.surprise = max(alert.surprise, surprise)
        alert.said_in, alert.sources = scene.bin, sources
        alert.evidence = tuple(each.news_id for each in evidence)
        return self._say("updated", alert, judgement, scene, evidence, _peak(judgement, scene))

    def _resolve(self, alert: OpenAlert, judgement: Judgement, scene: Scene) -> Alert:
        self._close(alert, scene)
        self.cool_until = scene.bin + self._rules.bins(self._rules.cool_down)
        self.said_to = scene.bin
        evidence = scene.named(alert.evidence)
        return self._say("resolved", alert, judgement, scene, evidence, _peak(judgement, scene))

    def _retract(self, alert: OpenAlert, judgement: Judgement, scene: Scene) -> Alert:
        """No cool-down: what follows a false story may be a true surge."""
        self._close(alert, scene)
        return self._say("retracted", alert, judgement, scene, scene.named(alert.evidence), alert.peak)

    def _close(self, alert: OpenAlert, scene: Scene) -> None:
        self.open = None
        self.spared_from = alert.onset // self._rules.bin_micros
        self.spared_to = scene.bin

    def _severity(self, surprise: float, sources: int) -> int:
        if surprise >= self._rules.critical_surprise and sources >= self._rules.critical_sources:
            return 2
        return max(self._least_severity, 1 if surprise >= self._rules.warning_surprise else 0)

    def _say(
        self,
        status: AlertStatus,
        alert: OpenAlert,
        judgement: Judgement,
        scene: Scene,
        evidence: tuple[Evidence, ...],
        seen: Peak,
    ) -> Alert:
        window = seen.look.window
        mean = window.tally.mean
        return Alert(
            alert_id=alert.alert_id,
            status=status,
            severity=alert.named,
            series=scene.series,
            rule=self.name,
            onset=time_of(alert.onset),
            as_of=time_of(scene.as_of),
            window_seconds=window.bins * self._rules.bin_seconds,
            observed=float(judgement.observed),
            expected=rounded(judgement.expected),
            p_value=rounded(judgement.p_value),
            surprise=rounded(judgement.surprise),
            mean_score=None if mean is None else rounded(mean),
            baseline_score=rounded(seen.usual.mean),
            sources=alert.sources,
            evidence=evidence,
            model=scene.model,
        )


def _peak(judgement: Judgement, scene: Scene) -> Peak:
    look = judgement.look
    apart = Look(look.window.copy(), look.hours, look.last)
    return Peak(scene.next_story, apart, scene.usual, judgement.p_value)


def _alert_id(series: str, rule: str, onset: int) -> str:
    return blake2b(f"{series}\x1f{rule}\x1f{onset}".encode(), digest_size=12).hexdigest()
