"""Half transforms of which is kept what belongs to real arrays."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft

from numbavol.kernels.cuda.transforms import make_self_conjugate
from numbavol.kernels.dispatch import find_device

pytestmark = pytest.mark.cuda

LENGTHS_Y = (1, 2, 3, 4)
COMPLEX = pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
DEPTHS = pytest.mark.parametrize("n_z", [1, 2, 3])
LENGTHS = pytest.mark.parametrize("n_x", [1, 2, 3, 4, 5, 6])


def draw(n_z, n_y, n_x, dtype):
    rng = np.random.default_rng(25)
    values = rng.standard_normal((2, n_z, n_y, n_x // 2 + 1, 2)).astype(dtype().real.dtype)
    return values.view(dtype)[..., 0]


def keep_of(halves, n_x):
    device = find_device("cuda")
    there = device.send(halves)
    make_self_conjugate(there, n_x)
    return device.fetch(there)


def own_columns(n_x):
    return [0] if n_x % 2 else [0, n_x // 2]


def bits(values):
    return np.ascontiguousarray(values).view(np.uint8)


@COMPLEX
@LENGTHS
@DEPTHS
def test_columns_are_conjugates_of_themselves_to_the_bit(n_z, n_x, dtype):
    for n_y in LENGTHS_Y:
        columns = keep_of(draw(n_z, n_y, n_x, dtype), n_x)[..., own_columns(n_x)]
        opposite = columns[:, -np.arange(n_z)][:, :, -np.arange(n_y)]
        np.testing.assert_array_equal(columns, opposite.conj())


@COMPLEX
@LENGTHS
@DEPTHS
def test_other_columns_are_left_as_they_are_to_the_bit(n_z, n_x, dtype):
    for n_y in LENGTHS_Y:
        halves = draw(n_z, n_y, n_x, dtype)
        halves[:, :, ::2, 1:].imag = -0.0
        others = np.delete(np.arange(n_x // 2 + 1), own_columns(n_x))
        np.testing.assert_array_equal(
            bits(keep_of(halves, n_x)[..., others]), bits(halves[..., others])
        )


@COMPLEX
@LENGTHS
@DEPTHS
def test_what_is_kept_is_kept_again_to_the_bit(n_z, n_x, dtype):
    for n_y in LENGTHS_Y:
        once = keep_of(draw(n_z, n_y, n_x, dtype), n_x)
        np.testing.assert_array_equal(bits(keep_of(once, n_x)), bits(once))


@COMPLEX
@LENGTHS
@DEPTHS
def test_the_real_array_of_what_is_kept_is_that_of_all(n_z, n_x, dtype):
    for n_y in LENGTHS_Y:
        halves = draw(n_z, n_y, n_x, dtype)
        kept = keep_of(halves, n_x)
        shape, tolerance = (n_z, n_y, n_x), 8 * np.finfo(dtype).eps
        for found, expected in zip(kept, halves, strict=True):
            np.testing.assert_allclose(
                scipy.fft.irfftn(found, shape), scipy.fft.irfftn(expected, shape),
                rtol=0, atol=tolerance,
            )  # fmt: skip
        if n_z == 1:
            np.testing.assert_allclose(
                scipy.fft.irfft2(kept, shape[1:]), scipy.fft.irfft2(halves, shape[1:]),
                rtol=0, atol=tolerance,
            )  # fmt: skip


@COMPLEX
@LENGTHS
@DEPTHS
def test_the_transform_of_a_real_array_is_kept(n_z, n_x, dtype):
    for n_y in LENGTHS_Y:
        values = np.random.default_rng(26).standard_normal((2, n_z, n_y, n_x))
        halves = scipy.fft.rfftn(values, axes=(1, 2, 3)).astype(dtype)
        tolerance = 4 * np.finfo(dtype).eps * np.abs(halves).max()
        np.testing.assert_allclose(keep_of(halves, n_x), halves, rtol=0, atol=tolerance)
