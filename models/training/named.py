"""Training sentences of our own that name organisations, persons and places, each name marked.

The public sets that a release may be trained on name companies and hardly mark anybody else. These sentences are
put together from templates; firms and persons are invented, places and public bodies are real.
"""

from __future__ import annotations

import random
import re

from models.tasks import MENTIONS
from models.training.data import Example, Span

NAME = "newstide_named"
LICENCE = "Apache-2.0"
COUNT = 1_600

_WORDS = (
    "Alder", "Amber", "Anchor", "Apex", "Arbor", "Argent", "Aster", "Atlas", "Auburn", "Avon", "Basalt",
    "Beacon", "Birch", "Blackwater", "Bolton", "Bright", "Bristow", "Calder", "Canyon", "Cascade", "Cedar",
    "Clearview", "Cobalt", "Copper", "Coral", "Crescent", "Dalton", "Delmar", "Dover", "Drake", "Eastgate",
    "Echo", "Elm", "Ember", "Evergreen", "Falcon", "Farrow", "Fenwick", "Foxglove", "Garnet", "Glen",
    "Granite", "Halden", "Harbor", "Hawthorn", "Helix", "Heron", "Hollis", "Indigo", "Iron", "Ivory",
    "Jasper", "Juniper", "Kepler", "Kestrel", "Kinross", "Lakeland", "Larch", "Lark", "Lumen", "Maple",
    "Marlow", "Meridian", "Mistral", "Nimbus", "Norwood", "Oakfield", "Onyx", "Orchard", "Osprey", "Palmer",
    "Pine", "Pioneer", "Quarry", "Quill", "Raven", "Redwood", "Ridge", "Rowan", "Sable", "Saffron",
    "Sequoia", "Silver", "Solace", "Sterling", "Summit", "Talon", "Thorn", "Tidewater", "Umber", "Vale",
    "Vantage", "Vesper", "Vireo", "Walden", "Westbrook", "Willow", "Yarrow", "Zephyr",
)  # fmt: skip
_KINDS = (
    "Bank", "Holdings", "Motors", "Energy", "Pharma", "Foods", "Airlines", "Software", "Group", "Inc", "Corp",
    "Technologies", "Capital", "Partners", "Therapeutics", "Steel", "Media", "Systems", "Resources", "Mining",
    "Insurance", "Financial", "Industries", "Labs", "Oil", "Gas", "Power", "Telecom", "Retail", "Brands", "Ltd",
    "plc", "AG", "SA", "Networks", "Semiconductor", "Logistics", "Realty", "Biosciences", "Asset Management",
)  # fmt: skip
_BODIES = (
    "SEC", "FDA", "Fed", "Federal Reserve", "ECB", "Bank of England", "European Commission", "OPEC", "IMF",
    "World Bank", "Treasury", "Department of Justice", "FTC", "Bank of Japan", "Supreme Court", "Congress",
    "White House", "European Union", "Nasdaq", "New York Stock Exchange", "FBI", "NATO", "United Nations",
    "World Health Organization", "Senate", "FCC", "Pentagon", "WTO", "OECD", "RBI", "SEBI",
)  # fmt: skip
_FIRST = (
    "Anna", "Ben", "Carla", "David", "Elena", "Frank", "Grace", "Henry", "Irene", "James", "Karen", "Liam",
    "Maria", "Nathan", "Olivia", "Peter", "Quentin", "Rosa", "Samuel", "Teresa", "Victor", "Wendy", "Yusuf",
    "Zoe", "Raj", "Priya", "Wei", "Mei", "Hiroshi", "Yuki", "Ahmed", "Fatima", "Carlos", "Lucia", "Ivan",
    "Olga", "John", "Michael", "Robert", "Mary", "Linda", "Susan", "Thomas", "Daniel", "Laura", "Sarah",
    "Kevin", "Mark", "Paul", "Steven", "Amir", "Chen", "Arjun", "Sunita",
)  # fmt: skip
_LAST = (
    "Adler", "Barnes", "Castell", "Dorsey", "Ellery", "Farrow", "Garner", "Hadley", "Ingram", "Jarvis",
    "Kessler", "Lindqvist", "Marlowe", "Norris", "Okafor", "Petrov", "Quist", "Ramires", "Sandoval",
    "Thackeray", "Ulrich", "Varga", "Whitlock", "Yamada", "Zeller", "Chatterjee", "Iyer", "Nakamura", "Osei",
    "Haddad", "Moreno", "Silva", "Kowalski", "Novak", "Larsen", "Brandt", "Dubois", "Rossi", "Conti",
    "Hughes", "Sinclair", "Abbott", "Mehta", "Gupta", "Tan", "Lim", "Park",
)  # fmt: skip
_PLACES = (
    "China", "India", "Japan", "Germany", "France", "Britain", "Italy", "Spain", "Canada", "Mexico",
    "Brazil", "Argentina", "Russia", "Ukraine", "Turkey", "Egypt", "Nigeria", "Kenya", "Israel", "Iran",
    "Iraq", "Qatar", "Singapore", "Indonesia", "Australia", "Greece", "Poland", "Sweden", "Norway",
    "Switzerland", "Ireland", "Europe", "Asia", "Africa", "London", "Paris", "Berlin", "Tokyo", "Beijing",
    "Shanghai", "Mumbai", "Delhi", "Moscow", "Dubai", "Sydney", "Toronto", "Chicago", "Texas", "California",
    "Florida", "Ohio", "Washington", "Boston", "Seattle", "Frankfurt", "Zurich", "Brussels", "Geneva",
    "Madrid", "Rome", "Vienna",
)  # fmt: skip
_MORE_PLACES = (
    "United States", "U.S.", "US", "UK", "United Kingdom", "South Korea", "North Korea", "Saudi Arabia",
    "Hong Kong", "New York", "New Zealand", "South Africa", "San Francisco", "Los Angeles", "New Jersey",
    "Latin America", "Middle East", "Wall Street", "Silicon Valley", "Czech Republic", "Puerto Rico", "Tel Aviv",
)  # fmt: skip

