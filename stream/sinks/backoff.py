"""How long to wait before a sink is tried again."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Patience:
    """How a sink that fails is treated. Times are seconds.

    The n-th wait is drawn evenly from the half to the whole of `first * 2**(n - 1)`, at most `longest`: many that
    failed together don't come back together. After `give_up` a notification goes to `news.undelivered`.
    """

    first: float = 1.0
    longest: float = 120.0
    give_up: float = 3600.0

    def wait(self, failures: int, chance: float, retry_after: float | None = None) -> float:
        """Seconds until the next try after so many failures in a row; never less than the server asked for.

        Args:
            failures: at least 1.
            chance: drawn from [0, 1).
            retry_after: what the server asked for, in seconds.
        """
        whole = min(self.first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), self.longest)
        return max(whole * (0.5 + chance / 2), retry_after or 0.0)
