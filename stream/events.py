"""The contracts: what stands in each topic.

One model for each kind of record. A record is JSON in UTF-8. Reading ignores fields it does not know, so that
an older reader lives with a newer writer; writing is exact. Every time is aware and in UTC; the event time of
all that concerns an article is its `published_at`. `stream/schemas/` holds the JSON Schemas written from these
models, and a test refuses a change that an existing reader could not live with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

MARKET = "market"
"""The series that every article belongs to."""

Status = Literal["normal", "corrected", "withdrawn"]
AlertStatus = Literal["firing", "updated", "resolved", "retracted"]
Severity = Literal["info", "warning", "critical"]
NotificationStatus = Literal["firing", "updated", "resolved", "retracted", "acknowledged"]


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


UtcTime = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]
"""64 bytes in hexadecimal: one for each of 63 MinHash permutations, and the version of the recipe. The share of
bytes that two fingerprints have in common estimates the similarity of their texts; prints of two versions have
nothing in common. See `stream.score.fingerprint`."""


class Contract(BaseModel):
    """What all records share: unknown fields are ignored on reading, and a record never changes once made."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    def to_json(self) -> bytes:
        """The record as it goes on the wire: JSON in UTF-8, without fields that are None."""
        return self.model_dump_json(exclude_none=True).encode()


class NewsItem(Contract):
    """One article as its publisher sent it. Topic `news.raw`, key `id`."""

    id: Name
    source: Name
    published_at: UtcTime
    headline: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
    body: str | None = None
    url: Annotated[str, StringConstraints(max_length=2048)] | None = None
    language: Annotated[str, StringConstraints(max_length=35)] | None = None
    tickers: Annotated[tuple[Name, ...], Field(max_length=64)] = ()
    revises: Name | None = None
    status: Status = "normal"

    @model_validator(mode="after")
    def _a_revision_names_what_it_revises(self) -> Self:
        if self.status != "normal" and self.revises is None:
            raise ValueError(f"status is {self.status!r} but `revises` is missing: give the id of that item")
        if self.revises == self.id:
            raise ValueError("`revises` must name another item, not the item itself")
        return self


class Sentiment(Contract):
    """Calibrated probabilities of the three classes; they sum to 1 within rounding."""

    negative: Probability
    neutral: Probability
    positive: Probability


class TopicScore(Contract):
    """One topic and its calibrated probability."""

    label: str
    probability: Probability


class EntityScore(Contract):
    """A company named in the text, with the sentiment towards it.

    `start` and `end` are character offsets into the headline, or None where only the publisher's tickers or the
    body name it. `relevance` is in (0, 1].
    """

    id: str
    name: str
    kind: Literal["company"] = "company"
    start: int | None = None
    end: int | None = None
    relevance: Annotated[float, Field(gt=0.0, le=1.0)]
    sentiment: Sentiment
    score: Annotated[float, Field(ge=-1.0, le=1.0)]


class NameInHeadline(Contract):
    """What the model takes for a name, where no table knows it as a company.

    `start` and `end` are character offsets into the headline.
    """

    kind: Literal["organisation", "person", "place"]
    name: str
    start: int
    end: int


class ScoredNews(NewsItem):
    """An article with the model's answers. Topic `news.scored`, key `id`.

    `score` is positive minus negative probability, in [-1, 1]. `received_at` is when the article reached
    `news.raw`, by the record's own timestamp; `scored_at` is when its batch was scored.
    """

    model: str
    sentiment: Sentiment
    score: Annotated[float, Field(ge=-1.0, le=1.0)]
    topics: tuple[TopicScore, ...] = ()
    entities: tuple[EntityScore, ...] = ()
    names: tuple[NameInHeadline, ...] = ()
    fingerprint: Fingerprint
    received_at: UtcTime
    scored_at: UtcTime


class Signal(Contract):
    """What one article says of one series. Topic `news.signals`, key `series`.

    Series are `company:AAPL`, `topic:earnings`, `company:AAPL/topic:legal` and `market`. `weight` is the
    article's relevance for the series, in (0, 1]. `companies` and `topics` are filled for `market` only, where
    stories are told.
    """

    series: Name
    news_id: Name
    published_at: UtcTime
    source: Name
    status: Status = "normal"
    revises: Name | None = None
    weight: Annotated[float, Field(gt=0.0, le=1.0)]
    fingerprint: Fingerprint
    sentiment: Sentiment
    score: Annotated[float, Field(ge=-1.0, le=1.0)]
    headline: str
    url: str | None = None
    model: str
    companies: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()


class Withdrawal(Contract):
    """An article was taken back. Goes to EVERY partition of `news.signals`, key `control`.

    `withdraws` is the id of the article that no longer counts; `news_id` is the item that says so.
    """

    control: Literal["withdrawal"] = "withdrawal"
    news_id: Name
    withdraws: Name
    published_at: UtcTime


class Story(Contract):
    """One story, however often it was copied. Topic `news.stories` (compacted), key `story_id`.

    `story_id` is the id of its first item; `sentiment` is the mean over the copies; `novelty` is in (0, 1]:
    it falls as copies come and rises again with time, as of `last_seen_at`. While nothing more is told of the
    story, it is min(1, novelty * 2 ** (t / 6 hours)) a time t later.
    """

    story_id: Name
    headline: str
    first_seen_at: UtcTime
    last_seen_at: UtcTime
    copies: Annotated[int, Field(ge=1)]
    sources: tuple[str, ...]
    companies: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    sentiment: Sentiment
    novelty: Probability


