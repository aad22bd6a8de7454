"""The composition root: builds everything of one process, runs it, and closes it in reverse order.

Only here is the real clock known, and only here do settings become the plain values that the parts take.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import time
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry

from models.errors import ModelError
from models.scorer import Scorer
from models.slot import ModelSlot
from models.tasks import TOPICS as TOPIC_LABELS
from stream.bus import BatchLoop, Connection, LoopLimits, create_topics
from stream.bus.admin import require_topics
from stream.bus.sole import SoleLoop
from stream.collecting import collecting_seldom
from stream.errors import BrokerRefusedError
from stream.explainer import Explainer
from stream.follow import LONGEST_RETRY_SECONDS, RETRY_SECONDS, ReleaseFollower
from stream.health import Health, HealthServer, LoopReporter, WatchdogThread
from stream.metrics import Metrics
from stream.notify.pipeline import NotifyPipeline
from stream.parts import release_of, rules_of, sinks_of, store_of, tagger_of
from stream.score.entities import CompanyTagger
from stream.score.pipeline import ScoreLimits, ScorePipeline
from stream.serving import Serving, by_language, open_serving, scorer_in_force
from stream.settings import Settings
from stream.sinks import Outlet, Patience, Poster
from stream.store_return import await_store
from stream.supervise import Work, beside, follow, keep_running, run_all
from stream.topics import ALERTS, BASELINES, GROUPS, RAW, SIGNALS, SILENCES, UNDELIVERED
from stream.version import VERSION
from stream.watch.pipeline import WatchPipeline

log = logging.getLogger(__name__)

Role = Literal["score", "watch", "notify"]
ROLES: tuple[Role, ...] = ("score", "watch")
"""What runs whatever is set; see `roles_of`."""

_SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another waits for it. The event loop lets go of it at each
write to a socket, some ten in a transaction, and would otherwise wait 5 ms to have it back."""

_SCORE_SPAN_MS = 60_000
"""SCORE writes what a poll brought in no order across partitions: this much disorder, and WATCH bears minutes."""


