"""Settings become parts: the plain values and objects that the rest of newstide takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from models.aliases import ReleaseRef
from models.errors import StoreAwayError, WrongSettingError
from models.packaged import packaged_named
from models.release import Release
from models.scorer import OnnxScorer
from models.store import ReleaseStore, packaged_release
from stream.notify.owed import Wishes
from stream.score.entities import CompanyTagger
from stream.settings import Settings
from stream.settings.notify import (
    AlertmanagerSettings,
    NotifySettings,
    PagerDutySettings,
    SinkSettings,
    SlackSettings,
    WebhookSettings,
)
from stream.sinks import AlertmanagerSink, PagerDutySink, Sink, SlackSink, WebhookSink
from stream.watch.budget import Budget
from stream.watch.profile import default_profile, read_profile
from stream.watch.rulebook import BUILT_IN, read_rules
from stream.watch.rules import WatchRules


def tagger_of(settings: Settings, extra: Sequence[Path] = ()) -> CompanyTagger:
    """The company tables that ship, and those of the user behind them."""
    return CompanyTagger.default([*settings.score.companies, *extra])


def store_of(settings: Settings) -> ReleaseStore:
    """Where releases are kept. With `releases.key` it gives out only what is signed with it."""
    cache = settings.broker.data_dir / "cache"
    return ReleaseStore(settings.release_store, cache=cache, key=key_of(settings))


def key_of(settings: Settings) -> bytes | None:
    """The key that releases are signed with, where one is set."""
    key = settings.releases.key
    return key.get_secret_value().encode() if key is not None else None


def release_of(settings: Settings, which: str | None = None) -> Release:
    """The release that `which` stands for: an alias in the store, a `name@version`, or one that ships.

    Without `which`, that of `releases.alias`, or the default one that ships.

    Raises:
        WrongSettingError: no release is called as the settings say.
        ModelError: the store is away, lacks that version, or what it holds is not sound.
    """
    store = store_of(settings)
    if which is not None and "@" in which:
        ref = ReleaseRef.parse(which)
        return packaged_named(which) or store.fetch(ref.name, ref.version)
    return store.resolve(which or settings.releases.alias) or _packaged(settings, which)


def release_at_start(settings: Settings, which: str | None = None) -> tuple[Release, str | None]:
    """As `release_of`; from this machine's copy where the store is away, and then also why it was not asked.

    Raises:
        ModelError: the store is away and this machine has no copy, or what it holds is not sound.
    """
    try:
        return release_of(settings, which), None
    except StoreAwayError as error:
        if which is not None and "@" in which:
            raise
        try:
            held = store_of(settings).recall(which or settings.releases.alias)
        except StoreAwayError as unknown:
            raise StoreAwayError(f"{error}; {unknown}") from error
        return held or _packaged(settings, which), str(error)


def _packaged(settings: Settings, which: str | None) -> Release:
    """What ships with newstide and is used where an alias was never set."""
    found = packaged_release() if which in {None, settings.releases.alias} else packaged_named(str(which))
    if found is None:
        raise WrongSettingError(
            f"releases.languages names {which!r}: no alias of {settings.release_store} and no release that ships"
            " is called so; promote a release under that alias, or name another"
        )
    return found


def load_scorer(settings: Settings, release: Release) -> OnnxScorer:
    """Load a release as the settings say."""
    providers = {"cpu": ("CPUExecutionProvider",), "cuda": ("CUDAExecutionProvider",)}
    return OnnxScorer.load(
        release,
        batch_tokens=settings.score.batch_tokens,
        max_length=settings.score.max_length,
        providers=providers[settings.score.provider],
        threads=settings.score.intra_threads,
    )


def rules_of(settings: Settings) -> WatchRules:
    """The thresholds of WATCH, with the rules, the budget and the profile of `[alerts]`.

    Raises:
        UsageError: if a file of rules or a profile is wrong; names it.
    """
    alerts = settings.alerts
    profile = default_profile() if alerts.profile is None else read_profile(alerts.profile)
    if alerts.companies is not None:
        profile = profile.sized(alerts.companies)
    return replace(
        settings.watch.rules,
        surges=BUILT_IN if alerts.rules is None else read_rules(alerts.rules),
        budget=Budget.parse(alerts.budget),
        profile=profile,
    )


def sinks_of(settings: Settings) -> list[tuple[Sink, Wishes]]:
    """Whom alerts are told, and what each wants to be told."""
    notify = settings.notify
    return [(_sink(name, each), _wishes(name, each, notify)) for name, each in notify.named_sinks.items()]


def _sink(name: str, sink: SinkSettings) -> Sink:
    match sink:
        case AlertmanagerSettings():
            resend = timedelta(seconds=sink.resend_seconds)
            return AlertmanagerSink(name, sink.url, resend, _plain(sink.token))
        case WebhookSettings():
            return WebhookSink(name, sink.url.get_secret_value(), _plain(sink.secret), _plain(sink.token))
        case SlackSettings():
            return SlackSink(name, sink.url.get_secret_value())
        case PagerDutySettings():
            return PagerDutySink(name, sink.routing_key.get_secret_value(), sink.url)


def _wishes(name: str, sink: SinkSettings, notify: NotifySettings) -> Wishes:
    """Alertmanager reminds people by itself, but must hear again and again that an alert is open."""
    resend = timedelta(seconds=sink.resend_seconds) if isinstance(sink, AlertmanagerSettings) else None
    return Wishes(
        name,
        wait=timedelta(seconds=notify.wait_seconds),
        repeat=timedelta(hours=notify.repeat_hours) if resend is None else None,
        refresh=resend,
        acknowledgements=isinstance(sink, PagerDutySettings),
        at_least=sink.min_severity,
    )


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
