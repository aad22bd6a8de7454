"""Training sentences of our own: good, bad and plain news that the public sets hardly hold.

The public sets are mostly about share prices, results and ratings. A bank run, a default, a breach or a strike
is rare there. These sentences, about invented firms, say what such news is. None of them stands in the held-out
or the golden texts.
"""

from __future__ import annotations

from models.training.data import Example

NAME = "newstide_written"
LICENCE = "Apache-2.0"

_FIRMS = (
    "Alder Bank",
    "Bexley Motors",
    "Copperfield Media",
    "Delmar Foods",
    "Eastvale Power",
    "Fairmont Savings",
    "Gantry Steel",
    "Hollis Pharma",
    "Ironbridge Capital",
    "Juniper Air",
    "Kingsway Homes",
    "Lomond Energy",
)

_LENDERS = ("Bank", "Lender", "Crypto exchange", "Online broker", "Regional bank", "Money manager")
"""Who a headline is about that gives no name."""
_CASH_LEAVES = (
    "{} restricts withdrawals",
    "{} puts withdrawals on hold",
    "{} delays withdrawals as clients lose faith",
    "{} caps withdrawals at $500 a day",
    "{} pauses redemptions",
    "{} stops paying out to clients",
    "{} blocks transfers as clients ask for their money back",
    "{} freezes customer funds",
    "{} shuts its branches as queues grow",
    "{} limits how much clients can take out",
    "Depositors pull $2 billion from {} in a day",
    "Savers queue outside {} for a second day",
    "Deposits drain from {}",
    "Outflows from {} speed up",
    "Large clients move their cash out of {}",
    "Panic at {} as money flows out",
    "{} cannot meet payments, sources say",
    "{} taps an emergency credit line",
    "{} defaults on a loan",
    "{} misses a coupon on its notes",
    "Authorities close {}",
    "{} placed under state supervision",
    "Central bank steps in to rescue {}",
    "Ransomware locks {} out of its systems",
)
_CASH_STAYS = (
    "{} changes the daily limit of its cash machines",
    "{} explains how withdrawals work",
    "{} closes its branches for the public holiday",
    "{} to report its deposits on Thursday",
    "{} moves its deposit business to a new system",
    "{} renews its credit line on the usual terms",
)
_CASH_RETURNS = (
    "{} allows withdrawals again",
    "{} lifts the limits on withdrawals, queues gone",
    "{} reopens transfers as cash flows back",
    "{} unfreezes accounts as trust returns",
    "Clients bring their money back to {}",
    "Inflows at {} hit a record",
    "{} repays its emergency loan in full",
    "{} finds a buyer, savers are safe",
)
NEGATIVE = (
    "Customers of {} line up to take out their money",
    "{} faces a run on deposits as confidence fades",
    "{} freezes accounts after clients pull out billions",
    "Savers flee {} amid talk that it is short of cash",
    "Regulators take control of {} after it runs out of cash",
    "{} fails to pay interest on its bonds",
    "{} misses a debt payment and enters default",
    "Creditors push {} into insolvency",
    "{} files for Chapter 11 protection",
    "{} under investigation for misleading investors",
    "Watchdog opens inquiry into accounting at {}",
    "Police search the headquarters of {}",
    "{} sued over hidden fees",
    "{} hit with a record fine for money laundering",
    "Former boss of {} charged with fraud",
    "Auditors refuse to sign off on the books of {}",
    "{} finds a hole in its accounts, delays its annual report",
    "Hackers steal the data of a million clients of {}",
    "Outage at {} leaves customers locked out for a second day",
    "{} to shut three plants and lay off 2,000 workers",
    "{} announces deep job cuts as demand weakens",
    "Workers at {} walk out over pay",
    "Explosion at a site of {} kills two, output stopped",
    "{} recalls its best-selling product over safety fears",
    "{} writes down $700 million on a failed project",
    "{} abandons its expansion plan as costs spiral",
    "{} suspends its dividend to save cash",
    "{} loses its largest contract",
    "{} warns that losses will be larger than thought",
    "Rating agency puts {} on watch for a downgrade",
    "Credit rating of {} cut two notches",
    "Short seller accuses {} of inflating its sales",
    "Trading in {} halted after a collapse in the price",
    "Fears grow that the trouble at {} will spread to other lenders",
    "{} seeks an emergency loan from the central bank",
    "Rescue talks for {} fail",
    "{} gates its property fund as investors rush for the exit",
    "Drug from {} linked to patient deaths",
    *_CASH_LEAVES,
)
NEUTRAL = (
    "{} to publish its results on Wednesday",
    "{} will hold its annual meeting in June",
    "{} names a new head of communications",
    "{} moves to a new head office",
    "{} to take part in an investor conference",
    "{} files its quarterly report with the regulator",
    "{} sets the date for its shareholder vote",
    "{} changes its name and ticker",
    "What to know about {}",
    "{} says it has no comment on the report",
    "Chairman of {} to speak at a business forum",
    "{} issues shares to employees under its plan",
    "{} confirms the record date of its dividend",
    "{} opens an office in Dublin",
    "{} and its union begin their yearly talks",
    "{} to webcast its presentation to analysts",
    "{} publishes its sustainability report",
    "Transcript: {} first quarter call",
    "{} replaces its auditor after a regular tender",
    "{} schedules maintenance for the weekend",
    "A short history of {}",
    "{} prices its bond as planned",
    *_CASH_STAYS,
)
POSITIVE = (
    "{} wins a contract worth $800 million",
    "{} secures a long-term supply deal with a carmaker",
    "Regulators approve a new treatment from {}",
    "{} cleared of all charges in a long court case",
    "{} raises its forecast as orders pour in",
    "{} posts its best quarter in ten years",
    "{} swings back to profit",
    "{} lifts its dividend and starts a share buyback",
    "Rating agency upgrades {} on stronger finances",
    "{} attracts $400 million of fresh investment",
    "{} to hire 1,500 people as demand booms",
    "{} settles its dispute with regulators on favourable terms",
    "Deposits at {} grow strongly as confidence returns",
    "{} pays back its rescue loan ahead of time",
    "Strike at {} ends with a deal, output back to normal",
    "{} opens a new plant after record sales",
    "Trial of a drug from {} succeeds",
    "{} gains market share as rivals struggle",
    "Takeover offer values {} at a rich premium",
    "{} cuts its debt by a third",
    "Customers flock to the new service of {}",
    "{} beats forecasts and sees a strong year ahead",
    *_CASH_RETURNS,
)


def written_examples() -> list[Example]:
    """Each sentence about three firms, in an order that never changes; all of task sentiment.

    Those of cash that leaves a lender, or comes back, are also about two lenders that have no name.
    """
    found = []
    nameless = {*_CASH_LEAVES, *_CASH_STAYS, *_CASH_RETURNS}
    for label, sentences in enumerate((NEGATIVE, NEUTRAL, POSITIVE)):
        for number, sentence in enumerate(sentences):
            about = [_FIRMS[(number * 5 + turn * 4 + label) % len(_FIRMS)] for turn in range(3)]
            if sentence in nameless:
                lenders = [_LENDERS[(number + turn * 2) % len(_LENDERS)] for turn in range(2)]
                about += lenders if sentence.startswith("{}") else [each.lower() for each in lenders]
            found += [Example(sentence.format(told), "sentiment", label, NAME) for told in about]
    return found
