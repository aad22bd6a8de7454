"""Which companies a text names, and which words only look like a company's name."""

from __future__ import annotations

import csv
import io
from importlib import resources
from pathlib import Path

import pytest

from stream.errors import UsageError
from stream.score.entities import CompanyTagger, Mention
from stream.score.entities.tagger import MAX_MENTIONS

NAMED = [
    # Ordinary names, sentence case.
    ("Apple reports record quarter", "AAPL"),
    ("Apple Inc. raises dividend", "AAPL"),
    ("Shares of Microsoft fell 3% after the bell", "MSFT"),
    ("Nvidia's data-center revenue doubles", "NVDA"),
    ("Google to appeal EU antitrust fine", "GOOGL"),
    ("Alphabet and Amazon lead tech rally", "GOOGL AMZN"),
    ("Facebook parent Meta Platforms cuts 10,000 jobs", "META"),
    ("Regulators fine Wells Fargo over fake accounts", "WFC"),
    ("JPMorgan profit beats as trading surges", "JPM"),
    ("J.P. Morgan hires new head of rates", "JPM"),
    ("BofA cuts oil forecast", "BAC"),
    ("J&J to pay $700 million in talc settlement", "JNJ"),
    ("Johnson and Johnson recalls baby powder", "JNJ"),
    ("AT&T explores sale of DirecTV stake", "T"),
    ("Coca-Cola lifts full-year outlook", "KO"),
    ("McDonald's same-store sales slip", "MCD"),
    ("McDonald\u2019s same-store sales slip", "MCD"),
    ("Lowe's beats on home-improvement demand", "LOW"),
    ("O'Reilly Automotive opens 40 stores", "ORLY"),
    ("Estée Lauder slashes outlook", "EL"),
    ("eBay sells classifieds unit", "EBAY"),
    ("UPS, FedEx brace for holiday rush", "UPS FDX"),
    ("Berkshire Hathaway buys more Occidental", "BRK.B OXY"),
    ("GM recalls 400,000 pickups", "GM"),
    ("3M to spin off health care unit", "MMM"),
    ("Allstate posts surprise loss", "ALL"),
    # Words of every day, with evidence.
    ("Target cuts profit outlook", "TGT"),
    ("Gap shares plunge 12%", "GAP"),
    ("Visa beats estimates", "V"),
    ("Ford recalls 100,000 trucks", "F"),
    ("Ford's profit halves", "F"),
    ("Best Buy posts surprise profit", "BBY"),
    ("Delta to buy 100 Boeing jets", "DAL BA"),
    ("Shell CEO steps down", "SHEL"),
    ("Block, Inc. names finance chief", "XYZ"),
    ("Match Group rises after investor takes stake", "MTCH"),
    ("Walmart, Target and Gap report this week", "WMT TGT GAP"),
    ("Retailer Gap to close 200 stores", "GAP"),
    ("Analysts say Visa has room to run", "V"),
    ("Activist builds stake in Whirlpool", "WHR"),
    ("Gap slides 8% after weak forecast", "GAP"),
    ("Dow Inc. shuts German cracker", "DOW"),
    # Title Case and CAPITALS.
    ("Analyst Raises Price Target On Apple", "AAPL"),
    ("Stifel Maintains Buy on Target, Lowers Price Target to $150", "SF TGT"),
    ("Target Reports Q3 EPS $1.20 Vs $1.10 Est.", "TGT"),
    ("Gap First-Quarter Earnings Top Views", "GAP"),
    ("Visa And Mastercard Settle Swipe-Fee Case", "V MA"),
    ("NVIDIA SHARES HIT RECORD HIGH", "NVDA"),
    ("APPLE Q2 EPS $1.53, EST. $1.50", "AAPL"),
    ("Gap: Shares slump after warning", "GAP"),
    ("Why buy Visa rather than save", "V"),
    ("HIRE MORE. SHARES OF GAP. ALL GOOD", "GAP"),
    ("WHY BUY VISA RATHER THAN SAVE", ""),
    ("DOW SEES STAKE IN TARGET, BUY VISA", "TGT V"),
    # Tickers.
    ("$AAPL breaks out", "AAPL"),
    ("$BRK.B and $GOOG lead", "BRK.B GOOGL"),
    ("Why $F and $T are moving", "F T"),
    ("Apple Inc. (NASDAQ: AAPL) unveils headset", "AAPL"),
    ("NYSE:BAC sees insider buying", "BAC"),
    ("Widget Makers Corp (NASDAQ: WDGZ) prices offering", "WDGZ"),
    ("Key trends at KeyCorp (NYSE: KEY)", "KEY"),
    ("All eyes on $ALL", "ALL"),
    # A second set, written before the tagger had seen any of it.
    ("Apple shares slip after iPhone delay", "AAPL"),
    ("Apple falls 3% as iPhone demand cools", "AAPL"),
    ("Target to open 30 new stores", "TGT"),
    ("Target stock sinks on weak holiday sales", "TGT"),
    ("Citi raises target on Tesla to $300", "C TSLA"),
    ("Target's CEO to retire", "TGT"),
    ("Gap to sell its China business", "GAP"),
    ("Gap Inc. posts surprise profit", "GAP"),
    ("Gap jumps 20% after earnings beat", "GAP"),
    ("Visa and Mastercard face lawsuit over fees", "V MA"),
    ("Visa profit rises 10%", "V"),
    ("Visa Shares Rise On Strong Spending", "V"),
    ("Ford cuts 3,000 jobs", "F"),
    ("Ford to halt F-150 output", "F"),
    ("Ford Stock Drops After Recall", "F"),
    ("Ford and GM warn of chip shortage", "F GM"),
    ("Shell to exit Russia", "SHEL"),
    ("Shell profit soars to record", "SHEL"),
    ("Shell raises dividend", "SHEL"),
    ("Delta Air Lines sees strong summer", "DAL"),
    ("Delta raises profit outlook", "DAL"),
    ("Block shares soar on bitcoin gains", "XYZ"),
    ("Block deal in Infosys", "INFY"),
    ("Square Inc. to buy Afterpay", "XYZ"),
    ("Key Tronic Corp reports loss", "KTCC"),
    ("Snap shares fall 30%", "SNAP"),
    ("Meta fined 1.2 billion euros", "META"),
    ("Zoom shares jump", "ZM"),
    ("Dow Chemical to cut jobs", "DOW"),
    ("Southwest cancels 2,000 flights", "LUV"),
    ("Progressive posts higher premiums", "PGR"),
    ("Travelers Cos profit falls", "TRV"),
    ("Carnival shares sink", "CCL"),
    ("Caterpillar sales decline in China", "CAT"),
    ("Oracle sees cloud growth", "ORCL"),
    ("Amazon to hire 150,000", "AMZN"),
    ("Intel cuts dividend", "INTC"),
    ("Cisco to buy Splunk", "CSCO"),
    ("Goldman Sachs upgrades Nike to buy", "GS NKE"),
    ("Boeing 737 MAX deliveries fall", "BA"),
    ("Best Buy shares rise", "BBY"),
    ("First Solar surges on guidance", "FSLR"),
    ("Public Storage makes bid", "PSA"),
    ("Waste Management beats estimates", "WM"),
    ("General Electric to split into three", "GE"),
    ("General Mills lifts forecast", "GIS"),
    ("Home Depot results top views", "HD"),
    ("Dollar General slashes outlook", "DG"),
    ("Dollar Tree to close stores", "DLTR"),
    ("Regions Financial profit up", "RF"),
    ("Constellation Energy to restart reactor", "CEG"),
    ("PayPal names new CEO", "PYPL"),
    ("Tesla recalls 2 million cars", "TSLA"),
    ("Uber drivers strike", "UBER"),
    ("Eli Lilly hits record", "LLY"),
    ("Moderna stock falls", "MRNA"),
    ("Warner Bros. Discovery to split", "WBD"),
    ("Walt Disney beats", "DIS"),
    ("Hershey warns of cocoa costs", "HSY"),
    ("Mosaic cuts potash output", "MOS"),
    ("Ball Corp sells unit", "BALL"),
    ("Fox News settles", "FOXA"),
    ("Realty Income raises dividend", "O"),
    ("Shares in HSBC jump", "HSBC"),
    ("Volkswagen to cut jobs", "VWAGY"),
    ("BP, Shell report record profits", "BP SHEL"),
    ("Pfizer (NYSE:PFE) and BioNTech (NASDAQ:BNTX) file", "PFE BNTX"),
    ("SEC sues Coinbase", "COIN"),
    ("FDA approves Lilly drug", "LLY"),
    ("AMD, Nvidia slide", "AMD NVDA"),
    ("ON Semi raises guidance", "ON"),
    ("C3.ai shares jump", "AI"),
    ("IT spending to rise, Gartner says", "IT"),
    ("Jim Cramer: Buy Apple, Sell Ford", "AAPL F"),
    ("Warren Buffett Loves Apple And Coca-Cola", "AAPL KO"),
    ("Why Apple Stock Is Falling", "AAPL"),
    ("Is Target A Buy After Earnings?", "TGT"),
    ("Should You Buy Visa Stock Now?", "V"),
    ("Ross Gerber sells Tesla stake", "TSLA"),
    ("Domino's Pizza beats", "DPZ"),
    ("O\u2019Reilly beats estimates", "ORLY"),
    ("M&T Bank profit falls", "MTB"),
    ("Nasdaq Inc beats on revenue", "NDAQ"),
    ("Moody's cuts Boeing to junk", "MCO BA"),
    ("Twitter accepts Musk bid", "TWTR"),
]

