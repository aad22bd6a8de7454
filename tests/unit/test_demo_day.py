from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.resources import as_file, files
from itertools import combinations
from typing import Any

import pytest
from counting import not_counted

from stream.cli.rules import fired_on
from stream.demo.day import CLOSES, OPENS, RUN_STARTS, DayRecord, make_day, summary_of_day
from stream.demo.phrases import load_companies, load_phrasebook
from stream.demo.play import DayResult
from stream.demo.wire import load_outlets
from stream.events import Alert, NewsItem, Reject
from stream.parts import rules_of
from stream.recorded import recorded_signals
from stream.score.decode import decode_news
from stream.score.entities import CompanyTagger
from stream.score.fingerprint import SAME_STORY, fingerprint
from stream.settings import load_settings

DIGEST = "e10d409f7fb5ac6236e8847b4056677ff2df459bc24bd8290d4a9f01321a98f0"
"""Of all keys and values. Whoever changes the day's words or its dice puts the new one here."""

LATENESS = timedelta(seconds=60)
HOUR = timedelta(hours=1)
RECEIVED = datetime(2026, 3, 10, 21, tzinfo=UTC)

REAL_FIRMS = """
apple microsoft nvidia amazon alphabet google meta tesla broadcom oracle salesforce adobe intel amd qualcomm micron
cisco ibm netflix disney comcast verizon walmart target costco kroger macys gap nordstrom nike delta united southwest
jetblue boeing airbus lockheed caterpillar deere exxon chevron shell bp conocophillips occidental pfizer merck abbvie
moderna lilly amgen gilead medtronic jpmorgan citigroup wells goldman morgan schwab fargo barclays hsbc ubs santander
svb signature republic comerica zions keycorp truist regions huntington ford gm stellantis toyota honda rivian lucid
coca pepsi kraft heinz kellogg nestle unilever alcoa nucor freeport newmont rio bhp fedex ups maersk progressive
allstate travelers aig metlife prudential nasdaq moody dow
"""
REAL_TICKERS = """
AAPL MSFT NVDA AMZN GOOGL META TSLA AVGO ORCL CRM ADBE INTC AMD QCOM MU CSCO IBM NFLX DIS WMT TGT COST DAL UAL LUV BA
CAT DE XOM CVX PFE MRK LLY JPM BAC WFC GS MS SCHW F GM KO PEP UPS FDX OPLN HLGN PXLW KEY ZION CMA TFC RF HBAN FRC SIVB
"""


@pytest.fixture(scope="module")
def day() -> list[DayRecord]:
    return make_day()


@pytest.fixture(scope="module")
def articles(day: list[DayRecord]) -> list[tuple[DayRecord, dict[str, Any]]]:
    return [(record, json.loads(record.value)) for record in day if record.note != "broken"]


@pytest.fixture(scope="module")
def prints(articles: list[tuple[DayRecord, dict[str, Any]]]) -> dict[bytes, bytes]:
    """The fingerprint of each article, by its key."""
    return {record.key: bytes.fromhex(fingerprint(fields["headline"])) for record, fields in articles}


def likeness(one: bytes, other: bytes) -> float:
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def stories(day: Sequence[DayRecord]) -> list[DayRecord]:
    return [record for record in day if record.note == "story"]


def time_of(record: DayRecord) -> datetime:
    assert record.published_at is not None
    return record.published_at


def test_the_day_is_the_same_to_the_byte_everywhere(day: list[DayRecord]) -> None:
    parts = (part for record in day for part in (record.key, record.value))
    told = sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()
    assert told == DIGEST


def test_another_seed_gives_another_day_of_the_same_size(day: list[DayRecord]) -> None:
    other = make_day(7)
    assert len(other) == len(day)
    assert [record.value for record in other] != [record.value for record in day]


def test_the_day_has_the_counts_it_says(day: list[DayRecord]) -> None:
    truth = summary_of_day(day)
    assert len(day) == 2_000
    assert dict(truth.notes) == {"story": 1_662, "copy": 305, "correction": 10, "withdrawal": 3, "broken": 20}
    assert sum(truth.rejects.values()) == truth.notes["broken"]
    assert truth.redelivered == 5
    assert truth.bank in {company.id for company in load_companies()}
    assert (truth.opens, truth.run_starts, truth.closes) == (OPENS, RUN_STARTS, CLOSES)


def test_an_id_comes_twice_only_where_a_record_is_redelivered(day: list[DayRecord]) -> None:
    by_key = defaultdict(list)
    for record in day:
        by_key[record.key].append(record.value)
    twice = [values for values in by_key.values() if len(values) > 1]
    assert len(twice) == 5
    assert all(len(values) == 2 and values[0] == values[1] for values in twice)


