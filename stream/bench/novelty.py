"""How well fingerprints tell copies from news that only looks alike.

The pairs are made by rule from the headlines of a file, or are pairs of the file itself: weeks apart, so that they
can't be one story, however alike, or minutes apart, read and labelled one by one; the labels know the texts by
their hash alone. Each recipe takes its threshold from one half of the headlines and is judged on the other. Copies
and others weigh the same, so that precision does not depend on how many of each could be made.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt

from stream.bench.pairs import Pair, make_pairs
from stream.bench.recipes import RECIPES, SIMHASH, Recipe
from stream.errors import UsageError
from stream.events import NewsItem
from stream.score.fingerprint import SAME_STORY, normalise

_LABELS = Path(__file__).with_name("novelty_labels.json")
_MINUTES, _WEEKS = timedelta(hours=6), timedelta(days=20)
_ALIKE = 0.45
"""Share of common words from which headlines weeks apart are worth a pair."""
_MOST_FAR = 1_500
_SHARE = 0.12
_LEVELS = (0.65, 0.7, SAME_STORY, 0.8, 0.85)


@dataclass(frozen=True, slots=True)
class Quality:
    """How one recipe does on the half that its threshold did not come from.

    `real_recall` and `real_false` are of the labelled pairs: the share of those of one story that are found, and
    of the others that are taken for it.
    """

    recipe: str
    threshold: float
    precision: float
    recall: float
    real_recall: float | None
    real_false: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """All figures: the recipe in use at several thresholds, all recipes at their best, and rule by rule.

    `rules` gives the share of the pairs of each rule that the recipe in use takes for one story.
    """

    copies: int
    others: int
    labelled: int
    in_use: list[Quality]
    compared: list[Quality]
    rules: dict[str, float]


def pairs_of(items: Sequence[NewsItem]) -> tuple[list[Pair], list[Pair]]:
    """The pairs by rule and by distance in time, and those that were read and labelled.

    Raises:
        UsageError: if there are too few headlines to say anything.
    """
    headlines = list(dict.fromkeys(item.headline for item in items))
    made = make_pairs(headlines, _SHARE) + _far_pairs(items)
    if min(sum(pair.same for pair in made), sum(not pair.same for pair in made)) < 100:  # noqa: PLR2004
        raise UsageError(f"{len(headlines)} headlines give too few pairs to compare: give some thousands")
    return made, labelled_pairs(items)


def _by_ticker(items: Sequence[NewsItem]) -> list[list[NewsItem]]:
    found: dict[str, list[NewsItem]] = defaultdict(list)
    for item in sorted(items, key=lambda item: item.published_at):
        for ticker in item.tickers:
            found[ticker].append(item)
    return list(found.values())


def _far_pairs(items: Sequence[NewsItem]) -> list[Pair]:
    """Headlines of one company that look most alike and are weeks apart: each with its likest neighbour."""
    found: list[Pair] = []
    for group in _by_ticker(items):
        words = [frozenset(normalise(item.headline)) for item in group]
        holders: dict[str, list[int]] = defaultdict(list)
        for place, its in enumerate(words):
            shared: dict[int, int] = defaultdict(int)
            for word in its:
                for other in holders[word]:
                    shared[other] += 1
                holders[word].append(place)
            far = [
                (count / len(its | words[other]), other)
                for other, count in shared.items()
                if group[place].published_at - group[other].published_at >= _WEEKS and words[other] != its
            ]
            alike, other = max(far, default=(0.0, 0))
            if alike >= _ALIKE:
                found.append(Pair(group[place].headline, group[other].headline, "weeks apart", same=False))
    random.Random(0).shuffle(found)  # noqa: S311 - the same pairs each time, no secret
    return found[:_MOST_FAR]


def labelled_pairs(items: Sequence[NewsItem]) -> list[Pair]:
    """The pairs of `items` that were read and labelled; the labels know them by their hash alone."""
    labels: dict[str, int] = json.loads(_LABELS.read_text(encoding="ascii"))
    found: dict[str, Pair] = {}
    for group in _by_ticker(items):
        start = 0
        for place, item in enumerate(group):
            while item.published_at - group[start].published_at > _MINUTES:
                start += 1
            for one in group[start:place]:
                name = pair_name(one.headline, item.headline)
                if name in labels:
                    found[name] = Pair(one.headline, item.headline, "labelled", same=bool(labels[name]))
    return list(found.values())


def pair_name(one: str, other: str) -> str:
    """The name under which a pair of texts is labelled, whichever comes first."""
    return sha256("\n".join(sorted((one.strip(), other.strip()))).encode()).hexdigest()[:16]


def texts_of(items: Sequence[NewsItem]) -> list[str]:
    """All texts of the pairs that `items` give.

    Raises:
        UsageError: if `items` are too few.
    """
    made, labelled = pairs_of(items)
    return list(dict.fromkeys(text for pair in (*made, *labelled) for text in (pair.one, pair.other)))


def measure_quality(
    items: Sequence[NewsItem], others: Mapping[str, Mapping[str, bytes]] | None = None
) -> Report:
    """What each recipe finds in the pairs that `items` give, the one in use first.

    Args:
        items: news.
        others: further recipes, by name what each makes of `texts_of(items)`; compared byte by byte.

    Raises:
        UsageError: if `items` are too few.
    """
    made, labelled = pairs_of(items)
    own = next(iter(RECIPES))
    recipes: dict[str, Recipe] = {
        **RECIPES,
        **{name: given.__getitem__ for name, given in (others or {}).items()},
    }
    taken: dict[str, list[bool]] = defaultdict(list)
    for pair, likeness in zip(made, _likenesses(own, recipes[own], made), strict=True):
        taken[pair.rule].append(likeness >= SAME_STORY)
    return Report(
        copies=sum(pair.same for pair in made),
        others=sum(not pair.same for pair in made),
        labelled=len(labelled),
        in_use=[_quality(own, recipes[own], made, labelled, threshold) for threshold in _LEVELS],
        compared=[_quality(name, recipe, made, labelled) for name, recipe in recipes.items()],
        rules={rule: sum(found) / len(found) for rule, found in taken.items()},
    )


def _likenesses(name: str, recipe: Recipe, pairs: Sequence[Pair]) -> list[float]:
    prints: dict[str, npt.NDArray[np.uint8]] = {}
    for text in dict.fromkeys(text for pair in pairs for text in (pair.one, pair.other)):
        whole = np.frombuffer(recipe(text), dtype=np.uint8)
        prints[text] = np.unpackbits(whole) if name.startswith(SIMHASH) else whole
    return [float((prints[pair.one] == prints[pair.other]).mean()) for pair in pairs]


def _quality(
    name: str,
    recipe: Recipe,
    made: Sequence[Pair],
    labelled: Sequence[Pair],
    threshold: float | None = None,
) -> Quality:
    """The figures of one recipe; None takes the threshold that is best on the first half of the headlines."""
    halves: tuple[list[tuple[float, bool]], list[tuple[float, bool]]] = ([], [])
    for pair, likeness in zip(made, _likenesses(name, recipe, made), strict=True):
        halves[crc32(pair.one.encode("utf-8", "surrogatepass")) % 2].append((likeness, pair.same))
    if threshold is None:
        threshold = max((level / 100 for level in range(30, 96)), key=lambda level: _f1(halves[0], level))
    found, false = _rates(halves[1], threshold)
    real = zip(_likenesses(name, recipe, labelled), (pair.same for pair in labelled), strict=True)
    real_found, real_false = _rates(list(real), threshold) if labelled else (None, None)
    return Quality(name, threshold, found / (found + false or 1.0), found, real_found, real_false)


def _rates(scored: Sequence[tuple[float, bool]], threshold: float) -> tuple[float, float]:
    """The share of copies that are found, and of others that are taken for copies."""
    found = [likeness >= threshold for likeness, same in scored if same]
    false = [likeness >= threshold for likeness, same in scored if not same]
    return sum(found) / max(1, len(found)), sum(false) / max(1, len(false))


def _f1(scored: Sequence[tuple[float, bool]], threshold: float) -> float:
    found, false = _rates(scored, threshold)
    return 2.0 * found / (1.0 + found + false)
