"""Training sentences of our own about what risk desks watch for, and about the opposite of each.

A bankruptcy, a receivership, a charge of fraud or a delisting is rare in the public sets, and much of it is called
neutral there, because it only reports. Each kind is told in many ways, beside news in which the same words mean
relief ("leaves receivership") or nothing ("affirms its rating"), so that a word alone does not decide.
"""

from __future__ import annotations

import random
from random import Random

from models.tasks import MENTIONS
from models.training.data import Example, Span
from models.training.names import by_chance, invented_firm

NAME = "newstide_events"
LICENCE = "Apache-2.0"
MOST_COMPANIES = 100
_INSOLVENCY = (
    (
        "{} files for bankruptcy", "{} files for bankruptcy in Delaware",
        "{} seeks protection from its creditors", "{} goes into administration", "{} put into receivership",
        "Lender {} put into receivership by a court", "{} enters insolvency proceedings",
        "Court orders the winding up of {}", "{} to be liquidated",
        "{} appoints advisers on a restructuring of its debt", "{} collapses owing $3 billion",
        "Administrators called in at {}", "{} nears bankruptcy, sources say", "{} prepares a bankruptcy filing",
        "Creditors of {} face heavy losses", "Lenders take control of {}", "{} on the brink of collapse",
        "Petition to wind up {} filed in Hong Kong", "Receivers appointed at {}", "{} in Chapter 7",
        "{} runs out of money", "Creditors take over the plants of {}",
        "{} files for creditor protection after talks with lenders collapse", "{} calls in the receivers",
        "{} lenders force it into bankruptcy", "Judge converts the {} case to a liquidation",
        "{} to shut down and sell what is left", "Owner of {} hands it over to the banks",
        "{} unit files for insolvency in Germany", "{} suppliers demand cash as collapse looms",
        "{} shareholders to be wiped out in a debt swap", "{} files papers for a winding up",
        "Retailer {} gives up, 3,000 jobs go",
    ),
    (
        "{} publishes the minutes of its meeting with creditors",
        "Bankruptcy lawyer of {} to speak at a conference",
        "{} bankruptcy judge sets the next hearing for March",
        "Court approves the usual fees of the advisers to {}",
        "{} estate publishes its monthly operating report",
        "{} to merge two of its legal units, old one to be wound up",
    ),
    (
        "{} comes out of bankruptcy", "{} leaves Chapter 11 with half its debt", "{} leaves receivership",
        "Judge throws out the petition to wind up {}", "{} agrees on a plan with its creditors",
        "{} saved from insolvency by new investors", "{} out of administration after a rescue deal",
        "Court confirms the plan of {} to leave bankruptcy", "{} emerges from administration under a new owner",
        "{} dodges bankruptcy with a last-minute deal", "{} insolvency filing withdrawn after payment in full",
        "Creditors of {} to be paid in full",
    ),
)  # fmt: skip
_DEBT = (
    (
        "{} in default after a missed coupon", "{} skips interest on its dollar notes",
        "{} fails to repay a bond that fell due", "{} defaults on $1.2 billion of debt", "{} defaults on loans",
        "{} in breach of its loan covenants", "{} breaks the terms of its loans", "{} cannot repay a loan",
        "{} asks bondholders to wait for their money", "Bonds of {} sink to distressed levels",
        "{} notes fall to 50 cents on the dollar",
        "Cost of insuring debt of {} against default jumps to a record",
        "{} default swaps widen to the highest ever", "{} pulls a bond sale as buyers stay away",
        "{} struggles to refinance its debt", "Banks refuse to roll over the loans of {}",
        "{} warns it may not survive the year", "{} says there is substantial doubt about its survival",
        "Doubts grow that {} is a going concern", "{} short of cash, delays salaries",
        "{} warns it is short of cash", "{} hit by margin calls", "Liquidity at {} dries up",
        "{} misses a payment on its term loan and enters a grace period", "{} fails to pay a coupon due Monday",
        "{} defers interest on its hybrid bonds", "{} lenders call in their loans",
        "{} trips a debt covenant, talks to lenders", "{} says cash will last only weeks",
        "{} burns through its cash", "{} at risk of default, bondholders warn",
        "{} bonds slump as fears of default mount", "{} hires advisers to talk with its lenders",
        "{} scrambles to raise cash", "{} taps its entire credit line",
        "{} forced to sell assets to meet its debts", "Lender {} borrows at the emergency window",
        "{} shut out of the bond market", "Rescue rights issue of {} flops",
    ),
    (
        "{} sells five-year bonds at 4.2%", "{} files a prospectus for notes", "{} pays the regular coupon",
        "{} bonds little changed", "{} to call its bonds at the first call date",
        "{} sets terms of a routine exchange offer", "{} prices $500 million of senior notes",
        "{} renews its commercial paper programme", "{} borrows under its usual facility",
    ),
    (
        "{} redeems its notes ahead of schedule", "{} pays off its loans early",
        "{} refinances its debt at a lower rate", "Lenders extend the loans of {}",
        "{} cures a default on its loans", "{} bond sale many times oversubscribed",
        "Cost of insuring debt of {} falls to a two-year low",
        "{} secures new money, ending doubts over its future", "{} back in line with its covenants",
        "{} pays the missed coupon within its grace period", "{} wins a waiver from its lenders",
        "{} gets a covenant reset", "{} debt talks end in a deal that averts default",
        "{} bonds rally as fears of default fade", "{} raises enough cash for two more years",
        "{} clears its emergency borrowing", "{} rights issue fully taken up",
    ),
)  # fmt: skip
_RATINGS = (
    (
        "Moody's cuts {} to junk status", "S&P lowers its rating of {}", "Fitch downgrades {} to BB+",
        "{} loses its investment grade rating", "S&P cuts the outlook of {} to negative",
        "Moody's puts {} on review for a downgrade", "{} rating cut on rising debt", "{} becomes a fallen angel",
        "Fitch puts {} on watch negative", "{} cut to CCC by S&P on liquidity",
        "Moody's lowers {} by two notches", "Fitch cuts {} deeper into junk",
        "S&P puts {} on review with negative implications", "{} rating withdrawn after default",
        "Moody's turns negative on {}",
    ),
    (
        "S&P affirms its rating of {}", "Fitch confirms {} at BBB, outlook stable", "Moody's keeps {} at Baa2",
        "Moody's leaves its rating of {} unchanged, outlook stable", "Moody's assigns a first rating to {}",
        "Fitch assigns BBB to new notes of {}", "S&P keeps its stable outlook on {}",
        "Moody's publishes its yearly review of {}", "S&P affirms {} at A, outlook stable",
    ),
    (
        "Moody's lifts {} out of junk", "S&P raises its rating of {}", "Fitch upgrades {} to A-",
        "{} regains investment grade", "Outlook for {} raised to positive by Moody's",
        "S&P takes {} off watch for a downgrade", "Fitch ends its negative watch on {}",
        "{} outlook back to stable from negative at S&P", "Moody's ends its review of {} without a downgrade",
        "Fitch lifts {} to investment grade", "S&P upgrades {} on lower debt",
        "{} wins a first investment grade rating",
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
        "Regulators shut {} and name a receiver", "Authorities impose a moratorium on {}",
        "{} customers told deposits are frozen", "Regulator suspends the licence of {}",
        "Supervisors step into {} to stop a run", "Government nationalises {}", "State steps in to prop up {}",
        "Central bank lends to {} in an emergency", "Regulator finds a capital hole at {}",
        "{} put under special administration", "Government seizes assets of {}",
    ),
    (
        "{} applies for a banking licence", "{} to take part in the yearly stress test",
        "Supervisors publish the usual capital requirement of {}", "{} renews its licence as scheduled",
        "{} asks for a licence in Luxembourg",
    ),
    (
        "{} passes the stress test with room to spare", "Central bank returns the licence of {}",
        "{} leaves state control", "Regulators lift their curbs on {}", "{} repays the last of its state aid",
        "{} gets its licence back", "Moratorium on {} lifted",
        "State sells the last of its stake in {} at a gain", "Regulator lifts its cap on growth at {}",
        "{} capital well above what the regulator asks for", "Ban on new clients at {} lifted",
    ),
)  # fmt: skip
_LAW = (
    (
        "SEC charges {} with fraud", "SEC sues {} over misleading statements",
        "SEC accuses {} of cheating investors", "Justice Department opens a criminal probe of {}",
        "{} indicted on bribery charges", "Police raid offices of {}", "Chief executive of {} detained",
        "{} CEO arrested", "Founder of {} arrested", "Boss of {} jailed for insider trading",
        "{} accused of cooking its books", "{} accused of paying bribes", "{} suspected of bribery",
        "Whistleblower alleges fraud at {}", "Report by a short seller calls {} a scam",
        "{} pleads guilty to money laundering", "Jury finds against {}", "Court tells {} to pay $1.1 billion",
        "{} ordered to pay $90 million in damages", "{} loses its appeal against a fine",
        "{} fined a record amount", "Class action filed against {}", "States sue {} over its products",
        "EU opens an antitrust case against {}", "Antitrust watchdog opens a probe of {}",
        "FTC sues to block the deal of {}", "EU investigates {}", "Regulators block the takeover by {}",
        "{} put on the US sanctions list", "US bans exports to {}", "US imposes sanctions on {}",
        "China bans products of {}", "{} executives charged with a cover-up",
        "{} trader charged with manipulating prices", "Prosecutors seek the arrest of {} founder",
        "Agents search {} headquarters", "{} subpoenaed over its sales practices",
        "{} to pay $450 million to end a bribery case", "{} hit with a $2 billion verdict",
        "{} loses a patent trial", "{} product banned by a court", "Judge freezes assets of {}",
        "Cartel fine for {}", "Brussels charges {} with abusing its power", "{} added to the trade blacklist",
        "Export licence of {} revoked", "Sanctions cut {} off from dollar payments",
        "Investors sue {} over hidden losses", "Former staff accuse {} of falsifying records",
    ),
    (
        "Hearing in the patent case of {} set for May", "{} answers questions from the regulator",
        "Trial of a claim against {} scheduled for autumn", "{} and regulators agree on a date for talks",
        "{} files its answer in a contract case", "EU sets a deadline to rule on the deal of {}",
        "{} publishes its code of conduct",
    ),
    (
        "SEC ends its investigation of {} without action", "SEC closes its probe of {}",
        "Justice Department drops its case against {}", "Judge dismisses the lawsuit against {}",
        "{} acquitted of bribery", "{} cleared of fraud", "Court overturns the fine against {}",
        "{} wins its patent case", "EU drops its antitrust case against {}",
        "Regulators clear the takeover by {}", "US takes {} off its sanctions list", "Jury clears {}",
        "Prosecutors drop their case against {}", "{} wins its appeal, fine annulled",
        "Appeals court sides with {}", "Charges against {} CEO dropped", "No charges for {} after a long probe",
        "{} comes off the trade blacklist", "Sanctions on {} eased", "EU waves through the deal of {}",
        "{} deal wins approval from regulators", "Jury sides with {} in a patent trial",
    ),
)  # fmt: skip
_BOOKS = (
    (
        "Auditor of {} quits", "{} auditor steps down", "Auditors walk away from {}",
        "{} to restate its results", "{} restates two years of accounts", "{} postpones its annual report",
        "{} misses the deadline for accounts", "{} finds errors in its accounts",
        "{} discloses a material weakness in its controls", "Cash missing from the accounts of {}",
        "{} admits it overstated revenue", "{} to be delisted", "Exchange starts to delist {}", "{} delisted",
        "{} gets a warning that it may be delisted", "{} thrown out of the index", "Trading in {} suspended",
        "{} shares halted as questions mount", "{} says past accounts can't be relied on",
        "{} says it found irregularities", "{} uncovers fraud in a unit",
        "{} auditor refuses to sign its accounts", "{} auditor resigns citing missing papers",
        "{} delays its results for the second time", "{} late with its quarterly filing",
        "{} inflated its sales, inquiry finds", "{} gets a delisting notice",
        "{} shares to be removed from the exchange", "{} dropped from the benchmark index",
        "Exchange suspends {} over its late accounts",
    ),
    (
        "{} changes its fiscal year", "{} appoints a new auditor", "{} moves its listing to New York",
        "{} announces a new ticker", "{} completes its yearly audit", "{} picks a new auditor after a tender",
        "{} shareholders confirm the auditor", "{} splits its shares two for one",
        "{} to change its reporting currency",
    ),
    (
        "Auditors give {} a clean opinion after a review", "Review finds no wrongdoing at {}",
        "{} files its late accounts", "{} meets listing rules again", "{} to join the S&P 500",
        "Trading in {} resumes and its shares jump", "{} wins an extension and keeps its listing",
        "{} delisting notice withdrawn", "{} files overdue accounts with a clean audit",
        "Inquiry clears the accounts of {}", "{} added to the benchmark index", "Suspension of {} shares lifted",
    ),
)  # fmt: skip
_PEOPLE = (
    (
        "Chief executive of {} quits without notice", "{} CEO steps down amid a scandal", "{} CEO forced out",
        "Finance chief of {} leaves abruptly", "{} CFO quits suddenly", "{} board fires its chief executive",
        "Chairman of {} found dead", "CEO of {} killed in a crash", "Wave of resignations at {}",
        "{} founder ousted in a boardroom fight", "{} chief resigns after an inquiry",
        "{} finance chief exits after weeks in the job", "{} CEO fired over misconduct",
        "Risk chief of {} leaves after losses", "Three directors quit the board of {}",
        "{} treasurer departs amid an audit",
    ),
    (
        "{} CEO to retire next year, successor named", "{} appoints a chief financial officer",
        "{} promotes its head of sales", "{} adds two directors to its board", "{} names a new chairman",
        "{} finance chief to retire as planned", "{} names a successor to its long-time chief",
        "{} hires a head of investor relations", "Chairman of {} to hand over after a full term",
    ),
    (
        "{} lures a star manager from a rival", "{} shares rise as a new chief takes over",
        "{} founder returns to lead a turnaround", "{} persuades its admired chief to stay",
    ),
)  # fmt: skip
_ACCIDENTS = (
    (
        "Fire at a plant of {} kills four", "Blast at a refinery of {}", "Plane of {} crashes",
        "{} train derails and spills chemicals", "Oil spills from a pipeline of {}", "Mine of {} collapses",
        "Flood shuts factories of {}", "{} halts output after an accident", "{} recalls 500,000 cars",
        "{} recalls baby food", "Product of {} linked to illness", "Strike stops work at {}",
        "Workers at {} vote to strike", "{} hacked", "Hackers steal $200 million from {}",
        "{} says data of its customers was stolen", "Cyberattack halts {}", "{} systems down after an attack",
        "Token of {} loses its peg", "{} hit by a massive outage", "Dam at a mine of {} bursts",
        "{} plant shut after a chemical leak", "{} jets grounded over a safety fault",
        "{} tells customers to stop using its heaters", "{} shuts its network after a breach",
        "Records of 3 million {} clients leaked", "Outage takes down {} for hours",
        "Walkout halts {} assembly lines", "{} dock workers down tools", "{} warehouse burns down",
        "Smart contract of {} drained by hackers",
    ),
    (
        "{} tests its emergency plans", "{} moves its systems to the cloud", "{} to service its plant in August",
        "{} runs a routine drill", "{} and its union set dates for talks",
    ),
    (
        "{} restarts its plant after the fire", "Strike at {} averted", "{} ends its recall and sells again",
        "{} recovers the stolen funds", "{} back online with no data lost", "{} plant back at full output",
        "{} jets cleared to fly again", "{} recall over, sales resume", "{} workers accept a deal and return",
        "{} restores its systems after an attack", "{} mine reopens after a safety review",
    ),
)  # fmt: skip
_HEALTH = (
    (
        "FDA turns down a drug from {}", "FDA rejects a therapy of {}", "FDA declines to approve drug of {}",
        "{} drug fails in a late trial", "{} stops a trial after deaths", "{} vaccine misses its main goal",
        "FDA puts a hold on a trial of {}", "FDA warns {} over its factory",
        "{} scraps its drug after poor data", "{} shares sink as its drug fails to beat placebo",
        "FDA asks {} for another trial", "European agency advises against drug of {}",
        "{} pulls its drug from the market", "Safety scare hits {} implant",
    ),
    (
        "{} starts a phase 1 trial", "{} asks the FDA to review its drug",
        "FDA to decide on the drug of {} in June", "{} enrols its first patient in a trial",
        "{} to present data at a congress", "FDA panel on the drug of {} set for June",
    ),
    (
        "FDA clears a drug of {}", "FDA lifts its hold on a trial of {}", "{} drug meets its main goal",
        "EU approves the vaccine of {}", "{} wins approval for its drug",
        "{} drug beats placebo in a late trial", "FDA grants {} a fast track", "FDA panel backs the drug of {}",
        "{} drug wins the nod in Europe", "{} trial resumes after a safety review",
    ),
)  # fmt: skip
_BUSINESS = (
    (
        "{} cuts its outlook", "{} lowers its guidance for the year", "{} withdraws its forecast",
        "{} issues a profit warning", "{} profit plunges", "{} swings to a loss",
        "{} misses on sales and profit", "{} halves its dividend", "{} scraps its dividend",
        "{} writes off $4 billion", "{} writes down its assets", "{} to close 200 stores",
        "{} to cut a tenth of its staff", "{} loses its biggest customer", "{} contract cancelled",
        "Takeover of {} falls apart", "Merger of {} called off", "{} deal collapses", "Buyer walks away from {}",
        "{} limits redemptions", "{} gates its fund", "Investors locked into fund of {}",
        "{} stops paying out to investors in its fund", "{} guides below what analysts expect",
        "{} warns on profit for the third time this year", "{} scraps its targets",
        "{} omits its dividend for the first time", "{} passes on its payout to save cash",
        "{} loses a key licence deal", "{} customer ends its contract", "{} bid rejected, talks end",
        "{} suitor drops its bid", "{} freezes redemptions from a property fund",
        "{} margin squeezed as costs soar", "{} takes a big charge on a failed project",
        "{} sheds a fifth of its workers",
    ),
    (
        "{} reports results in line with forecasts", "{} keeps its guidance", "{} leaves its dividend unchanged",
        "{} repeats its outlook", "{} to discuss its results on a call",
        "{} confirms its forecast ahead of an investor day", "{} declares its regular dividend",
        "{} extends a supply contract on the same terms", "{} calendar: results due on 4 May",
    ),
    (
        "{} lifts its guidance", "{} restores its dividend", "{} pays a dividend again",
        "{} raises its payout by 10%", "{} tops estimates", "{} lands a $3 billion order",
        "{} to buy back $10 billion of shares", "{} wins a big contract", "{} to be bought at a 35% premium",
        "{} gets a takeover bid", "{} reopens its fund to redemptions",
        "{} brings back its dividend after two years", "{} guides above what analysts expect",
        "{} raises its targets", "{} snatches a contract from a rival",
        "{} renews its largest contract for ten years", "{} accepts a sweetened bid",
        "{} suitor raises its offer", "{} fund lifts its gate", "{} loss narrows more than expected",
        "{} back in profit",
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


_BEFORE = ("UPDATE 1-", "UPDATE 2-", "EXCLUSIVE-", "BRIEF-", "Breaking: ")
_AFTER = (
    ", sources say", " - report", " - filing", ", documents show", ", paper says", " - statement", " this week",
    " on Monday", " late on Friday", ", company says", " (updated)",
)  # fmt: skip
_PLAIN = 0.6
"""The share of sentences that stand as they are; to others a wire has added what tells no mood."""


def event_examples(each: int, seed: int = 29) -> list[Example]:
    """Each sentence about so many invented companies, marked with the sentiment of the whole; always the same."""
    draw = random.Random(seed)  # noqa: S311 - a choice of names, no secret
    found: dict[str, Example] = {}
    for kind in EVENTS:
        for label, sentences in enumerate(kind):
            for sentence in sentences:
                for _ in range(each):
                    example = _told(_as_a_wire_has_it(sentence, draw), invented_firm(draw), label)
                    found[example.text] = example
    return list(found.values())


def _as_a_wire_has_it(sentence: str, draw: Random) -> str:
    if by_chance(draw, _PLAIN):
        return sentence
    if sentence.startswith("{}") and by_chance(draw, 0.3):
        return draw.choice(_BEFORE) + sentence
    return sentence + draw.choice(_AFTER)


def _told(sentence: str, name: str, label: int) -> Example:
    start = sentence.index("{}")
    end = start + len(name)
    organisations = (Span(start, end, MENTIONS.index("ORG")),)
    return Example(
        sentence.replace("{}", name), "sentiment", label, NAME, (Span(start, end, label),), organisations
    )
