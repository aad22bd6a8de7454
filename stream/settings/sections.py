"""What can be set: one frozen section for each part, with its defaults, units and bounds.

A value that cannot be right is refused here, before anything is built; checks that concern two fields name
the one to change. Unknown fields are refused, so that a slip of the pen never passes for a setting.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from models.batches import BATCH_TOKENS
from stream.settings.kafka import KafkaSettings
from stream.settings.notify import NotifySettings
from stream.settings.values import Name, Paths, Port, Section, from_text, lower, pairs_from_text, upper, wrong
from stream.settings.watch import AlertSettings, WatchSettings


def _a_feed_may_be_its_url(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


def _web_address(value: str) -> str:
    if not re.match(r"https?://[^\s/]", value):
        raise ValueError("give an address that begins with http:// or https://")
    return value


def _state_dir_of_user() -> Path:
    """Where this user's programs keep state (XDG), in a folder of newstide's own."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "newstide"


class BrokerSettings(Section):
    """The embedded broker: where it listens and keeps its data. Port 0 takes any free one."""

    host: str = "127.0.0.1"
    port: Port = 29_092
    data_dir: Path = Field(default_factory=_state_dir_of_user)


class TopicSettings(Section):
    """How topics are created."""

    partitions: Annotated[int, Field(ge=1, le=1_000)] = 3
    replication_factor: Annotated[int, Field(ge=1, le=100)] = 1
    min_insync_replicas: Annotated[int, Field(ge=1, le=100)] = 1

    @model_validator(mode="after")
    def _enough_replicas_exist(self) -> Self:
        if self.min_insync_replicas > self.replication_factor:
            raise wrong(
                "min_insync_replicas",
                f"topics.replication_factor is {self.replication_factor}: nothing could ever be written; "
                "give at most that many",
            )
        return self


class ScoreSettings(Section):
    """SCORE: batches, bounds of an article, the device, and further company tables."""

    group: Name = "newstide-score"
    max_poll_records: Annotated[int, Field(ge=1, le=10_000)] = 256
    poll_ms: Annotated[int, Field(ge=1, le=10_000)] = 20
    batch_tokens: Annotated[int, Field(ge=16, le=1_048_576)] = BATCH_TOKENS
    """Tokens in one pass of the model."""
    max_length: Annotated[int, Field(ge=8, le=512)] = 128
    max_record_bytes: Annotated[int, Field(ge=1_024, le=8 * 1024 * 1024)] = 1_048_576
    max_ahead_hours: Annotated[float, Field(ge=0, le=8_760)] = 24.0
    """How far in the future an article may be dated before it is refused."""
    companies: Paths = ()
    provider: Annotated[Literal["cpu", "cuda"], BeforeValidator(lower)] = "cpu"
    intra_threads: Annotated[int, Field(ge=1, le=256)] = 1


_Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$"), BeforeValidator(lower)]
_Which = Annotated[str, Field(max_length=255, pattern=r"^[A-Za-z0-9._+-]+(@[A-Za-z0-9._+-]+)?$")]


class ReleaseSettings(Section):
    """Where releases are kept and which one is in force. `store` is a path or a URL that fsspec reads."""

    store: str | None = None
    alias: Name = "production"
    key: SecretStr | None = None
    """With it, a release must be signed by the same key to come into force."""
    languages: Annotated[dict[_Language, _Which], NoDecode, BeforeValidator(pairs_from_text)] = Field(
        default_factory=dict
    )
    """Which release reads a language (`zh`): an alias of its own, `name@version`, or the name of one that ships.
    All other languages, and texts of an unknown one, go to `alias`."""
    follow: bool = True
    """Whether a running scorer takes over what is announced on `models.releases`."""


class MetricsSettings(Section):
    """The port of `/metrics`, `/healthz` and `/readyz`; 0 takes any free one."""

    host: str = "127.0.0.1"
    port: Port = 9_108


class Feed(Section):
    """One RSS or Atom feed. `source` is the publisher's name, by default the feed's host."""

    url: Annotated[str, Field(max_length=2_048), AfterValidator(_web_address)]
    source: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    every_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60.0


class IngestSettings(Section):
    """The feeds to poll, and where it is remembered what was sent."""

    feeds: Annotated[
        tuple[Annotated[Feed, BeforeValidator(_a_feed_may_be_its_url)], ...],
        NoDecode,
        BeforeValidator(from_text),
    ] = ()
    state_dir: Path | None = None


class LogSettings(Section):
    """How the log looks: `auto` is readable on a terminal and JSON elsewhere."""

    format: Annotated[Literal["auto", "text", "json"], BeforeValidator(lower)] = "auto"
    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(upper)] = "INFO"


class HealthSettings(Section):
    """When a loop counts as stuck, in seconds."""

    stall_seconds: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    rebalance_grace_seconds: Annotated[float, Field(ge=0, le=86_400)] = 60.0


class Settings(BaseSettings):
    """All that can be set. Get one from `load_settings`, which also knows where each value came from."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="NEWSTIDE_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        validate_default=True,
    )

    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    broker: BrokerSettings = Field(default_factory=BrokerSettings)
    topics: TopicSettings = Field(default_factory=TopicSettings)
    score: ScoreSettings = Field(default_factory=ScoreSettings)
    watch: WatchSettings = Field(default_factory=WatchSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    notify: NotifySettings = Field(default_factory=NotifySettings)
    releases: ReleaseSettings = Field(default_factory=ReleaseSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    ingest: IngestSettings = Field(default_factory=IngestSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    health: HealthSettings = Field(default_factory=HealthSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the library's signature)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (the library's signature)
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (the library's signature)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (the library's signature)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what is handed over: the layers are merged in `layers.py`, which keeps their origins."""
        return (init_settings,)

    @property
    def release_store(self) -> str:
        """`releases.store`, or the folder `releases` in the data directory."""
        return self.releases.store or str(self.broker.data_dir / "releases")

    @property
    def ingest_dir(self) -> Path:
        """`ingest.state_dir`, or the folder `ingest` in the data directory."""
        return self.ingest.state_dir or self.broker.data_dir / "ingest"
