"""What can be set, and where each value came from: the only reader of the environment.

In rising precedence: defaults, a TOML file (`--config FILE`, else `newstide.toml` in the working directory),
the environment (`NEWSTIDE_KAFKA__BOOTSTRAP`), flags (`--set kafka.bootstrap=…` and the flags of a command).
`sections.py` says what there is (`kafka.py` and `watch.py` are its two large parts); `layers.py` puts the layers
together and keeps each value's origin.
"""

from __future__ import annotations

from stream.settings.kafka import EMBEDDED, KafkaSettings
from stream.settings.layers import DEFAULT_FILE, Loaded, load_settings
from stream.settings.notify import NotifySettings
from stream.settings.sections import (
    BrokerSettings,
    Feed,
    HealthSettings,
    IngestSettings,
    LogSettings,
    MetricsSettings,
    ReleaseSettings,
    ScoreSettings,
    Settings,
    TopicSettings,
)
from stream.settings.watch import WatchSettings

__all__ = [
    "DEFAULT_FILE",
    "EMBEDDED",
    "BrokerSettings",
    "Feed",
    "HealthSettings",
    "IngestSettings",
    "KafkaSettings",
    "Loaded",
    "LogSettings",
    "MetricsSettings",
    "NotifySettings",
    "ReleaseSettings",
    "ScoreSettings",
    "Settings",
    "TopicSettings",
    "WatchSettings",
    "load_settings",
]
