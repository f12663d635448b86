"""Transforms to real arrays of half transforms that no real array has."""

from __future__ import annotations

import types

import numpy as np
import pytest
import scipy.fft

from numbavol.kernels.cuda.fft import Transforms
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


def test_what_is_transformed_is_what_was_made_self_conjugate():
    """Also where a transform of the first axes leaves gaps in memory, as CuPy's may."""
    device, taken = find_device("cuda"), []

    def ifftn(half, **_):
        # The axes are in another order in memory.
        moved = device.xp.array(device.fetch(half)[..., ::-1].copy())
        return moved[..., ::-1]

    def irfftn(halves, *arguments, **options):
        taken.append(device.fetch(halves))
        return device.fft._functions.irfftn(halves, *arguments, **options)

    transforms = Transforms(types.SimpleNamespace(ifftn=ifftn, irfftn=irfftn))
    half = np.full((2, 3, 2, 4, 3), 1.0 + 1.0j)
    transforms.irfftn(device.send(half), (2, 3, 2, 4, 4))
    (halves,) = taken
    np.testing.assert_array_equal(halves[:, 0, 0, [0, 2]], 1.0)
    np.testing.assert_array_equal(halves[..., 1], 1.0 + 1.0j)