def test_every_readable_record_decodes_and_every_broken_one_has_its_reason(day: list[DayRecord]) -> None:
    refused: Counter[str] = Counter()
    for record in day:
        item = decode_news(record.value, received_at=RECEIVED)
        if record.note == "broken":
            assert isinstance(item, Reject)
            assert record.key.decode().endswith(item.reason)
            refused[item.reason] += 1
        else:
            assert isinstance(item, NewsItem)
            assert item.id.encode() == record.key
            assert item.published_at == record.published_at
    assert refused == summary_of_day(day).rejects
    assert len(refused) == 10


@pytest.fixture(scope="module")
def said(day: list[DayRecord], tmp_path_factory: pytest.TempPathFactory) -> list[Alert]:
    """What the shipped release and the demo's own rules say of the day, in its order."""
    folder = tmp_path_factory.mktemp("day")
    readable = [record.value for record in day if record.note != "broken"]
    (folder / "day.jsonl").write_bytes(b"\n".join(readable))
    with as_file(files("stream.demo") / "data") as data:
        settings = load_settings(
            None,
            {
                "broker.data_dir": str(folder),
                "score.companies": json.dumps([str(data / "companies.csv")]),
                "alerts.companies": "60",
                "alerts.rules": str(data / "rules.toml"),
            },
        ).settings
        with not_counted():
            return fired_on(recorded_signals(settings, [folder / "day.jsonl"]), rules_of(settings))


def test_the_run_is_told_within_two_minutes_of_its_third_story_and_ends_when_it_calms(
    day: list[DayRecord], said: list[Alert]
) -> None:
    truth = summary_of_day(day)
    ours = [alert for alert in said if alert.series == f"company:{truth.bank}"]
    assert [alert.status for alert in ours].count("firing") == 1
    first, last = ours[0], ours[-1]
    assert first.status == "firing"
    assert truth.third_story <= first.as_of <= truth.third_story + timedelta(minutes=2)
    assert first.observed == len(first.evidence) == 3
    assert all("Harrowvale" in each.headline and each.score < 0 for each in first.evidence)
    assert last.status == "resolved"
    assert last.as_of < truth.closes
    assert all(alert.onset >= truth.run_starts for alert in said)


def test_all_that_is_said_of_the_run_is_one_group(day: list[DayRecord], said: list[Alert]) -> None:
    truth = summary_of_day(day)
    causes = DayResult(alerts=said).causes()
    banks = [
        group
        for group in causes
        if any(each.alert.series.startswith(f"company:{truth.bank}") for each in group.members)
    ]
    assert len(banks) == 1
    assert len(banks[0].members) > 1
    assert len(causes) <= 1 + len(truth.contagion)


def test_records_come_nearly_in_the_order_of_their_times(day: list[DayRecord]) -> None:
    latest, disordered = OPENS, 0
    for at in (record.published_at for record in day if record.published_at is not None):
        assert OPENS <= at < CLOSES
        assert latest - at <= LATENESS
        disordered += at < latest
        latest = max(latest, at)
    assert disordered > 50


def test_corrections_and_withdrawals_name_an_earlier_article(
    articles: list[tuple[DayRecord, dict[str, Any]]],
) -> None:
    place = {fields["id"]: number for number, (_, fields) in reversed(list(enumerate(articles)))}
    for number, (record, fields) in enumerate(articles):
        if record.note in {"correction", "withdrawal"}:
            assert fields["status"] == ("corrected" if record.note == "correction" else "withdrawn")
            assert place[fields["revises"]] < number
        else:
            assert "revises" not in fields


def test_no_two_stories_look_like_copies_of_each_other(
    day: list[DayRecord], prints: dict[bytes, bytes]
) -> None:
    by_byte = defaultdict(list)
    for record in stories(day):
        # Whatever shares 70 % of 64 bytes shares at least one of any 20.
        for number, byte in enumerate(prints[record.key][:20]):
            by_byte[number, byte].append(record.key)
    pairs = {pair for keys in by_byte.values() for pair in combinations(keys, 2)}
    assert [pair for pair in pairs if likeness(prints[pair[0]], prints[pair[1]]) >= SAME_STORY] == []


def test_every_copy_looks_like_a_story_by_another_outlet_that_came_before(
    articles: list[tuple[DayRecord, dict[str, Any]]], prints: dict[bytes, bytes]
) -> None:
    told = defaultdict(list)
    seen = set()
    for record, fields in articles:
        if record.note == "story":
            told[record.about].append((record, fields["source"]))
        elif record.note == "copy" and record.key not in seen:
            assert any(
                likeness(prints[record.key], prints[story.key]) >= 0.8 and source != fields["source"]
                for story, source in told[record.about]
            )
        seen.add(record.key)


