"""Operators that know that they are sums of Gaussians."""

from __future__ import annotations

import numpy as np
import pytest
import specimens
from hypothesis import given
from hypothesis import strategies as st

from numbavol.ndimage.operators import (
    CustomFourierOperator,
    FourierConstant,
    FourierGaussian,
    FourierSinc,
    PengScatteringFactor,
    ZeroMode,
)

GAUSSIAN = ["constant", "gaussian", "peng", "radial product"]

numbers = st.floats(-3.0, 3.0)
gaussians = st.one_of(
    numbers.map(FourierConstant),
    st.builds(FourierGaussian, numbers, st.floats(-5.0, 300.0)),
    st.lists(st.tuples(numbers, st.floats(0.1, 50.0)), min_size=1, max_size=5).flatmap(
        lambda terms: st.sampled_from([None, 0.0, 25.0]).map(
            lambda extra: PengScatteringFactor(*zip(*terms, strict=True), extra)
        )
    ),
)
others = st.sampled_from(
    [
        ZeroMode(1.0),
        FourierSinc(1.5),
        CustomFourierOperator(specimens.tilt),
        CustomFourierOperator(specimens.phase),
    ]
)


def combine(operands):
    def apply(symbol, one, other):
        return {"+": one + other, "-": one - other, "*": one * other}[symbol]

    symbols = st.sampled_from("+-*")
    with_numbers = st.builds(apply, symbols, operands, numbers)
    numbers_first = st.builds(apply, symbols, numbers, operands)
    negative = operands.map(lambda operand: -operand)
    return st.one_of(
        st.builds(apply, symbols, operands, operands), with_numbers, numbers_first, negative
    )


FREQUENCIES = np.random.default_rng(0).uniform(-0.6, 0.6, (7, 5, 3))
FREQUENCIES[0, 0] = 0


@given(st.recursive(gaussians, combine, max_leaves=5))
def test_the_gaussians_of_any_combination_add_up_to_it(operator):
    amplitudes, b_factors = operator.get_gaussians()
    assert amplitudes.ndim == 1
    assert amplitudes.shape == b_factors.shape
    assert amplitudes.dtype == b_factors.dtype == np.float64
    squared = (FREQUENCIES**2).sum(-1)[..., None]
    terms = amplitudes * np.exp(-b_factors * squared / 4)
    # The terms may cancel. An exponent of up to 5 * 300 * 1 / 4 has a rounding of 4e-14.
    # Numbers near the smallest that there are have fewer digits.
    atol = 1e-12 * np.abs(terms).sum(-1).max() + 1e-300
    np.testing.assert_allclose(terms.sum(-1), operator(FREQUENCIES), rtol=0, atol=atol)


@given(st.recursive(gaussians, combine, max_leaves=3), others, st.sampled_from("+-*"))
def test_a_combination_with_anything_else_is_no_sum_of_gaussians(one, other, symbol):
    assert other.get_gaussians() is None
    for left, right in [(one, other), (other, one), (other, other), (other, 2.0), (2.0, other)]:
        made = {"+": left + right, "-": left - right, "*": left * right}[symbol]
        assert made.get_gaussians() is None
        assert (made * FourierConstant(2.0)).get_gaussians() is None


@pytest.mark.parametrize("name", specimens.OPERATORS)
def test_who_is_a_sum_of_gaussians_says_so(name):
    assert (specimens.OPERATORS[name].get_gaussians() is not None) == (name in GAUSSIAN)
