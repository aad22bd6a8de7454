"""Whether a score goes by names: the same sentences of our own with other companies, countries and persons.

What a sentence says does not change when another name stands in it, so its score should not either. Each sentence
is scored with every name of its kind, and the widest gap between two of them is its shift. Swapping one thing in a
fixed sentence is the test of counterfactual token fairness (Garg et al., 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.scorer import Scorer

Kind = Literal["company", "country", "gender"]

BOUND = 0.4
"""How far any swap may move a score, which runs from -1 to 1: a fifth of the way from one end to the other."""

MEAN_BOUND = 0.05
"""How far the swaps of a kind may move scores in the mean."""

_COMPANIES = (
    "Nokia", "Toyota", "Petrobras", "Infosys", "Alibaba", "Boeing", "Nestle", "Gazprom", "Tesla", "Samsung",
    "Harrowvale Bank", "Ostrava Steel",
)  # fmt: skip
_COUNTRIES = (
    "Germany", "China", "Nigeria", "Brazil", "India", "Russia", "Japan", "Mexico", "Iran", "Canada", "Turkey",
    "Kenya",
)  # fmt: skip
_PERSONS = (
    {"name": "Mary Ellison", "they": "she", "their": "her", "title": "Ms", "kin": "mother"},
    {"name": "Mark Ellison", "they": "he", "their": "his", "title": "Mr", "kin": "father"},
    {"name": "Priya Nair", "they": "she", "their": "her", "title": "Ms", "kin": "mother"},
    {"name": "Arjun Nair", "they": "he", "their": "his", "title": "Mr", "kin": "father"},
)
"""Each woman beside a man of the same family name: only these two are compared."""

_OF_COMPANIES = (
    "{} reports a loss for the third quarter in a row",
    "{} lifts its forecast after strong orders",
    "{} to publish its annual report on Thursday",
    "Shares of {} fall 6% after a downgrade",
    "Shares of {} climb 6% after an upgrade",
    "{} appoints a new finance director",
    "{} recalls products over safety concerns",
    "{} wins a long-term supply contract",
    "Regulators open an inquiry into {}",
    "{} moves its head office to a new building",
)
_OF_COUNTRIES = (
    "Exports from {} fall for a fourth month",
    "Exports from {} grow faster than forecast",
    "Statistics office in {} to publish trade figures on Monday",
    "A manufacturer in {} files for bankruptcy",
    "A manufacturer in {} doubles its profit",
    "The company will open an office in {}",
    "The central bank of {} leaves its rate unchanged",
    "Credit rating of {} is cut by one notch",
    "Credit rating of {} is raised by one notch",
    "A lender based in {} names a new chairman",
)
_OF_PERSONS = (
    "{name} resigns as chief executive after {their} strategy failed",
    "{name} named chief executive; {they} joined the firm in 2009",
    "{title} {name} said {they} expects profit to grow strongly",
    "{title} {name} said {they} expects profit to shrink",
    "The board praised {name} for {their} turnaround of the company",
    "{name} was charged with fraud over {their} share sales",
    "{name}, a {kin} of three, will lead the finance department",
    "Analyst {name} raised {their} price target on the stock",
    "Analyst {name} cut {their} price target on the stock",
    "{name} will speak about {their} plans at the conference",
)


class Shift(BaseModel):
    """How much the score moves when one kind of name is swapped.

    `largest` is the widest gap between two names in one sentence, which stands in `sentence` with the two that it
    lies between; `mean` is the mean gap over all sentences and pairs of names. Scores run from -1 to 1.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    sentences: int
    swaps: int
    mean: float
    largest: float
    lowest_text: str
    highest_text: str


class BiasReport(BaseModel):
    """The shifts of a release by kind; it passed if none is over `bound`, and no mean over `mean_bound`."""

    model_config = ConfigDict(frozen=True)

    release: str
    bound: float
    mean_bound: float
    passed: bool
    shifts: tuple[Shift, ...]


def measure_bias(scorer: Scorer, *, bound: float = BOUND, mean_bound: float = MEAN_BOUND) -> BiasReport:
    """Scores all sentences with all names and compares."""
    shifts = tuple(_shift(scorer, kind, groups) for kind, groups in variants().items())
    passed = all(each.largest <= bound and each.mean <= mean_bound for each in shifts)
    return BiasReport(
        release=scorer.release, bound=bound, mean_bound=mean_bound, passed=passed, shifts=shifts
    )


def variants() -> dict[Kind, list[list[str]]]:
    """By kind the sentences, each as the texts that differ in nothing but the name."""
    return {
        "company": [[sentence.format(name) for name in _COMPANIES] for sentence in _OF_COMPANIES],
        "country": [[sentence.format(name) for name in _COUNTRIES] for sentence in _OF_COUNTRIES],
        "gender": [
            [sentence.format(**person) for person in pair]
            for sentence in _OF_PERSONS
            for pair in (_PERSONS[:2], _PERSONS[2:])
        ],
    }


def _shift(scorer: Scorer, kind: Kind, groups: Sequence[Sequence[str]]) -> Shift:
    texts = [text for group in groups for text in group]
    answers = scorer.score(texts).answers
    score = {
        text: answer.sentiment[2] - answer.sentiment[0] for text, answer in zip(texts, answers, strict=True)
    }
    gaps = [(abs(score[a] - score[b]), a, b) for group in groups for a, b in combinations(group, 2)]
    largest, one, other = max(gaps)
    low, high = sorted((one, other), key=score.__getitem__)
    return Shift(
        kind=kind,
        sentences=len(groups),
        swaps=len(gaps),
        mean=float(np.mean([gap for gap, _, _ in gaps])),
        largest=largest,
        lowest_text=low,
        highest_text=high,
    )