NOT_NAMED = [
    "Apple pie sales rise",
    "Apple growers hit by frost",
    "Gap widens between rich and poor",
    "Gap Widens Between Bond Yields",
    "The gap between yields narrows",
    "Target price raised to $50",
    "Price Target Raised to $50",
    "Analyst Lowers Price Target",
    "ECB misses inflation Target",
    "All eyes on Fed",
    "Visa rules tightened for students",
    "Student Visa Applications Fall",
    "Now is the time to invest",
    "It is a good time to buy stocks",
    "On the brink of recession",
    "A big week for earnings",
    "Key rate left unchanged",
    "Dow falls 300 points",
    "Dow Jones Drops As Tech Slides",
    "Nasdaq closes at record high",
    "Block trades surge on exchange",
    "Match day boosts pub sales",
    "Square feet of office space fall",
    "Delta variant clouds outlook",
    "Open interest rises in oil futures",
    "Shell companies face new rules",
    "Ford government unveils Ontario budget",
    "Best Buy Ideas For Retirees",
    "Best stocks to buy now",
    "Amazon rainforest fires spread",
    "Intel agencies warn of cyber attack",
    "Q2 results due next week",
    "Oil rises on OPEC cuts",
    "The company said on Monday that sales rose",
    "CEO says AI will change IT",
    "US GDP grows 2%",
    "UK CPI falls to 2%, ONS says",
    "Oracle of Omaha turns 95",
    "General Election Called For July",
    "Target first quarter full year",
    "Fed's Powell: rates to stay higher for longer",
    "Gold and silver jump",
    "An apple a day keeps the doctor away",
    "Big Apple rents hit record",
    "Fed keeps 2% target in sight",
    "On Target: three funds that beat the market",
    "Mind the gap: wages lag inflation",
    "Stocks gap up at open",
    "Gap-up stocks to watch",
    "All stocks fall",
    "All Nippon Airways cancels flights",
    "All you need to know about earnings season",
    "US visa backlog grows",
    "Golden Visa scheme ends in Portugal",
    "H-1B Visa Rules Change",
    "Harrison Ford film tops box office",
    "Shell shocked investors sell",
    "Delta cases rise in Texas",
    "Judge may block merger",
    "Trafalgar Square protest",
    "Now Inc. reports results",
    "Open a brokerage account today",
    "Key takeaways from Powell speech",
    "Key Bank earnings rise",
    "Snap election called in UK",
    "Lenders zoom in on risk",
    "Discovery of oil off Namibia",
    "Dow closes at record high",
    "Dow futures slip",
    "Southwest drought worsens",
    "Southern states face heat",
    "Progressive lawmakers push tax",
    "Travelers stranded at airports",
    "Rio carnival draws crowds",
    "Caterpillar infestation hits crops",
    "Amazon river at record low",
    "Intel report says Russia planned attack",
    "San Francisco office vacancies rise",
    "5 Best Buy Rated Stocks",
    "First solar farm opens in Ohio",
    "Dollar falls against yen",
    "Regions hit by drought",
    "Citizens vote on tax",
    "Nikola Tesla museum opens",
    "Merck KGaA raises outlook",
    "Paramount importance of cash flow",
    "Ball in Fed's court",
    "Everest climbers rescued",
    "Coach fired after loss",
    "Fox hunting ban stays",
    "Team wins again",
    "Realty income rises for landlords",
    "Silicon Valley Bank collapses",
    "AI stocks surge",
    "Domino effect feared in crypto",
    "Bill O'Reilly leaves show",
    "S&P 500 ends higher",
    "",
]

