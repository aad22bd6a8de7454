"""The model in force, and how another takes its place."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from models.errors import ChecksumError, ManifestError, ModelError, SignatureError
from models.golden import check_golden, read_golden
from models.release import GOLDEN, Release
from models.scorer import OnnxScorer, Scorer

_WARM_UP = ("Up.", "Shares fell after the bank cut its outlook for the year. " * 2, "guidance " * 512)
"""A short text, a usual one and one of full length, so that memory is taken before the first batch needs it."""


class SwapStatus(StrEnum):
    """How a swap ended. Also the values of a metric label: keep it short."""

    SWAPPED = "swapped"
    UNCHANGED = "unchanged"
    UNAVAILABLE = "unavailable"
    BAD_MANIFEST = "bad_manifest"
    BAD_CHECKSUM = "bad_checksum"
    BAD_SIGNATURE = "bad_signature"
    FAILED_TO_LOAD = "failed_to_load"
    FAILED_GOLDEN = "failed_golden"


@dataclass(frozen=True, slots=True)
class SwapOutcome:
    """How a swap ended.

    Attributes:
        status: what became of it.
        release: the `name@version` in force afterwards.
        detail: for the log: what is in force now, or why the release was refused.
    """

    status: SwapStatus
    release: str
    detail: str

    @property
    def refused(self) -> bool:
        """Whether the release was found unfit, and the one before it stayed."""
        return self.status not in {SwapStatus.SWAPPED, SwapStatus.UNCHANGED}


class _RefusedError(ModelError):
    """A release was found unfit; says at which step."""

    def __init__(self, status: SwapStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class ModelSlot:
    """Holds one reference: the scorer in force.

    Whoever scores a batch reads `current` once and keeps what it got to the end of the batch. A swap prepares
    the newcomer completely and then replaces the reference, so a batch sees one model or the other.
    """

    def __init__(self, scorer: Scorer, *, load: Callable[[Release], Scorer] = OnnxScorer.load) -> None:
        self._current = scorer
        self._load = load
        self._swapping = threading.Lock()

    @classmethod
    def open(cls, release: Release, *, load: Callable[[Release], Scorer] = OnnxScorer.load) -> ModelSlot:
        """A slot with `release` in force, which had to pass what every newcomer must pass.

        Raises:
            ModelError: if it did not.
        """
        return cls(_prepare(release, load), load=load)

    @property
    def current(self) -> Scorer:
        """The scorer in force."""
        return self._current

    def swap_to(self, source: Release | Callable[[], Release]) -> SwapOutcome:
        """Put a release in force: load, verify, warm up, check its golden examples, then swap.

        Runs in the thread of the caller and takes seconds: call it outside the event loop. If any step fails,
        the model in force stays, and the outcome says why; nothing is raised.

        Args:
            source: the release, or what fetches it, so that a failure to fetch is an outcome too.
        """
        with self._swapping:
            try:
                release = source if isinstance(source, Release) else _fetch(source)
                if release.label == self._current.release:
                    return self._outcome(SwapStatus.UNCHANGED, f"{release.label} was in force already")
                newcomer = _prepare(release, self._load)
            except _RefusedError as refusal:
                return self._outcome(refusal.status, str(refusal))
            former = self._current.release
            self._current = newcomer
            return self._outcome(SwapStatus.SWAPPED, f"{newcomer.release} took the place of {former}")

    def _outcome(self, status: SwapStatus, detail: str) -> SwapOutcome:
        return SwapOutcome(status, self._current.release, detail)


def _fetch(source: Callable[[], Release]) -> Release:
    try:
        return source()
    except (ModelError, OSError) as error:
        raise _RefusedError(_status_of(error, otherwise=SwapStatus.UNAVAILABLE), str(error)) from error


def _prepare(release: Release, load: Callable[[Release], Scorer]) -> Scorer:
    """The scorer of `release`, verified, warm and with the right answers.

    Raises:
        _RefusedError: if any step fails.
    """
    try:
        release.verify()
        golden = read_golden(release.read(GOLDEN), str(release.path / GOLDEN))
        scorer = load(release)
        scorer.score(_WARM_UP)
        faults = check_golden(scorer, golden)
    except Exception as error:  # a graph can make the runtime raise anything; the model in force must stay
        status = _status_of(error, otherwise=SwapStatus.FAILED_TO_LOAD)
        raise _RefusedError(status, str(error) or type(error).__name__) from error
    if faults:
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise _RefusedError(SwapStatus.FAILED_GOLDEN, f"{release.label}: {faults[0]}{more}")
    return scorer


def _status_of(error: Exception, *, otherwise: SwapStatus) -> SwapStatus:
    kinds: dict[type[Exception], SwapStatus] = {
        ManifestError: SwapStatus.BAD_MANIFEST,
        ChecksumError: SwapStatus.BAD_CHECKSUM,
        SignatureError: SwapStatus.BAD_SIGNATURE,
    }
    return kinds.get(type(error), otherwise)