@dataclass(slots=True)
class Monitor:
    """SCORE, WATCH, NOTIFY or several of them, with their metrics port; `run` works until it is told to stop.

    Attributes:
        settings: what was set.
        connection: the broker, which must be there.
        roles: which loops run here.
        companies: further company tables, behind those of the settings.
        registry: where the metrics are.
        metrics_url: where they are served, once `run` has begun.
    """

    settings: Settings
    connection: Connection
    roles: Collection[Role] = ROLES
    companies: Sequence[Path] = ()
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    metrics_url: str | None = None
    _serving: tuple[Serving, ...] = field(default=(), init=False)
    _tagger: CompanyTagger | None = field(default=None, init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish what is under way and close everything.

        Raises:
            NewstideError: the broker refuses or was never there, a port is taken, a setting is wrong.
            ModelError: the release can't be used.
        """
        settings = self.settings
        async with AsyncExitStack() as stack:
            stack.callback(sys.setswitchinterval, sys.getswitchinterval())
            sys.setswitchinterval(_SWITCH_SECONDS)
            stack.enter_context(collecting_seldom())
            metrics = Metrics(
                self.registry,
                topics=TOPIC_LABELS,
                rules=[rule.name for rule in rules_of(settings).surges],
                version=VERSION,
            )
            health = Health(
                stall_seconds=settings.health.stall_seconds,
                rebalance_grace_seconds=settings.health.rebalance_grace_seconds,
            )
            await self._make_topics()
            works: list[Work] = []
            if "score" in self.roles:
                works += await self._build_score(stack, metrics, health, stop)
            if "watch" in self.roles:
                works.append(self._build_watch(stack, metrics, health, stop))
            if "notify" in self.roles:
                works += await self._build_notify(stack, metrics, health, stop)
            server = HealthServer(
                self.registry,
                health,
                clock=time.monotonic,
                host=settings.metrics.host,
                port=settings.metrics.port,
                event_loop=asyncio.get_running_loop(),
            )
            stack.enter_context(server)
            stack.enter_context(WatchdogThread(server.alive))
            self.metrics_url = server.url
            log.info("metrics at %s/metrics", server.url)
            _keep_what_is_there()
            stack.callback(gc.unfreeze)
            self.started.set()
            await run_all(works)

    async def _make_topics(self) -> None:
        """On the embedded broker make what is missing; on another, where that is its owner's, only look."""
        topics = self.settings.topics
        if self.connection.embedded:
            await create_topics(self.connection, partitions=topics.partitions, replication_factor=1)
            return
        inputs = {
            "score": [RAW.name, SIGNALS.name],
            "watch": [SIGNALS.name, BASELINES.name],
            "notify": [ALERTS.name, GROUPS.name, SILENCES.name, UNDELIVERED.name],
        }
        counts = await require_topics(
            self.connection, sorted({name for role in self.roles for name in inputs[role]})
        )
        signals, baselines = counts.get(SIGNALS.name), counts.get(BASELINES.name)
        if baselines is not None and baselines != signals:
            raise BrokerRefusedError(
                f"{self.connection.bootstrap}: {SIGNALS.name} has {signals} partitions and {BASELINES.name} "
                f"{baselines}: give both the same number, as the state of a series lies beside its signals"
            )

    async def _build_score(
        self, stack: AsyncExitStack, metrics: Metrics, health: Health, stop: asyncio.Event
    ) -> list[Work]:
        settings = self.settings
        self._serving = serving = await asyncio.to_thread(open_serving, settings)
        self._tagger = tagger = await asyncio.to_thread(tagger_of, settings, self.companies)
        _show_models(serving, metrics)
        health.describe("score.model", lambda: "; ".join(map(str, serving)))
        default = serving[0].slot
        pipeline = ScorePipeline(
            model=lambda: default.current,
            by_language={
                language: partial(_current, slot) for language, slot in by_language(serving).items()
            },
            tagger=tagger,
            metrics=metrics,
            limits=ScoreLimits(
                settings.score.max_record_bytes, timedelta(hours=settings.score.max_ahead_hours)
            ),
        )
        stack.callback(pipeline.close)
        reporter = _reporter("score", RAW.name, metrics, health)
        make = partial(
            BatchLoop,
            "score",
            RAW.name,
            connection=self.connection,
            group=settings.score.group,
            pipeline=pipeline,
            watcher=reporter,
            limits=LoopLimits(
                max_records=settings.score.max_poll_records,
                poll_ms=settings.score.poll_ms,
                span_ms=_SCORE_SPAN_MS,
            ),
        )
        works: list[Work] = [partial(keep_running, "score", make, reporter, stop)]
        for each in serving:
            works += self._keep_up(each, metrics, stop)
        return works

    def _keep_up(self, serving: Serving, metrics: Metrics, stop: asyncio.Event) -> list[Work]:
        """What brings another release into force in one slot: the store that was away, and announcements."""
        works: list[Work] = []
        if serving.away is not None:
            log.warning("started with %s from this machine's copy: %s", serving, serving.away)
            resolve = partial(release_of, self.settings, serving.which)
            asking = partial(await_store, resolve, serving.slot, metrics, languages=serving.languages)
            works.append(partial(beside, stop, asking))
        if self.settings.releases.follow and serving.alias is not None:
            store = store_of(self.settings)
            follower = ReleaseFollower(
                self.connection,
                slot=serving.slot,
                alias=serving.alias,
                fetch=store.fetch,
                history=store.history,
                metrics=metrics,
                languages=serving.languages,
            )
            works.append(partial(follow, follower, stop))
        return works

    def _build_watch(
        self, stack: AsyncExitStack, metrics: Metrics, health: Health, stop: asyncio.Event
    ) -> Work:
        settings = self.settings
        pipeline = WatchPipeline(self.connection, rules_of(settings), metrics=metrics, clock=time.monotonic)
        stack.callback(pipeline.close)
        reporter = _reporter("watch", SIGNALS.name, metrics, health)
        make = partial(
            BatchLoop,
            "watch",
            SIGNALS.name,
            connection=self.connection,
            group=settings.watch.group,
            pipeline=pipeline,
            watcher=reporter,
            limits=LoopLimits(max_records=settings.watch.max_poll_records, poll_ms=settings.watch.poll_ms),
        )
        return partial(keep_running, "watch", make, reporter, stop)

    async def _build_notify(
        self, stack: AsyncExitStack, metrics: Metrics, health: Health, stop: asyncio.Event
    ) -> list[Work]:
        notify = self.settings.notify
        poster = Poster(_now, notify.timeout_seconds)
        stack.push_async_callback(poster.close)
        patience = Patience(notify.retry_seconds, notify.longest_retry_seconds, 60 * notify.give_up_minutes)
        outlets = [
            Outlet(
                sink,
                wishes,
                post=poster.post,
                clock=_now,
                monotonic=time.monotonic,
                gauge=metrics,
                patience=patience,
                capacity=notify.queue,
            )
            for sink, wishes in sinks_of(self.settings)
        ]
        metrics.show_sinks(each.name for each in outlets)
        explainer = await self._build_explainer(stack) if notify.explain else None
        pipeline = NotifyPipeline(
            self.connection,
            outlets,
            metrics=metrics,
            clock=_now,
            forget=timedelta(hours=notify.forget_hours),
            link=notify.link,
            explains=explainer,
        )
        reporter = _reporter("notify", ALERTS.name, metrics, health)
        make = partial(
            SoleLoop,
            "notify",
            ALERTS.name,
            connection=self.connection,
            group=notify.group,
            pipeline=pipeline,
            watcher=reporter,
            limits=LoopLimits(max_records=notify.max_poll_records, poll_ms=notify.poll_ms),
        )
        ended = asyncio.Event()

        async def run_loop() -> None:
            await keep_running("notify", make, reporter, stop)
            ended.set()

        # The sinks are told until the loop has written what came of it.
        all_along = [pipeline.heed, *(each.run for each in outlets)]
        if explainer is not None and not self._serving:
            all_along.append(partial(self._load_to_explain, explainer, metrics, stop))
        return [run_loop, *(partial(beside, ended, each) for each in all_along)]

    async def _build_explainer(self, stack: AsyncExitStack) -> Explainer:
        """With the models and the companies of SCORE where it runs here too; else the models come later."""
        if self._tagger is None:
            self._tagger = await asyncio.to_thread(tagger_of, self.settings, self.companies)
        explainer = Explainer(self._tagger, monotonic=time.monotonic)
        stack.callback(explainer.close)
        if self._serving:
            explainer.serve(scorer_in_force(self._serving))
        return explainer

    async def _load_to_explain(self, explainer: Explainer, metrics: Metrics, stop: asyncio.Event) -> None:
        """Load what is in force and keep up with it: beside the loop, for no notification depends on it."""
        wait = RETRY_SECONDS
        while True:
            try:
                serving = await asyncio.to_thread(open_serving, self.settings)
            except (ModelError, OSError) as error:
                explainer.lack(error)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_RETRY_SECONDS)
            else:
                break
        _show_models(serving, metrics)
        explainer.serve(scorer_in_force(serving))
        log.info("notifications are explained by %s", "; ".join(map(str, serving)))
        await run_all([work for each in serving for work in self._keep_up(each, metrics, stop)])


def roles_of(settings: Settings) -> tuple[Role, ...]:
    """What runs where all runs in one process: NOTIFY too, where there is somebody to tell."""
    return (*ROLES, "notify") if settings.notify.sinks else ROLES


def _show_models(serving: Sequence[Serving], metrics: Metrics) -> None:
    for each in serving:
        name, _, version = each.slot.current.release.partition("@")
        metrics.model_in_force(name, version, each.languages)


def _current(slot: ModelSlot) -> Scorer:
    return slot.current


def _now() -> datetime:
    return datetime.now(UTC)


def _reporter(role: Role, topic: str, metrics: Metrics, health: Health) -> LoopReporter:
    return LoopReporter(
        role,
        topic,
        metrics=metrics,
        health=health,
        monotonic=time.monotonic,
        unix=time.time,
        once_assigned=_keep_what_is_there,
    )


def _keep_what_is_there() -> None:
    """Free what is no longer used, and let no full collection go through the rest again.

    What was built for the start, and the state that was restored, stay: a collection would go through all of it in
    the middle of a batch, tens of milliseconds for the models, and a second for 100,000 busy series. The state of
    partitions that went elsewhere is what is freed here.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