def test_the_run_builds_up_over_two_hours_from_many_outlets(
    day: list[DayRecord], articles: list[tuple[DayRecord, dict[str, Any]]]
) -> None:
    truth = summary_of_day(day)
    ids = {truth.bank, *truth.contagion}
    run = [record for record in stories(day) if record.about in ids and time_of(record) >= RUN_STARTS]
    rates = Counter((time_of(record) - RUN_STARTS) // timedelta(minutes=15) for record in run)
    assert [rates[number] for number in range(8)] == [3, 6, 12, 20, 25, 22, 18, 14]
    # Twenty minutes later it is over, and the day goes on for another three quarters of an hour.
    assert [rates[number] for number in range(8, 12)] == [0, 1, 3, 1]
    assert len(run) == 125
    assert Counter(record.about for record in run)[truth.bank] == 105
    keys = {record.key for record in run}
    assert len({fields["source"] for record, fields in articles if record.key in keys}) >= 8


def test_ordinary_news_of_the_bank_stops_before_the_run(day: list[DayRecord]) -> None:
    truth = summary_of_day(day)
    quiet = [record for record in stories(day) if record.about == truth.bank and time_of(record) < RUN_STARTS]
    assert quiet
    assert max(map(time_of, quiet)) < RUN_STARTS - HOUR


def test_the_syndicated_story_is_one_story_copied_within_ten_minutes(
    articles: list[tuple[DayRecord, dict[str, Any]]],
) -> None:
    told = [
        (record.note, time_of(record))
        for record, fields in articles
        if "grounds its turboprop fleet" in fields["headline"].lower()
    ]
    assert Counter(note for note, _ in told) == {"story": 1, "copy": 25}
    times = [at for _, at in told]
    assert max(times) - min(times) < timedelta(minutes=10)


def test_quiet_bad_news_never_bunches_for_one_company_or_the_market(
    articles: list[tuple[DayRecord, dict[str, Any]]],
) -> None:
    bad = _bad_headlines()
    by_company = defaultdict(list)
    in_quarter: Counter[int] = Counter()
    for record, fields in articles:
        if record.note == "story" and any(word in fields["headline"] for word in bad):
            if time_of(record) < RUN_STARTS:
                in_quarter[(time_of(record) - OPENS) // timedelta(minutes=15)] += 1
            if record.about is not None:
                by_company[record.about].append(time_of(record))
    truth = summary_of_day([record for record, _ in articles])
    for company, times in by_company.items():
        if company not in {truth.bank, *truth.contagion}:
            assert all(later - earlier >= HOUR for earlier, later in zip(times, times[2:], strict=False))
    assert max(in_quarter.values()) <= 2 * min(in_quarter.values())


def _bad_headlines() -> set[str]:
    """The longest fixed part of each negative phrase, which tells its headlines from others."""
    books = (load_phrasebook("company.toml"), load_phrasebook("market.toml"))
    parts = set()
    for phrase in (phrase for book in books for phrase in book.phrases if phrase.mood == "negative"):
        fixed = phrase.text.replace("[", "{").replace("]", "}").replace("}", "{").split("{")[::2]
        longest = max(fixed, key=len)
        if len(longest) > 9:
            parts.add(longest.strip())
    return parts


def test_the_company_tagger_reads_the_table_and_finds_whom_each_story_is_about(
    articles: list[tuple[DayRecord, dict[str, Any]]],
) -> None:
    with as_file(files("stream.demo") / "data" / "companies.csv") as path:
        tagger = CompanyTagger.from_csv([path])
    for record, fields in articles:
        found = [mention.id for mention in tagger.tag(fields["headline"], fields.get("body"), ())]
        assert found[:1] == ([record.about] if record.about else []), fields["headline"]


def test_no_invented_company_bears_a_real_name_or_ticker() -> None:
    companies = load_companies()
    assert len(companies) == 60
    assert not {company.id for company in companies} & set(REAL_TICKERS.split())
    names = [name for company in companies for name in (company.name, *company.aliases)]
    words = {word for name in names for word in name.lower().split()}
    assert not words & set(REAL_FIRMS.split())
    assert len({company.id for company in companies}) == len(companies)


def test_there_are_many_phrases_and_a_dozen_outlets_of_reserved_hosts() -> None:
    phrases = {p.text for name in ("company.toml", "market.toml") for p in load_phrasebook(name).phrases}
    assert len(phrases) >= 250
    outlets = load_outlets()
    assert len(outlets) == 12
    assert all(outlet.host.endswith(".example") for outlet in outlets)
