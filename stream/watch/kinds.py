"""What kind of series a name stands for, and what is believed of a new one."""

from __future__ import annotations

from stream.events import MARKET
from stream.watch.rules import Prior, WatchRules


def kind_of(series: str) -> str:
    """`market`, `company`, `topic` or `company_topic`; `other` for a name of no known form."""
    if series == MARKET:
        return MARKET
    kinds = [part.partition(":")[0] for part in series.split("/")]
    return {("company",): "company", ("topic",): "topic", ("company", "topic"): "company_topic"}.get(
        tuple(kinds), "other"
    )


def prior_of(series: str, rules: WatchRules) -> Prior:
    """What is believed of a new series of this kind."""
    kind = kind_of(series)
    if kind == MARKET:
        return rules.market_prior
    return rules.topic_prior if kind == "topic" else rules.company_prior
