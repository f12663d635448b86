from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from numbavol.atoms import b_factor_to_variance, variance_to_b_factor


@given(st.floats(-1e6, 1e6))
def test_they_are_inverses(b_factor):
    assert_allclose(
        variance_to_b_factor(b_factor_to_variance(b_factor)), b_factor, rtol=1e-14, atol=1e-300
    )


def test_a_gaussian_of_that_variance_has_that_transform():
    # The transform of a Gaussian of variance v is exp(-2 pi^2 v k^2).
    k, b_factor = 0.2, 80.0
    blur = np.exp(-2 * np.pi**2 * b_factor_to_variance(b_factor) * k**2)
    assert_allclose(blur, np.exp(-b_factor * k**2 / 4))


@pytest.mark.parametrize("function", [b_factor_to_variance, variance_to_b_factor])
def test_shapes_and_dtypes(function):
    assert isinstance(function(10), float)
    assert isinstance(function(np.float32(10)), float)
    assert function([1, 2]).dtype == np.float64
    for dtype in (np.float32, np.float64):
        result = function(np.ones((2, 3), dtype))
        assert (result.shape, result.dtype) == ((2, 3), dtype)
    assert_allclose(function(np.array([1.0, 10.0])), [function(1.0), function(10.0)])