class Evidence(Contract):
    """An article that weighs in an alert; `why` says in words why it counts."""

    news_id: Name
    published_at: UtcTime
    source: str
    headline: str
    score: Annotated[float, Field(ge=-1.0, le=1.0)]
    weight: float
    url: str | None = None
    why: str | None = None


class Alert(Contract):
    """A surge, or its end. Topic `news.alerts`, key `series`.

    `alert_id` is a pure function of series, rule and onset, so a replay gives the same one. `observed` and
    `expected` are counts of novel stories within `window_seconds`; `p_value` is the predictive probability of at
    least `observed`, and `surprise` is -log10 of it. `sources` counts distinct publishers.
    """

    alert_id: Name
    status: AlertStatus
    severity: Severity
    series: Name
    rule: Name
    onset: UtcTime
    as_of: UtcTime
    window_seconds: Annotated[int, Field(gt=0)]
    observed: float
    expected: float
    p_value: Probability
    surprise: Annotated[float, Field(ge=0.0)]
    mean_score: float | None = None
    baseline_score: float | None = None
    sources: Annotated[int, Field(ge=0)]
    evidence: tuple[Evidence, ...] = ()
    model: str


class Silence(Contract):
    """People want to hear nothing of some series for a while. Topic `news.silences` (compacted), key `silence/ID`.

    `series` is a glob over names of series (`company:AAPL*`); it holds from `starts_at` to before `ends_at`. A
    silence that was ended early has its `ends_at` moved.
    """

    silence_id: Name
    series: Name
    starts_at: UtcTime
    ends_at: UtcTime
    by: Name
    comment: Annotated[str, StringConstraints(max_length=1000)] | None = None


class Acknowledgement(Contract):
    """Somebody looks after an alert. Topic `news.silences` (compacted), key `ack/ALERT_ID`."""

    alert_id: Name
    at: UtcTime
    by: Name
    comment: Annotated[str, StringConstraints(max_length=1000)] | None = None


class RelatedAlert(Contract):
    """An alert of the same cause, in another series than the one that leads."""

    alert_id: Name
    series: Name
    rule: Name
    status: AlertStatus
    severity: Severity


class MovedWord(Contract):
    """A word of a headline, and what it adds to the score: the score is lower by `shift` without it."""

    word: str
    shift: Annotated[float, Field(ge=-2.0, le=2.0)]


class Explanation(Contract):
    """Which words of a headline moved its score most, the strongest first: each was left out in turn.

    `news_id` is the article, `towards` the company whose score is meant, as in its series, or None for that of the
    whole headline. `score` is what `model` gives the headline; with the body it may have been another.
    """

    news_id: Name
    towards: Name | None = None
    score: Annotated[float, Field(ge=-1.0, le=1.0)]
    words: tuple[MovedWord, ...]
    model: str


class Notification(Contract):
    """What people are told of alerts of one cause; also the body that a webhook gets.

    `key` is the idempotency key, a pure function of group, status, severity and time slot: a notification that
    is sent twice has the same. `severity` is the highest of the group, `before` what the sink was told last.
    `lead` is the alert of the most specific series; `others` refer to it. `why` says what made it due.
    """

    key: Name
    group_id: Name
    status: NotificationStatus
    severity: Severity
    before: Severity | None = None
    why: Literal["first", "graver", "reminder", "refresh", "ended", "acknowledged"]
    at: UtcTime
    opened_at: UtcTime
    named_series: Name
    named_rule: Name
    """Series and rule under which the group was told first: they stay while the lead may change."""
    lead: Alert
    others: tuple[RelatedAlert, ...] = ()
    acknowledged_by: str | None = None
    link: str | None = None
    explanation: Explanation | None = None
    """What moved the score of the lead's first article, where that is set and known. No part of the key."""


class Undelivered(Contract):
    """A notification that a sink did not take, and why. Topic `news.undelivered`, key `group_id`."""

    sink: Name
    kind: Name
    reason: Literal["refused", "gave_up"]
    detail: str
    tries: Annotated[int, Field(ge=1)]
    first_tried_at: UtcTime
    given_up_at: UtcTime
    notification: Notification


class Label(Contract):
    """What a person says the answer is. Topic `news.labels`, key `news_id`."""

    news_id: Name
    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
    task: Literal["sentiment", "topic"]
    label: Name
    entity: Name | None = None
    annotator: Name
    at: UtcTime


class ReleaseNote(Contract):
    """Which release an alias stands for, since when and why. Topic `models.releases` (compacted), key `alias`."""

    name: Name
    version: Name
    alias: Name
    action: Literal["promote", "rollback", "shadow", "retire"]
    manifest_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    signature: str | None = None
    at: UtcTime
    by: str
    gate: dict[str, float] = Field(default_factory=dict)


class RejectReason(StrEnum):
    """Why a record of `news.raw` could not be scored. Also the values of a metric label: keep it short."""

    BAD_ENCODING = "bad_encoding"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    INVALID_VALUE = "invalid_value"
    EMPTY_TEXT = "empty_text"
    CONTROL_CHARACTER = "control_character"
    NAIVE_TIME = "naive_time"
    FUTURE_TIME = "future_time"


@dataclass(frozen=True, slots=True)
class Reject:
    """Why one record is no news item. `detail` names the field, its value (cut short) and the fix."""

    reason: RejectReason
    detail: str


CONTRACTS: tuple[type[Contract], ...] = (
    NewsItem,
    ScoredNews,
    Signal,
    Withdrawal,
    Story,
    Alert,
    Silence,
    Acknowledgement,
    Notification,
    Undelivered,
    Label,
    ReleaseNote,
)
"""The records whose JSON Schema is published."""
