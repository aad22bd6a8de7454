"""What is known of news before any is seen: usual rates of each kind of series, and the shape of the week.

A profile is a versioned JSON file, learned offline (`newstide profile learn`) and loaded at start like a model, so
that all replicas believe the same, whatever series they share. A default one ships with newstide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any

from stream.errors import UsageError
from stream.watch.kinds import KINDS
from stream.watch.seasons import HOURS, Seasons

VERSION = 1
MEASURES = ("negative", "positive", "volume")
"""What is counted of a series, in the order of all tuples of figures about it."""

_HOUR, _MINUTE = 3_600.0, 60


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of one count of a series before anything is seen of it.

    Attributes:
        per_hour: novel stories expected in an hour of usual business.
        shape: how many stories that belief is worth: the smaller, the sooner the series' own history replaces it
            and the wider the tail until then.
        sway: relative variance of the rate within days, beyond the shape of the week.
        burst: stories that come along with a story, on average: how far news clusters.
    """

    per_hour: float
    shape: float
    sway: float = 0.1
    burst: float = 0.02

    def active_bins(self, seasons: Seasons, seconds: int) -> float:
        """How many of the bins of a week, each of so many seconds, such a series is expected to have a story in.

        Whatever its rate may be: the belief about that is summed over.
        """
        exposure, in_hour = self.shape / self.per_hour, _HOUR / seconds
        silent = ((exposure / (exposure + hour / in_hour)) ** self.shape for hour in seasons.shape)
        return in_hour * (HOURS - float(sum(silent)))

    def active_minutes(self, seasons: Seasons) -> float:
        """The same of minutes."""
        return self.active_bins(seasons, _MINUTE)


@dataclass(frozen=True, slots=True)
class Group:
    """A kind of series: how many there are, their part of the budget, and a prior for each measure."""

    series: int
    share: float
    priors: tuple[Prior, Prior, Prior]


@dataclass(frozen=True)
class Profile:
    """What a monitor knows at its start.

    Attributes:
        name: of the profile, for people.
        groups: by kind of series.
        shape: how busy each hour of the week is, from Monday 00:00 UTC.
        learned: where it comes from, for people.
    """

    name: str
    groups: Mapping[str, Group]
    shape: tuple[float, ...] = (1.0,) * HOURS
    learned: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def plain(cls, per_hour: float, shape: float, *, series: int = 1, **more: float) -> Profile:
        """The same belief about every count of every kind of series, with an even week."""
        prior = Prior(per_hour, shape, **more)
        group = Group(series, 1.0, (prior, prior, prior))
        return cls("plain", dict.fromkeys(KINDS, group))

    @cached_property
    def seasons(self) -> Seasons:
        """The shape as a clock."""
        return Seasons(self.shape)

    def group(self, kind: str) -> Group:
        """The group of a kind of series; an unknown kind is like a company."""
        return self.groups[kind if kind in self.groups else "company"]

    def sized(self, companies: int) -> Profile:
        """The same for another number of companies; each has as many topics as before."""
        known = self.groups["company"].series
        groups = dict(self.groups)
        for kind in ("company", "company_topic"):
            group = groups[kind]
            groups[kind] = replace(group, series=max(1, round(group.series * companies / known)))
        return replace(self, groups=groups)

    def to_json(self) -> str:
        """The profile as its file holds it."""
        groups = {
            kind: {
                "series": group.series,
                "share": group.share,
                **{
                    measure: {
                        "per_hour": prior.per_hour,
                        "shape": prior.shape,
                        "sway": prior.sway,
                        "burst": prior.burst,
                        "active_minutes_per_week": round(prior.active_minutes(self.seasons), 3),
                    }
                    for measure, prior in zip(MEASURES, group.priors, strict=True)
                },
            }
            for kind, group in self.groups.items()
        }
        body = {
            "profile": VERSION,
            "name": self.name,
            "learned": dict(self.learned),
            "groups": groups,
            "hour_of_week": [round(each, 4) for each in self.seasons.shape],
        }
        return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def read_profile(path: Path) -> Profile:
    """Load a profile from its file.

    Raises:
        UsageError: if it can't be read, is of another version or holds a figure that can't be; names the file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the profile can't be read: {error}") from error
    return parse_profile(text, str(path))


@lru_cache(maxsize=1)
def default_profile() -> Profile:
    """The profile that ships with newstide."""
    packaged = files("stream.watch").joinpath("data/profile.json")
    return parse_profile(packaged.read_text(encoding="utf-8"), "the default profile")


def parse_profile(text: str, name: str) -> Profile:
    """Read a profile from the text of its file; `name` says in errors which it was.

    Raises:
        UsageError: as `read_profile`.
    """
    try:
        body = json.loads(text, parse_constant=_refuse_constant)
        version = body["profile"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(
            f"{name}: is no profile ({error!r}): make one with `newstide profile learn`"
        ) from error
    if version != VERSION:
        raise UsageError(
            f"{name}: is of version {version!r}, this newstide reads {VERSION}: make it anew with "
            "`newstide profile learn`"
        )
    try:
        groups = {kind: _group(body["groups"][kind], f"groups.{kind}") for kind in KINDS}
        shape = tuple(float(each) for each in body["hour_of_week"])
        Seasons(shape)
        return Profile(str(body["name"]), groups, shape, dict(body.get("learned", {})))
    except (ValueError, TypeError, KeyError, UsageError) as error:
        raise UsageError(f"{name}: the profile is damaged: {error}") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _group(body: Mapping[str, Any], where: str) -> Group:
    series, share = int(body["series"]), float(body["share"])
    if series < 1 or not share > 0.0:
        raise UsageError(f"{where} has {series} series with a share of {share}: both must be above 0")
    negative, positive, volume = (_prior(body[name], f"{where}.{name}") for name in MEASURES)
    return Group(series, share, (negative, positive, volume))


def _prior(body: Mapping[str, Any], where: str) -> Prior:
    prior = Prior(*(float(body[name]) for name in ("per_hour", "shape", "sway", "burst")))
    if not all(map(isfinite, (prior.per_hour, prior.shape, prior.sway, prior.burst))):
        raise UsageError(f"{where} is {prior}: all of it must be finite")
    if not (prior.per_hour > 0.0 and prior.shape > 0.0 and prior.sway >= 0.0 and prior.burst >= 0.0):
        raise UsageError(f"{where} is {prior}: rate and shape must be above 0, sway and burst at least 0")
    return prior
