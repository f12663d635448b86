"""Operators of a user's function."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

from numbavol.ndimage.operators import (
    AbstractRadialFourierOperator,
    CustomFourierOperator,
    CustomRealOperator,
    FourierGaussian,
)


@pytest.mark.parametrize("cls", [CustomFourierOperator, CustomRealOperator])
def test_what_a_function_returns_is_checked(cls):
    k = np.zeros((4, 5, 2))
    np.testing.assert_array_equal(cls(lambda k: (k[..., 0] == 0).tolist())(k), np.ones((4, 5)))
    for fn in (lambda _: 1.0, lambda k: k, lambda k: k[..., 0].astype(str)):
        with pytest.raises(ValueError, match=r"fn: expected numbers of shape \(4, 5\) for a grid"):
            cls(fn)(k)
    with pytest.raises(TypeError, match="fn: expected a function, got 3"):
        cls(3)


@pytest.mark.parametrize("cls", [CustomFourierOperator, CustomRealOperator])
def test_a_function_cannot_write_into_what_others_are_given(cls):
    def double(vectors):
        vectors *= 2
        return vectors[..., 0]

    grid = np.ones((2, 2))
    for operator in (cls(double), cls(lambda k: k[..., 0]) + cls(double)):
        with pytest.raises(ValueError, match="read-only"):
            operator(grid)
    assert np.all(grid == 1)


@pytest.mark.parametrize("cls", [CustomFourierOperator, CustomRealOperator])
def test_values_are_nobody_elses(cls):
    grid = np.ones((2, 2))
    values = cls(lambda k: k[..., 0])(grid)
    values *= 2
    assert np.all(grid == 1)


def test_a_radial_operator_cannot_write_into_what_others_are_given():
    @dataclasses.dataclass(frozen=True, eq=False, repr=False)
    class InPlace(AbstractRadialFourierOperator):
        def compute_radially(self, squared_frequency):
            squared_frequency *= -20.0
            return np.exp(squared_frequency)

    with pytest.raises(ValueError, match="read-only"):
        (InPlace() * FourierGaussian(1.0, 40.0))([[1.0, 2.0]])


def test_parameters_are_bound_by_partial():
    def power(k, exponent):
        return (k**exponent).sum(-1)

    operator = CustomFourierOperator(functools.partial(power, exponent=3))
    np.testing.assert_allclose(operator([[1.0, 2.0]]), [9.0])
