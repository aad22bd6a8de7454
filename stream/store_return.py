"""A release store that was away when a scorer started: it is asked until it answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from models.release import Release
from models.slot import ModelSlot, SwapStatus
from stream.follow import LONGEST_RETRY_SECONDS, RETRY_SECONDS
from stream.metrics import Metrics

log = logging.getLogger(__name__)


async def await_store(
    resolve: Callable[[], Release],
    slot: ModelSlot,
    metrics: Metrics,
    *,
    languages: Collection[str] = (),
    retry_seconds: float = RETRY_SECONDS,
) -> None:
    """Ask at growing intervals what is in force, and bring that in; returns when it is.

    The attempt that failed at the start counts too. A release that is announced meanwhile is brought in by its
    follower: the store is asked while no other swap goes on, so the later of both stays.

    Args:
        resolve: asks the store; raises ModelError while it is away.
        slot: holds what this machine had a copy of.
        metrics: where each attempt is counted.
        languages: those that only this release reads; none where it reads all that have no other.
        retry_seconds: the first interval.
    """
    metrics.swap(SwapStatus.UNAVAILABLE.value)
    while True:
        await asyncio.sleep(retry_seconds)
        retry_seconds = min(2 * retry_seconds, LONGEST_RETRY_SECONDS)
        outcome = await asyncio.to_thread(slot.swap_to, resolve)
        metrics.swap(outcome.status.value)
        if not outcome.refused:
            name, _, version = outcome.release.partition("@")
            metrics.model_in_force(name, version, languages)
            log.info("the release store answers again: %s", outcome.detail)
            return
        log.warning("%s stays: %s", outcome.release, outcome.detail)
