"""The words of financial headlines that tell a company from an ordinary word, and who rates others."""

from __future__ import annotations

from stream.score.entities.words import word_set

FORMS = word_set(
    "Inc Incorporated Corp Corporation Co Ltd Limited plc PLC Plc LLC NV SA AG SE LP INC CORP CO LTD"
)
"""Legal forms as they are written after a name."""
OWNED = word_set(
    "share shares stock stocks shareholder shareholders investor investors profit profits earnings"
    " revenue revenues eps ebitda sales results ceo cfo coo chief chairman executive executives board"
    " dividend buyback guidance outlook forecast margin margins quarterly q1 q2 q3 q4 1q 2q 3q 4q h1 h2 fy"
    " ipo bonds debt valuation analyst subsidiary unit stake merger takeover shareholding store stores"
    " employees workers headquarters pt"
)
"""What companies have: right after a name, or soon after it with words such as "first quarter" between."""
DONE = word_set(
    "reports reported posts posted beats beat misses missed tops topped cuts lifts raises raised lowers"
    " lowered hikes slashes trims sees expects expected says said plans announces announced unveils"
    " launches launched names appoints hires acquires acquired buys bought sells sold sues sued agrees"
    " files filed warns warned recalls recalled reaffirms reiterates guides delivers swings declares"
    " invests partners withdraws suspends settles completes prices wins taps spins expands exits lays"
    " halts resumes backs weighs considers confirms denies initiates upgraded downgraded initiated"
    " outperforms underperforms loses gets terminates continues issues meets signs secures receives elects"
    " promotes enters extends introduces begins rejects seeks eyes nears fined unveiled discloses rebrands"
    " restructures urges investigates faces defends drops ditches scraps poaches pledges pays recruits"
    " joins cancels grounds shutters idles restarts apologizes stops"
)
"""What companies do: right after a name."""
INTENDED = word_set(
    "acquire buy sell close cut hire pay launch invest report spin raise open replace lay merge build"
    " expand join recall offer shut slash supply settle add stop start test release announce split present"
    " host webcast halt exit idle retire unveil lift boost double ban drop"
)
"""What companies are to do: after a name and "to"."""
MOVES = word_set(
    "rises rose rise falls fell fall jumps jumped drops dropped slides slid gains gained climbs climbed"
    " tumbles tumbled plunges plunged surges surged soars soared sinks sank slips slipped rallies rallied"
    " up down higher lower dips dives leaps spikes trading"
)
"""How prices go: after a name, if a percentage or a reason comes later."""
BETWEEN = word_set(
    "first second third fourth quarter half year full fiscal annual net adjusted record gross strong weak"
    " holiday operating comparable comp same store online us common class a b new 2nd 3rd 1st"
)
"""Words that may stand between a name and what the company has."""
KINDS = word_set(
    "retailer automaker carmaker airline carrier maker chipmaker drugmaker giant company firm chain"
    " lender bank insurer startup rival parent brewer miner developer broker supplier competitor"
    " conglomerate acquires sues acquired upgrades downgrades upgraded downgraded"
)
"""What stands before a company's name."""
RATED = word_set(
    "analyst analysts coverage rating pt upgrade upgrades upgraded downgraded downgrade downgrades"
    " overweight underweight outperform underperform neutral buy sell hold bullish bearish"
)
"""Words of a headline about what analysts think."""

RATED_BY = word_set(
    "upgraded downgraded initiated started reiterated resumed raised cut lowered maintained boosted trimmed"
)
"""What happened to a rating or a price target, before "at" or "by" and the house that did it."""
RATES = word_set(
    "maintains reiterates upgrades downgrades initiates resumes assumes starts reinstates raises lowers"
    " cuts boosts ups adds removes"
)
"""What an analyst's house does to another company; it is then not the one that the headline is about."""
HOUSES = word_set(
    "GS MS JPM BAC C WFC UBS DB BCS RJF SF EVR PIPR JEF RY TD BMO CM BNS HSBC NMR MFG OPY COWN LAZ MCO"
    " SPGI STT CFG KEY USB PNC MORN SCHW BLK NTRS SNEX"
)
OPENERS = word_set(
    "why how should can could will would is are does did has if when as with after inside while"
)
"""Words that open a sentence and are no part of a name after them."""
HELD_OF = word_set(
    "shares stock stake stakes owner parent maker ceo cfo chairman acquisition purchase takeover board"
)
"""Before "of" or "in" and a company's name."""