MISSED = [
    # Names that news shorten in a way that the tables don't know.
    ("Paramount and Skydance agree merger", "PSKY"),
    ("Host Hotels cuts dividend", "HST"),
    ("Chip gear maker Applied rallies", "AMAT"),
    ("Morgan adds to bank gains", "MS"),
]

_TAGGER = CompanyTagger.default()


def tagged(headline: str, body: str | None = None, *tickers: str) -> tuple[Mention, ...]:
    return _TAGGER.tag(headline, body, tickers)


def ids_of(headline: str) -> list[str]:
    return [mention.id for mention in tagged(headline)]


@pytest.mark.parametrize(("headline", "companies"), NAMED)
def test_the_companies_of_a_headline_are_named_in_their_order(headline: str, companies: str) -> None:
    assert ids_of(headline) == companies.split()


@pytest.mark.parametrize("headline", NOT_NAMED)
def test_an_ordinary_word_is_not_taken_for_a_company(headline: str) -> None:
    assert ids_of(headline) == []


def test_precision_and_recall_over_all_headlines_here() -> None:
    table = [*NAMED, *MISSED, *((headline, "") for headline in NOT_NAMED)]
    right = sum(len(set(ids_of(headline)) & set(companies.split())) for headline, companies in table)
    found = sum(len(ids_of(headline)) for headline, _ in table)
    meant = sum(len(companies.split()) for _, companies in table)
    assert right / found >= 0.98
    assert right / meant >= 0.96


