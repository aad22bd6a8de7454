from __future__ import annotations

from fractions import Fraction
from math import comb, isclose, sqrt

import pytest

from stream.watch.tails import count_tail, regularised_beta, share_tail, student_tail


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
