"""Which transforms are made of many groups of atoms, and what multiplies each of them."""

from __future__ import annotations

import numpy as np
import pytest

from numbavol import CustomFourierOperator, FourierGaussian, FourierSinc, PengScatteringFactor
from numbavol.rendering.terms import make_terms

POSITIONS = np.random.default_rng(4).uniform(-2.5, 2.5, (6, 3))


def evaluate(operator, squared):
    amplitudes, b_factors = operator.get_gaussians()
    return sum(a * np.exp(-b * squared / 4) for a, b in zip(amplitudes, b_factors, strict=True))


@pytest.mark.parametrize("precision", [1e-3, 1e-6, 1e-10])
@pytest.mark.parametrize("n_groups", [2, 40, 120, 300])
def test_terms_are_few_and_make_every_group(n_groups, precision):
    rng = np.random.default_rng(n_groups)
    groups = [
        (np.full((n % 3 + 1, 3), float(n)), PengScatteringFactor([1, 2, 0.5], [1, 10, 40], b))
        for n, b in enumerate(rng.uniform(5, 200, n_groups))
    ]
    terms = make_terms(groups, 0.87, precision)
    assert len(terms) <= min(n_groups, 30)
    squared = np.linspace(0, 0.87, 1001) ** 2  # Others than those that were compared, too.
    made = np.zeros((n_groups, len(squared)))
    for term in terms:
        strengths = np.ones(len(term.positions)) if term.strengths is None else term.strengths
        for n in range(n_groups):
            here = strengths[term.positions[:, 0] == n]
            assert len(here) in (0, n % 3 + 1)
            made[n] += (here[0] if len(here) else 0.0) * evaluate(term.operator, squared)
    expected = np.array([evaluate(operator, squared) for _, operator in groups])
    # Between the frequencies that were compared a smooth error is hardly larger.
    assert np.abs(made - expected).max() <= 1.5 * precision * np.abs(expected).max()


def test_terms_that_are_no_sums_of_gaussians_stay_as_they_are():
    custom, sinc = CustomFourierOperator(lambda k: k[..., 0] ** 2), FourierSinc(1.0)
    groups = [(np.full((1, 3), float(n)), FourierGaussian(1.0, 10.0 + n)) for n in range(30)]
    groups[3:3] = [(POSITIONS, custom), (POSITIONS, sinc), (POSITIONS, sinc * FourierGaussian())]
    terms = make_terms(groups, 0.5, 1e-3)
    apart = [term for term in terms if term.operator.get_gaussians() is None]
    assert [term.operator for term in apart] == [operator for _, operator in groups[3:6]]
    assert all(term.strengths is None for term in apart)
    assert all(term.positions is groups[3][0] for term in apart)
    assert len(terms) - 3 < 10


@pytest.mark.parametrize("n_groups", [0, 1])
def test_few_groups_are_their_own_terms(n_groups):
    groups = [(POSITIONS, FourierGaussian())] * n_groups
    terms = make_terms(groups, 0.5, 1e-6)
    assert [(term.positions is POSITIONS, term.strengths) for term in terms] == [
        (True, None)
    ] * n_groups
