"""Wide vectors: asked for in what LLVM is given, and nothing else changes."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from numbavol.kernels.cpu.wide_vectors import WIDEST_BITS, prefer_wide_vectors
from numbavol.kernels.jit import FLAGS


@pytest.mark.compiled
def test_loops_are_made_of_wide_vectors_where_that_is_asked_for():
    @numba.njit(**FLAGS)
    def halve(values):
        prefer_wide_vectors()
        for i in range(values.size):
            values[i] *= 0.5

    values = np.arange(64.0)
    halve(values)
    np.testing.assert_array_equal(values, np.arange(64.0) / 2)
    (code,) = halve.inspect_llvm().values()
    assert f'"prefer-vector-width"="{WIDEST_BITS}"' in code
