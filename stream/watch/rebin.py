"""State that was saved with wider bins, such as whole minutes where half ones are used now: nothing starts anew.

What was counted in a wide bin counts in the first of the bins that it is cut into; what ended with it, ends with
the last of them. Blocks are spans of time and stay. It is exact to the width of the old bins.
"""

from __future__ import annotations

from typing import Any


def times_finer(saved_seconds: int, seconds: int) -> int | None:
    """How many bins of `seconds` a saved one is cut into, or None where it can't be."""
    times, rest = divmod(saved_seconds, seconds)
    return None if rest or times < 1 else times


def refined(body: dict[str, Any], times: int) -> dict[str, Any]:
    """The core of a series, as `stream.watch.state` saves it, with each bin cut into `times`."""

    def first(number: int | None) -> int | None:
        return number if number is None or number < 0 else number * times

    def last(number: int) -> int:
        return number if number < 0 else number * times + times - 1

    def life(saved: dict[str, Any]) -> dict[str, Any]:
        spared_from, spared_to = saved["spared"]
        return saved | {
            "cool_until": first(saved["cool_until"]),
            "spared": [first(spared_from), last(spared_to)],
            "said_to": last(saved["said_to"]),
            "open": None if saved["open"] is None else opened(saved["open"]),
        }

    def opened(saved: list[Any]) -> list[Any]:
        *before, said_in, sources, evidence, peak, reach, quiet_since = saved
        next_story, (start, end, *window), *rest = peak
        peak = [next_story, [first(start), last(end), *window], *rest]
        return [*before, last(said_in), sources, evidence, peak, reach * times, first(quiet_since)]

    learned_to, *sums = body["baseline"]
    return body | {
        "now": first(body["now"]),
        "bins": [[first(number), *counted] for number, *counted in body["bins"]],
        "baseline": [first(learned_to), *sums],
        "lives": {name: life(saved) for name, saved in body["lives"].items()},
    }
