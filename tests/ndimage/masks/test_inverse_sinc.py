"""The correction of what interpolation in Fourier space does to a map."""

from __future__ import annotations

import math

import numpy as np
import pytest
import specimens
from hypothesis import given
from hypothesis import strategies as st

from numbavol.ndimage.grids import make_coordinate_grid
from numbavol.ndimage.masks import InverseSincMask


@given(st.one_of(specimens.mask_shapes(2), specimens.mask_shapes(3)))
def test_the_inverse_sinc_is_the_product_of_its_axes(shape):
    mask = InverseSincMask(make_coordinate_grid(shape))
    for index in np.ndindex(shape):
        product = 1.0
        for i, n in zip(index, shape, strict=True):
            x = math.pi * (i - n // 2) / n
            product *= 1.0 if x == 0 else math.sin(x) / x
        assert mask.get()[index] == pytest.approx(1 / product, rel=1e-13)
    single = InverseSincMask.from_shape(shape)
    assert single.get().dtype == np.float32
    np.testing.assert_allclose(single.get(), mask.get(), rtol=1e-7)


@pytest.mark.parametrize(("n_samples", "power"), [(1, 1), (2, 2)])
def test_the_inverse_sinc_corrects_interpolation(n_samples, power):
    # A transform that is sampled finely from samples at whole frequencies, by the nearest or by
    # linear interpolation, is that of copies of the map times sinc or sinc^2.
    n, fine = 16, 64
    real_map = np.random.default_rng(0).normal(size=(1, n))
    transform = np.fft.fft(np.fft.ifftshift(real_map, axes=1), axis=1)[0]
    q = np.arange(n * fine) / fine
    if n_samples == 1:
        sampled = transform[np.rint(q - 1e-9).astype(int) % n]
        sampled[fine // 2 :: fine] = (transform + np.roll(transform, -1)) / 2
    else:
        left = q.astype(int)
        sampled = transform[left] * (left + 1 - q) + transform[(left + 1) % n] * (q - left)
    inverse = np.fft.fftshift(np.fft.ifft(sampled))
    middle = n * fine // 2
    seen = inverse[middle - n // 2 : middle + n // 2].real
    mask = InverseSincMask(make_coordinate_grid((1, n)))
    correction = mask if power == 1 else mask * mask
    # What is left is the interpolation's own sum over 64 steps.
    np.testing.assert_allclose(correction(seen[None]), real_map, rtol=0, atol=2e-3)


def test_coordinates_that_are_not_in_pixels_are_an_error():
    with pytest.raises(ValueError, match=r"coordinate_grid_in_pixels: expected coordinates within"):
        InverseSincMask(make_coordinate_grid((8, 8), 1.2))
