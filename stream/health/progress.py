"""Judges progress: what each loop last did, and whether that is recent enough.

All times are seconds of one monotonic clock, given by the caller. Loops report from the event loop and probes
ask from other threads: a report replaces plain values, and a probe sees a state at worst one report old.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Check:
    """One question, its answer, and why."""

    name: str
    ok: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """The answers together; it is `ok` when all are, and when nothing was asked."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return all(check.ok for check in self.checks)

    @property
    def failures(self) -> str:
        """The failed checks and their reasons in one line."""
        return "; ".join(f"{check.name}: {check.reason}" for check in self.checks if not check.ok)

    def to_json(self) -> bytes:
        """The body of `/healthz` and `/readyz`."""
        checks = [{"name": each.name, "ok": each.ok, "reason": each.reason} for each in self.checks]
        return json.dumps({"status": "ok" if self.ok else "failing", "checks": checks}).encode()


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Decides when waiting has become being stuck: after `bound_seconds` with work and without progress."""

    bound_seconds: float

    def stalled(self, now: float, last_progress: float, *, has_work: bool) -> bool:
        """Whether there was something to do and nothing was done for longer than the bound."""
        return has_work and now - last_progress > self.bound_seconds


@dataclass(slots=True)
class LoopProgress:
    """What one loop last did.

    Attributes:
        owned: how many partitions it owns; None before the group first dealt them.
        changed_at: when the loop started, a rebalance began, partitions were dealt or the broker went away or
            came back, whichever was last.
        away: whether the loop knows that its broker is away, and waits for it.
        work_since: since when something waits to be committed; None when nothing does.
    """

    changed_at: float
    polled_at: float
    committed_at: float | None = None
    owned: int | None = None
    rebalancing: bool = True
    away: bool = False
    work_since: float | None = None
    in_hand: bool = False
    lag: dict[int, int] = field(default_factory=dict)

    def note_work(self, now: float) -> None:
        """Begin or end the time of waiting, by what is in hand and what lies behind."""
        if not self.in_hand and not any(self.lag.values()):
            self.work_since = None
        elif self.work_since is None:
            self.work_since = now

    def note_broker(self, now: float) -> None:
        """The broker answered: if it was away, the partitions are to be dealt anew from now on."""
        if self.away:
            self.away, self.rebalancing, self.changed_at = False, True, now

    def forget_work(self) -> None:
        """The partitions are dealt anew: what was in hand or waited may be another worker's now."""
        self.in_hand, self.lag, self.work_since = False, {}, None


