"""What kind of series a name stands for."""

from __future__ import annotations

from stream.events import MARKET

KINDS = (MARKET, "topic", "company", "company_topic")
"""The groups of a profile. A series of no known form is treated as a company."""


def kind_of(series: str) -> str:
    """`market`, `company`, `topic` or `company_topic`; `other` for a name of no known form."""
    if series == MARKET:
        return MARKET
    kinds = [part.partition(":")[0] for part in series.split("/")]
    return {("company",): "company", ("topic",): "topic", ("company", "topic"): "company_topic"}.get(
        tuple(kinds), "other"
    )