_TEMPLATES = (
    "{ORG} names {PER} as chief executive",
    "{PER} steps down as chief financial officer of {ORG}",
    "{PER} , an analyst at {ORG} , said the shares looked cheap",
    "{ORG} to buy {ORG} for $2.4 billion in cash",
    "{ORG} and {ORG} to merge , creating the largest lender in {LOC}",
    "{ORG} opens a plant in {LOC}",
    "{ORG} shares fall 8% after the {BODY} opens an inquiry",
    "{BODY} fines {ORG} $40 million over its sales in {LOC}",
    "{LOC} imposes tariffs on steel from {LOC}",
    "Inflation in {LOC} slows to 3.1% , the {BODY} says",
    "{PER} to meet {PER} in {LOC} next week",
    "{PER} , president of {LOC} , said talks with the {BODY} would go on",
    "{LOC} 's economy shrank in the third quarter",
    "Shares of {ORG} rose after {PER} disclosed a stake",
    "Judge {PER} ruled that {ORG} must pay {ORG} $120 million",
    "Workers at the {LOC} plant of {ORG} went on strike on Monday",
    "{ORG} , based in {LOC} , said profit rose 12% in the quarter",
    "{PER} told investors in {LOC} that demand remained weak",
    "According to {PER} of {ORG} , prices in {LOC} may fall further",
    "{ORG} upgraded to buy at {ORG}",
    "{BODY} leaves rates unchanged as growth in {LOC} cools",
    "Oil exports from {LOC} to {LOC} fell in March",
    "{ORG} lays off 400 staff in {LOC} and {LOC}",
    "{PER} founded {ORG} in {LOC} ten years ago",
    "Regulators in {LOC} approve the drug from {ORG}",
    "Lawyers for {ORG} asked the {BODY} to drop the case",
    "{ORG} CEO {PER} sells shares worth $3 million",
    "Why {ORG} could beat {ORG} this year",
    "Elections in {LOC} : {PER} leads in the polls",
    "The {BODY} and the {BODY} agree on a loan for {LOC}",
    "{ORG} recalls 20,000 cars in {LOC}",
    "Stocks in {LOC} close higher , led by {ORG}",
    "No deal yet , says {PER}",
    "Former {ORG} trader {PER} pleads guilty in {LOC}",
    "Oil rises as supply worries outweigh weak demand",
    "Markets wait for the jobs report on Friday",
    "Gold slips as the dollar gains and yields rise",
    "Three things to watch before the opening bell",
    "Analysts cut their forecasts after a poor quarter",
    "Housing starts fell more than expected last month",
)
_SLOT = re.compile(r"\{(ORG|PER|LOC|BODY)\}")


def named_examples(seed: int = 11) -> list[Example]:
    """`COUNT` sentences with all their names marked; the same ones each time."""
    draw = random.Random(seed)  # noqa: S311 - a choice of names, no secret
    found: dict[str, Example] = {}
    while len(found) < COUNT:
        example = _fill(draw.choice(_TEMPLATES), draw)
        found.setdefault(example.text, example)
    return list(found.values())


def _fill(template: str, draw: random.Random) -> Example:
    text, spans, last = "", [], 0
    for slot in _SLOT.finditer(template):
        text += template[last : slot.start()]
        name = _name(slot.group(1), draw)
        kind = "ORG" if slot.group(1) == "BODY" else slot.group(1)
        spans.append(Span(len(text), len(text) + len(name), MENTIONS.index(kind)))
        text += name
        last = slot.end()
    text += template[last:]
    return Example(text, "ner", -1, NAME, mentions=tuple(spans), exhaustive=True)


def _name(kind: str, draw: random.Random) -> str:
    if kind == "PER":
        return f"{draw.choice(_FIRST)} {draw.choice(_LAST)}" if draw.random() < 0.8 else draw.choice(_LAST)  # noqa: PLR2004 - most persons are named in full
    if kind == "LOC":
        return draw.choice((*_PLACES, *_MORE_PLACES))
    if kind == "BODY":
        return draw.choice(_BODIES)
    words = draw.sample(_WORDS, draw.choice((1, 1, 2)))
    return " ".join([*words, *([draw.choice(_KINDS)] if draw.random() < 0.75 else [])])  # noqa: PLR2004 - three in four say what they do
