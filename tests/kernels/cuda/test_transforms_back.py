"""Transforms to real arrays of half transforms that no real array has."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft

from numbavol.kernels.dispatch import find_device

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("shape", [(4, 4), (5, 4), (4, 5), (1, 2), (3, 1)])
@pytest.mark.parametrize("overwrites", [False, True])
def test_what_no_real_array_has_is_left_out_as_scipy_does(shape, overwrites):
    rng = np.random.default_rng(0)
    half = rng.standard_normal((2, shape[0], shape[1] // 2 + 1, 2)).view(complex)[..., 0]
    device = find_device("cuda")
    for name, array, lengths in (("irfft2", half, shape), ("irfftn", half, (2, *shape))):
        there = device.send(array)
        made = getattr(device.fft, name)(there, lengths, overwrite_x=overwrites)
        expected = getattr(scipy.fft, name)(array, lengths)
        np.testing.assert_allclose(device.fetch(made), expected, rtol=0, atol=1e-14)
        if not overwrites:
            np.testing.assert_array_equal(device.fetch(there), array)
