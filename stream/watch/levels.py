"""The budget, shared out: how rare a window must be to raise an alert.

A series is looked at in each bin that brings it a story. Over all series and all looks, the expected number of
false alarms is the sum of their probabilities, whatever depends on what: that is the per-family error rate
(Spjøtvoll 1972, Annals of Mathematical Statistics 43:398), which needs no order among series and no knowledge of
others. So each look may be wrong with `budget / looks`, where the profile says how many looks a week brings. The
budget is spent where there is something to see: a series that is mostly silent has few looks, each at a level
that a handful of stories can reach. A rule for one series by its name knows that series: where it has more looks
than the profile's series have, as its own baseline says, each gets less. An alert that is open, and the cool-down
behind it, swallow looks, which only makes false alarms rarer. Half of the budget is kept back all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from stream.watch.baseline import Rate
from stream.watch.budget import Budget
from stream.watch.kinds import KINDS
from stream.watch.profile import MEASURES, Prior, Profile
from stream.watch.rulebook import MOST_LEVEL, SurgeRule, may_match

_KEPT_BACK = 0.5
"""The part of the budget that is not given out: for what no profile knows of a stream."""

LevelAt = Callable[[Rate], float]
"""The p-value from which a look is an alarm, by the rate that the series is believed to have."""


def level_of(
    rule: SurgeRule,
    kind: str,
    rules: Sequence[SurgeRule],
    budget: Budget,
    profile: Profile,
    bin_seconds: int,
) -> float:
    """The p-value from which a look at a series of this kind is an alarm of `rule`.

    Args:
        rule: one of `rules`.
        kind: of the series, which `rule` matches.
        rules: all that share the general budget.
        budget: the general budget.
        profile: how many series of each kind there are, and how active.
        bin_seconds: the width of a bin.
    """
    if rule.level is not None:
        return rule.level
    sharing = sum(each.share for each in rules if each.budget is None and each.level is None)
    allowed = rule.budget.per_week if rule.budget else budget.per_week * rule.share / sharing
    allowed *= 1.0 - _KEPT_BACK
    kind = kind if kind in KINDS else "company"
    matched = {each: profile.group(each).share for each in KINDS if may_match(rule.series, each)}
    part = allowed * profile.group(kind).share / sum((matched | {kind: profile.group(kind).share}).values())
    group = profile.group(kind)
    series = 1 if _of_one(rule) else group.series
    looks = series * group.priors[measure_of(rule)].active_bins(profile.seasons, bin_seconds)
    return min(part / looks, MOST_LEVEL)


def level_at(level: float, rule: SurgeRule, kind: str, profile: Profile, bin_seconds: int) -> LevelAt:
    """What `level`, that of `rule` for series of this kind, is for one with the rate that its baseline believes.

    The same for all, but under a rule for one series by its name: its looks, not those of the profile's series,
    share what it may spend. What a rate that is learned says of looks to come rests on the past alone, so the sum
    over all looks holds. A quieter series gets no more.
    """
    if rule.level is not None or not _of_one(rule):
        return partial(_fixed, level)
    prior = profile.group(kind if kind in KINDS else "company").priors[measure_of(rule)]
    usual = prior.active_bins(profile.seasons, bin_seconds)

    def at(rate: Rate) -> float:
        own = Prior(rate.per_hour, rate.shape).active_bins(profile.seasons, bin_seconds)
        return level * min(1.0, usual / own)

    return at


def _fixed(level: float, _rate: Rate) -> float:
    return level


def measure_of(rule: SurgeRule) -> int:
    """The count, by its place in `profile.MEASURES`, whose stories bring the looks of a rule."""
    return MEASURES.index("volume" if rule.direction == "shift" else rule.direction)


def _of_one(rule: SurgeRule) -> bool:
    return "*" not in rule.series


def levels_of(
    rule: SurgeRule, rules: Sequence[SurgeRule], budget: Budget, profile: Profile, bin_seconds: int
) -> dict[str, float]:
    """The level of `rule` for each kind of series that it can be about."""
    return {
        kind: level_of(rule, kind, rules, budget, profile, bin_seconds)
        for kind in KINDS
        if may_match(rule.series, kind)
    }
