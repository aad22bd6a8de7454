"""What kind of name that is which a set of news calls a company: some are prices, indices or countries."""

from __future__ import annotations

from models.spans import stands_alone
from models.training.names import PLACES

_NO_NAMES = frozenset(
    (
        "nifty", "nifty50", "bank nifty", "sensex", "cnx", "cnx it", "gold", "silver", "oil", "crude",
        "copper", "brent", "rupee", "dollar", "euro", "yen", "yuan", "won", "rupiah", "pound", "sterling",
        "bitcoin", "ethereum", "markets", "market", "stocks", "shares", "bond", "bonds", "treasuries",
        "midcaps", "smallcaps", "midcap", "smallcap", "mid-caps", "small-caps", "sugar", "cotton", "wheat",
        "zinc", "nickel", "lead", "aluminium", "steel", "metal", "metals", "guar", "cardamom", "coriander",
        "jeera", "turmeric", "chilli", "gur", "chana", "soybean", "soyabean", "mentha", "barley", "maize",
        "rubber", "pepper", "coffee", "platinum", "natural gas", "gas", "power", "energy", "banks", "banking",
        "it", "pharma", "psu", "fmcg", "realty", "auto", "autos", "telecom", "tech", "infra", "healthcare",
        "utilities", "commexes", "commodities", "asia fx", "india inc", "ftse", "ftse 100", "nasdaq",
        "nasdaq composite", "nikkei", "dow", "s&p", "s&p 500", "dax", "dow jones",
        "dow jones industrial average", "msci", "sox", "spx", "ixic", "stoxx 600", "kospi", "hang seng",
    )
)  # fmt: skip
_NO_LAST_WORDS = frozenset(
    (
        "shares", "stock", "stocks", "bond", "bonds", "futures", "yuan", "rupee", "dollar", "yen", "euro", "won",
        "currency", "currencies", "fx", "index", "indices", "sector", "sectors", "space", "market", "markets",
        "crude", "equities", "rupiah", "ringgit", "treasuries", "yields",
    )
)  # fmt: skip
_PLACES = frozenset(name.lower() for name in PLACES)


def kind_of_company(text: str, start: int, end: int) -> str:
    """The kind of the name at the characters [start, end) of `text`, which its set calls a company.

    `ORG` or `LOC`; empty for what is no name: a price, an index, a part of the market, or a piece of a word.
    """
    name = text[start:end]
    last = name.rsplit(maxsplit=1)[-1:]
    if not last or not name[0].isupper() or not stands_alone(text, start, end):
        return ""
    if (
        name.lower() in _NO_NAMES
        or last[0].lower() in _NO_LAST_WORDS
        or (last[0] != name and last[0].islower())
    ):
        return ""
    return "LOC" if name.lower() in _PLACES else "ORG"
