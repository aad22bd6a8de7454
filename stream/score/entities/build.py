"""Makes the packaged table `stream/score/data/companies.csv` anew from public files.

    python -m stream.score.entities.build --sec company_tickers_exchange.json --words words.txt --out companies.csv

`--sec` is the list of tickers that the SEC publishes (its JSON, or the same columns as CSV: cik, name, ticker,
exchange), largest company first. `--index` may give a CSV of an index (Symbol, Security, CIK), whose names are
the ones in use, and `--listed` a CSV (symbol, name) whose spelling of names is better than the SEC's capitals.
`--words` is a spelling list, one word a line, such as Debian's `wamerican`: a name that stands there in small
letters is guarded as a word, one that stands there only with a capital as the name of a person or place.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stream.score.entities.table import MAX_ALIAS_WORDS, short_name
from stream.score.entities.words import Words, word_set

_UNMISTAKABLE = 3
_LEADING = 1_500
"""So many of the largest companies may go by the first word of their name and by a long ticker."""

_NO_COMPANY = re.compile(
    r"\b(?:etf|etn|etc|ishares|spdr|proshares|direxion|funds?|acquisition|series \w|(?:bitcoin|ethereum|ether|gold"
    r"|silver|platinum|palladium|crypto|solana|xrp) (?:trust|shares|fund)|municipal|royalty trust|spac)\b",
    re.IGNORECASE,
)
_SECURITY = re.compile(
    r"[,\s]+(?:(?:class [a-z]\b|common (?:stock|shares?|units?)|ordinary shares?|american depositary|sponsored adr"
    r"|adss?\b|adrs?\b|depositary|units?\b|warrants?\b|shares of|subordinate voting|capital stock|rights?\b"
    r"|series [a-z]\b|par value|new common|\(the\)).*)$",
    re.IGNORECASE,
)
_INITIALS, _ACRONYM, _SHORT, _WARRANT = 2, 3, 4, 5
"""Lengths in letters: of initials, of an acronym, of the longest word that may be one, of a warrant's ticker."""
_PLAIN = re.compile(r"[A-Z]{1,5}(?:\.[AB])?")
_TAILS = word_set(
    "technologies technology pharmaceuticals pharmaceutical pharma therapeutics industries energy systems"
    " sciences biosciences networks software solutions semiconductor semiconductors financial laboratories"
    " international entertainment communications worldwide global brands resources materials medical"
    " interactive biopharma biotherapeutics bio biotech health healthcare platforms corporation motors"
    " airlines airways labs insurance"
)
_ACRONYMS = word_set(
    "ai api atm ceo cfo cpi cpa dna ecb epa eps esg etf eu fbi fcc fda fed ftc gdp hiv hr ipo irs it ma"
    " nato ny opec pc pe ppi pr q1 q2 q3 q4 rna sec uk un us usa usd spx icu vat vc vr who wto yoy tv ev"
    " evs ytd nav ira llc atr gm cpo cto coo"
)
_TOO_COMMON = _ACRONYMS | word_set(
    "on now all you new key open real fast good best next free first news bancorp city post pool crown"
    " universal popular strategy nova nice bill star reliance equitable freedom core global energy bank"
    " tech home crypto us record net capital premier general national american"
)
"""Words that stand capitalised in financial headlines too often to be anybody's name by themselves."""


@dataclass(slots=True)
class _Company:
    id: str
    name: str
    tickers: list[str]
    in_index: bool
    leading: bool
    over_the_counter: bool
    names: dict[str, list[str]] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the files that the command line names and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m stream.score.entities.build", description=__doc__)
    for option in ("--sec", "--words", "--out"):
        parser.add_argument(option, type=Path, required=True)
    for option in ("--index", "--listed"):
        parser.add_argument(option, type=Path)
    given = parser.parse_args(arguments)
    spelled = given.words.read_text(encoding="utf-8").split()
    rows = build_rows(_sec_rows(given.sec), _rows(given.index), _rows(given.listed), frozenset(spelled))
    with given.out.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)


def build_rows(
    sec: Sequence[Mapping[str, str]],
    index: Sequence[Mapping[str, str]],
    listed: Sequence[Mapping[str, str]],
    spelled: frozenset[str],
) -> list[Sequence[str]]:
    """The rows of the table, header first, the largest company first; a name goes to the largest that has it."""
    companies = _companies(sec, index, {row["symbol"].replace("/", "."): row["name"] for row in listed})
    first_words = Counter(_first_word(company.name) for company in companies)
    taken: set[str] = set()
    table: list[Sequence[str]] = [("id", "name", "tickers", "aliases", "words", "names")]
    for company in companies:
        for text, column in _names_of(company, spelled, first_words):
            key = " ".join(Words(text).keys)
            if key and key not in taken and key.count(" ") < MAX_ALIAS_WORDS:
                taken.add(key)
                company.names.setdefault(column, []).append(text)
        cells = ("|".join(company.names.get(column, ())) for column in ("aliases", "words", "names"))
        table.append((company.id, company.name, "|".join(company.tickers), *cells))
    return table


