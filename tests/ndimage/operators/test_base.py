"""What all operators do with a grid."""

from __future__ import annotations

import numpy as np
import pytest
import specimens
from hypothesis import given
from hypothesis import strategies as st

from numbavol.ndimage.operators import AbstractRadialFourierOperator, FourierGaussian


@given(specimens.frequency_grids(), specimens.operator_names)
def test_any_part_of_a_grid_can_be_evaluated(k, name):
    operator = specimens.OPERATORS[name]
    whole = operator(k)
    assert whole.shape == k.shape[:-1]
    np.testing.assert_array_equal(operator(k[::2]), whole[::2])
    np.testing.assert_allclose(operator(k.reshape(-1, k.shape[-1])), whole.ravel(), rtol=1e-15)
    np.testing.assert_allclose(operator(k[(0,) * whole.ndim]), whole.flat[0], rtol=1e-15)
    np.testing.assert_array_equal(operator(k.tolist()), whole)
    assert operator(k[:0]).shape == (0, *k.shape[1:-1])


@given(specimens.frequency_grids(), specimens.operator_names)
def test_precision_is_that_of_the_grid(k, name):
    operator = specimens.OPERATORS[name]
    single = operator(k.astype("f4"))
    double = operator(k.astype("f4").astype("f8"))
    is_complex = double.dtype.kind == "c"
    assert double.dtype == np.dtype("c16" if is_complex else "f8")
    assert single.dtype == np.dtype("c8" if is_complex else "f4")
    assert operator(k.astype(">f4")).dtype == single.dtype
    # Exponents of at most 30, with single precision's rounding of 6e-8 each.
    np.testing.assert_allclose(single, double, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(operator(k.astype("f4").astype(">f4")), single)


def test_integers_are_read_as_double():
    assert FourierGaussian()(np.ones((2, 3), int)).dtype == np.float64


@given(specimens.frequency_grids(), specimens.operator_names)
def test_the_grid_is_not_changed(k, name):
    before = k.copy()
    k.setflags(write=False)
    specimens.OPERATORS[name](k)
    np.testing.assert_array_equal(k, before)


@given(specimens.frequency_grids(), st.sampled_from(specimens.RADIAL_OPERATORS))
def test_radial_operators_can_be_given_squared_lengths(k, name):
    operator = specimens.OPERATORS[name]
    assert isinstance(operator, AbstractRadialFourierOperator)
    squared = (k**2).sum(-1)
    before = squared.copy()
    np.testing.assert_allclose(operator.compute_radially(squared), operator(k), rtol=1e-12)
    np.testing.assert_array_equal(squared, before)


@pytest.mark.parametrize("grid", [0.5, [], [0.1], np.zeros((4, 4)), np.zeros((3, 0))])
def test_a_grid_of_no_vectors_is_an_error(operator, grid):
    with pytest.raises(ValueError, match=r"frequency_grid: expected vectors, of shape"):
        operator(grid)
    with pytest.raises(ValueError, match=r"coordinate_grid: expected vectors, of shape"):
        specimens.REAL_OPERATORS["product"](grid)


def test_a_grid_that_is_not_real_is_an_error(operator):
    with pytest.raises(ValueError, match="frequency_grid: expected real numbers, got dtype c"):
        operator(np.zeros((3, 2), complex))
