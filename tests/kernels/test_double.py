"""Logarithm and exponential in double precision, against those of the standard library."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from numbavol.kernels import double
from numbavol.kernels.jit import FLAGS

compiled = numba.njit(**FLAGS)


@compiled
def compute_logs(x, y, out):
    for i in range(x.size):
        out[0, i], out[1, i] = double.natural_logs(x[i], y[i])


@compiled
def compute_exponentials(x, out):
    for i in range(x.size):
        out[i] = double.exponential(x[i])


@pytest.fixture
def n(is_compiled):
    return 1_000_001 if is_compiled else 2_001


def test_logarithms_are_as_precise_as_stated(n):
    near_1 = 1.0 + np.linspace(-0.4, 0.6, n)
    others = np.random.default_rng(0).permutation(np.geomspace(1e-300, 1e300, n))
    for values in (np.geomspace(2.3e-308, 1.7e308, n), near_1, 1.0 + 1e-12 * near_1):
        logs = np.empty((2, n))
        compute_logs(values, others, logs)
        expected = np.log([values, others])
        assert np.max(np.abs(logs - expected) / np.maximum(np.abs(expected), 1)) <= 5e-16
    logs = np.ones((2, 1))
    compute_logs(np.ones(1), np.ones(1), logs)
    assert not np.any(logs)


def test_exponentials_are_as_precise_as_stated(n):
    values = np.linspace(-700.0, 0.0, n)
    powers = np.empty_like(values)
    compute_exponentials(values, powers)
    np.testing.assert_allclose(powers, np.exp(values), rtol=4e-16)
