"""When a story counts, and when a count is a surge. See `stream.watch.rules` for what each threshold does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from stream.errors import UsageError
from stream.settings.values import Name, Section, existing_file
from stream.watch.budget import Budget
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
    lateness_minutes: Minutes = 10
    grace_minutes: Minutes = 10
    memory_hours: Hours = 24
    stories: Count = 512
    topic_stories: Count = 4_096
    market_stories: Count = 32_768
    half_life_hours: Hours = 168
    quiet_minutes: Minutes = 15
    cool_down_minutes: Minutes = 30
    likeness: Share = 0.75
    negative_probability: Share = 0.5
    negative_score: Annotated[float, Field(ge=-1.0, le=1.0)] = -0.3
    min_weight: Share = 0.2
    min_count: Count = 3
    min_sources: Count = 2
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
            lateness=timedelta(minutes=self.lateness_minutes),
            grace=timedelta(minutes=self.grace_minutes),
            memory=timedelta(hours=self.memory_hours),
            capacity=self.stories,
            topic_capacity=self.topic_stories,
            market_capacity=self.market_stories,
            half_life=timedelta(hours=self.half_life_hours),
            quiet=timedelta(minutes=self.quiet_minutes),
            cool_down=timedelta(minutes=self.cool_down_minutes),
            likeness=self.likeness,
            negative_probability=self.negative_probability,
            negative_score=self.negative_score,
            min_weight=self.min_weight,
            min_count=self.min_count,
            min_sources=self.min_sources,
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


class AlertSettings(Section):
    """How often alerts may be false, of how many companies, by which rules, and what is known beforehand."""

    budget: str = "1/week"
    """False alarms that all rules without a budget of their own may raise together."""
    companies: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How many companies are watched, where it is not as many as the profile says."""
    rules: Annotated[Path, AfterValidator(existing_file)] | None = None
    """A TOML file of rules, in the place of the built-in ones."""
    profile: Annotated[Path, AfterValidator(existing_file)] | None = None
    """What is usual, made by `newstide profile learn`; without one, the profile that ships."""

    @field_validator("budget")
    @classmethod
    def _says_a_number_of_alarms(cls, value: str) -> str:
        try:
            Budget.parse(value)
        except UsageError as error:
            raise ValueError(str(error)) from error
        return value