@pytest.mark.parametrize(
    ("headline", "spans"),
    [
        ("Apple Inc. and Visa's rivals", ["Apple Inc", "Visa"]),
        ("\U0001f4c8 Nvidia up, Este\u0301e \u2013 McDonald's down", ["Nvidia", "McDonald's"]),
        ("Why $AAPL beats (NASDAQ: MSFT)", ["$AAPL", "MSFT"]),
        ("Merck & Co. buys", ["Merck & Co"]),
        ("Coca-Cola, J.P. Morgan and AT&T", ["Coca-Cola", "J.P. Morgan", "AT&T"]),
    ],
)
def test_the_place_of_a_name_is_counted_in_characters_of_the_headline(
    headline: str, spans: list[str]
) -> None:
    assert [headline[mention.start : mention.end] for mention in tagged(headline)] == spans


def test_a_company_named_twice_is_one_mention_at_its_first_place() -> None:
    (mention,) = tagged("Apple (NASDAQ: AAPL) sinks; $AAPL options active as Apple warns")
    assert mention == Mention("AAPL", "Apple Inc.", 0, 5, 1.0)


@pytest.mark.parametrize("ticker", ["GOOG", "GOOGL", "$goog", "NASDAQ:GOOG", "GOOG.O", " goog "])
def test_share_classes_and_spellings_of_a_publishers_ticker_are_one_company(ticker: str) -> None:
    assert tagged("Search firm fined", None, ticker) == (Mention("GOOGL", "Alphabet Inc.", None, None, 1.0),)


@pytest.mark.parametrize("ticker", ["BRK.A", "BRK-B", "BRK/B", "NYSE:BRK.B"])
def test_a_class_of_shares_may_be_written_with_dot_hyphen_or_slash(ticker: str) -> None:
    assert [mention.id for mention in tagged("Buffett retires", None, ticker)] == ["BRK.B"]


def test_a_publishers_ticker_is_evidence_for_a_name_in_the_headline() -> None:
    assert tagged("Gap in the market", None, "GAP")[0].start is None
    assert tagged("Block rebrands", None, "XYZ") == (Mention("XYZ", "Block, Inc.", 0, 5, 1.0),)


def test_an_unknown_ticker_of_the_publisher_is_its_own_company_and_a_senseless_one_none() -> None:
    assert tagged("Mill burns", None, "TATASTEEL.NS") == (
        Mention("TATASTEEL.NS", "TATASTEEL.NS", None, None, 1.0),
    )
    assert tagged("Mill burns", None, "", "  ", "a b", "x" * 99, "\u0410") == ()


def test_the_first_company_of_a_headline_matters_most() -> None:
    assert [m.relevance for m in tagged("Apple, Microsoft and Nvidia fall")] == [1.0, 0.95, 0.9]


def test_an_analysts_house_matters_little_beside_the_company_it_rates() -> None:
    rated = {m.id: m.relevance for m in tagged("Goldman Sachs Upgrades Ford To Buy")}
    assert rated == {"GS": 0.3, "F": 1.0}
    assert {m.id: m.relevance for m in tagged("Buy Nike on weakness, Wells Fargo says")} == {
        "NKE": 1.0,
        "WFC": 0.3,
    }
    cut = tagged("Uber price target cut to $54 at Deutsche Bank")
    assert {m.id: m.relevance for m in cut} == {"UBER": 1.0, "DB": 0.3}
    assert tagged("Goldman Sachs raises dividend")[0].relevance == 1.0
    assert tagged("Target met, Goldman Sachs doubles")[0].relevance == 1.0


