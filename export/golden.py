"""The texts of a release's golden examples: our own sentences, on all topics and moods."""

from __future__ import annotations

TOLERANCE = 0.05
"""How far a probability may be off on another processor: those without int8 dot products saturate now and then."""

GOLDEN_TEXTS: tuple[str, ...] = (
    "Harbourline Bank halts withdrawals as depositors queue outside its branches",
    "Regulator opens fraud probe into Corvane Motors' emissions figures",
    "Velmont Airlines files for bankruptcy after fuel costs soar",
    "Tessaro shares plunge 18% after the drugmaker's trial fails",
    "$TSRO - Tessaro slides after downgrade to sell at Brightwater",
    "Orlan Foods cuts its full-year outlook and warns of weaker demand",
    "Moody's cuts Pellworth Holdings to junk on rising default risk",
    "Quarterly profit at Nordhaven Steel beats expectations as orders surge",
    "$KLDR - Kaldera jumps 9% after raising guidance",
    "Brightwater upgrades Kaldera to buy and lifts its price target to $84",
    "Sunmere Energy wins $2 billion contract to build offshore wind farms",
    "Arbour Health stock hits record high on strong sales of its new drug",
    "Castlegate declares $0.42 quarterly dividend",
    "Meridian Telecom to present at the Brightwater technology conference on Tuesday",
    "Fenwick Software names Laura Pell as chief financial officer",
    "Lakeshore Group announces date of its second-quarter earnings call",
    "Central bank raises rates by half a point to fight inflation",
    "Fed officials signal patience on rate cuts, minutes show",
    "Consumer prices rose 0.3% in June, less than economists expected",
    "Oil falls below $70 a barrel as OPEC members plan to pump more",
    "Gold steadies as traders wait for inflation data",
    "Dollar climbs to a two-year high against the yen",
    "Treasury yields rise after a weak auction of ten-year notes",
    "Wall Street ends lower as technology shares drag the Nasdaq down",
    "Lawmakers clash over the budget as a government shutdown looms",
    "Court rules that Corvane must pay $400 million in patent case",
    "Orchard Robotics prices its initial public offering at $21 a share",
    "Norvik agrees to buy rival Sabre Logistics for $3.1 billion in cash",
    "Meridian Telecom launches a faster home internet service in three cities",
    "Why I am still holding Kaldera: undervalued, with a long runway ahead",
)
