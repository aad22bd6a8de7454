"""What kind of name that is which a set of news calls a company: some are prices, indices or countries."""

from __future__ import annotations

from models.spans import stands_alone
from models.training.names import NATIONS, PLACES

_NO_NAMES = frozenset(
    (
        "gold", "silver", "oil", "crude", "copper", "brent", "rupee", "dollar", "euro", "yen", "yuan", "won",
        "rupiah", "pound", "sterling", "bitcoin", "ethereum", "sugar", "cotton", "wheat", "zinc", "nickel", "lead",
        "aluminium", "steel", "metal", "metals", "guar", "cardamom", "coriander", "jeera", "turmeric", "chilli",
        "gur", "chana", "soybean", "soyabean", "mentha", "barley", "maize", "rubber", "pepper", "coffee",
        "platinum", "gas", "natural gas", "power", "energy", "bank", "banking", "it", "pharma", "psu", "fmcg",
        "realty", "auto", "autos", "telecom", "tech", "infra", "healthcare", "utilities", "commexes", "asia fx",
        "india inc", "s&p", "s&p 500", "dow", "dow jones", "dow jones industrial average", "hang seng",
        "stoxx 600", "shanghai composite", "bank nifty",
    )
)  # fmt: skip
_INDICES = frozenset(
    (
        "nifty", "nifty50", "sensex", "cnx", "ftse", "nasdaq", "nikkei", "dax", "cac", "msci", "sox", "spx",
        "ixic", "kospi", "topix", "dji", "dxy", "wti", "djia", "asx", "bovespa", "stoxx",
    )
)  # fmt: skip
"""What has one of these before or behind it is an index too."""
_NO_LAST_WORDS = frozenset(
    (
        "shares", "share", "stock", "stocks", "bond", "bonds", "futures", "yuan", "rupee", "dollar", "yen", "euro",
        "won", "currency", "currencies", "fx", "index", "indices", "sector", "sectors", "space", "crude",
        "equities", "rupiah", "ringgit", "treasuries", "yields", "banks", "midcap", "midcaps", "mid-caps",
        "smallcap", "smallcaps", "small-caps", "caps", "commodities", "lenders", "exporters", "exports", "prices",
    )
)  # fmt: skip
_MARKETS = frozenset(("market", "markets"))
_PLACES = frozenset(name.lower() for name in PLACES)
_WHERE = _PLACES | {name.lower() for name in NATIONS} | {"stock", "share", "equity", "bond", "emerging"}


def kind_of_company(text: str, start: int, end: int) -> str:
    """The kind of the name at the characters [start, end) of `text`, which its set calls a company.

    `ORG` or `LOC`; empty for what is no name: a price, an index, a part of the market, or a piece of a word.
    """
    name = text[start:end]
    words = name.lower().split()
    if not words or name == name.lower() or not stands_alone(text, start, end):
        return ""
    if " ".join(words) in _NO_NAMES or words[-1] in _NO_LAST_WORDS or {words[0], words[-1]} & _INDICES:
        return ""
    if words[-1] in _MARKETS and " ".join(words[:-1]) in _WHERE | {""}:
        return ""
    return "LOC" if " ".join(words) in _PLACES else "ORG"