class Health:
    """Takes the loops' reports and answers the probes.

    A loop is stuck when outside a rebalance it does not poll for `stall_seconds`, when records wait that long
    without a commit, or when a rebalance goes on for that long beyond its grace. At half of that it is not
    ready, so that a probe shows trouble before the watchdog acts on it.
    """

    def __init__(self, *, stall_seconds: float = 60.0, rebalance_grace_seconds: float = 60.0) -> None:
        self._grace = rebalance_grace_seconds
        self._stall = Watchdog(stall_seconds)
        self._slow = Watchdog(stall_seconds / 2)
        self._loops: dict[str, LoopProgress] = {}
        self._described: dict[str, Callable[[], str]] = {}

    def describe(self, name: str, tell: Callable[[], str]) -> None:
        """Let `/readyz` also tell something that is never wrong, such as which model is in force."""
        self._described[name] = tell

    def expect(self, loop: str, now: float) -> None:
        """`loop` starts; from now on it is asked about. It has the grace of a rebalance to get partitions."""
        self._loops[loop] = LoopProgress(changed_at=now, polled_at=now)

    def broker_away(self, loop: str, now: float) -> None:
        """The loop found its broker gone and waits: it is not ready, but to end it would not help."""
        state = self._loops[loop]
        state.forget_work()
        if not state.away:
            state.away, state.changed_at = True, now

    def rebalancing(self, loop: str, now: float) -> None:
        """The group began to deal the partitions anew. Saying it again does not lengthen the grace."""
        state = self._loops[loop]
        state.note_broker(now)
        state.forget_work()
        if not state.rebalancing:
            state.rebalancing, state.changed_at = True, now

    def assigned(self, loop: str, partitions: int, now: float) -> None:
        """The rebalance is over, and `partitions` are ours; none is right where others own them all."""
        state = self._loops[loop]
        state.forget_work()
        state.away = False
        state.owned, state.rebalancing, state.changed_at, state.polled_at = partitions, False, now, now

    def polled(self, loop: str, records: int, now: float) -> None:
        """A poll came back with so many records."""
        state = self._loops[loop]
        state.note_broker(now)
        state.polled_at = now
        state.in_hand = state.in_hand or records > 0
        state.note_work(now)

    def waiting(self, loop: str, partition: int, records: int, now: float) -> None:
        """So many records lie behind the position in one of the loop's partitions."""
        state = self._loops[loop]
        state.lag = {**state.lag, partition: records}
        state.note_work(now)

    def committed(self, loop: str, now: float) -> None:
        """A transaction was committed: the wait for one begins anew if more lies behind."""
        state = self._loops[loop]
        state.committed_at, state.in_hand, state.work_since = now, False, None
        state.note_work(now)

    def has_work(self, loop: str) -> bool:
        """Whether records of `loop` wait to be committed."""
        return self._loops[loop].work_since is not None

    def alive(self, now: float) -> Report:
        """What `/healthz` and the watchdog ask: is a loop stuck for good?"""
        return self._report(now, self._stall)

    def ready(self, now: float) -> Report:
        """What `/readyz` asks: does every loop own its partitions, poll them, and commit what it reads?"""
        told = tuple(Check(name, True, tell()) for name, tell in list(self._described.items()))
        return Report(self._report(now, self._slow).checks + told)

    def _report(self, now: float, bound: Watchdog) -> Report:
        checks: list[Check] = []
        for name, state in list(self._loops.items()):
            if state.away:
                reason = f"it has been away for {now - state.changed_at:.0f} s"
                checks.append(Check(f"{name}.broker", bound is self._stall, reason))
                continue
            checks.append(self._check_assignment(f"{name}.assigned", state, now, bound))
            if not state.rebalancing:
                checks.append(_check_poll(f"{name}.poll", state, now, bound))
                checks.append(_check_commit(f"{name}.commit", state, now, bound))
        return Report(tuple(checks))

    def _check_assignment(self, name: str, state: LoopProgress, now: float, bound: Watchdog) -> Check:
        if not state.rebalancing:
            return Check(
                name, True, f"{state.owned} partitions" if state.owned else "standing by: none is left"
            )
        lasted = now - state.changed_at
        in_grace = lasted <= self._grace
        if bound is self._stall:
            ok = in_grace or not bound.stalled(now - self._grace, state.changed_at, has_work=True)
        else:
            ok = in_grace and state.owned is not None
        what = "starting" if state.owned is None else "a rebalance goes on"
        return Check(name, ok, f"{what} for {lasted:.0f} s")


def _check_poll(name: str, state: LoopProgress, now: float, bound: Watchdog) -> Check:
    ok = not bound.stalled(now, state.polled_at, has_work=True)
    return Check(name, ok, f"last poll {now - state.polled_at:.1f} s ago")


def _check_commit(name: str, state: LoopProgress, now: float, bound: Watchdog) -> Check:
    if state.work_since is None:
        return Check(name, True, "nothing waits to be committed")
    ok = not bound.stalled(now, state.work_since, has_work=True)
    last = "never" if state.committed_at is None else f"{now - state.committed_at:.1f} s ago"
    behind = sum(state.lag.values())
    return Check(
        name,
        ok,
        f"work waits for {now - state.work_since:.1f} s, {behind} records behind, last commit {last}",
    )
