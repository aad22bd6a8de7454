from __future__ import annotations

from fractions import Fraction
from math import comb, exp, isclose, sqrt

import pytest

from stream.errors import UsageError
from stream.watch.baseline import Baseline, Bin
from stream.watch.rules import Prior, WatchRules
from stream.watch.tails import count_tail, regularised_beta, share_tail, student_tail

RULES = WatchRules()
PRIOR = Prior(per_hour=60.0, shape=1.0)


def baseline(rules: WatchRules = RULES) -> Baseline:
    return Baseline(PRIOR, rules)


def bad(stories: int, negative: int) -> Bin:
    return Bin(stories, negative, -0.8 * negative + 0.4 * (stories - negative), 0.3 * stories)


def rate(of: Baseline, bin_number: int) -> float:
    usual = of.usual(bin_number)
    return usual.shape / usual.exposure


@pytest.mark.parametrize("x", [1e-9, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_the_incomplete_beta_function_agrees_with_its_closed_forms(x: float) -> None:
    assert isclose(regularised_beta(x, 7.5, 1.0), x**7.5, rel_tol=1e-12)
    assert isclose(regularised_beta(x, 1.0, 4.5), 1.0 - (1.0 - x) ** 4.5, rel_tol=1e-6)
    whole = Fraction(x)
    tail = sum(comb(9, k) * whole**k * (1 - whole) ** (9 - k) for k in range(4, 10))
    assert isclose(regularised_beta(x, 4.0, 6.0), float(tail), rel_tol=1e-11)


def test_the_incomplete_beta_function_ends_at_nought_and_one() -> None:
    assert (regularised_beta(0.0, 2.0, 3.0), regularised_beta(1.0, 2.0, 3.0)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("observed", "shape", "exposure"), [(0, 2, 10), (1, 1, 5), (6, 3, 30), (40, 7, 9), (60, 2, 900)]
)
def test_a_count_has_the_tail_of_the_negative_binomial(observed: int, shape: int, exposure: int) -> None:
    q = Fraction(15, exposure + 15)
    below = sum(comb(k + shape - 1, k) * q**k * (1 - q) ** shape for k in range(observed))
    assert isclose(count_tail(observed, shape, exposure, 15.0), float(1 - below), rel_tol=1e-10)


@pytest.mark.parametrize(("observed", "total"), [(0, 5), (1, 5), (5, 5), (6, 5), (30, 100)])
def test_a_share_has_the_tail_of_the_beta_binomial(observed: int, total: int) -> None:
    def ways(k: int) -> Fraction:
        # Beta(2, 3): choose k of total, then the ratio of two beta functions of whole numbers.
        return Fraction(comb(k + 1, k) * comb(total - k + 2, total - k), comb(total + 4, total))

    tail = sum((ways(k) for k in range(observed, total + 1)), Fraction(0))
    assert isclose(share_tail(observed, total, 2.0, 3.0), float(tail), rel_tol=1e-11)


def test_a_student_tail_agrees_with_its_closed_forms() -> None:
    # One degree of freedom is Cauchy, two have an algebraic tail.
    assert isclose(student_tail(1.0, 1.0), 0.25, rel_tol=1e-12)
    assert isclose(student_tail(3.0, 2.0), 0.5 - 3.0 / (2.0 * sqrt(11.0)), rel_tol=1e-12)
    assert isclose(student_tail(-3.0, 2.0), 0.5 + 3.0 / (2.0 * sqrt(11.0)), rel_tol=1e-12)
    assert student_tail(0.0, 5.0) == 0.5


def test_a_new_series_is_believed_to_be_as_its_prior_says() -> None:
    usual = baseline().usual(1000)
    assert usual.shape / usual.exposure == pytest.approx(1.0)
    assert (usual.mean, usual.pace, usual.weight) == (0.0, 0.0, 10.0)
    assert usual.negative / (usual.negative + usual.other) == pytest.approx(0.2)


def test_history_replaces_the_prior() -> None:
    of = baseline()
    for number in range(0, 600, 10):
        of.learn(number, bad(4, 2), spared=False)
    usual = of.usual(599)
    assert usual.shape / usual.exposure == pytest.approx(0.2, rel=0.05)
    assert usual.pace == pytest.approx(0.4, rel=0.05)
    assert usual.negative / (usual.negative + usual.other) == pytest.approx(0.5, rel=0.1)
    assert usual.mean == pytest.approx(-0.2, rel=0.1)


def test_what_was_learned_counts_half_after_the_half_life() -> None:
    rules = WatchRules(idle_after=RULES.half_life * 2)
    of = Baseline(PRIOR, rules)
    of.learn(0, bad(8, 8), spared=False)
    assert of.usual(720).shape == pytest.approx(1.0 + 4.0)


def test_a_night_of_silence_is_no_evidence_that_news_is_rare() -> None:
    #  6 h of news ------------- silence ------------->
    #  a story every minute      2 h more, then time stands still
    of = baseline()
    for number in range(360):
        of.learn(number, bad(1, 1), spared=False)
    assert rate(of, 359) == pytest.approx(1.0, rel=0.01)
    assert rate(of, 359 + 120) == pytest.approx(0.72, rel=0.03)
    assert of.usual(359 + 120) == of.usual(359 + 60 * 64)


def test_a_belief_is_never_surer_than_its_cap_and_keeps_its_mean() -> None:
    of = baseline()
    for number in range(600):
        of.learn(number, bad(5, 5), spared=False)
    usual = of.usual(600)
    assert usual.shape == RULES.max_shape
    assert usual.shape / usual.exposure == pytest.approx(5.0, rel=0.02)


def test_a_surge_teaches_little_while_its_alert_is_open() -> None:
    spared, taught = baseline(), baseline()
    for of in (spared, taught):
        for number in range(300):
            of.learn(number, bad(2, 1), spared=False)
    for number in range(300, 330):
        spared.learn(number, bad(40, 40), spared=True)
        taught.learn(number, bad(40, 40), spared=False)
    assert rate(spared, 330) < 1.2
    assert rate(taught, 330) > 4.0


def test_an_emptied_bin_teaches_that_nothing_came() -> None:
    of = baseline()
    of.learn(0, bad(1, 1), spared=False)
    of.learn(5, Bin(), spared=True)
    assert of.stories == pytest.approx(exp(-5 / 720 * 0.693147))
    assert of.lived == 6


def test_a_baseline_comes_back_to_the_last_bit() -> None:
    of, back = baseline(), baseline()
    for number in range(0, 90, 7):
        of.learn(number, bad(3, 1), spared=number > 50)
    back.load(of.dump())
    assert back.usual(200) == of.usual(200)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bin_seconds", 0),
        ("horizon", RULES.horizon / 7),
        ("grace", RULES.lateness / 2),
        ("memory", RULES.lateness),
        ("forget_after", RULES.memory),
        ("alpha", 0.0),
        ("resolve_p", 1e-7),
        ("resolve_share", 0.001),
        ("likeness", 0.5),
        ("company_prior", Prior(per_hour=0.0, shape=1.0)),
        ("rush", 0.5),
        ("learn_cap", 0.5),
        ("max_shape", 0.0),
        ("capacity", 0),
        ("market_capacity", 9_000),
    ],
)
def test_rules_that_cannot_work_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(UsageError, match=rf"watch\.{field} is "):
        WatchRules(**{field: value})  # type: ignore[arg-type]  # one field at a time
