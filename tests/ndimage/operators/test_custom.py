"""Operators of a user's function."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from numbavol.ndimage.operators import CustomFourierOperator, CustomRealOperator


@pytest.mark.parametrize("cls", [CustomFourierOperator, CustomRealOperator])
def test_what_a_function_returns_is_checked(cls):
    k = np.zeros((4, 5, 2))
    np.testing.assert_array_equal(cls(lambda k: (k[..., 0] == 0).tolist())(k), np.ones((4, 5)))
    for fn in (lambda _: 1.0, lambda k: k, lambda k: k[..., 0].astype(str)):
        with pytest.raises(ValueError, match=r"fn: expected numbers of shape \(4, 5\) for a grid"):
            cls(fn)(k)
    with pytest.raises(TypeError, match="fn: expected a function, got 3"):
        cls(3)


def test_parameters_are_bound_by_partial():
    def power(k, exponent):
        return (k**exponent).sum(-1)

    operator = CustomFourierOperator(functools.partial(power, exponent=3))
    np.testing.assert_allclose(operator([[1.0, 2.0]]), [9.0])
