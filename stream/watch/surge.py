"""Is a window unusual? The decision of WATCH, behind one small interface."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from math import log10, sqrt
from typing import Protocol

from stream.watch.baseline import Usual
from stream.watch.rules import WatchRules
from stream.watch.tails import count_tail, share_tail, student_tail

NEGATIVE_SURGE = "negative_surge"
MEAN_SHIFT = "mean_shift"

_LEAST_P = 1e-300


class Level(IntEnum):
    """How a window stands: `ALARMING` opens an alert, `RAISED` keeps one open, `USUAL` lets it end."""

    USUAL = 0
    RAISED = 1
    ALARMING = 2


@dataclass(frozen=True, slots=True)
class Window:
    """What was counted in the trailing `bins`: novel stories, negative ones among them, the sum of scores."""

    bins: int
    stories: int = 0
    negative: int = 0
    score: float = 0.0

    @property
    def mean(self) -> float | None:
        """The mean score, or None where there is no story."""
        return self.score / self.stories if self.stories else None

    def __sub__(self, other: Window) -> Window:
        return Window(
            self.bins,
            max(0, self.stories - other.stories),
            max(0, self.negative - other.negative),
            self.score - other.score,
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a detector says of a window, with its figures and why."""

    level: Level
    p_value: float
    observed: int
    expected: float
    reason: str

    @property
    def surprise(self) -> float:
        """-log10 of the p-value, 300 at most."""
        return max(0.0, -log10(max(self.p_value, _LEAST_P)))


class Detector(Protocol):
    """Judges a window against what is usual. Pure: the same window and baseline give the same judgement."""

    @property
    def rule(self) -> str:
        """The name that its alerts carry."""
        ...

    def may_alarm(self, window: Window) -> bool:
        """Whether `window` holds enough to be alarming at all; a cheap look before `judge`."""
        ...

    def judge(self, window: Window, usual: Usual) -> Judgement:
        """How unusual `window` is."""
        ...


class NegativeSurge:
    """More novel negative stories than the series' own rate and its own share of bad news explain.

    The count is tested against its negative binomial prediction. So that the morning's rush of ordinary news is
    no surge of bad news, the count must also be high for the volume of news (beta-binomial, at a milder level),
    or be beyond what several times the usual rate explains, for a company whose news is always bad.
    """

    rule = NEGATIVE_SURGE

    def __init__(self, rules: WatchRules) -> None:
        self._rules = rules

    def may_alarm(self, window: Window) -> bool:
        """Whether there are as many negative stories as a surge takes."""
        return window.negative >= self._rules.min_count

    def judge(self, window: Window, usual: Usual) -> Judgement:
        """`ALARMING` where both tests and the least count agree; `RAISED` between there and the resolve levels."""
        rules, observed = self._rules, window.negative
        expected = usual.shape / usual.exposure * window.bins
        p_value = count_tail(observed, usual.shape, usual.exposure, float(window.bins))
        if observed < rules.min_count:
            return Judgement(Level.USUAL, p_value, observed, expected, "too few negative stories")
        if p_value >= rules.resolve_p:
            return Judgement(Level.USUAL, p_value, observed, expected, "as many as are usual")
        # What a rush of news explains is measured twice: by the share of bad news in it, and by its size alone.
        share_p = share_tail(observed, window.stories, usual.negative, usual.other)
        rush_p = count_tail(observed, usual.shape, usual.exposure / rules.rush, float(window.bins))
        if share_p >= rules.resolve_share and rush_p >= rules.resolve_p:
            return Judgement(
                Level.USUAL, p_value, observed, expected, "more news, no more negative than usual"
            )
        if p_value > rules.alpha:
            return Judgement(Level.RAISED, p_value, observed, expected, "more than usual, not beyond chance")
        if share_p > rules.share_alpha and rush_p > rules.alpha:
            return Judgement(Level.RAISED, p_value, observed, expected, "more news, a little more negative")
        return Judgement(
            Level.ALARMING, p_value, observed, expected, "more negative news than chance explains"
        )


class MeanShift:
    """The mean score of the window lies off the usual mean: a t-test with a least shift that matters.

    Only a fall counts, unless the rules ask for both ways; then the p-value is two-sided.
    """

    rule = MEAN_SHIFT

    def __init__(self, rules: WatchRules) -> None:
        self._rules = rules

    def may_alarm(self, window: Window) -> bool:
        """Whether there are as many stories as a mean takes."""
        return window.stories >= self._rules.shift_min_stories

    def judge(self, window: Window, usual: Usual) -> Judgement:
        """`ALARMING` where the shift is large, beyond chance and rests on enough stories."""
        rules, observed = self._rules, window.stories
        expected = usual.pace * window.bins
        mean = window.mean
        if mean is None or observed < rules.shift_min_stories:
            return Judgement(Level.USUAL, 1.0, observed, expected, "too few stories")
        fall = usual.mean - mean
        error = sqrt(usual.variance * (1.0 / observed + 1.0 / usual.weight))
        if rules.shift_both_ways:
            fall = abs(fall)
            p_value = min(1.0, 2.0 * student_tail(fall / error, usual.weight))
        else:
            p_value = student_tail(fall / error, usual.weight)
        if fall < rules.min_shift or p_value >= rules.resolve_p:
            return Judgement(Level.USUAL, p_value, observed, expected, "the mean is as usual")
        if p_value > rules.shift_alpha:
            return Judgement(Level.RAISED, p_value, observed, expected, "the mean is off, not beyond chance")
        return Judgement(Level.ALARMING, p_value, observed, expected, "the mean is off beyond chance")


def detectors_of(rules: WatchRules) -> tuple[Detector, ...]:
    """The detectors that WATCH runs for every series."""
    return NegativeSurge(rules), MeanShift(rules)
