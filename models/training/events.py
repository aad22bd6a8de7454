"""Training sentences of our own about what risk desks watch for, and about the opposite of each.

A bankruptcy, a receivership, a charge of fraud or a delisting is rare in the public sets, and much of it is called
neutral there, because it only reports. Each kind is told in many ways, beside news in which the same words mean
relief ("leaves receivership") or nothing ("affirms its rating"), so that a word alone does not decide.
"""

from __future__ import annotations

import random

from models.tasks import MENTIONS
from models.training.data import Example, Span
from models.training.names import invented_firm

NAME = "newstide_events"
LICENCE = "Apache-2.0"
MOST_COMPANIES = 100
_INSOLVENCY = (
    (
        "{} files for bankruptcy", "{} files for bankruptcy in Delaware", "{} seeks protection from its creditors",
        "{} goes into administration", "{} put into receivership", "Lender {} put into receivership by a court",
        "{} enters insolvency proceedings", "Court orders the winding up of {}", "{} to be liquidated",
        "{} appoints advisers on a restructuring of its debt", "{} collapses owing $3 billion",
        "Administrators called in at {}", "{} nears bankruptcy, sources say", "{} prepares a bankruptcy filing",
        "Creditors of {} face heavy losses", "Lenders take control of {}", "{} on the brink of collapse",
        "Petition to wind up {} filed in Hong Kong", "Receivers appointed at {}", "{} in Chapter 7",
        "{} runs out of money", "Creditors take over the plants of {}",
    ),
    ("{} publishes the minutes of its meeting with creditors", "Bankruptcy lawyer of {} to speak at a conference"),
    (
        "{} comes out of bankruptcy", "{} leaves Chapter 11 with half its debt", "{} leaves receivership",
        "Judge throws out the petition to wind up {}", "{} agrees on a plan with its creditors",
        "{} saved from insolvency by new investors", "{} out of administration after a rescue deal",
    ),
)  # fmt: skip
_DEBT = (
    (
        "{} in default after a missed coupon", "{} skips interest on its dollar notes",
        "{} fails to repay a bond that fell due", "{} defaults on $1.2 billion of debt", "{} defaults on loans",
        "{} in breach of its loan covenants", "{} breaks the terms of its loans", "{} cannot repay a loan",
        "{} asks bondholders to wait for their money", "Bonds of {} sink to distressed levels",
        "{} notes fall to 50 cents on the dollar", "Cost of insuring debt of {} against default jumps to a record",
        "{} default swaps widen to the highest ever", "{} pulls a bond sale as buyers stay away",
        "{} struggles to refinance its debt", "Banks refuse to roll over the loans of {}",
        "{} warns it may not survive the year", "{} says there is substantial doubt about its survival",
        "Doubts grow that {} is a going concern", "{} short of cash, delays salaries",
        "{} warns it is short of cash",        "{} hit by margin calls", "Liquidity at {} dries up",
    ),
    (
        "{} sells five-year bonds at 4.2%", "{} files a prospectus for notes", "{} pays the regular coupon",
        "{} bonds little changed",
    ),
    (
        "{} redeems its notes ahead of schedule", "{} pays off its loans early",
        "{} refinances its debt at a lower rate", "Lenders extend the loans of {}",
        "{} cures a default on its loans",
        "{} bond sale many times oversubscribed", "Cost of insuring debt of {} falls to a two-year low",
        "{} secures new money, ending doubts over its future", "{} back in line with its covenants",
    ),
)  # fmt: skip
_RATINGS = (
    (
        "Moody's cuts {} to junk status", "S&P lowers its rating of {}", "Fitch downgrades {} to BB+",
        "{} loses its investment grade rating", "S&P cuts the outlook of {} to negative",
        "Moody's puts {} on review for a downgrade", "{} rating cut on rising debt", "{} becomes a fallen angel",
        "Fitch puts {} on watch negative",
    ),
    (
        "S&P affirms its rating of {}", "Fitch confirms {} at BBB, outlook stable", "Moody's keeps {} at Baa2",
        "Moody's leaves its rating of {} unchanged, outlook stable", "Moody's assigns a first rating to {}",
    ),
    (
        "Moody's lifts {} out of junk", "S&P raises its rating of {}", "Fitch upgrades {} to A-",
        "{} regains investment grade", "Outlook for {} raised to positive by Moody's",
        "S&P takes {} off watch for a downgrade", "Fitch ends its negative watch on {}",
    ),
)  # fmt: skip
_SUPERVISION = (
    (
        "Regulators seize {}", "FDIC closes {}", "FDIC seizes {}", "{} taken over by the state",
        "Government takes control of {}", "Supervisor appoints an administrator to {}",
        "{} loses its banking licence", "Central bank revokes the licence of {}", "{} flunks the stress test",
        "Regulators order {} to raise capital", "{} needs a state bailout", "Government readies a bailout of {}",
        "{} turns to the government for help", "{} asks for state aid", "Central bank comes to the rescue of {}",
        "Watchdog bans {} from taking new clients", "Regulators tell {} to stop lending",
    ),
    ("{} applies for a banking licence", "{} to take part in the yearly stress test"),
    (
        "{} passes the stress test with room to spare", "Central bank returns the licence of {}",
        "{} leaves state control", "Regulators lift their curbs on {}", "{} repays the last of its state aid",
    ),
)  # fmt: skip
_LAW = (
    (
        "SEC charges {} with fraud", "SEC sues {} over misleading statements",
        "SEC accuses {} of cheating investors",
        "Justice Department opens a criminal probe of {}", "{} indicted on bribery charges",
        "Police raid offices of {}", "Chief executive of {} detained", "{} CEO arrested", "Founder of {} arrested",
        "Boss of {} jailed for insider trading", "{} accused of cooking its books", "{} accused of paying bribes",
        "{} suspected of bribery", "Whistleblower alleges fraud at {}", "Report by a short seller calls {} a scam",
        "{} pleads guilty to money laundering", "Jury finds against {}", "Court tells {} to pay $1.1 billion",
        "{} ordered to pay $90 million in damages", "{} loses its appeal against a fine",
        "{} fined a record amount",
        "Class action filed against {}", "States sue {} over its products",
        "EU opens an antitrust case against {}",
        "Antitrust watchdog opens a probe of {}", "FTC sues to block the deal of {}", "EU investigates {}",
        "Regulators block the takeover by {}", "{} put on the US sanctions list", "US bans exports to {}",
        "US imposes sanctions on {}", "China bans products of {}",
    ),
    ("Hearing in the patent case of {} set for May", "{} answers questions from the regulator"),
    (
        "SEC ends its investigation of {} without action", "SEC closes its probe of {}",
        "Justice Department drops its case against {}", "Judge dismisses the lawsuit against {}",
        "{} acquitted of bribery", "{} cleared of fraud", "Court overturns the fine against {}",
        "{} wins its patent case", "EU drops its antitrust case against {}", "Regulators clear the takeover by {}",
        "US takes {} off its sanctions list", "Jury clears {}",
    ),
)  # fmt: skip
_BOOKS = (
    (
        "Auditor of {} quits", "{} auditor steps down", "Auditors walk away from {}", "{} to restate its results",
        "{} restates two years of accounts", "{} postpones its annual report",
        "{} misses the deadline for accounts",
        "{} finds errors in its accounts", "{} discloses a material weakness in its controls",
        "Cash missing from the accounts of {}", "{} admits it overstated revenue", "{} to be delisted",
        "Exchange starts to delist {}", "{} delisted", "{} gets a warning that it may be delisted",
        "{} thrown out of the index", "Trading in {} suspended", "{} shares halted as questions mount",
    ),
    (
        "{} changes its fiscal year", "{} appoints a new auditor", "{} moves its listing to New York",
        "{} announces a new ticker", "{} completes its yearly audit",
    ),
    (
        "Auditors give {} a clean opinion after a review", "Review finds no wrongdoing at {}",
        "{} files its late accounts", "{} meets listing rules again", "{} to join the S&P 500",
        "Trading in {} resumes and its shares jump",
    ),
)  # fmt: skip
_PEOPLE = (
    (
        "Chief executive of {} quits without notice", "{} CEO steps down amid a scandal", "{} CEO forced out",
        "Finance chief of {} leaves abruptly", "{} CFO quits suddenly", "{} board fires its chief executive",
        "Chairman of {} found dead", "CEO of {} killed in a crash", "Wave of resignations at {}",
        "{} founder ousted in a boardroom fight",
    ),
    (
        "{} CEO to retire next year, successor named", "{} appoints a chief financial officer",
        "{} promotes its head of sales", "{} adds two directors to its board", "{} names a new chairman",
    ),
    ("{} lures a star manager from a rival", "{} shares rise as a new chief takes over"),
)  # fmt: skip
_ACCIDENTS = (
    (
        "Fire at a plant of {} kills four", "Blast at a refinery of {}", "Plane of {} crashes",
        "{} train derails and spills chemicals", "Oil spills from a pipeline of {}", "Mine of {} collapses",
        "Flood shuts factories of {}", "{} halts output after an accident", "{} recalls 500,000 cars",
        "{} recalls baby food", "Product of {} linked to illness", "Strike stops work at {}",
        "Workers at {} vote to strike", "{} hacked", "Hackers steal $200 million from {}",
        "{} says data of its customers was stolen", "Cyberattack halts {}", "{} systems down after an attack",
        "Token of {} loses its peg", "{} hit by a massive outage",
    ),
    ("{} tests its emergency plans", "{} moves its systems to the cloud"),
    (
        "{} restarts its plant after the fire", "Strike at {} averted", "{} ends its recall and sells again",
        "{} recovers the stolen funds", "{} back online with no data lost",
    ),
)  # fmt: skip
_HEALTH = (
    (
        "FDA turns down a drug from {}", "FDA rejects a therapy of {}", "FDA declines to approve drug of {}",
        "{} drug fails in a late trial", "{} stops a trial after deaths", "{} vaccine misses its main goal",
        "FDA puts a hold on a trial of {}", "FDA warns {} over its factory",
    ),
    ("{} starts a phase 1 trial", "{} asks the FDA to review its drug", "FDA to decide on the drug of {} in June"),
    (
        "FDA clears a drug of {}", "FDA lifts its hold on a trial of {}", "{} drug meets its main goal",
        "EU approves the vaccine of {}", "{} wins approval for its drug",
    ),
)  # fmt: skip
_BUSINESS = (
    (
        "{} cuts its outlook", "{} lowers its guidance for the year", "{} withdraws its forecast",
        "{} issues a profit warning", "{} profit plunges", "{} swings to a loss", "{} misses on sales and profit",
        "{} halves its dividend", "{} scraps its dividend", "{} writes off $4 billion",
        "{} writes down its assets",
        "{} to close 200 stores", "{} to cut a tenth of its staff", "{} loses its biggest customer",
        "{} contract cancelled", "Takeover of {} falls apart", "Merger of {} called off", "{} deal collapses",
        "Buyer walks away from {}", "{} limits redemptions", "{} gates its fund",
        "Investors locked into fund of {}",
        "{} stops paying out to investors in its fund",
    ),
    (
        "{} reports results in line with forecasts", "{} keeps its guidance", "{} leaves its dividend unchanged",
        "{} repeats its outlook", "{} to discuss its results on a call",
    ),
    (
        "{} lifts its guidance", "{} restores its dividend", "{} pays a dividend again",
        "{} raises its payout by 10%",
        "{} tops estimates", "{} lands a $3 billion order", "{} to buy back $10 billion of shares",
        "{} wins a big contract", "{} to be bought at a 35% premium", "{} gets a takeover bid",
        "{} reopens its fund to redemptions",
    ),
)  # fmt: skip

EVENTS = (
    _INSOLVENCY,
    _DEBT,
    _RATINGS,
    _SUPERVISION,
    _LAW,
    _BOOKS,
    _PEOPLE,
    _ACCIDENTS,
    _HEALTH,
    _BUSINESS,
)
"""Of each kind of event the sentences that are bad, plain and good news for the company."""


def event_examples(each: int, seed: int = 29) -> list[Example]:
    """Each sentence about so many invented companies, marked with the sentiment of the whole; always the same."""
    draw = random.Random(seed)  # noqa: S311 - a choice of names, no secret
    found: dict[str, Example] = {}
    for kind in EVENTS:
        for label, sentences in enumerate(kind):
            for sentence in sentences:
                for _ in range(each):
                    example = _told(sentence, invented_firm(draw), label)
                    found[example.text] = example
    return list(found.values())


def _told(sentence: str, name: str, label: int) -> Example:
    start = sentence.index("{}")
    end = start + len(name)
    organisations = (Span(start, end, MENTIONS.index("ORG")),)
    return Example(
        sentence.replace("{}", name), "sentiment", label, NAME, (Span(start, end, label),), organisations
    )