def test_a_company_that_only_the_body_names_matters_half_and_has_no_place() -> None:
    mentions = tagged("Chip stocks slide", "Shares of Nvidia fell. Apple was flat.", "INTC")
    assert mentions == (
        Mention("INTC", "Intel", None, None, 1.0),
        Mention("NVDA", "Nvidia", None, None, 0.5),
        Mention("AAPL", "Apple Inc.", None, None, 0.5),
    )


def test_only_the_beginning_of_a_body_is_searched() -> None:
    assert tagged("Chip stocks slide", "and so on " * 300 + "Nvidia fell.") == ()


def test_no_more_than_sixteen_companies_are_named() -> None:
    tickers = [f"T{number}" for number in range(40)]
    mentions = tagged("Apple leads", "Nvidia follows", *tickers)
    assert len(mentions) == MAX_MENTIONS
    assert mentions[0].id == "AAPL"


def test_a_small_letter_after_a_dollar_sign_is_no_ticker() -> None:
    assert ids_of("Costs $t and US$F") == []
    assert ids_of("$tsla to the moon") == ["TSLA"]
    assert ids_of("$ZZZZZ to the moon") == []


def test_the_end_of_a_figure_is_no_name() -> None:
    assert ids_of("Revenues $111.3M, loss of $3M") == []


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_table_of_ones_own_adds_companies_and_takes_names_over(tmp_path: Path) -> None:
    own = write(
        tmp_path / "own.csv",
        "id,name,tickers,aliases,words,names,tagged,unless",
        'HRBR,"Harbor Trust, Inc.",HTB,Harbor Trust,Harbor,,,pearl ~|~ seal',
        "FRUIT,Fruit Stand,,Apple,,,,",
        "HRBR,,,HTX,,,,",
    )
    tagger = CompanyTagger.default([own])

    def named(headline: str) -> list[str]:
        return [mention.id for mention in tagger.tag(headline, None, ())]

    assert named("Harbor Trust halts withdrawals at HTX") == ["HRBR"]
    assert named("Harbor shares fall, $HTB halted") == ["HRBR"]
    assert named("Pearl Harbor shares memories") == []
    assert named("Harbor Seal shares beach") == []
    assert named("Apple and Microsoft rise") == ["FRUIT", "MSFT"]


def test_a_table_of_ids_and_names_alone_calls_each_company_by_its_short_name(tmp_path: Path) -> None:
    own = write(
        tmp_path / "own.csv", "name,id", '"The Widget Works Co., Ltd. (Class A)",wdg', "Gadget AG /ADR/,GDG"
    )
    tagger = CompanyTagger.from_csv([own])
    assert [m.id for m in tagger.tag("Widget Works to buy Gadget", None, ())] == ["WDG", "GDG"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["id,label", "A,B"], "line 1: no column name: begin with a header of id,name,tickers"),
        ([""], "line 1: no column id and name"),
        (["id,name", "A B,Acme"], "line 2: id is 'A B': give a ticker of letters, digits, dots and hyphens"),
        (["id,name", "ACM,Acme", "ACN,"], "line 3: name is empty: give the name of ACN"),
        (
            ["id,name", "ACM,Acme,Inc"],
            "line 2: more fields than the header has: put fields that hold commas in",
        ),
        (["id,name,aliases", "ACM,Acme,!!!"], "line 2: the name '!!!' has 0 words: give 1 to 8"),
    ],
)
def test_a_wrong_row_is_named_with_its_file_line_and_fix(tmp_path: Path, lines: list[str], said: str) -> None:
    own = write(tmp_path / "own.csv", *lines)
    with pytest.raises(UsageError) as raised:
        CompanyTagger.from_csv([own])
    assert str(own) in str(raised.value)
    assert said in str(raised.value)


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.csv: No such file .* give a company table"):
        CompanyTagger.from_csv([tmp_path / "missing.csv"])
    (tmp_path / "latin.csv").write_bytes("id,name\nSG,Société".encode("latin-1"))
    with pytest.raises(UsageError, match=r"latin\.csv: .* save the company table as CSV in UTF-8"):
        CompanyTagger.from_csv([tmp_path / "latin.csv"])


def test_the_packaged_tables_are_small_and_hold_no_ticker_twice() -> None:
    data = resources.files("stream.score") / "data"
    listed = (data / "companies.csv").read_text(encoding="utf-8")
    assert len(listed) < 800_000
    ids = [row["id"] for row in csv.DictReader(io.StringIO(listed))]
    assert len(ids) == len(set(ids)) > 5_000
