"""Fingerprints of near copies resemble each other; those of other headlines don't."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from stream.score.fingerprint import MAX_CHARS, SAME_STORY, VERSION, fingerprint, normalise

BANK = "Harbor Trust halts withdrawals as depositors line up at branches across the coast"


def alike(one: str, other: str) -> float:
    pairs = zip(bytes.fromhex(fingerprint(one)), bytes.fromhex(fingerprint(other)), strict=True)
    return sum(a == b for a, b in pairs) / 64


@pytest.mark.parametrize(
    "copy",
    [
        BANK.upper(),
        BANK.lower(),
        f"UPDATE 1-{BANK}",
        f"RPT-UPDATE 2-{BANK}",
        f"BREAKING NEWS: {BANK}",
        f"LONDON, March 2 (Reuters) - {BANK}",
        f"{BANK} - Reuters",
        f"{BANK} | MarketWatch",
        f"{BANK} (Bloomberg)",
        f"{BANK} https://example.com/a?b=c",
        f"{BANK}!",
        BANK.replace(" ", "  "),
    ],
)
def test_what_agencies_put_around_a_headline_does_not_change_it(copy: str) -> None:
    assert fingerprint(copy) == fingerprint(BANK)


@pytest.mark.parametrize(
    "copy",
    [
        "Harbor Trust halts withdrawals as depositors queue up at branches across the coast",
        "Harbor Trust halts withdrawals as depositors line up at branches across coast",
        "Harbor Trust halts withdrawals as depositors line up at branches",
        "Exclusive report: Harbor Trust halts withdrawals as depositors line up at branches across the coast",
    ],
)
def test_a_copy_with_a_word_changed_or_cut_is_held_for_the_same_story(copy: str) -> None:
    assert alike(copy, BANK) >= SAME_STORY


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Stocks That Hit 52-Week Highs On Friday", "Stocks That Hit 52-Week Highs On Wednesday"),
        ("Earnings Scheduled For March 2, 2026", "Earnings Scheduled For April 17, 2025"),
        ("Acme Q1 EPS $1.20 Beats $1.10 Estimate", "Acme Q2 EPS $0.80 Beats $0.75 Estimate"),
        ("Acme to buy Widget Works for $4 billion", BANK),
        ("!!!", "???"),
        ("\U0001f680", "\U0001f4c9"),
        ("", BANK),
    ],
)
def test_headlines_of_one_template_are_told_apart(one: str, other: str) -> None:
    assert alike(one, other) < SAME_STORY


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "U.S. sells 1,000 bonds at 4.5% today's auction",
            "US sells 1000 bonds at 4.50 percent today auction",
        ),
        ("J.P. Morgan lifts price target to $87.00", "JP Morgan lifts PT to $87"),
        ("Revenue of $1.20 billion in the second quarter", "Revenue of $1.2B in the Q2"),
        ("120 mln shares, estimates 2.50 bln", "120M shares, estimate 2.5bn"),
        ("Acme halts output of batteries | The Morning Ledger", "Acme halts output of batteries"),
        ("Acme halts output of batt\u2026", "Acme halts output of"),
    ],
)
def test_figures_and_initials_are_read_alike_however_they_are_written(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"), [("up 4.5%", "up 45%"), ("$1.2B", "$12B"), ("$1.20B", "$1.20M"), ("Q1", "Q2")]
)
def test_other_figures_are_read_as_others(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


def test_the_last_byte_is_the_version_of_the_recipe() -> None:
    assert fingerprint(BANK)[-2:] == fingerprint("")[-2:] == f"{VERSION:02x}"


def test_writing_without_spaces_is_cut_into_runs_so_that_a_cut_text_is_a_copy() -> None:
    text = "湘电股份晚间公告全资子公司国贸公司的多笔纸浆贸易业务的交易对方涉嫌合同诈骗总金额约为3.7亿元"
    assert alike(text[2:], text) >= SAME_STORY
    assert alike(text.replace("3.7", "9.2"), text) < 1.0
    assert (
        alike(text.replace("湘电", "华能").replace("国贸", "电力").replace("3.7", "9.2"), text) < SAME_STORY
    )


@pytest.mark.parametrize("text", ["", " ", "a", "\u0000", "\ud800", "...", "\U0001f680"])
def test_the_shortest_texts_have_a_fingerprint(text: str) -> None:
    assert len(fingerprint(text)) == 128
    assert fingerprint(text) == fingerprint(text)


def test_only_the_beginning_of_an_endless_text_is_read() -> None:
    start = "word " * (MAX_CHARS // 5 + 1)
    assert fingerprint(start + "one end") == fingerprint(start + "another end")


def test_a_fingerprint_is_the_same_in_another_process_with_another_hash_seed() -> None:
    program = f"from stream.score.fingerprint import fingerprint; print(fingerprint({BANK!r}))"
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        assert run.stdout.decode().strip() == fingerprint(BANK)


@pytest.mark.parametrize(
    ("text", "pinned"),
    [
        (
            "Harbor Trust halts withdrawals as depositors line up at branches across the coast",
            (
                "c1fe719cef4d13b38e2b90ec62e2d691b43fa0a0eaab5eb2b23ac216b93c2532"
                "e7225ebfe5da89abb8bb20cb5660c6891a5984f472cfceb161b2c2994634b602"
            ),
        ),
        (
            "Stocks That Hit 52-Week Highs On Friday",
            (
                "3a64aa04854609452f5cc0503f6caa486d6072b68dade1456e8de042ab736028"
                "c11b581e90cc5abfae017d674454631c1627295548b5e623d0d6006fdcab3f02"
            ),
        ),
        (
            "",
            (
                "09a75894d6571a06e63a0c52899030d8605821cb4b9438949ae4959e867b75a0"
                "3ffbf354da19390930fe4e8981bb8410bed76235619c907bf5103b5965a40b02"
            ),
        ),
    ],
)
def test_the_fingerprint_of_a_text_never_changes(text: str, pinned: str) -> None:
    assert fingerprint(text) == pinned
