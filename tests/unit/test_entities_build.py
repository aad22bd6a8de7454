"""How the packaged company table is made from public files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from stream.score.entities import CompanyTagger
from stream.score.entities.build import main

SEC = {
    "fields": ["cik", "name", "ticker", "exchange"],
    "data": [
        [1, "APPLE INC.", "AAPL", "Nasdaq"],
        [2, "ACME HOLDINGS CORP /DE/", "ACM", "NYSE"],
        [2, "ACME HOLDINGS CORP /DE/", "ACM-PA", "NYSE"],
        [2, "ACME HOLDINGS CORP /DE/", "ACM-B", "NYSE"],
        [3, "GOLD BUG ETF TRUST", "BUG", "NYSE"],
        [4, "ZYXO PHARMACEUTICALS, INC.", "ZYXO", "Nasdaq"],
        [4, "ZYXO PHARMACEUTICALS, INC.", "ZYXOW", "Nasdaq"],
        [5, "QVX TECHNOLOGIES CORP", "QVX", "Nasdaq"],
        [6, "DOVER VALLEY BANK", "DVB", "OTC"],
        [7, "HRBLN", "HRBL", "OTC"],
        [8, "BRASS KETTLE INC", "BRKT", "Nasdaq"],
        [9, "CEO INC", "CEOX", "Nasdaq"],
        [10, "BANK OF THE NORTH AND SOUTH", "BNS", "NYSE"],
        [11, "1234 CORP", "NUMB", "NYSE"],
        [12, "ACME INC", "ACME", None],
        [13, "WARRANT ONLY CORP", "WO-WT", "NYSE"],
        [14, "DOVER MINES LTD", "DVM", "NYSE"],
        [15, "THE ONE CO TWO CO THREE CO FOUR FIVE SIX SEVEN EIGHT NINE TEN", "LONG", "NYSE"],
        [16, "LISTED AS CAPITALS CORP", "LAC", "NYSE"],
        [18, "ACME SUCCESSOR INC", "ACME", "NYSE"],
        [17, "EXCELSIOR, INC.", "EXLR", "Nasdaq"],
    ],
}
WORDS = "apple\nbrass\nkettle\nvalley\nbank\nmines\nof\nthe\nnorth\nsouth\nDover\nand\nlisted\nas\ncapitals\n"


def build(folder: Path) -> dict[str, dict[str, str]]:
    (folder / "sec.json").write_text(json.dumps(SEC))
    (folder / "words.txt").write_text(WORDS)
    (folder / "index.csv").write_text(
        "Symbol,Security,CIK\nAAPL,Apple Inc.,0000000001\nBRKT,Brass Kettle,8\n"
    )
    (folder / "listed.csv").write_text(
        "symbol,name\nACM,AcMe Holdings Corporation Class A Common Stock\nLAC,LISTED\nEXLR,X Corp Common Stock\n"
    )
    arguments = [
        "--sec",
        "sec.json",
        "--words",
        "words.txt",
        "--index",
        "index.csv",
        "--listed",
        "listed.csv",
    ]
    paths = [str(folder / part) if "." in part else part for part in arguments]
    main([*paths, "--out", str(folder / "out.csv")])
    with (folder / "out.csv").open(encoding="utf-8", newline="") as lines:
        return {row["id"]: row for row in csv.DictReader(lines)}


def test_each_company_has_one_row_with_its_share_classes_and_well_spelled_name(tmp_path: Path) -> None:
    rows = build(tmp_path)
    assert rows["ACM"]["name"] == "AcMe"
    assert rows["ACM"]["tickers"] == "ACM.B"
    assert rows["ZYXO"]["tickers"] == ""
    assert rows["BNS"]["name"] == "Bank of the North and South"
    assert rows["EXLR"]["name"] == "Excelsior"
    assert rows["ACME"]["name"] == "Acme"
    assert "BUG" not in rows
    assert "WO.WT" not in rows


def test_the_index_comes_first_and_a_name_goes_to_the_largest_that_has_it(tmp_path: Path) -> None:
    rows = build(tmp_path)
    assert list(rows)[:2] == ["AAPL", "BRKT"]
    assert rows["ACM"]["aliases"] == "AcMe"
    assert rows["ACME"]["aliases"] == ""


def test_names_that_are_words_or_places_are_guarded(tmp_path: Path) -> None:
    rows = build(tmp_path)
    assert rows["AAPL"]["words"] == "Apple"
    assert rows["DVM"]["names"] == "Dover Mines"
    assert rows["BRKT"]["aliases"].split("|")[0] == "Brass Kettle"
    assert rows["BNS"]["aliases"] == "Bank of the North and South"


def test_a_name_goes_by_its_first_word_where_that_is_unmistakable(tmp_path: Path) -> None:
    rows = build(tmp_path)
    assert rows["ZYXO"]["aliases"].split("|")[:2] == ["Zyxo Pharmaceuticals", "Zyxo"]
    assert rows["QVX"] | {"aliases": "QVX Technologies", "words": "QVX"} == rows["QVX"]


def test_a_name_that_would_be_met_everywhere_is_left_out(tmp_path: Path) -> None:
    rows = build(tmp_path)
    for company in ("CEOX", "NUMB", "LONG"):
        assert (
            not rows[company]["aliases"].replace(company, "")
            + rows[company]["words"]
            + rows[company]["names"]
        )


def test_the_table_made_is_one_that_the_tagger_reads(tmp_path: Path) -> None:
    build(tmp_path)
    tagger = CompanyTagger.from_csv([tmp_path / "out.csv"])
    assert [mention.id for mention in tagger.tag("Zyxo buys Brass Kettle", None, ())] == ["ZYXO", "BRKT"]


def test_the_secs_list_may_also_be_csv(tmp_path: Path) -> None:
    (tmp_path / "sec.csv").write_text("cik,name,ticker,exchange\n1,ZYXO INC,ZYX,NYSE\n2,ZYXA INC,ZYA,OTC\n")
    (tmp_path / "words.txt").write_text("apple\n")
    main(
        [
            f"--{name}={tmp_path / file}"
            for name, file in (("sec", "sec.csv"), ("words", "words.txt"), ("out", "o.csv"))
        ]
    )
    assert (tmp_path / "o.csv").read_text().splitlines()[1:] == ["ZYX,Zyxo,,Zyxo,,", "ZYA,Zyxa,,Zyxa,,"]
