"""Fingerprints of near copies resemble each other; those of other headlines don't."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from stream.score.fingerprint import MAX_CHARS, SAME_STORY, fingerprint, normalise

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


def test_figures_and_initials_are_read_alike_however_they_are_dotted() -> None:
    assert normalise("U.S. sells 1,000 bonds at 4.5% today's auction") == normalise(
        "US sells 1000 bonds at 45% today auction"
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
                "1f65b14fe3ac9aeb3a3764fa1db3b374b091a02f6ad9d65e48f00ca00db62667"
                "320a375da02a7964a3bf46e8f5c380ed2a4644beef6598f3e8fff67541ba9604"
            ),
        ),
        (
            "Stocks That Hit 52-Week Highs On Friday",
            (
                "b441963e598cc9edc592b0945655a96a19d571aec51ec0f27f6f0d72a53226fb"
                "3038dc5ab14a62506e3c03a81cc34fdcd7a7d901ee8584b4ee80c23a635e882c"
            ),
        ),
        (
            "",
            (
                "edb3e7573092ac0c3044c3e7edc2a3f02e7462372aae91e7ee80103ecf137b95"
                "97abdc3290cfe3267872198eaa711eddbe84c471324a13527373a0806e9b1221"
            ),
        ),
    ],
)
def test_the_fingerprint_of_a_text_never_changes(text: str, pinned: str) -> None:
    assert fingerprint(text) == pinned
