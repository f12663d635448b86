"""Logarithm and exponential in double precision, against those of the standard library."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from numbavol.kernels import double
from numbavol.kernels.jit import FLAGS

compiled = numba.njit(**FLAGS)


@compiled
def compute_logs(x, out):
    for i in range(x.size):
        out[i] = double.natural_log(x[i])


@compiled
def compute_exponentials(x, out):
    for i in range(x.size):
        out[i] = double.exponential(x[i])


@pytest.fixture
def n(is_compiled):
    return 1_000_001 if is_compiled else 2_001


def test_logarithms_are_as_precise_as_stated(n):
    near_1 = 1.0 + np.linspace(-0.4, 0.6, n)
    for values in (np.geomspace(2.3e-308, 1.7e308, n), near_1, 1.0 + 1e-12 * near_1):
        logs = np.empty(n)
        compute_logs(values, logs)
        expected = np.log(values)
        assert np.max(np.abs(logs - expected) / np.maximum(np.abs(expected), 1)) <= 5e-16
    logs = np.ones(1)
    compute_logs(np.ones(1), logs)
    assert logs[0] == 0


def test_exponentials_are_as_precise_as_stated(n):
    values = np.linspace(-700.0, 0.0, n)
    powers = np.empty_like(values)
    compute_exponentials(values, powers)
    np.testing.assert_allclose(powers, np.exp(values), rtol=4e-16)
