"""Sums and products of operators, and operators as values."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle

import numpy as np
import pytest
import specimens
from hypothesis import given
from hypothesis import strategies as st

from numbavol.ndimage.grids import make_coordinate_grid
from numbavol.ndimage.operators import (
    AbstractFourierOperator,
    AbstractRadialFourierOperator,
    AbstractRealOperator,
    CustomFourierOperator,
    FourierConstant,
    FourierGaussian,
    PengScatteringFactor,
)

numbers = st.one_of(st.integers(-5, 5), st.floats(-5, 5), st.floats(-5, 5).map(np.float64))


# Algebra.


@given(specimens.frequency_grids(), specimens.operator_names, specimens.operator_names, numbers)
def test_operators_add_subtract_and_multiply(k, one, other, number):
    A, B = specimens.OPERATORS[one], specimens.OPERATORS[other]
    a, b = A(k), B(k)
    for operator, expected in [
        (A + B, a + b),
        (A - B, a - b),
        (A * B, a * b),
        (A + number, a + number),
        (number + A, number + a),
        (A - number, a - number),
        (number - A, number - a),
        (A * number, a * number),
        (number * A, number * a),
        (-A, -a),
        ((A + B) * (A - number), (a + b) * (a - number)),
        (sum([A, B]), a + b),
    ]:
        assert isinstance(operator, AbstractFourierOperator)
        np.testing.assert_allclose(operator(k), expected, rtol=1e-14, atol=1e-14)


def test_combining_evaluates_nothing():
    def fail(_):
        raise AssertionError

    combined = 2 * (CustomFourierOperator(fail) + FourierGaussian()) - 1
    with pytest.raises(AssertionError):
        combined([0.0, 0.0])


@pytest.mark.parametrize("one", sorted(specimens.OPERATORS))
@pytest.mark.parametrize("other", sorted(specimens.OPERATORS))
def test_what_combines_radial_operators_is_radial(one, other):
    combined = specimens.OPERATORS[one] * specimens.OPERATORS[other] - 1.0
    is_radial = isinstance(combined, AbstractRadialFourierOperator)
    assert is_radial == (one in specimens.RADIAL_OPERATORS and other in specimens.RADIAL_OPERATORS)


def test_real_operators_add_subtract_and_multiply():
    r = make_coordinate_grid((3, 4, 5), 1.5)
    A, B = specimens.REAL_OPERATORS["custom"], specimens.REAL_OPERATORS["product"]
    a, b = A(r), B(r)
    np.testing.assert_allclose(a, specimens.tilt(r))
    np.testing.assert_allclose(b, specimens.tilt(r) * specimens.phase(r))
    for operator, expected in [(A + B, a + b), (2 - A * B, 2 - a * b), (-A, -a)]:
        assert isinstance(operator, AbstractRealOperator)
        np.testing.assert_allclose(operator(r), expected, rtol=1e-14)
    assert (2 - A)(r.astype("f4")).dtype == np.float32


@pytest.mark.parametrize(
    "other",
    [
        specimens.REAL_OPERATORS["custom"],
        "2",
        None,
        1j,
        [1.0],
        np.ones(3),
        np.ones((3, 2)),
        print,
        np.float64,
    ],
    # An address in a name would differ from process to process.
    ids=lambda other: type(other).__name__,
)
def test_operators_combine_with_nothing_else(operator, other):
    for combine in (
        lambda: operator + other,
        lambda: other + operator,
        lambda: operator - other,
        lambda: other - operator,
        lambda: operator * other,
        lambda: other * operator,
    ):
        with pytest.raises(TypeError):
            combine()


@pytest.mark.parametrize("number", [np.float32(0.1), np.array(0.1), np.int8(3), True])
def test_numbers_of_numpy_are_numbers(number):
    scaled = number * FourierGaussian()
    assert scaled == float(number) * FourierGaussian()
    assert scaled(np.zeros((1, 2), "f4")).dtype == np.float32


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_an_error(operator, number):
    with pytest.raises(ValueError, match=r"\*: expected a finite number, got"):
        number * operator


def test_a_users_subclass_combines():
    @dataclasses.dataclass(frozen=True, eq=False)
    class Power(AbstractRadialFourierOperator):
        exponent: float

        def compute_radially(self, squared_frequency):
            return squared_frequency**self.exponent

    operator = FourierGaussian() * Power(1.0) + 1
    np.testing.assert_allclose(operator([[1.0, 2.0]]), [5 * math.exp(-5 / 4) + 1])
    assert Power(1.0) == Power(1)
    assert Power(1.0) != Power(2.0)


# Values.


def test_operators_are_values(operator):
    for same in (
        copy.copy(operator),
        copy.deepcopy(operator),
        pickle.loads(pickle.dumps(operator)),
        dataclasses.replace(operator),
    ):
        assert same == operator
        assert hash(same) == hash(operator)
        np.testing.assert_array_equal(same([0.1, 0.2]), operator([0.1, 0.2]))


def test_operators_differ():
    operators = [
        *specimens.OPERATORS.values(),
        *specimens.REAL_OPERATORS.values(),
        FourierConstant(2.0),
        FourierGaussian(2.0),
    ]
    operators += [-operator for operator in operators]
    for i, one in enumerate(operators):
        for j, other in enumerate(operators):
            assert (one == other) == (i == j)
    assert FourierConstant(1) != 1
    assert FourierConstant(1) != np.ones(3)
    assert PengScatteringFactor([1], [2]) != PengScatteringFactor([1], [2], 0.0)
    assert PengScatteringFactor([1], [2]) == PengScatteringFactor([1.0], [2.0])


def test_operators_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FourierConstant(1.0).value = 2.0
    a = np.ones(2)
    operator = PengScatteringFactor(a, [1, 2])
    a[0] = 5
    np.testing.assert_array_equal(operator.a, [1, 1])
    for same in (operator, pickle.loads(pickle.dumps(operator))):
        with pytest.raises(ValueError, match="read-only"):
            same.a[0] = 1
    for abstract in (AbstractFourierOperator, AbstractRadialFourierOperator, AbstractRealOperator):
        with pytest.raises(TypeError, match="abstract"):
            abstract()
