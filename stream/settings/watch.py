"""When a story counts, and when a count is a surge. See `stream.watch.rules` for what each threshold does."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from stream.settings.values import Name, Section
from stream.watch.rules import WatchRules

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]
Minutes = Annotated[float, Field(gt=0, le=10_080)]
Hours = Annotated[float, Field(gt=0, le=8_760)]


class WatchSettings(Section):
    """WATCH: its group, and the thresholds that are worth changing. Durations are event time."""

    group: Name = "newstide-watch"
    max_poll_records: Annotated[int, Field(ge=1, le=10_000)] = 512
    poll_ms: Annotated[int, Field(ge=1, le=10_000)] = 50
    horizon_minutes: Minutes = 15
    lateness_minutes: Minutes = 10
    grace_minutes: Minutes = 10
    memory_hours: Hours = 24
    half_life_hours: Hours = 12
    quiet_minutes: Minutes = 15
    cool_down_minutes: Minutes = 30
    likeness: Share = 0.7
    negative_probability: Share = 0.5
    negative_score: Annotated[float, Field(ge=-1.0, le=1.0)] = -0.3
    min_weight: Share = 0.2
    alpha: Share = 1e-6
    min_count: Count = 4
    min_sources: Count = 3
    shift_alpha: Share = 1e-6
    shift_min_stories: Count = 8
    min_shift: Annotated[float, Field(gt=0.0, le=2.0)] = 0.25
    shift_both_ways: bool = False
    warning_surprise: Annotated[float, Field(ge=0.0)] = 6.0
    critical_surprise: Annotated[float, Field(ge=0.0)] = 10.0
    critical_sources: Count = 5
    evidence: Annotated[int, Field(ge=0, le=50)] = 5

    @property
    def rules(self) -> WatchRules:
        """The same as the stages take it.

        Raises:
            UsageError: if the thresholds do not go together; the text names the one to change.
        """
        return WatchRules(
            horizon=timedelta(minutes=self.horizon_minutes),
            lateness=timedelta(minutes=self.lateness_minutes),
            grace=timedelta(minutes=self.grace_minutes),
            memory=timedelta(hours=self.memory_hours),
            half_life=timedelta(hours=self.half_life_hours),
            quiet=timedelta(minutes=self.quiet_minutes),
            cool_down=timedelta(minutes=self.cool_down_minutes),
            likeness=self.likeness,
            negative_probability=self.negative_probability,
            negative_score=self.negative_score,
            min_weight=self.min_weight,
            alpha=self.alpha,
            min_count=self.min_count,
            min_sources=self.min_sources,
            shift_alpha=self.shift_alpha,
            shift_min_stories=self.shift_min_stories,
            min_shift=self.min_shift,
            shift_both_ways=self.shift_both_ways,
            warning_surprise=self.warning_surprise,
            critical_surprise=self.critical_surprise,
            critical_sources=self.critical_sources,
            evidence=self.evidence,
        )

    @model_validator(mode="after")
    def _thresholds_go_together(self) -> Self:
        # The rules check themselves, and what they raise names the setting already.
        _ = self.rules
        return self