def _companies(
    sec: Iterable[Mapping[str, str]], index: Iterable[Mapping[str, str]], spelling: Mapping[str, str]
) -> list[_Company]:
    """The companies of the index, then all others by size, each once."""
    listings: dict[str, list[Mapping[str, str]]] = {}
    for row in sec:
        listings.setdefault(row["cik"].lstrip("0"), []).append(row)
    chosen: dict[str, Mapping[str, str]] = {}
    for row in index:
        chosen.setdefault(row["CIK"].lstrip("0"), row)
    companies, known = [], set[str]()
    for place, cik in enumerate([*chosen, *(cik for cik in listings if cik not in chosen)]):
        rows, entry = listings.get(cik, []), chosen.get(cik)
        tickers = _share_classes([*([entry["Symbol"]] if entry else []), *(row["ticker"] for row in rows)])
        if entry:
            name = short_name(entry["Security"])
        elif tickers and not _NO_COMPANY.search(rows[0]["name"]):
            name = _spelled_name(rows[0]["name"], spelling.get(tickers[0]))
        else:
            continue
        if tickers[0] in known:
            continue
        known.add(tickers[0])
        unlisted = not {row["exchange"] for row in rows} - {"OTC", ""}
        companies.append(
            _Company(
                tickers[0], name, tickers[1:7], entry is not None, place < _LEADING, unlisted and not entry
            )
        )
    return companies


def _share_classes(tickers: Iterable[str]) -> list[str]:
    """The tickers of ordinary shares, with a dot before the class, each once."""
    plain = [t for t in dict.fromkeys(t.replace("-", ".") for t in tickers) if _PLAIN.fullmatch(t)]
    # A fifth letter on top of another ticker marks a warrant, a unit or a right (AAAAW).
    return [t for t in plain if len(t) < _WARRANT or t[-1] not in "WUR" or t[:-1] not in plain]


def _spelled_name(name: str, listed: str | None) -> str:
    """The name as it is best known to be written: the exchange's spelling, or the SEC's without its capitals."""
    if listed and not listed.isupper() and "d/b/a" not in listed:
        bare = short_name(_SECURITY.sub("", listed))
        if len(bare) > 1:
            return bare
    bare = short_name(name)
    return " ".join(_lowered(word) for word in bare.split()) if bare.isupper() else bare


def _lowered(word: str) -> str:
    """A word in capitals as it is likely written: acronyms, which have no vowel or are short, stay."""
    if word in {"OF", "AND", "THE", "DE", "FOR", "IN"}:
        return word.lower()
    if len(word) <= _INITIALS or not re.search(r"[AEIOUY]", word) or not word.isalpha():
        return word if len(word) <= _SHORT else word.title()
    return word.capitalize()


def _names_of(
    company: _Company, spelled: frozenset[str], first_words: Mapping[str, int]
) -> Iterable[tuple[str, str]]:
    """The names the company goes by, each with the column that says what it takes to believe it."""
    words = Words(company.name).shown
    if not words or len(company.name) == 1 or all(word.isdigit() for word in words):
        return
    column = _column(words, spelled)
    if len(words) == 1:
        column = _column_of_one(company, words[0], column)
    if len(words) > 1 and (company.in_index or (column == "names" and words[-1].casefold() in _TAILS)):
        column = "aliases"
    if column:
        yield company.name, column
    first = words[0]
    if (
        len(words) > 1
        and first_words[_first_word(company.name)] == 1
        and _column([first], spelled) == "aliases"
        and not company.over_the_counter
        and all(word.casefold() in _TAILS for word in words[1:])
    ):
        yield first, "words" if len(first) == _ACRONYM else "aliases"
    if company.leading and len(company.id) >= _SHORT and _column([company.id], spelled) == "aliases":
        yield company.id, "aliases"


def _column_of_one(company: _Company, word: str, column: str) -> str:
    """The column for a name of one word; none where it would be taken for the company too often."""
    if (column == "words" and not company.leading) or word.casefold() in _TOO_COMMON:
        return ""
    if column == "aliases" and not company.leading and (company.over_the_counter or len(word) <= _SHORT):
        # Few write of it by one word, while many others have such an acronym or trade name.
        return "names"
    return column


def _column(words: Sequence[str], spelled: frozenset[str]) -> str:
    """`words` if all are ordinary ones, `names` if all are, or are names of people or places, else `aliases`.

    Three words in a row that are all ordinary are hardly anything else than the name.
    """
    folded = [word.casefold() for word in words if word != "&"]
    if not 0 < len(folded) < _UNMISTAKABLE:
        return "aliases"
    if all(word in spelled or word in _ACRONYMS or len(word) <= _INITIALS for word in folded):
        return "words"
    if all(not {word, word.capitalize()}.isdisjoint(spelled) or len(word) <= _INITIALS for word in folded):
        return "names"
    return "aliases"


def _first_word(name: str) -> str:
    return (Words(name).keys or [""])[0]


def _sec_rows(path: Path) -> list[Mapping[str, str]]:
    if path.suffix != ".json":
        return _rows(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    return [{k: str(v or "") for k, v in zip(content["fields"], row, strict=True)} for row in content["data"]]


def _rows(path: Path | None) -> list[Mapping[str, str]]:
    if path is None:
        return []
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


if __name__ == "__main__":
    main()
